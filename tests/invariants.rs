//! Every test that a document names exists: `docs/INVARIANTS.md` names tests as `file::function`, other documents
//! name files.
#![allow(clippy::unwrap_used, clippy::panic, clippy::arithmetic_side_effects, reason = "a test")]

use std::{fs, path::Path};

const DOCUMENTS: [&str; 8] = [
    "README.md",
    "SECURITY.md",
    "docs/INVARIANTS.md",
    "docs/ARCHITECTURE.md",
    "docs/AUDIT_GUIDE.md",
    "docs/CONCURRENCY.md",
    "docs/FORMAT.md",
    "docs/THREAT_MODEL.md",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// What stands between backticks and looks like a path below `tests`, `src`, `examples`, `benches` or `docs`.
fn named(document: &str) -> Vec<String> {
    let text =
        fs::read_to_string(root().join(document)).unwrap_or_else(|error| panic!("{document}: {error}"));
    let quoted = text.split('`').skip(1).step_by(2);
    let places = ["tests/", "src/", "examples/", "benches/", "docs/"];
    quoted
        .filter(|word| places.iter().any(|place| word.starts_with(place)) && !word.contains([' ', '*']))
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

#[test]
fn every_invariant_has_a_row_with_tests() {
    let text = fs::read_to_string(root().join("docs/INVARIANTS.md")).unwrap();
    for invariant in 1..=10 {
        let heading = format!("## I{invariant} ");
        let section = text.split("\n## ").find(|section| format!("## {section}").starts_with(&heading));
        let section = section.unwrap_or_else(|| panic!("I{invariant} has no section"));
        assert!(section.matches("::").count() >= 2, "I{invariant} names at least two tests");
    }
}
