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

const DOCUMENTS: [&str; 9] = [
    "README.md",
    "SECURITY.md",
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
                    for group in groups.split(", ").map(|group| group.split(' ').next().unwrap()) {
                        assert!(mutants.contains(&format!("(\"{group}\", ")), "{at}: no group {group}");
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
    for line in list.lines().filter(|line| line.starts_with("src/")) {
        let (mutant, reason) = line.rsplit_once(" -- ").unwrap_or_else(|| panic!("no reason: {line}"));
        assert!(reason.len() > 20, "a reason of one word: {line}");
        let mutant = mutant.split(" #").next().unwrap();
        let (file, what) = mutant.split_once(": ").unwrap_or_else(|| panic!("no file: {line}"));
        let source = fs::read_to_string(root().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        let place = what.rsplit_once(" in ").map_or(what, |(_, function)| function);
        let named = place.strip_prefix("replace ").unwrap_or(place).split([' ', '<']).next().unwrap();
        let function = named.rsplit("::").next().unwrap();
        assert!(source.contains(&format!("fn {function}")), "{file} has no function {function}: {line}");
        if let Some((operator, _)) = what.strip_prefix("replace ").and_then(|what| what.split_once(" with "))
            && what.contains(" in ")
            && !operator.contains(' ')
        {
            assert!(source.contains(operator), "{file} has no {operator}: {line}");
        }
    }
}
