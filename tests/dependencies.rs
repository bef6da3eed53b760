//! Every direct dependency has its reason in the manifest that names it, and docs/DEPENDENCIES.md lists the crates that
//! are really built: read from the manifests and from cargo, so that neither can be forgotten.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test"
)]

use std::{fs, path::Path};

/// The manifests of the project; a package from the registry has the first alone.
const MANIFESTS: [&str; 3] = ["Cargo.toml", "benches/peers/Cargo.toml", "fuzz/Cargo.toml"];

/// The dependencies that a manifest names, in its order, each with whether a comment stands directly above it.
fn dependencies(manifest: &str) -> Vec<(String, bool)> {
    let mut found = Vec::new();
    let mut within = false;
    let mut reasoned = false;
    for line in manifest.lines() {
        let line = line.trim();
        if let Some(header) = line.strip_prefix('[') {
            let header = header.trim_start_matches('[').split(']').next().unwrap();
            let (table, name) = header.rsplit_once("dependencies").unwrap_or((header, "not one"));
            within = name.is_empty() && (table.is_empty() || table.ends_with(['.', '-']));
            // One dependency as a table of its own.
            if let Some(name) = name.strip_prefix('.') {
                found.push((name.to_owned(), reasoned));
            }
        } else if within && !line.starts_with('#') && line.contains('=') && !line.starts_with(['"', ']', '}'])
        {
            found.push((line.split(['=', '.', ' ']).next().unwrap().to_owned(), reasoned));
        }
        reasoned = line.strip_prefix('#').is_some_and(|words| words.trim().contains(' '));
    }
    found
}

#[test]
fn each_direct_dependency_has_its_reason() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut faults = Vec::new();
    for name in MANIFESTS {
        let Ok(text) = fs::read_to_string(root.join(name)) else {
            assert!(name != MANIFESTS[0], "the library's own manifest is there");
            continue;
        };
        let found = dependencies(&text);
        assert!(
            found.iter().any(|(name, _)| name == "assize" || name == "sha2"),
            "{name}: the test reads it"
        );
        faults.extend(
            found
                .into_iter()
                .filter(|(_, reasoned)| !reasoned)
                .map(|(crate_, _)| format!("{name}: no comment directly above {crate_} says what it is for")),
        );
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn the_reader_of_manifests_sees_every_way_to_name_a_dependency() {
    let cases: [(&str, &[(&str, bool)]); 9] = [
        ("[dependencies]\n# For digests.\na = \"1\"\nb = \"1\"\n", &[("a", true), ("b", false)]),
        ("[dependencies]\n# For digests.\n\na = \"1\"\n", &[("a", false)]),
        ("[dependencies]\n#\na = \"1\"\n", &[("a", false)]),
        ("[dev-dependencies]\na.version = \"1\"\n", &[("a", false)]),
        ("[build-dependencies]\n# For the build.\na={ path = \"..\" }\n", &[("a", true)]),
        ("[target.'cfg(loom)'.dependencies]\na = \"1\"\n", &[("a", false)]),
        ("[target.x86_64-unknown-linux-gnu.dev-dependencies]\na = \"1\"\n", &[("a", false)]),
        (
            "# For digests.\n[dependencies.a]\nversion = \"1\"\n[dev-dependencies.b]\n",
            &[("a", true), ("b", false)],
        ),
        ("[package]\nname = \"a\"\n[features]\nb = []\n[lints.rust]\nc = \"warn\"\n", &[]),
    ];
    for (manifest, expected) in cases {
        let found = dependencies(manifest);
        let found: Vec<_> = found.iter().map(|(name, reasoned)| (name.as_str(), *reasoned)).collect();
        assert_eq!(found, expected, "{manifest}");
    }
}

/// What cargo builds. It needs the packages of every feature at hand, for the target of the tables, since it asks no
/// registry; they are when all features are tested there.
#[cfg(all(feature = "cli", target_os = "linux", target_arch = "x86_64"))]
mod built {
    use std::{
        collections::BTreeMap,
        fs,
        path::{Path, PathBuf},
        process::Command,
    };

    const TARGET: &str = "x86_64-unknown-linux-gnu";

    /// The graphs that the document counts, as it names them.
    const COUNTED: [(&str, &[&str]); 4] = [
        ("none (`--no-default-features`)", &["--no-default-features"]),
        ("`wal` alone", &["--no-default-features", "--features", "wal"]),
        ("default", &[]),
        ("`cli`", &["--features", "cli"]),
    ];

    /// Where a crate is first needed, as the document's tables say it.
    const GRAPHS: [(&str, &[&str]); 5] = [
        ("always", &["--no-default-features"]),
        ("`wal`", &["--no-default-features", "--features", "wal"]),
        ("`serde`", &["--no-default-features", "--features", "serde"]),
        ("`tokio`", &["--no-default-features", "--features", "tokio"]),
        ("`cli`", &["--all-features"]),
    ];

    /// Crates by name and version, each with its licence.
    type Crates = BTreeMap<(String, String), String>;

    fn cargo(arguments: &[&str]) -> String {
        let root = env!("CARGO_MANIFEST_DIR");
        let done = Command::new(env!("CARGO")).args(arguments).current_dir(root).output().unwrap();
        assert!(done.status.success(), "cargo {arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).unwrap()
    }

    fn tree(edges: &str, features: &[&str]) -> Crates {
        let arguments = ["tree", "--locked", "--offline", "--target", TARGET, "--prefix", "none"];
        let format = ["--format", "{p}|{l}", "--edges", edges];
        cargo(&[&arguments[..], &format, features].concat())
            .lines()
            .map(|line| {
                let (package, licence) = line.trim_end_matches(" (*)").split_once('|').unwrap();
                let mut words = package.split(' ');
                let name = words.next().unwrap().to_owned();
                ((name, words.next().unwrap().trim_start_matches('v').to_owned()), licence.to_owned())
            })
            .filter(|((name, _), _)| name != "assize")
            .collect()
    }

    /// Where the sources of each package lie.
    fn sources() -> BTreeMap<(String, String), PathBuf> {
        let arguments = ["metadata", "--locked", "--offline", "--all-features", "--format-version", "1"];
        let text = cargo(&[&arguments[..], &["--filter-platform", TARGET]].concat());
        let metadata: serde_json::Value = serde_json::from_str(&text).unwrap();
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        metadata["packages"]
            .as_array()
            .unwrap()
            .iter()
            .map(|package| {
                let folder = Path::new(package["manifest_path"].as_str().unwrap()).parent().unwrap();
                ((text(&package["name"]), text(&package["version"])), folder.to_owned())
            })
            .collect()
    }

    /// Whether a file of the library, for whatever platform, opens a block, function, implementation, trait or external
    /// block with `unsafe`.
    fn has_unsafe(folder: &Path) -> bool {
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).any(|path| {
            let name = path.file_name().unwrap().to_str().unwrap();
            if path.is_dir() {
                return !["tests", "benches", "examples", "fuzz"].contains(&name) && has_unsafe(&path);
            }
            name.ends_with(".rs") && is_unsafe(&fs::read_to_string(&path).unwrap())
        })
    }

    fn is_unsafe(code: &str) -> bool {
        let code: Vec<_> = code.lines().map(|line| line.split("//").next().unwrap()).collect();
        let code = code.join("\n");
        let parts: Vec<_> = code.split("unsafe").collect();
        parts.windows(2).any(|around| {
            let before = around[0].chars().next_back();
            let after = around[1].trim_start();
            !before.is_some_and(|c| c.is_alphanumeric() || c == '_')
                && ["{", "fn ", "impl", "trait ", "extern "].iter().any(|next| after.starts_with(next))
        })
    }

    /// The rows of the document's tables that have so many columns, cells trimmed.
    fn rows(columns: usize) -> Vec<Vec<String>> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/DEPENDENCIES.md");
        let rows = fs::read_to_string(path).unwrap();
        rows.lines()
            .filter_map(|line| line.strip_prefix('|')?.strip_suffix('|'))
            .map(|line| line.split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>())
            .filter(|row| {
                row.len() == columns && !row[0].starts_with("--") && row[1] != "version" && row[1] != "crates"
            })
            .collect()
    }

    #[test]
    fn the_document_counts_the_crates_of_each_choice_of_features() {
        let counted =
            COUNTED.map(|(name, features)| vec![name.to_owned(), tree("normal", features).len().to_string()]);
        assert_eq!(rows(2), counted, "docs/DEPENDENCIES.md, the table of counts");
    }

    #[test]
    fn the_document_lists_each_crate_as_it_is_built() {
        let graphs = GRAPHS.map(|(name, features)| (name, tree("normal", features)));
        let sources = sources();
        let mut expected = Vec::new();
        for (key, licence) in tree("normal,build", &["--all-features"]) {
            let first = graphs.iter().find(|(_, crates)| crates.contains_key(&key));
            let features = first.map_or("build", |(name, _)| name);
            let unsafe_ = if has_unsafe(&sources[&key]) { "yes" } else { "no" };
            expected.push([key.0, key.1, features.to_owned(), unsafe_.to_owned(), licence]);
        }
        assert!(expected.len() > 50, "the test reads cargo's tree: {}", expected.len());

        let mut faults = Vec::new();
        let rows = rows(6);
        for row in &rows {
            let [name, version, why, features, unsafe_, licence] = &row[..] else {
                panic!("six cells: {row:?}")
            };
            if !why.contains(' ') {
                faults.push(format!("{name} has no reason"));
            }
            let row = [name, version, features, unsafe_, licence].map(Clone::clone);
            if !expected.contains(&row) {
                faults.push(format!("not so: {row:?}"));
            }
        }
        for row in &expected {
            if rows.iter().filter(|said| said[..2] == row[..2]).count() != 1 {
                faults.push(format!("it needs one row: {row:?}"));
            }
        }
        assert!(faults.is_empty(), "docs/DEPENDENCIES.md\n{}", faults.join("\n"));
    }

    #[test]
    fn the_reader_of_sources_tells_code_from_words() {
        let cases = [
            ("fn a() { unsafe { b() } }", true),
            ("pub unsafe fn a() {}", true),
            ("unsafe impl Send for A {}", true),
            ("unsafe impl<T> Send for A<T> {}", true),
            ("unsafe extern \"C\" {}", true),
            ("// SAFETY: unsafe { is named in a comment }", false),
            ("#![forbid(unsafe_code)]", false),
            ("fn not_unsafe() {}", false),
        ];
        for (code, expected) in cases {
            assert_eq!(is_unsafe(code), expected, "{code}");
        }
    }
}
