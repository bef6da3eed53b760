//! A module imports lower layers only; only `sync` names atomics and locks, only `wal::storage` names files, and
//! the library names no clock, randomness or environment. Read from the sources, so that it cannot be forgotten.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test"
)]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// The layer of each module of the library.
const LAYERS: [(&str, u8); 20] = [
    ("sync", 0),
    ("limits", 0),
    ("num", 1),
    ("id", 1),
    ("window", 1),
    ("throttle", 1),
    ("caps", 1),
    ("overrun", 1),
    ("retry", 1),
    ("certainty", 1),
    ("codec", 2),
    ("crypto", 2),
    ("policy", 3),
    ("budget", 3),
    ("wal", 3),
    ("kernel", 4),
    ("record", 5),
    ("ledger", 5),
    ("controller", 6),
    ("audit", 6),
];

/// What a module may import of its own layer.
const BESIDE: [(&str, &str); 11] = [
    ("sync", "limits"),
    ("num", "id"),
    ("id", "num"),
    ("window", "num"),
    ("throttle", "num"),
    ("caps", "num"),
    ("caps", "id"),
    ("caps", "window"),
    ("caps", "throttle"),
    ("crypto", "codec"),
    ("ledger", "record"),
];

/// What a module may never import, although the layer is lower.
const NEVER: [(&str, &str); 5] =
    [("wal", "policy"), ("kernel", "budget"), ("kernel", "wal"), ("audit", "budget"), ("ledger", "budget")];

fn sources() -> Vec<(PathBuf, String, String)> {
    fn walk(dir: &Path, out: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, out);
            } else if path.extension().is_some_and(|e| e == "rs") {
                out.push(path);
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    walk(&root, &mut files);
    files
        .into_iter()
        .filter_map(|path| {
            let within = path.strip_prefix(&root).unwrap().to_str().unwrap().replace('\\', "/");
            let module = within.split(['/', '.']).next().unwrap().to_owned();
            let text = fs::read_to_string(&path).unwrap();
            // Tests stand last in a file and may look wherever they like.
            let code = text.split("#[cfg(test)]").next().unwrap().to_owned();
            // Models are tests in files of their own, compiled under loom alone.
            let looked_at = module != "lib" && module != "bin" && !within.ends_with("models.rs");
            looked_at.then_some((PathBuf::from(within), module, code))
        })
        .collect()
}

/// The modules that a line of code names by `crate::`, also in a grouped import.
fn imports(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    for part in code.split("crate::").skip(1) {
        if let Some(group) = part.strip_prefix('{') {
            let mut depth = 0_usize;
            let mut word = String::new();
            for c in group.chars() {
                match c {
                    '{' => depth += 1,
                    '}' if depth == 0 => break,
                    '}' => depth -= 1,
                    ',' if depth == 0 => found.push(std::mem::take(&mut word)),
                    _ if depth == 0 => word.push(c),
                    _ => {}
                }
            }
            found.push(word);
        } else {
            found.push(part.to_owned());
        }
    }
    found
        .into_iter()
        .map(|word| word.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>())
        .filter(|word| !word.is_empty())
        .collect()
}

fn without_comments(code: &str) -> String {
    code.lines().map(|line| line.split("//").next().unwrap()).collect::<Vec<_>>().join("\n")
}

#[test]
fn modules_import_lower_layers_only() {
    let layers: BTreeMap<_, _> = LAYERS.into();
    let mut seen = 0;
    let mut faults = Vec::new();
    for (file, module, code) in sources() {
        let own = layers.get(module.as_str()).unwrap_or_else(|| panic!("{module} has no layer"));
        for import in imports(&without_comments(&code)) {
            seen += 1;
            let Some(layer) = layers.get(import.as_str()) else {
                faults.push(format!("{}: {import} is no module", file.display()));
                continue;
            };
            let allowed =
                import == module || layer < own || BESIDE.contains(&(module.as_str(), import.as_str()));
            let never = NEVER.contains(&(module.as_str(), import.as_str()));
            if !allowed || never {
                faults.push(format!(
                    "{}: {module} (layer {own}) imports {import} (layer {layer})",
                    file.display()
                ));
            }
        }
    }
    assert!(seen > 50, "the test reads imports: {seen}");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn effects_are_named_in_one_place() {
    let rules: [(&[&str], &[&str]); 5] = [
        (&["std::sync", "core::sync", "loom::", "shuttle::"], &["sync.rs"]),
        (&["std::fs", "std::path", "std::os"], &["wal/storage.rs", "wal/storage/"]),
        (&["std::time", "std::env", "std::process", "std::net", "SystemTime", "Instant::now"], &[]),
        // Threads are started to read the segments of a log, and for nothing else.
        (&["std::thread"], &["wal/parallel.rs"]),
        (&["rand::", "getrandom", "thread_local!", "static mut", "lazy_static"], &["sync.rs"]),
    ];
    let mut faults = Vec::new();
    for (file, _, code) in sources() {
        let name = file.to_str().unwrap();
        for (words, places) in &rules {
            if places.iter().any(|place| name.starts_with(place)) {
                continue;
            }
            for (number, line) in without_comments(&code).lines().enumerate() {
                for word in words.iter().filter(|word| line.contains(**word)) {
                    faults.push(format!("{name}:{}: names {word}", number + 1));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn the_reader_of_imports_sees_groups_and_nesting() {
    let code = "use crate::{id::{A, B}, num::C};\nlet x = crate::codec::Writer::new();";
    assert_eq!(imports(code), ["id", "num", "codec"]);
}
