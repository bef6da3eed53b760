//! Every denial and refusal: what causes it, its frozen code, its class, and whether the same call helps when it is
//! made again. The table of SEMANTICS 20 is held to all of it.
#![cfg(feature = "tokio")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test that fails by panicking fails"
)]

#[path = "refusals/denials.rs"]
mod denials;
#[path = "refusals/driving.rs"]
mod driving;
#[path = "refusals/engine.rs"]
mod engine;
#[path = "refusals/faults.rs"]
mod faults;
#[path = "refusals/restoring.rs"]
mod restoring;
mod scene;
#[path = "refusals/swapping.rs"]
mod swapping;
#[path = "refusals/told.rs"]
mod told;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use assize::{
    budget::{ExtendError, GrantError, ReserveError, SettleError},
    controller::Fault,
    retry::Retry,
};

use told::{Caused, Row, Told};

/// Those that no call of one thread can cause, as SEMANTICS 20.4 says of each.
fn not_caused() -> [Told; 6] {
    [
        Fault::Contended.into(),
        Fault::Broken.into(),
        GrantError::Contended.into(),
        ReserveError::Contended.into(),
        ExtendError::Contended.into(),
        SettleError::Contended.into(),
    ]
}

fn rows() -> Vec<Row> {
    [denials::ROWS, faults::ROWS, driving::ROWS, engine::ROWS, restoring::ROWS, swapping::ROWS].concat()
}

/// Each row is caused once, is told as the row says, and helps or does not help when it is made again.
fn cause(row: &Row) -> Told {
    let (what, name, code, class, retry, cause) = *row;
    let Caused { first, again } = cause();
    let seen = (first.name.as_str(), first.code, first.class.as_str(), first.retry);
    assert_eq!(seen, (name, code, class, retry), "{what}");
    match (retry, again) {
        (Some(Retry::Later | Retry::AtOnce | Retry::AfterReopening), again) => {
            assert_eq!(again, Ok(()), "{what}: made again, after what it waits for");
        }
        (Some(Retry::Never) | None, again) => {
            assert_eq!(again.as_ref(), Err(&first), "{what}: made again");
        }
    }
    first
}

#[test]
fn every_refusal_is_caused_and_its_retry_keeps_its_word() {
    let caused: BTreeSet<String> = rows().iter().map(|row| cause(row).name).collect();
    let none: BTreeSet<String> = not_caused().map(|told| told.name).into();
    assert_eq!(caused.intersection(&none).next(), None, "what is caused is not among the others");
    let documented: BTreeSet<String> = table().into_iter().map(|row| row.name).collect();
    assert_eq!(&caused | &none, documented);
    assert_eq!(none, listed_as_not_caused());
}

#[test]
fn the_table_says_what_the_code_says() {
    let told = rows().into_iter().map(|(_, name, code, class, retry, _)| Told {
        name: name.to_owned(),
        code,
        class: class.to_owned(),
        retry,
    });
    let mut of: BTreeMap<String, Vec<Told>> = BTreeMap::new();
    for told in told.chain(not_caused()) {
        of.entry(told.name.clone()).or_default().push(told);
    }
    for row in table() {
        for told in &of[&row.name] {
            assert_eq!((row.code, &row.class), (told.code, &told.class), "{}", row.name);
            match (row.retry.as_str(), told.retry) {
                ("as its error", Some(_)) => assert!(row.name.starts_with("Fault::"), "{}", row.name),
                ("–", None) => {}
                (said, Some(retry)) => assert_eq!(said, retry.to_string(), "{}", row.name),
                (said, None) => panic!("{}: {said} is said, and nothing is told", row.name),
            }
        }
    }
}

#[test]
fn a_code_belongs_to_one_refusal() {
    let mut owners: BTreeMap<(bool, u16), String> = BTreeMap::new();
    let rows = table();
    assert!(rows.len() >= 70, "the table is read: {}", rows.len());
    for row in rows {
        let denial = row.name.starts_with("DenialClass::");
        let before = owners.insert((denial, row.code), row.name.clone());
        assert_eq!(before, None, "{} has the code {} too", row.name, row.code);
    }
}

/// One row of the table of SEMANTICS 20.3.
struct Documented {
    code: u16,
    name: String,
    class: String,
    /// Without what it waits for.
    retry: String,
}

fn section() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/SEMANTICS.md");
    let text = fs::read_to_string(path).unwrap();
    let from = text.split("\n## 20. ").nth(1).unwrap();
    from.split("\n## ").next().unwrap().to_owned()
}

fn table() -> Vec<Documented> {
    let section = section();
    let cells = section.lines().filter(|line| line.starts_with('|')).map(|line| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        <[&str; 4]>::try_from(cells).unwrap_or_else(|cells| panic!("{cells:?}"))
    });
    cells
        .skip(2)
        .map(|[code, name, class, retry]| Documented {
            code: code.parse().unwrap(),
            name: name.trim_matches('`').to_owned(),
            class: class.to_owned(),
            retry: retry.split(':').next().unwrap().to_owned(),
        })
        .collect()
}

/// What stands in front of the colons of SEMANTICS 20.4's list.
fn listed_as_not_caused() -> BTreeSet<String> {
    let section = section();
    let listed = section.split("20.4 ").nth(1).unwrap();
    let lines =
        listed.lines().filter_map(|line| line.strip_prefix("- ").and_then(|line| line.split_once(": ")));
    lines.flat_map(|(names, _)| names.split(", ")).map(|name| name.trim_matches('`').to_owned()).collect()
}
