//! Logs as the batteries take them apart: what is where, of what kind, and the rule for what an error must name.

use std::{collections::BTreeMap, fmt::Debug};

use assize::{
    audit::{self, AuditError, AuditOptions, Observer, Problem, ReplayReport, Step, Threads, VerifyReport},
    id::{LogId, Sequence},
    record::{AdmissionOutcome, ExtendOutcome, Record, ReleaseOutcome, Settled, Spend},
    wal::{
        Anchor, Fault, Place, ReadError, ReadOptions,
        storage::{Memory, Storage},
    },
};

use super::{
    acts::{Days, RECORDS_PER_ACT_MAX},
    format::{self, CHECKPOINT_PART, Frame, HEADER_BYTES, SEAL},
    host::{LOG_ID, Making, key},
    image::Image,
};

/// A log, taken apart.
pub struct Made {
    pub id: LogId,
    pub image: Image,
    pub anchor: Anchor,
    /// Headers and frames, in order; they have every byte of every segment.
    pub units: Vec<Unit>,
}

/// A header or a frame.
#[derive(Clone, Copy, Debug)]
pub struct Unit {
    pub segment: u32,
    pub offset: usize,
    pub bytes: usize,
    /// `None` for a header.
    pub frame: Option<Frame>,
    /// What it says, in a word.
    pub shape: &'static str,
    /// What a reader expects where it stands: what an error about it names.
    pub expected: Sequence,
    /// Whether a later frame of the segment says that what stands here was on disk. FORMAT 8.3.
    pub proven: bool,
}

impl Unit {
    pub fn place(&self) -> Place {
        Place { segment: self.segment, sequence: self.expected, offset: self.offset as u64 }
    }

    pub fn end(&self) -> usize {
        self.offset + self.bytes
    }

    pub fn of<'a>(&self, image: &'a Image) -> &'a [u8] {
        &image.segment(self.segment)[self.offset..self.end()]
    }

    pub fn is_record(&self) -> bool {
        self.frame.is_some_and(|frame| frame.kind != CHECKPOINT_PART && frame.kind != SEAL)
    }
}

/// Segments of the logs here: enough of them, and records enough in each.
const SEGMENT_BYTES: u64 = 16 << 10;

impl Made {
    /// A closed log of exactly so many records, of every kind that a host can cause, in several segments.
    pub fn closed(id: LogId, records: u64) -> Self {
        let (storage, days) = days(id, records);
        let anchor = days.host.controller.close().unwrap();
        Self::take_apart(id, &storage, anchor)
    }

    /// The same, not closed; everything is on disk.
    pub fn unclosed(id: LogId, records: u64) -> Self {
        let (storage, days) = days(id, records);
        let anchor = days.host.controller.drain().unwrap();
        drop(days);
        Self::take_apart(id, &storage, anchor)
    }

    pub fn take_apart(id: LogId, storage: &Memory, anchor: Anchor) -> Self {
        let image = Image::of_frames(storage);
        let shapes = Shapes::of(&image);
        let mut units = Vec::new();
        let mut last = 0;
        for (segment, bytes) in image.segments() {
            let frames = format::frames(bytes);
            units.push(Unit {
                segment,
                offset: 0,
                bytes: HEADER_BYTES,
                frame: None,
                shape: "header",
                expected: Sequence(last),
                proven: true,
            });
            for (at, frame) in frames.iter().enumerate() {
                let (shape, expected) = match frame.kind {
                    CHECKPOINT_PART => ("checkpoint", last),
                    SEAL => ("seal", last + 1),
                    _ => {
                        last += 1;
                        (shapes.0[&last], last)
                    }
                };
                let later = &frames[at + 1..];
                units.push(Unit {
                    segment,
                    offset: frame.offset,
                    bytes: frame.bytes,
                    frame: Some(*frame),
                    shape,
                    expected: Sequence(expected),
                    proven: segment < image.last()
                        || frame.kind == CHECKPOINT_PART
                        || later.iter().any(|later| later.synced_through >= expected),
                });
            }
        }
        Self { id, image, anchor, units }
    }

    /// One unit of each shape, the first.
    pub fn one_of_each(&self) -> Vec<Unit> {
        let mut seen = BTreeMap::new();
        for unit in &self.units {
            seen.entry(unit.shape).or_insert(*unit);
        }
        seen.into_values().collect()
    }

    pub fn records(&self) -> impl Iterator<Item = &Unit> {
        self.units.iter().filter(|unit| unit.is_record())
    }

    pub fn records_of(&self, segment: u32) -> Vec<Unit> {
        self.records().filter(|unit| unit.segment == segment).copied().collect()
    }

    pub fn unit_of(&self, sequence: u64) -> Unit {
        *self.records().nth(sequence as usize - 1).unwrap()
    }

    /// The place that an error about `altered` must name: that of the header or frame in which its bytes first depart
    /// from those of this log, whatever follows. Where one of both is at its end, that is a departure. `None` where
    /// they are the same.
    pub fn departure(&self, altered: &Image) -> Option<Place> {
        for segment in 1..=self.image.last() {
            let mine = self.image.segment(segment);
            let at = if altered.has(segment) {
                let theirs = altered.segment(segment);
                let same = mine.iter().zip(theirs).take_while(|(mine, theirs)| mine == theirs).count();
                if same == mine.len() && theirs[same..].iter().all(|byte| *byte == 0) {
                    continue;
                }
                same
            } else {
                0
            };
            let mut of = self.units.iter().filter(|unit| unit.segment == segment);
            let unit = of.clone().find(|unit| (unit.offset..unit.end()).contains(&at));
            return Some(unit.map_or_else(|| self.after(of.next_back().unwrap()), Unit::place));
        }
        let next = self.image.last() + 1;
        altered.has(next).then(|| {
            let last = self.units.last().unwrap();
            let sequence = last.frame.unwrap().sequence;
            Place { segment: next, sequence: Sequence(sequence), offset: 0 }
        })
    }

    fn after(&self, last: &Unit) -> Place {
        let sequence = last.frame.unwrap().sequence + 1;
        Place { segment: last.segment, sequence: Sequence(sequence), offset: last.end() as u64 }
    }

    /// Verifies what was made of this log, which must fail at the departure; gives the fault.
    #[track_caller]
    pub fn fails_at_departure(&self, altered: &Image, what: &str) -> Fault {
        let place = self.departure(altered).unwrap_or_else(|| panic!("{what}: nothing is altered"));
        fails_at(&altered.reading(), place, what)
    }
}

/// Verifies; the failure must be at that place, and say that everything before it holds. Gives the fault.
#[track_caller]
pub fn fails_at(storage: &dyn Storage, place: Place, what: &str) -> Fault {
    let error = match verify(storage, ReadOptions::default()) {
        Err(error) => error,
        Ok(report) => panic!("{what}: verifies to {:?}, and not as far as {place}", report.summary.head),
    };
    assert_eq!(error.place(), Some(place), "{what}: {error}");
    let before = error.good.records;
    assert!(before == place.sequence.0 || before + 1 == place.sequence.0, "{what}: {error}; {}", error.good);
    fault_of(&error, what)
}

#[track_caller]
pub fn fault_of(error: &AuditError, what: &str) -> Fault {
    match error.problem {
        Problem::Read(ReadError::Evidence { fault, .. }) => fault,
        ref other => panic!("{what}: {other:?}"),
    }
}

pub fn verify(storage: &dyn Storage, read: ReadOptions) -> Result<VerifyReport, AuditError> {
    however_many(|threads| {
        audit::verify(storage, &[&key()], AuditOptions { read, threads, ..AuditOptions::default() })
    })
}

pub fn replay(storage: &dyn Storage, read: ReadOptions) -> Result<ReplayReport, AuditError> {
    however_many(|threads| {
        audit::replay(storage, &[&key()], AuditOptions { read, threads, ..AuditOptions::default() })
    })
}

/// Of a storage that may fail now and not again.
pub fn replay_once(storage: &dyn Storage, read: ReadOptions) -> Result<ReplayReport, AuditError> {
    audit::replay(storage, &[&key()], AuditOptions { read, ..AuditOptions::default() })
}

/// What an audit on one thread finds, which is what one on three finds.
pub fn however_many<T: Debug>(audit: impl Fn(Threads) -> Result<T, AuditError>) -> Result<T, AuditError> {
    let [one, three] = [1, 3].map(|threads| audit(Threads(threads.try_into().unwrap())));
    assert_eq!(format!("{one:?}"), format!("{three:?}"));
    one
}

pub fn replay_with(storage: &dyn Storage, observer: &mut dyn Observer) -> Result<ReplayReport, AuditError> {
    let options = AuditOptions { observer: Some(observer), ..AuditOptions::default() };
    audit::replay(storage, &[&key()], options)
}

/// A log of exactly so many records, still open.
pub fn days(id: LogId, records: u64) -> (Memory, Days) {
    let storage = Memory::new();
    let mut days =
        Days::begin(Making { id, segment_bytes: SEGMENT_BYTES, ..Making::default() }.create(&storage));
    // Another log is another history too.
    if id != LOG_ID {
        days.grant_one();
    }
    while days.host.head() + RECORDS_PER_ACT_MAX <= records {
        days.act();
    }
    while days.host.head() < records {
        days.grant_one();
    }
    (storage, days)
}

/// What records say, in a word each, by sequence: learned from a replay of the log.
struct Shapes(BTreeMap<u64, &'static str>);

impl Shapes {
    fn of(image: &Image) -> Self {
        let mut shapes = Self(BTreeMap::new());
        let report = replay_with(&image.reading(), &mut shapes).unwrap();
        assert_eq!(report.summary.records, shapes.0.len() as u64);
        shapes
    }
}

impl Observer for Shapes {
    fn after(&mut self, step: &Step<'_>) {
        self.0.insert(step.at.sequence.0, shape(step.record));
    }
}

pub fn shape(record: &Record) -> &'static str {
    match record {
        Record::Terms(_) => "terms",
        Record::Reparent(_) => "reparent",
        Record::Boundary(_) => "window boundary",
        Record::Policy(_) => "policy",
        Record::Halt(_) => "halt",
        Record::CandidateSwitch(_) => "candidate switch",
        Record::Admission(call) => match &call.outcome {
            AdmissionOutcome::Admitted { decided, .. } if decided.limit_applied.is_some() => {
                "admission, decided twice"
            }
            AdmissionOutcome::Admitted { .. } => "admission",
            AdmissionOutcome::DeniedPolicy { .. } => "admission denied by the policy",
            AdmissionOutcome::DeniedBudget { .. } => "admission denied by a budget",
            AdmissionOutcome::DeniedThrottle { .. } => "admission denied by a throttle",
            AdmissionOutcome::DeniedHalted => "admission denied by a halt",
        },
        Record::Commit(call) => match (call.outcome.settled, &call.arguments.spend) {
            (Settled::Expired, _) => "late commit",
            (_, Spend::Usage { .. }) => "commit of usage",
            (_, Spend::Amount(_)) if call.outcome.booked_extra.micros() > 0 => "commit with an overrun",
            (_, Spend::Amount(_)) if call.outcome.unfunded.micros() > 0 => "commit with an unfunded overrun",
            (_, Spend::Amount(_)) => "commit of an amount",
        },
        Record::PartCommit(call) => match call.arguments.spend {
            Spend::Usage { .. } => "part commit of usage",
            Spend::Amount(_) => "part commit of an amount",
        },
        Record::Adjust(call) if call.outcome.refunded.micros() > 0 => "adjustment down",
        Record::Adjust(_) => "adjustment up",
        Record::Release(call) => match call.outcome {
            ReleaseOutcome::Released { .. } => "release",
            ReleaseOutcome::Expired => "late release",
        },
        Record::Extend(call) => match call.outcome {
            ExtendOutcome::Extended { .. } => "extension",
            ExtendOutcome::DeniedBudget { .. } => "extension denied by a budget",
            ExtendOutcome::DeniedHalted => "extension denied by a halt",
        },
        Record::Reroute(call) => match &call.outcome.admission {
            AdmissionOutcome::Admitted { .. } => "reroute",
            AdmissionOutcome::DeniedHalted => "reroute denied by a halt",
            _ => "reroute denied",
        },
        Record::Expire(_) => "expiry",
        Record::Account(_) => "account",
        Record::Grant(call) if call.arguments.change_micros.get() < 0 => "grant taken back",
        Record::Grant(_) => "grant",
        Record::AccountClosed(_) => "account closed",
        Record::Recovery(_) => "recovery",
        Record::Retention(_) => "retention",
    }
}

/// Every shape that a log of a thousand records has; a host causes no others but a recovery, which a crash does, and a
/// retention, after which the log has fewer.
pub const SHAPES: [&str; 34] = [
    "account",
    "account closed",
    "adjustment down",
    "adjustment up",
    "admission",
    "admission denied by a budget",
    "admission denied by a halt",
    "admission denied by the policy",
    "admission, decided twice",
    "candidate switch",
    "checkpoint",
    "commit of an amount",
    "commit of usage",
    "commit with an overrun",
    "commit with an unfunded overrun",
    "expiry",
    "extension",
    "extension denied by a budget",
    "extension denied by a halt",
    "grant",
    "grant taken back",
    "halt",
    "header",
    "late commit",
    "late release",
    "part commit of an amount",
    "part commit of usage",
    "policy",
    "release",
    "reroute",
    "reroute denied",
    "reroute denied by a halt",
    "seal",
    "terms",
];
