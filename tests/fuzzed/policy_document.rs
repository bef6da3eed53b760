//! Any text as a policy document: what freezes is the same policy however it is written down, and read back.

use assize::policy::{
    Policy,
    document::{from_json, from_toml, to_json, to_toml},
};

use super::Reached;

pub fn check(bytes: &[u8]) -> Reached {
    let mut reached = Reached::new();
    let Ok(text) = core::str::from_utf8(bytes) else { return reached };
    for (language, read) in [("toml", from_toml(text)), ("json", from_json(text))] {
        let draft = match read {
            Ok(draft) => draft,
            Err(error) => {
                assert!(!error.to_string().is_empty());
                continue;
            }
        };
        reached.push(language);
        match Policy::freeze(draft) {
            Ok(policy) => {
                is_one_policy(&policy);
                reached.push("frozen");
            }
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
    reached
}

/// Its bytes, its draft and both its documents are of the same policy.
pub fn is_one_policy(policy: &Policy) {
    let canonical = bytes(policy);
    let decoded = Policy::decode(&canonical).unwrap();
    assert_eq!(decoded.digest(), policy.digest());
    assert!(bytes(&decoded) == canonical, "a policy is decoded to another");
    let draft = policy.to_draft();
    let (toml, json) = (to_toml(&draft), to_json(&draft));
    for (language, read) in [("TOML", from_toml(&toml)), ("JSON", from_json(&json))] {
        let read = read.unwrap_or_else(|error| panic!("{language} that was written is none: {error}"));
        assert!(to_toml(&read) == toml && to_json(&read) == json, "{language} is written again otherwise");
        let again = Policy::freeze(read).unwrap();
        assert_eq!(again.digest(), policy.digest(), "{language}");
        assert_eq!(again.schema().digest(), policy.schema().digest(), "{language}");
    }
}

fn bytes(policy: &Policy) -> Vec<u8> {
    let mut bytes = Vec::new();
    policy.encode(&mut bytes);
    bytes
}
