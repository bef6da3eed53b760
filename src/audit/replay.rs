//! Replaying a log: what its records say, worked out again from nothing.

use alloc::vec::Vec;

use super::AuditOptions;
use super::decide::{Verdict, decide};
use super::error::{AuditError, Disputed, Good, Located, Problem};
use super::observer::{Observer, Step};
use super::read::{Source, Take};
use super::report::{Calls, NotProven, ReplayReport};
use crate::codec::Reader;
use crate::crypto::RootKey;
use crate::kernel::Disabled;
use crate::ledger::{CheckpointError, HoldState, Ledger, LedgerError};
use crate::limits::POLICY_BYTES_MAX;
use crate::policy::Policy;
use crate::record::Record;
use crate::wal::storage::Storage;
use crate::wal::{CHECKPOINT_PART, FrameView, KEY_CHANGE, RecordFrame, SEAL, Summary};

/// Verifies a log's chain and works out again everything that its records say: decisions by the kernel, balances by
/// a ledger of its own, checkpoints bit by bit. It takes no lock and writes nothing. A log that was pruned is worked out
/// from its first checkpoint, which is taken at its word.
///
/// # Errors
/// The first thing that does not hold, with its place and how much before it does, or the storage cannot.
pub fn replay(
    storage: &dyn Storage,
    keys: &[&RootKey],
    options: AuditOptions<'_>,
) -> Result<ReplayReport, AuditError> {
    let AuditOptions { read, mut observer, threads } = options;
    let source = Source { storage, keys, read, threads };
    let at_once = source.read_at_once(&mut observer).and_then(parts::join);
    let mut replayer = Replayer::new(observer);
    let summary = match at_once {
        Some((summary, whole)) => {
            replayer.take_over(whole);
            summary
        }
        None => source.read_all(&mut replayer)?,
    };
    replayer.finish(summary)
}

mod parts;

/// The state that the records so far make, and what comes of them.
pub(super) struct Replayer<'a> {
    /// `None` until the first checkpoint was read: the genesis, but for a log that was pruned or a segment by itself.
    state: Option<State>,
    /// The first checkpoint while its parts are read; later, the canonical form that a checkpoint must have.
    form: Vec<u8>,
    /// Bytes of the form that a checkpoint's parts have had so far.
    compared: usize,
    good: Good,
    calls: Calls,
    observer: Option<&'a mut dyn Observer>,
}

struct State {
    ledger: Ledger,
    /// The host's disabled candidates, under the policy in force.
    disabled: Disabled,
}

impl<'a> Replayer<'a> {
    pub(super) fn new(observer: Option<&'a mut dyn Observer>) -> Self {
        let (good, calls) = (Good::default(), Calls::default());
        let (state, form) = (None, Vec::new());
        Self { state, form, compared: 0, good, calls, observer }
    }

    /// Goes on from where another has come to, which nobody looked at.
    fn take_over(&mut self, other: Replayer<'_>) {
        self.state = other.state;
        self.good = other.good;
        self.calls = other.calls;
    }

    /// The policy in force, once the log's beginning was read.
    pub(super) fn policy(&self) -> Option<&Policy> {
        self.state.as_ref().map(|state| &**state.ledger.policy())
    }

    /// What the whole log has shown.
    pub(super) fn finish(self, summary: Summary) -> Result<ReplayReport, AuditError> {
        let Self { state, good, calls, observer, .. } = self;
        let Some(State { ledger, .. }) = state else {
            return Err(AuditError { problem: Problem::GenesisMissing, at: None, good });
        };
        ledger.check_conservation().map_err(|mismatch| AuditError {
            problem: Problem::Conservation(mismatch),
            at: None,
            good,
        })?;
        if let Some(observer) = observer {
            observer.end(&ledger);
        }
        let count = |items: usize| u64::try_from(items).unwrap_or(u64::MAX);
        Ok(ReplayReport {
            ledger: ledger.digest(),
            snapshot: ledger.snapshot().digest(),
            log_time: ledger.log_time(),
            checkpoints: good.checkpoints.saturating_sub(1),
            calls,
            accounts: count(ledger.accounts().count()),
            holds_open: count(ledger.holds().filter(|(_, hold)| hold.state == HoldState::Open).count()),
            operations: count(ledger.operations().count()),
            not_proven: NotProven::of_replay(&summary, &calls),
            summary,
        })
    }

    /// FORMAT 10.1 and 10.2. That parts are in order and complete is the reader's to say.
    fn checkpoint(&mut self, frame: &FrameView<'_>) -> Result<(), Problem> {
        let mut reader = Reader::new(frame.payload);
        let malformed = |error| Problem::Genesis(CheckpointError::Codec(error));
        let part = reader.u32().map_err(malformed)?;
        let parts = reader.u32().map_err(malformed)?;
        let bytes = reader.raw(reader.remaining()).map_err(malformed)?;
        let is_last = part.checked_add(1) == Some(parts);
        if part == 0 {
            self.form.clear();
            self.compared = 0;
            if let Some(State { ledger, .. }) = &self.state {
                ledger.encode(&mut self.form);
            }
        }
        match &self.state {
            None => self.begin(frame, bytes, is_last)?,
            Some(_) => self.compare(bytes, is_last)?,
        }
        if is_last {
            self.good.checkpoints = self.good.checkpoints.saturating_add(1);
            self.good.log_time = frame.effective;
        }
        Ok(())
    }

    fn begin(&mut self, frame: &FrameView<'_>, bytes: &[u8], is_last: bool) -> Result<(), Problem> {
        if self.form.is_empty() {
            self.good.begin(frame);
        }
        self.form.extend_from_slice(bytes);
        // FORMAT 10.2
        if frame.segment == 1 && (frame.sequence.0 != 0 || self.form.len() > GENESIS_BYTES_MAX) {
            return Err(Problem::GenesisMissing);
        }
        if !is_last {
            return Ok(());
        }
        let ledger = Ledger::decode(&self.form).map_err(Problem::Genesis)?;
        if ledger.sequence() != frame.sequence {
            return Err(Problem::GenesisMissing);
        }
        if ledger.log_time() != frame.effective {
            return Err(Problem::GenesisTime { expected: frame.effective, seen: ledger.log_time() });
        }
        let disabled = Disabled::new(ledger.policy(), ledger.disabled().iter().copied());
        if let Some(observer) = &mut self.observer {
            observer.begin(&ledger);
        }
        self.state = Some(State { ledger, disabled });
        Ok(())
    }

    /// The bytes must be the next of the form.
    fn compare(&mut self, bytes: &[u8], is_last: bool) -> Result<(), Problem> {
        let rest = self.form.get(self.compared..).unwrap_or_default();
        let same = rest.iter().zip(bytes).take_while(|(expected, seen)| expected == seen).count();
        self.compared = self.compared.saturating_add(same);
        if same < bytes.len() || (is_last && self.compared < self.form.len()) {
            let count = |bytes: usize| u64::try_from(bytes).unwrap_or(u64::MAX);
            return Err(Problem::Checkpoint {
                byte: count(self.compared),
                expected_bytes: count(self.form.len()),
            });
        }
        Ok(())
    }

    fn record(&mut self, at: Located, frame: RecordFrame<'_>) -> Result<(), Problem> {
        let State { ledger, disabled } = self.state.as_mut().ok_or(Problem::GenesisMissing)?;
        let record = ledger.read(&frame).map_err(of_payload)?;
        let decided = decide(ledger, disabled, &record, frame.effective)?;
        let verdict = decided.as_ref().map(|(expected, _)| expected);
        if let Some(observer) = &mut self.observer {
            observer.before(&Step { at, frame, record: &record, verdict, ledger, disabled });
        }
        ledger
            .apply_frame(&frame, &record)
            .map_err(|found| Problem::Ledger { kind: found.kind, mismatch: found.mismatch })?;
        // The ledger names what it can say more exactly; it is no judge of decisions.
        if let Some(disputed) = decided.and_then(dispute) {
            return Err(Problem::Decision(alloc::boxed::Box::new(disputed)));
        }
        if let Some(observer) = &mut self.observer {
            observer.after(&Step { at, frame, record: &record, verdict, ledger, disabled });
        }
        if matches!(record, Record::Policy(_) | Record::CandidateSwitch(_)) {
            *disabled = Disabled::new(ledger.policy(), ledger.disabled().iter().copied());
        }
        self.calls.count(&record);
        self.good.records = frame.sequence.0;
        self.good.log_time = frame.effective;
        Ok(())
    }
}

impl Take for Replayer<'_> {
    type Error = AuditError;

    fn take(&mut self, frame: &FrameView<'_>) -> Result<(), AuditError> {
        let FrameView { segment, offset, sequence, kind, effective, caller, payload, .. } = *frame;
        let at = Located { sequence, segment, offset, kind };
        let taken = match kind {
            SEAL | KEY_CHANGE => Ok(()),
            CHECKPOINT_PART => self.checkpoint(frame),
            _ => self.record(at, RecordFrame { sequence, effective, caller, kind, payload }),
        };
        taken.map_err(|problem| AuditError { problem, at: Some(at), good: self.good })
    }

    fn good(&self) -> Good {
        self.good
    }

    fn observer(&mut self) -> Option<&mut dyn Observer> {
        // Reborrowed, so that it can be lent again.
        match &mut self.observer {
            Some(observer) => Some(&mut **observer),
            None => None,
        }
    }

    fn begin_anew(&mut self) -> bool {
        let is_unseen = self.observer.is_none();
        if is_unseen {
            *self = Self::new(None);
        }
        is_unseen
    }
}

fn dispute((expected, seen): (Verdict, Verdict)) -> Option<Disputed> {
    (expected != seen).then_some(Disputed { expected, seen })
}

fn of_payload(error: LedgerError) -> Problem {
    match error {
        LedgerError::Record { error, .. } => Problem::Payload(error),
        LedgerError::Disagreement(found) => Problem::Ledger { kind: found.kind, mismatch: found.mismatch },
        LedgerError::Checkpoint(error) => Problem::Genesis(error),
        LedgerError::Unrestored => Problem::GenesisMissing,
    }
}

/// A genesis has one policy, and little else.
const GENESIS_BYTES_MAX: usize = POLICY_BYTES_MAX + 4096;
