//! `assize keygen`, and what every command says of usage and of itself.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test stops at the first surprise")]

#[path = "cli/command.rs"]
mod command;

use std::fs;

use assize::wal::storage::read_key_file;
use command::assize;

#[test]
fn a_key_is_drawn_for_its_owner_alone() {
    let folder = tempfile::tempdir().unwrap();
    let (one, other) = (folder.path().join("one"), folder.path().join("other"));
    let named = assize(&["keygen", "--out", one.to_str().unwrap(), "--id", "7", "--json"]).json();
    assert_eq!(named["key"], 7);
    let drawn = assize(&["keygen", "--out", other.to_str().unwrap(), "--json"]).json();
    assert_eq!(read_key_file(&one).unwrap().id().0, 7);
    assert_eq!(u64::from(read_key_file(&other).unwrap().id().0), drawn["key"].as_u64().unwrap());

    let text = |path| fs::read_to_string(path).unwrap();
    let secret = |text: &str| text.lines().last().unwrap().to_owned();
    assert_eq!(secret(&text(&one)).len(), "secret=".len() + 64);
    assert_ne!(secret(&text(&one)), secret(&text(&other)));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(fs::metadata(&one).unwrap().permissions().mode() & 0o7777, 0o600);
    }
}

#[test]
fn a_key_is_never_overwritten_and_never_shown() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key");
    let first = assize(&["keygen", "--out", key.to_str().unwrap()]);
    assert_eq!(first.code, 0, "{}", first.err);
    let before = fs::read_to_string(&key).unwrap();
    let again = assize(&["keygen", "--out", key.to_str().unwrap()]);
    assert_eq!(again.code, 2, "{}", again.err);
    assert!(again.out.is_empty());
    assert_eq!(fs::read_to_string(&key).unwrap(), before);
    let secret = before.lines().last().unwrap().strip_prefix("secret=").unwrap().to_owned();
    assert!(!first.out.contains(&secret) && !again.err.contains(&secret));
    let nowhere = assize(&["keygen", "--out", folder.path().join("no/key").to_str().unwrap()]);
    assert_eq!(nowhere.code, 3, "{}", nowhere.err);
}

#[test]
fn usage_errors_are_2() {
    let cases: [&[&str]; 7] = [
        &[],
        &["nothing"],
        &["keygen"],
        &["policy"],
        &["policy", "check"],
        &["policy", "import-litellm", "prices.json"],
        &["policy", "digest", "a.toml", "b.toml"],
    ];
    for arguments in cases {
        let ran = assize(arguments);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{arguments:?}: {}", ran.err);
    }
    for arguments in [["--help"], ["--version"]] {
        assert_eq!(assize(&arguments).code, 0);
    }
}
