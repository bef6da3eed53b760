//! The logs that every version of the format has written: verified, replayed, and refused to who may not read them.

use assize::{
    audit::{self, AuditOptions, ReplayReport, Threads},
    crypto::{KeyId, RootKey},
    wal::{Anchor, Blame, ReadOptions, Tags, Tail, storage::Memory},
};
use serde_json::Value;

use super::{
    check::{Given, Seen, Wrong, holds, same, there},
    golden::{array, bytes, fixed, number, text},
    shipped,
};
use crate::output::grouped;

/// A log as it lies there, and what is stated of it.
pub(super) struct Fixed {
    name: &'static str,
    pub(super) log: Memory,
    stated: Value,
    roots: Vec<RootKey>,
}

impl Fixed {
    fn all() -> Result<Vec<Self>, Wrong> {
        let logs: Vec<Self> = shipped::logs().into_iter().map(Self::named).collect::<Result<_, _>>()?;
        holds("there are no logs", !logs.is_empty())?;
        Ok(logs)
    }

    pub(super) fn named(name: &'static str) -> Result<Self, Wrong> {
        let stated = shipped::document(name)?;
        let mut roots = Vec::new();
        for root in array(stated.get("roots"), "roots")? {
            let id = KeyId(u32::try_from(number(root.get("id"), "id")?)?);
            roots.push(RootKey::new(id, &bytes(root.get("secret"), "secret")?)?);
        }
        Ok(Self { name, log: shipped::log(name), stated, roots })
    }

    fn is_unkeyed(&self) -> bool {
        self.stated.get("key_mode").and_then(Value::as_str) == Some("unkeyed")
    }

    fn is_torn(&self) -> bool {
        self.stated.get("torn_bytes").and_then(Value::as_u64) != Some(0)
    }

    pub(super) fn keys(&self) -> Vec<&RootKey> {
        self.roots.iter().collect()
    }

    /// How it is read: held to its anchor.
    fn read(&self) -> Result<ReadOptions, Wrong> {
        let anchor = bytes(self.stated.get("anchor"), "anchor")?;
        let (anchor, tags) = if self.is_unkeyed() {
            (Anchor::decode_unkeyed(&anchor)?, Tags::Unkeyed)
        } else {
            (Anchor::decode(&anchor, &self.keys())?, Tags::Keyed)
        };
        let tail = if self.is_torn() { Tail::Live } else { Tail::Strict };
        Ok(ReadOptions { tail, tags, anchor: Some(anchor), ..ReadOptions::default() })
    }

    fn replay(&self, threads: Threads) -> Result<ReplayReport, Wrong> {
        let options = AuditOptions { read: self.read()?, threads, ..AuditOptions::default() };
        Ok(audit::replay(&self.log, &self.keys(), options)?)
    }

    fn comes_to(&self, report: &ReplayReport) -> Result<(), Wrong> {
        let of = |field: &str| format!("{}, {field}", self.name);
        let stated = |field: &str| text(self.stated.get(field), field).map(str::to_owned);
        same(of("ledger"), &report.ledger.to_string(), &stated("ledger_digest")?)?;
        same(of("snapshot"), &report.snapshot.to_string(), &stated("snapshot_digest")?)?;
        let summary = &report.summary;
        same(of("keys"), &summary.key_mode.to_string(), &stated("key_mode")?)?;
        same(of("records"), &summary.records, &number(self.stated.get("records"), "records")?)?;
        let head = there("head", self.stated.get("head"))?;
        same(of("sequence"), &summary.head.sequence().0, &number(head.get("sequence"), "sequence")?)?;
        same(of("tag of its head"), &summary.head.tag().0, &fixed(head.get("tag"), "tag")?)?;
        let pruned = summary.pruned.map(|pruned| pruned.through.0);
        same(of("pruned through"), &pruned, &self.stated.get("pruned_through").and_then(Value::as_u64))
    }
}

pub(super) fn replayed(_: &Given, did: &mut String) -> Seen {
    let logs = Fixed::all()?;
    replay_all(&logs, did)
}

fn replay_all(logs: &[Fixed], did: &mut String) -> Seen {
    *did = format!("{} logs of format version 1, each by one thread and by all", logs.len());
    let mut records = 0_u64;
    for fixed in logs {
        let one = fixed.replay(Threads::default())?;
        fixed.comes_to(&one)?;
        fixed.comes_to(&fixed.replay(Threads::available())?)?;
        records = records.saturating_add(one.summary.records);
    }
    Ok(format!("{} records replayed to the heads and ledgers that were stated", grouped(records)))
}

/// Whoever has another key, or reads without one what has one, or the other way round.
pub(super) fn refused(_: &Given, did: &mut String) -> Seen {
    let logs = Fixed::all()?;
    let mut readers = 0_usize;
    for fixed in &logs {
        let (name, mode) = (fixed.name, fixed.is_unkeyed());
        let mut altered = Vec::new();
        for root in &fixed.roots {
            altered.push(RootKey::new(root.id(), &[0xA5; 32])?);
        }
        let altered: Vec<&RootKey> = altered.iter().collect();
        let keyed = ReadOptions { tail: Tail::Live, ..ReadOptions::default() };
        let unkeyed = ReadOptions { tags: Tags::Unkeyed, ..keyed };
        let other = if mode { keyed } else { unkeyed };
        let refusals = [(other, fixed.keys()), (keyed, altered), (keyed, Vec::new())];
        for (read, keys) in refusals {
            let options = AuditOptions { read, ..AuditOptions::default() };
            let refusal = audit::verify(&fixed.log, &keys, options);
            holds(format_args!("{name} was read with another key, or none"), refusal.is_err())?;
            readers = readers.saturating_add(1);
        }
        // A key that it is not under is the reader's mistake; one that does not fit is the evidence's.
        if !mode {
            let wrong: Vec<RootKey> =
                fixed.roots.iter().filter_map(|root| RootKey::new(root.id(), &[1; 32]).ok()).collect();
            let options = AuditOptions { read: keyed, ..AuditOptions::default() };
            let refusal = audit::verify(&fixed.log, &wrong.iter().collect::<Vec<_>>(), options);
            let blame = refusal.err().map(|error| error.blame());
            same(format_args!("{name}, who is to blame"), &blame, &Some(Blame::Evidence))?;
        }
    }
    *did =
        format!("{} logs, {readers} readers with another key, with none, or with one for none", logs.len());
    Ok("all refused".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_that_comes_to_something_else_is_told() {
        for field in ["ledger_digest", "snapshot_digest", "records", "head", "anchor"] {
            let mut fixed = Fixed::named("written").unwrap();
            fixed.stated[field] = match field {
                "records" => 1.into(),
                _ => "00".into(),
            };
            assert!(replay_all(&[fixed], &mut String::new()).is_err(), "{field}");
        }
        let fixed = Fixed::named("written").unwrap();
        let mut segment = fixed.log.bytes("00000001.seg").unwrap();
        segment[300] ^= 1;
        fixed.log.replace("00000001.seg", &segment);
        assert!(replay_all(&[fixed], &mut String::new()).is_err());
    }
}
