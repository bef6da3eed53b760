//! Verification and replay of logs that hold, what their reports say, and who looks on.
#![cfg(feature = "wal")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "a test"
)]

#[path = "audit/forge.rs"]
mod forge;
#[path = "ledger/world.rs"]
mod world;

use assize::audit::{
    AuditOptions, Calls, NotProven, Observer, Problem, Progress, Step, Threads, Verdict, replay, verify,
};
use assize::id::{AccountId, Sequence};
use assize::ledger::Ledger;
use assize::record::{
    AccountClosed, AdmissionOutcome, CandidateSwitch, ExtendOutcome, Halt, Kind, Principal, Record, Settled,
    Spend, Switch, Terms,
};
use assize::wal::{Blame, Completeness, Log, OpenOptions, ReadError, ReadOptions};
use forge::{Forgery, LOG, key, replayed, verified};
use world::*;

/// A log with every kind of record that a caller makes, in segments of about so many bytes.
fn story(segment_bytes: u64) -> Forgery {
    let mut forgery = Forgery::funded_with(segment_bytes, |_, _| {});
    let mut call = forgery.world.admitted(path(&[2]), 3, 60);
    call.arguments.principal = Principal::Asserted(name("somebody"));
    call.operation = operation(1, after(0));
    let first = forgery.honest(&Record::Admission(call));
    let second = admit(&mut forgery, 5);
    let usage = Spend::Usage { served: FAR, quantities: *request(4).quantities() };
    forgery.honest(&Record::Commit(commit(first, usage, (Settled::InTime, 80, 0, 20))));
    let more = ExtendOutcome::Extended { deadline: after(90), held: amount(110) };
    forgery.honest(&extend(second, 10, more));
    // Beyond what is left, the request comes to nothing.
    let short = AdmissionOutcome::DeniedBudget {
        decided: forgery.world.decided(&request(9), Some(130)),
        binding: AccountId(2).into(),
    };
    forgery.honest(&Record::Admission(admission(path(&[2]), request(9), short)));
    let mut strict = request(1);
    strict
        .demand(policy(1).schema().gate_number("quality", assize::policy::Relation::AtLeast).unwrap(), 9_999)
        .unwrap();
    let denied = AdmissionOutcome::DeniedPolicy { decided: forgery.world.decided(&strict, None) };
    forgery.honest(&Record::Admission(admission(path(&[2]), strict, denied)));
    forgery.honest(&swap(2));
    let mut rerouted = forgery.world.rerouted(second, 3, 60);
    rerouted.operation = operation(2, after(0));
    let third = forgery.honest(&Record::Reroute(rerouted));
    forgery.honest(&Record::CandidateSwitch(CandidateSwitch { candidate: FAR, switch: Switch::Disabled }));
    let fourth = admit(&mut forgery, 1);
    forgery.honest(&Record::Halt(Halt::All));
    let halted = admission(path(&[2]), request(1), AdmissionOutcome::DeniedHalted);
    forgery.honest(&Record::Admission(halted));
    forgery.honest(&extend(third, 1, ExtendOutcome::DeniedHalted));
    forgery.honest(&Record::Halt(Halt::None));
    let usage = Spend::Usage { served: NEAR, quantities: *request(1).quantities() };
    forgery.honest(&Record::PartCommit(part_commit(third, usage, (31, 0, 0, 62))));
    forgery.honest(&part_amount(third, (40, 0, 0, 53)));
    forgery.honest(&Record::Terms(remembering(2, 60)));
    forgery.honest(&commit_amount(third, (Settled::InTime, 50, 0, 0)));
    forgery.honest(&adjust(third, 45, (0, 0, 5)));
    forgery.world.wait(60);
    forgery.honest(&expire(&[fourth]));
    forgery.honest(&release(fourth, None));
    forgery.honest(&Record::Terms(Terms { operations_max: 9, ..Terms::default() }));
    forgery.honest(&Record::AccountClosed(AccountClosed { account: AccountId(2) }));
    forgery
}

fn admit(forgery: &mut Forgery, calls: u64) -> Sequence {
    let call = forgery.world.admitted(path(&[2]), calls, 60);
    forgery.honest(&Record::Admission(call))
}

#[test]
fn a_log_that_holds_is_replayed_to_its_ledger() {
    for segment_bytes in [1, 600, 1 << 30] {
        let (storage, world) = story(segment_bytes).close();
        let report = replayed(&storage).unwrap();
        assert_eq!(report.ledger, world.ledger.digest());
        assert_eq!(report.log_time, after(60));
        assert_eq!(report.summary.records, world.ledger.sequence().0);
        assert_eq!(report.checkpoints + 1, u64::from(report.summary.segments));
        assert_eq!(segment_bytes == 1 << 30, report.checkpoints == 0, "{segment_bytes}");
        assert_eq!((report.accounts, report.holds_open, report.operations), (3, 0, 2));
        let calls = report.calls;
        assert_eq!(
            (calls.admitted, calls.denied_policy, calls.denied_budget, calls.denied_halted),
            (4, 1, 1, 1)
        );
        assert_eq!((calls.reroutes, calls.attested, calls.asserted), (1, 5, 1));
        assert_eq!((calls.commits_usage, calls.commits_amount, calls.releases), (1, 1, 1));
        assert_eq!((calls.part_commits_usage, calls.part_commits_amount), (1, 1));
        assert_eq!((calls.extensions, calls.expired, calls.recoveries), (2, 1, 0));
        assert_eq!((calls.adjustments, calls.administration), (1, 6 + 7));
        let verified = verified(&storage).unwrap();
        assert_eq!(verified.summary.records, report.summary.records);
        assert!(verified.summary.sealed);
    }
}

#[test]
fn reports_end_with_what_they_do_not_prove() {
    let (storage, _) = story(600).close();
    let chain = [NotProven::Completeness, NotProven::KeyHolder, NotProven::Clock];
    let verified = verified(&storage).unwrap();
    assert_eq!(verified.not_proven, [&chain[..], &[NotProven::Contents]].concat());
    let counted = [
        NotProven::PolicyValues,
        NotProven::Usage { commits: 2 },
        NotProven::HostAmounts { commits: 3 },
        NotProven::Attested { admissions: 5 },
        NotProven::Asserted { admissions: 1 },
    ];
    assert_eq!(replayed(&storage).unwrap().not_proven, [&chain[..], &counted].concat());
    assert!(verified.not_proven[0].to_string().starts_with("completeness unproven"));

    let anchor = Some(verified.summary.head);
    let through = verified.summary.head.sequence();
    let read = ReadOptions { anchor, ..ReadOptions::default() };
    let anchored = replay(&storage, &[&key()], AuditOptions { read, ..AuditOptions::default() }).unwrap();
    assert_eq!(anchored.summary.completeness, Completeness::Proven { through });
    assert_eq!(anchored.not_proven[0], NotProven::AfterAnchor { through });
    for what in &anchored.not_proven {
        assert!(!what.to_string().is_empty() && !what.as_str().contains(' '));
    }
}

#[test]
fn a_log_cut_back_does_not_hold_against_its_anchor() {
    let forgery = story(1 << 30);
    let sealed = {
        let (storage, _) = forgery.close();
        storage
    };
    let anchor = verified(&sealed).unwrap().summary.head;
    let (shorter, _) = Forgery::funded().close();
    let read = ReadOptions { anchor: Some(anchor), ..ReadOptions::default() };
    let error = verify(&shorter, &[&key()], AuditOptions { read, ..AuditOptions::default() }).unwrap_err();
    assert!(matches!(error.problem, Problem::Read(ReadError::Evidence { .. })), "{error}");
    assert_eq!(error.blame(), Blame::Evidence);
}

#[test]
fn what_is_no_log_is_never_valid() {
    let nothing = assize::wal::storage::Memory::new();
    for error in [verified(&nothing).unwrap_err(), replayed(&nothing).unwrap_err()] {
        assert_eq!((&error.problem, error.blame()), (&Problem::Read(ReadError::Missing), Blame::Storage));
        assert_eq!((error.good.records, error.place()), (0, None));
    }
    let (storage, _) = Forgery::funded().close();
    storage.take("00000001.seg");
    let error = replayed(&storage).unwrap_err();
    assert_eq!((&error.problem, error.blame()), (&Problem::Read(ReadError::Empty), Blame::Evidence));
}

#[test]
fn a_damaged_log_says_how_much_of_it_holds() {
    let (storage, _) = story(1 << 30).close();
    let bytes = storage.bytes("00000001.seg").unwrap();
    let mut offsets = Offsets::default();
    let read = ReadOptions::default();
    let options = AuditOptions { read, observer: Some(&mut offsets), ..AuditOptions::default() };
    replay(&storage, &[&key()], options).map(drop).unwrap();
    for (sequence, offset) in (1..).zip(offsets.0) {
        let mut altered = bytes.clone();
        altered[usize::try_from(offset).unwrap() + 45] ^= 0x10;
        let damaged = storage.copy();
        damaged.replace("00000001.seg", &altered);
        for error in [verified(&damaged).unwrap_err(), replayed(&damaged).unwrap_err()] {
            assert!(matches!(error.problem, Problem::Read(ReadError::Evidence { .. })), "{error}");
            let place = error.place().unwrap();
            assert_eq!(
                (place.sequence.0, place.offset, error.good.records),
                (sequence, offset, sequence - 1)
            );
            assert_eq!(error.good.to_string(), format!("{} records hold before it", sequence - 1));
        }
    }
}

#[derive(Default)]
struct Offsets(Vec<u64>);

impl Observer for Offsets {
    fn before(&mut self, step: &Step<'_>) {
        self.0.push(step.at.offset);
    }
}

/// Notes what it sees.
#[derive(Default)]
struct Notes {
    records: Vec<(Sequence, Kind)>,
    verdicts: usize,
    /// What is reserved at account 2 before and after the third admission.
    reserved: Vec<(u64, u64)>,
    seen_before: u64,
    progress: Vec<Progress>,
}

impl Observer for Notes {
    fn before(&mut self, step: &Step<'_>) {
        assert_eq!(step.ledger.sequence().0 + 1, step.frame.sequence.0);
        assert_eq!(step.at.sequence, step.frame.sequence);
        assert_eq!(step.frame.kind, step.record.kind().code());
        let mut payload = Vec::new();
        step.record.encode(&mut payload);
        assert_eq!(payload, step.frame.payload);
        self.seen_before =
            step.ledger.account(AccountId(2)).map_or(0, |of| of.limits.current(0).unwrap().1.reserved_micros);
        if let Some(verdict) = step.verdict {
            self.verdicts += 1;
            let decided = verdict.decided().map(|decided| decided.decision.epoch);
            assert!(decided.is_none_or(|epoch| epoch == step.ledger.policy().epoch()));
        }
        assert_eq!(step.disabled.is_empty(), step.ledger.disabled().is_empty());
    }

    fn after(&mut self, step: &Step<'_>) {
        assert_eq!(step.ledger.sequence(), step.frame.sequence);
        self.records.push((step.frame.sequence, step.record.kind()));
        if let (Record::Admission(call), Some(Verdict::Admitted { decided })) = (step.record, step.verdict) {
            assert_eq!(call.outcome.decided(), Some(decided));
            let after =
                step.ledger.account(AccountId(2)).unwrap().limits.current(0).unwrap().1.reserved_micros;
            self.reserved.push((self.seen_before, after));
        }
    }

    fn progress(&mut self, progress: Progress) {
        self.progress.push(progress);
    }
}

#[test]
fn an_observer_sees_each_record_with_the_state_before_and_after_it() {
    let (storage, world) = story(600).close();
    let mut notes = Notes::default();
    let options = AuditOptions { observer: Some(&mut notes), ..AuditOptions::default() };
    let report = replay(&storage, &[&key()], options).unwrap();
    let sequences: Vec<_> = notes.records.iter().map(|(sequence, _)| sequence.0).collect();
    assert_eq!(sequences, (1..=world.ledger.sequence().0).collect::<Vec<_>>());
    assert_eq!(notes.verdicts, 7);
    assert_eq!(notes.reserved, [(0, 60), (60, 160), (93, 124)]);
    let last = notes.progress.last().unwrap();
    assert_eq!((last.records, last.bytes > 0), (report.summary.records, true));
    assert!(last.bytes <= last.bytes_total, "{last:?}");

    let mut notes = Notes::default();
    let options = AuditOptions { observer: Some(&mut notes), ..AuditOptions::default() };
    verify(&storage, &[&key()], options).map(drop).unwrap();
    assert_eq!((notes.records.len(), notes.progress.len()), (0, 1));
}

/// The log's own state is the same ledger: opening restores it from a checkpoint and the records after it.
#[test]
fn a_log_opened_again_has_the_ledger_that_replay_makes() {
    let (storage, world) = story(600).close();
    let open = OpenOptions {
        key: assize::wal::LogKey::from(key()),
        options: assize::wal::LogOptions::default(),
        log_id: Some(LOG),
        anchor: None,
        at: after(61),
    };
    let ledger = Ledger::unrestored();
    let (log, _recovery) = Log::open(Box::new(storage.copy()), open, ledger).unwrap();
    let (digest, conserved) = log.with_fold(|ledger| (ledger.digest(), ledger.check_conservation())).unwrap();
    assert_eq!((digest, conserved), (world.ledger.digest(), Ok(())));
    assert_eq!(replayed(&storage).unwrap().ledger, digest);
}

#[test]
fn calls_start_at_nothing() {
    assert_eq!(replayed(&Forgery::new().close().0).unwrap().calls, Calls::default());
}

#[cfg(feature = "serde")]
#[test]
fn reports_are_shown_with_what_they_do_not_prove() {
    let (storage, world) = story(600).close();
    let shown = serde_json::to_value(replayed(&storage).unwrap()).unwrap();
    assert_eq!(shown["log_id"], "07".repeat(16));
    assert_eq!(shown["records"], world.ledger.sequence().0);
    assert_eq!(shown["ledger"], world.ledger.digest().to_string());
    assert_eq!(shown["calls"]["admitted"], 4);
    assert_eq!(shown["complete_through"], serde_json::Value::Null);
    assert_eq!(shown["not_proven"][0]["what"], "completeness");
    let shown = serde_json::to_value(verified(&storage).unwrap()).unwrap();
    assert_eq!(shown["not_proven"][3]["what"], "contents");
    assert_eq!(shown["head"]["sequence"], world.ledger.sequence().0);

    storage.take("00000001.seg");
    let shown = serde_json::to_value(replayed(&storage).unwrap_err()).unwrap();
    assert_eq!(shown["good"]["records"], 0);
    assert_eq!(shown["segment"], 1);
}

/// Looks at the end alone.
#[derive(Default)]
struct Ending {
    progress: Vec<Progress>,
    ended: Option<Sequence>,
}

impl Observer for Ending {
    fn sees_records(&self) -> bool {
        false
    }

    fn end(&mut self, ledger: &Ledger) {
        assert_eq!(self.ended.replace(ledger.sequence()), None);
    }

    fn progress(&mut self, progress: Progress) {
        self.progress.push(progress);
    }
}

/// On several threads each segment is told of when it was read, on one thread the whole of a log as short as this.
#[test]
fn segments_are_read_at_once_for_an_observer_that_sees_no_records() {
    let (storage, world) = story(600).close();
    for (count, every_segment) in [(1, false), (2, true), (3, true), (64, true)] {
        let threads = Threads(count.try_into().unwrap());
        let mut ending = Ending::default();
        let observer: Option<&mut dyn Observer> = Some(&mut ending);
        let report =
            replay(&storage, &[&key()], AuditOptions { observer, threads, ..AuditOptions::default() })
                .unwrap();
        let told = if every_segment { report.summary.segments as usize } else { 1 };
        assert!(report.summary.segments > 2);
        assert_eq!((ending.progress.len(), ending.ended), (told, Some(world.ledger.sequence())), "{count}");
        let last = ending.progress.last().unwrap();
        assert_eq!(last.records, report.summary.records);
        assert!(last.bytes <= last.bytes_total, "{last:?}");
        assert_eq!(report.ledger, world.ledger.digest());

        let mut ending = Ending::default();
        let observer: Option<&mut dyn Observer> = Some(&mut ending);
        let _report =
            verify(&storage, &[&key()], AuditOptions { observer, threads, ..AuditOptions::default() })
                .unwrap();
        assert_eq!((ending.progress.len(), ending.ended), (told, None), "{count}");
    }
}
