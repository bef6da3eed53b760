//! Every test that a document names exists: `docs/INVARIANTS.md` names tests as `file::function`, other documents
//! name files. Every invariant has evidence of each kind, and a planted defect that fits the sources.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "a test"
)]

use std::{fs, path::Path};

const DOCUMENTS: [&str; 14] = [
    "README.md",
    "SECURITY.md",
    "CHANGELOG.md",
    "fuzz/README.md",
    "tests/versions/README.md",
    "docs/DEPENDENCIES.md",
    "docs/SEMANTICS.md",
    "docs/INVARIANTS.md",
    "docs/ARCHITECTURE.md",
    "docs/AUDIT_GUIDE.md",
    "docs/CONCURRENCY.md",
    "docs/EVIDENCE.md",
    "docs/FORMAT.md",
    "docs/THREAT_MODEL.md",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// What stands between backticks and looks like a path below `tests`, `src`, `examples`, `benches`, `docs`, `fuzz` or `.ci`;
/// of a command, its first word.
fn named(document: &str) -> Vec<String> {
    let text =
        fs::read_to_string(root().join(document)).unwrap_or_else(|error| panic!("{document}: {error}"));
    let quoted = text.split('`').skip(1).step_by(2);
    let places = ["tests/", "src/", "examples/", "benches/", "docs/", "fuzz/", ".ci/"];
    quoted
        .map(|word| if word.starts_with(".ci/") { word.split(' ').next().unwrap() } else { word })
        .filter(|word| places.iter().any(|place| word.starts_with(place)) && !word.contains([' ', '*', '<']))
        .map(str::to_owned)
        .collect()
}

fn is_test(source: &str, name: &str) -> bool {
    let function = format!("fn {name}(");
    let mut marked = false;
    for line in source.lines().map(str::trim_start) {
        if line.starts_with("#[test]") || line.starts_with("def test_") {
            marked = true;
        }
        if line.contains(&function) {
            // Models run under loom's own attribute-free closure, inside a #[test].
            return marked;
        }
        if !line.starts_with('#') && !line.starts_with("//") && !line.is_empty() {
            marked = false;
        }
    }
    source.contains(&format!("def {name}("))
}

#[test]
fn every_file_and_test_that_a_document_names_exists() {
    let mut tests = 0;
    let mut faults = Vec::new();
    for document in DOCUMENTS {
        for word in named(document) {
            let (file, test) = match word.split_once("::") {
                Some((file, test)) => (file, Some(test)),
                None => (word.as_str(), None),
            };
            let path = root().join(file);
            if !path.exists() {
                faults.push(format!("{document}: there is no {file}"));
            } else if let Some(test) = test {
                tests += 1;
                if !is_test(&fs::read_to_string(&path).unwrap(), test) {
                    faults.push(format!("{document}: {file} has no test {test}"));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(tests >= 40, "the documents name tests: {tests}");
}

/// The cells of an invariant's rows, by what they begin with.
fn rows(invariant: usize) -> Vec<(String, String)> {
    let text = fs::read_to_string(root().join("docs/INVARIANTS.md")).unwrap();
    let heading = format!("I{invariant} ");
    let section = text.split("\n## ").find(|section| section.starts_with(&heading));
    let section = section.unwrap_or_else(|| panic!("I{invariant} has no section"));
    let row = |line: &str| {
        let (kind, what) = line.strip_prefix("| ")?.strip_suffix(" |")?.split_once(" | ")?;
        Some((kind.to_owned(), what.to_owned()))
    };
    section.lines().filter_map(row).collect()
}

#[test]
fn every_invariant_has_evidence_of_each_kind_or_says_why_not() {
    let mutants = fs::read_to_string(root().join(".ci/mutants.py")).unwrap();
    for invariant in 1..=10 {
        let rows = rows(invariant);
        let kinds: Vec<_> = rows.iter().map(|(kind, _)| kind.as_str()).collect();
        assert_eq!(
            kinds,
            ["guards", "example", "property", "model", "fault", "mutation", "not covered"],
            "I{invariant}"
        );
        for (kind, what) in &rows {
            let at = format!("I{invariant}, {kind}");
            match kind.as_str() {
                "guards" => assert!(what.contains("`src/"), "{at}: names no source"),
                "example" | "property" => assert!(what.contains("::"), "{at}: names no test"),
                "model" | "fault" => {
                    let is_reasoned = what.starts_with("none: ") && what.len() > 20;
                    assert!(is_reasoned || what.contains("::"), "{at}: neither a test nor a reason");
                    let of_models = |name: &str| name.starts_with("loom_") || name.starts_with("shuttle_");
                    let tests = what.split('`').filter_map(|word| Some(word.split_once("::")?.1));
                    assert!(kind == "fault" || tests.into_iter().all(of_models), "{at}: {what}");
                }
                "mutation" => {
                    let (groups, defect) = what.split_once("; ").unwrap();
                    for group in groups.split(", ") {
                        assert!(mutants.contains(&format!("(\"{group}\", ")), "{at}: no group {group}");
                    }
                    // Each guard of the library is in a folder, or a file, that a group is of.
                    for guard in rows[0].1.split('`').filter(|word| word.starts_with("src/")) {
                        let of = guard.trim_start_matches("src/").split(['/', '.']).next().unwrap();
                        let is_mutated = |group: &str| {
                            let line = mutants.lines().find(|line| line.contains(&format!("(\"{group}\", ")));
                            line.is_some_and(|line| line.split(", [").next().unwrap().contains(of))
                        };
                        // The crate's root has nothing but its modules and its lints.
                        let is_root = of == "lib";
                        assert!(is_root || groups.split(", ").any(is_mutated), "{at}: {guard} is in none");
                    }
                    let begins = format!("`tests/planted/I{invariant:02}-");
                    assert!(defect.starts_with(&begins), "{at}: {defect}");
                }
                _ => assert!(what.len() > 20, "{at}"),
            }
        }
    }
}

/// That each is caught is `.ci/planted.py`'s to show; that it can be planted is shown here, at every change.
#[test]
fn every_planted_defect_fits_the_sources_and_names_its_evidence() {
    let mut patches = 0;
    for entry in fs::read_dir(root().join("tests/planted")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let text = fs::read_to_string(&path).unwrap();
        let (head, diff) = text.split_once("diff --git ").unwrap();
        let evidence: Vec<_> = head.lines().filter_map(|line| line.split_once(" | ")).collect();
        let kinds: std::collections::BTreeSet<_> = evidence.iter().map(|(kind, _)| kind).collect();
        assert!(kinds.len() >= 2, "{name}: {kinds:?}");
        for kind in kinds {
            let known = ["example", "property", "model", "fault", "guard", "second implementation"];
            assert!(known.contains(kind), "{name}: {kind} is no kind");
        }
        for (_, command) in &evidence {
            let words: Vec<_> = command.split(' ').collect();
            for pair in words.windows(2).filter(|pair| pair[0] == "--test") {
                let (file, folder) = (format!("tests/{}.rs", pair[1]), format!("tests/{}/main.rs", pair[1]));
                assert!(root().join(&file).exists() || root().join(&folder).exists(), "{name}: no {file}");
            }
        }
        let file = diff.lines().find_map(|line| line.strip_prefix("--- a/")).unwrap();
        let source = fs::read_to_string(root().join(file)).unwrap();
        for hunk in diff.split("\n@@ ").skip(1) {
            let lines = hunk.lines().skip(1).filter(|line| !line.starts_with('+'));
            let before: String = lines.map(|line| format!("{}\n", line.get(1..).unwrap_or(""))).collect();
            assert!(source.contains(before.trim_end()), "{name} does not fit {file}:\n{before}");
        }
        patches += 1;
    }
    assert_eq!(patches, 10, "one for each invariant");
}

/// A mutant that lives is in the list under the name that cargo-mutants gives it, without its line. That it still lives,
/// and that no other does, is `.ci/mutants.py`'s to show.
#[test]
fn every_justified_mutant_is_of_code_that_stands() {
    let list = fs::read_to_string(root().join("docs/mutants.txt")).unwrap();
    let lines: Vec<_> = list.lines().filter(|line| line.starts_with("src/")).collect();
    let faults: Vec<_> = lines.iter().filter_map(|line| stale(line)).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    let unique: std::collections::BTreeSet<_> = lines.iter().map(|line| line.split(" -- ").next()).collect();
    assert_eq!(unique.len(), lines.len(), "a mutant stands twice");
}

#[test]
fn a_justification_without_its_code_or_a_reason_is_found() {
    let reason = "because nothing that is stated here is ever called";
    for (line, sound) in [
        (format!("src/num.rs: replace Bps::as_u16 -> u16 with 0 -- {reason}"), true),
        (format!("src/budget/cell.rs: replace < with <= in Cell::end_attempt #2 -- {reason}"), true),
        (format!("src/nothing.rs: replace Bps::as_u16 -> u16 with 0 -- {reason}"), false),
        (format!("src/num.rs: replace Bps::as_nothing -> u16 with 0 -- {reason}"), false),
        (format!("src/num.rs: replace ^^= with &= in Bps::as_u16 -- {reason}"), false),
        ("src/num.rs: replace Bps::as_u16 -> u16 with 0".to_owned(), false),
        ("src/num.rs: replace Bps::as_u16 -> u16 with 0 -- equal".to_owned(), false),
    ] {
        assert_eq!(stale(&line).is_none(), sound, "{line}: {:?}", stale(&line));
    }
}

/// What is wrong with a line of the list.
fn stale(line: &str) -> Option<String> {
    let Some((mutant, _)) = line.rsplit_once(" -- ").filter(|(_, reason)| reason.len() > 20) else {
        return Some(format!("no reason: {line}"));
    };
    let (file, what) = mutant.split(" #").next()?.split_once(": ")?;
    let Ok(source) = fs::read_to_string(root().join(file)) else {
        return Some(format!("no such file: {line}"));
    };
    let place = what.rsplit_once(" in ").map_or(what, |(_, function)| function);
    let named = place.strip_prefix("replace ").unwrap_or(place).split([' ', '<']).next()?;
    let function = named.rsplit("::").next()?;
    if !source.contains(&format!("fn {function}")) {
        return Some(format!("{file} has no function {function}: {line}"));
    }
    let replaced = what.strip_prefix("replace ").filter(|_| what.contains(" in "));
    let operator = replaced.and_then(|what| what.split_once(" with ")).map(|(operator, _)| operator);
    let is_gone = operator.is_some_and(|operator| !operator.contains(' ') && !source.contains(operator));
    is_gone.then(|| format!("{file} has no {operator:?}: {line}"))
}
