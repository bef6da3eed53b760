//! Reports as documents show them.

use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use serde::{Serialize, Serializer};

use super::error::{AuditError, Good, Problem};
use super::report::{Calls, NotProven, ReplayReport, VerifyReport};
use crate::crypto::{Digest, Tag};
use crate::id::{LogId, Sequence};
use crate::num::Timestamp;
use crate::wal::{Anchor, Completeness, KeyMode, Pruned, Summary};

#[derive(Serialize)]
struct ShownSummary {
    log_id: LogId,
    key_mode: KeyMode,
    segments: u32,
    pruned: Option<Pruned>,
    records: u64,
    frames: u64,
    bytes: u64,
    head: ShownHead,
    synced: ShownHead,
    sealed: bool,
    live: bool,
    complete_through: Option<Sequence>,
}

#[derive(Serialize)]
struct ShownHead {
    segment: u32,
    sequence: Sequence,
    tag: String,
    #[serde(rename = "log_time_ns")]
    log_time: Timestamp,
}

#[derive(Serialize)]
struct ShownVerify<'a> {
    #[serde(flatten)]
    summary: ShownSummary,
    not_proven: Vec<ShownNotProven<'a>>,
}

#[derive(Serialize)]
struct ShownReplay<'a> {
    #[serde(flatten)]
    summary: ShownSummary,
    ledger: Digest,
    snapshot: Digest,
    #[serde(rename = "log_time_ns")]
    log_time: Timestamp,
    checkpoints: u64,
    calls: &'a Calls,
    accounts: u64,
    holds_open: u64,
    operations: u64,
    not_proven: Vec<ShownNotProven<'a>>,
}

#[derive(Serialize)]
struct ShownNotProven<'a> {
    what: &'a str,
    says: String,
}

#[derive(Serialize)]
struct ShownError {
    error: String,
    causes: Vec<String>,
    segment: Option<u32>,
    sequence: Option<Sequence>,
    offset: Option<u64>,
    expected: Option<String>,
    seen: Option<String>,
    good: Good,
}

impl Serialize for VerifyReport {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let not_proven = shown_list(&self.not_proven);
        ShownVerify { summary: shown_summary(&self.summary), not_proven }.serialize(serializer)
    }
}

impl Serialize for ReplayReport {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        ShownReplay {
            summary: shown_summary(&self.summary),
            ledger: self.ledger,
            snapshot: self.snapshot,
            log_time: self.log_time,
            checkpoints: self.checkpoints,
            calls: &self.calls,
            accounts: self.accounts,
            holds_open: self.holds_open,
            operations: self.operations,
            not_proven: shown_list(&self.not_proven),
        }
        .serialize(serializer)
    }
}

impl Serialize for AuditError {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut causes = Vec::new();
        let mut next = core::error::Error::source(self);
        while let Some(cause) = next {
            causes.push(cause.to_string());
            next = cause.source();
        }
        let (expected, seen) = match &self.problem {
            Problem::Decision(disputed) => {
                (Some(disputed.expected.to_string()), Some(disputed.seen.to_string()))
            }
            _ => (None, None),
        };
        let place = self.place();
        ShownError {
            error: self.to_string(),
            causes,
            segment: place.map(|place| place.segment),
            sequence: place.map(|place| place.sequence),
            offset: place.map(|place| place.offset),
            expected,
            seen,
            good: self.good,
        }
        .serialize(serializer)
    }
}

fn shown_summary(summary: &Summary) -> ShownSummary {
    ShownSummary {
        log_id: summary.log_id,
        key_mode: summary.key_mode,
        segments: summary.segments,
        pruned: summary.pruned,
        records: summary.records,
        frames: summary.frames,
        bytes: summary.bytes,
        head: shown_head(&summary.head),
        synced: shown_head(&summary.synced),
        sealed: summary.sealed,
        live: summary.live,
        complete_through: match summary.completeness {
            Completeness::Proven { through } => Some(through),
            Completeness::Unproven => None,
        },
    }
}

/// Tags of frames stand in the log, and are no secret.
fn shown_head(head: &Anchor) -> ShownHead {
    let Tag(tag) = head.tag();
    ShownHead {
        segment: head.segment(),
        sequence: head.sequence(),
        tag: Digest(tag).to_string(),
        log_time: head.log_time(),
    }
}

fn shown_list(list: &[NotProven]) -> Vec<ShownNotProven<'_>> {
    list.iter().map(|what| ShownNotProven { what: what.as_str(), says: what.to_string() }).collect()
}
