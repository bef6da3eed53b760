//! Any bytes as the canonical form of a ledger: what is read is written as the same bytes, adds up, and goes on.

use assize::id::Sequence;
use assize::ledger::Ledger;
use assize::record::{Halt, Record};

use super::Reached;

pub fn check(bytes: &[u8]) -> Reached {
    let mut ledger = match Ledger::decode(bytes) {
        Ok(ledger) => ledger,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return Reached::new();
        }
    };
    assert!(form(&ledger) == bytes, "a checkpoint is written as other bytes than were read");
    assert_eq!(ledger.check_conservation(), Ok(()));
    let (digest, snapshot) = (ledger.digest(), ledger.snapshot().0.digest());
    // A record that moves no money: whatever is forgotten at it, the state stays one.
    let next = Sequence(ledger.sequence().0.saturating_add(1));
    let mut reached = vec!["restored"];
    if ledger.apply(next, ledger.log_time(), &Record::Halt(Halt::All)).is_ok() {
        assert_ne!(ledger.digest(), digest, "the sequence is part of the digest");
        assert_ne!(ledger.snapshot().0.digest(), snapshot);
        let after = form(&ledger);
        let again =
            Ledger::decode(&after).unwrap_or_else(|error| panic!("what was restored went wrong: {error}"));
        assert!(form(&again) == after && again.digest() == ledger.digest());
        reached.push("went on");
    }
    if ledger.holds().next().is_some() {
        reached.push("holds");
    }
    if ledger.settled_holds().next().is_some() {
        reached.push("settled holds");
    }
    if ledger.operations().next().is_some() {
        reached.push("operations");
    }
    reached
}

pub fn form(ledger: &Ledger) -> Vec<u8> {
    let mut form = Vec::new();
    ledger.encode(&mut form);
    form
}
