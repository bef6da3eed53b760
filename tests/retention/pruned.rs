//! What is deleted, and what the rest proves.

use std::collections::BTreeMap;

use assize::{
    audit::{self, AuditOptions, Budgets, NotProven, Observer, Step, WhatIfOptions},
    id::Sequence,
    ledger::Ledger,
    num::Timestamp,
    record::{Kind, Record},
    wal::{Fault, Keep, Level, Pruned, ReadOptions, storage::Operation},
};

use crate::{
    battery::{
        host::{LOG_ID, START, key, policy},
        image::Image,
        log::{fault_of, replay, replay_with, verify},
    },
    ledger, long, named, open, retain, segments,
};

/// The sequence of the last record before a segment, by its header. FORMAT 6.4.
fn before(image: &Image, segment: u32) -> Sequence {
    Sequence(crate::battery::format::u64_at(image.segment(segment), 40))
}

#[test]
fn a_log_pruned_anywhere_comes_to_the_same_ledger() {
    let last = 9;
    let log = named(last, last);
    let whole = replay(&log.reading(), ReadOptions::default()).unwrap();
    assert_eq!((whole.summary.pruned, whole.summary.segments), (None, last));
    assert!(!whole.not_proven.iter().any(|what| matches!(what, NotProven::Pruned { .. })));
    for first in 2..=last {
        let pruned = log.without_all(1..first);
        let through = before(&log, first);
        let is_pruned = Some(Pruned { first_segment: first, through });
        let verified = verify(&pruned.reading(), ReadOptions::default()).unwrap();
        let replayed = replay(&pruned.reading(), ReadOptions::default()).unwrap();
        for (summary, not_proven) in
            [(&verified.summary, &verified.not_proven), (&replayed.summary, &replayed.not_proven)]
        {
            assert_eq!((summary.pruned, summary.segments), (is_pruned, last + 1 - first));
            assert_eq!(summary.records, whole.summary.records - through.0);
            assert!(summary.head.tag().matches(&whole.summary.head.tag()));
            assert_eq!(not_proven[0], NotProven::Pruned { through });
        }
        assert_eq!(
            (replayed.ledger, replayed.snapshot, replayed.checkpoints),
            (whole.ledger, whole.snapshot, u64::from(last - first))
        );
        let said = serde_json::to_value(&replayed).unwrap();
        assert_eq!(said["pruned"], serde_json::json!({ "first_segment": first, "through": through.0 }));
        assert_eq!(said["not_proven"][0]["what"], "pruned");

        let memory = pruned.memory();
        let opened = open(&memory);
        assert_eq!(ledger(&opened.controller), whole.ledger);
        assert_eq!(opened.permits.len() as u64, whole.holds_open + expired(&log), "holds come back");
        let anchor = opened.controller.close().unwrap();
        let options = ReadOptions { anchor: Some(anchor), ..ReadOptions::default() };
        assert_eq!(replay(&memory, options).unwrap().summary.pruned, is_pruned);
    }
}

fn expired(log: &Image) -> u64 {
    #[derive(Default)]
    struct Expired(u64);
    impl Observer for Expired {
        fn end(&mut self, ledger: &Ledger) {
            let expired = |hold: &assize::ledger::Hold| hold.state == assize::ledger::HoldState::Expired;
            self.0 = ledger.holds().filter(|(_, hold)| expired(hold)).count() as u64;
        }
    }
    let mut expired = Expired::default();
    let _report = replay_with(&log.reading(), &mut expired).unwrap();
    expired.0
}

#[test]
fn so_many_segments_stay_as_were_asked_for() {
    let (storage, mut days) = long(LOG_ID, 6);
    let first = |storage: &assize::wal::storage::Memory| storage.names()[0].clone();
    let head = days.host.head();
    for keep in [6, 7, u32::MAX] {
        let retained = retain(&mut days, segments(keep));
        assert_eq!((retained.retention, retained.sequence, retained.removed), (None, None, 0));
        assert_eq!((days.host.head(), storage.names().len()), (head, 6), "nothing is recorded either");
    }
    for (keep, removed) in [(5, 1), (3, 2), (1, 2)] {
        let retained = retain(&mut days, segments(keep));
        let kept = retained.retention.unwrap();
        assert_eq!((kept.first_segment, retained.removed), (7 - keep, removed));
        assert_eq!(retained.sequence, Some(Sequence(days.host.head())));
        assert_eq!(first(&storage), format!("{:08}.seg", 7 - keep));
        assert_eq!(days.host.controller.stats().unwrap().log.synced, Sequence(days.host.head()));
        let report = replay(&storage, ReadOptions::default()).unwrap();
        assert_eq!(report.summary.pruned.unwrap().through, kept.through);
        // The same once more changes nothing.
        let again = retain(&mut days, segments(keep));
        assert_eq!((again.retention, again.sequence, again.removed), (retained.retention, None, 0));
    }
    // It goes on, and later segments carry the retention.
    while days.host.controller.stats().unwrap().log.segment < 9 {
        days.act();
    }
    let retained = retain(&mut days, segments(2));
    assert_eq!((retained.retention.unwrap().first_segment, retained.removed), (8, 2));
    let anchor = days.host.controller.close().unwrap();
    let options = ReadOptions { anchor: Some(anchor), ..ReadOptions::default() };
    assert_eq!(replay(&storage, options).unwrap().summary.pruned.unwrap().first_segment, 8);
}

/// Effective times by sequence.
#[derive(Default)]
struct Times(BTreeMap<u64, Timestamp>);

impl Observer for Times {
    fn after(&mut self, step: &Step<'_>) {
        self.0.insert(step.at.sequence.0, step.frame.effective);
    }
}

#[test]
fn what_took_effect_since_a_time_stays_and_no_segment_that_could_go() {
    let (storage, days) = long(LOG_ID, 6);
    drop(days);
    let log = Image::of_frames(&storage);
    let mut times = Times::default();
    let _report = replay_with(&log.reading(), &mut times).unwrap();
    let mut firsts = BTreeMap::new();
    for since in times.0.values().map(|at| at.0).flat_map(|at| [at, at + 1]).step_by(7) {
        let memory = log.memory();
        let controller = open(&memory).controller;
        let call = assize::controller::Call::at(START).level(Level::Queued);
        let retained = controller.retain(Keep::Since(Timestamp(since)), call).unwrap();
        drop(controller);
        let (first, through) = retained.retention.map_or((1, 0), |kept| (kept.first_segment, kept.through.0));
        assert!(times.0.range(..=through).all(|(_, at)| at.0 < since), "{since}: all since then is there");
        // The next segment could not go as well.
        let next = (first < 6).then(|| before(&log, first + 1).0);
        assert!(next.is_none_or(|next| times.0[&next].0 >= since), "{since}: from segment {first}");
        let report = replay(&memory, ReadOptions::default()).unwrap();
        assert_eq!(report.summary.pruned.map_or(1, |pruned| pruned.first_segment), first);
        *firsts.entry(first).or_insert(0) += 1;
    }
    assert_eq!(firsts.len(), 6, "{firsts:?}");
}

#[test]
fn the_record_says_what_it_names_and_changes_no_balance() {
    #[derive(Default)]
    struct Seen(Option<(u64, bool)>, Option<Vec<u8>>);
    impl Observer for Seen {
        fn begin(&mut self, ledger: &Ledger) {
            assert_eq!(ledger.sequence(), Sequence(0));
        }
        fn before(&mut self, step: &Step<'_>) {
            if step.record.kind() == Kind::Retention {
                self.1 = Some(form(step.ledger));
            }
        }
        fn after(&mut self, step: &Step<'_>) {
            if let Record::Retention(kept) = step.record {
                assert_eq!((kept.first_segment, step.frame.caller), (3, step.frame.effective));
                self.0 = Some((kept.through.0, self.1 == Some(form(step.ledger))));
            }
        }
    }
    /// All but the sequence and the log time.
    fn form(ledger: &Ledger) -> Vec<u8> {
        let mut form = Vec::new();
        ledger.encode(&mut form);
        form.split_off(18)
    }
    let log = named(4, 3);
    let mut seen = Seen::default();
    let _report = replay_with(&log.reading(), &mut seen).unwrap();
    assert_eq!(seen.0, Some((before(&log, 3).0, true)));
}

#[test]
fn what_another_policy_would_have_done_goes_on_from_the_checkpoint() {
    let log = named(5, 4);
    let ask = |image: &Image, budgets| {
        let options = WhatIfOptions { budgets, ..WhatIfOptions::default() };
        audit::what_if(&image.reading(), &[&key()], &policy(1), options).unwrap()
    };
    for budgets in [Budgets::Recorded, Budgets::Simulated] {
        let (whole, pruned) = (ask(&log, budgets), ask(&log.without_all(1..4), budgets));
        let told = |report: &audit::WhatIfReport| {
            report.assumptions.iter().any(|assumed| assumed.as_str() == "from_checkpoint")
        };
        assert_eq!((told(&whole), told(&pruned)), (false, true));
        // The same policy decides the same: nothing is changed by having begun later.
        assert_eq!(pruned.money.spent.difference_micros, 0);
        assert_eq!(pruned.money.held.difference_micros, 0);
        assert_eq!(pruned.replay.ledger, whole.replay.ledger);
    }
}

#[test]
fn an_anchor_that_was_deleted_is_refused_by_name() {
    let (storage, mut days) = long(LOG_ID, 3);
    let early = days.host.controller.drain().unwrap();
    while days.host.controller.stats().unwrap().log.segment < 6 {
        days.act();
    }
    let late = days.host.controller.drain().unwrap();
    let retained = retain(&mut days, segments(2));
    let through = retained.retention.unwrap().through;
    drop(days);
    let read = |anchor| verify(&storage, ReadOptions { anchor: Some(anchor), ..ReadOptions::default() });
    assert!(read(late).is_ok());
    let error = read(early).unwrap_err();
    let anchor = early.sequence();
    assert_eq!(fault_of(&error, "deleted"), Fault::AnchorPruned { anchor, through });
    assert_eq!(
        error.to_string(),
        format!(
            "segment 5, sequence {through}, offset 256: the log is pruned through sequence {through}, and its anchor at {anchor} with it"
        )
    );
    // Opening reads the last segment alone, and has checked the log and the sequence. FORMAT 8.6.
    assert!(crate::MAKING.open(Box::new(storage.clone()), Some(early)).is_ok());
}

#[test]
fn damage_in_a_log_that_was_pruned_is_told_from_where_it_begins() {
    let log = named(5, 3).without_all(1..3);
    let through = before(&log, 3).0;
    let frames = crate::battery::format::frames(log.segment(4));
    let record = frames.iter().find(|frame| frame.kind != 64).unwrap();
    let altered = log.patched(4, vec![(record.offset + 50, vec![0xFF])]);
    let error = verify(&altered, ReadOptions::default()).unwrap_err();
    assert_eq!(error.place().unwrap().sequence, Sequence(record.sequence));
    assert_eq!(
        (error.good.records, error.good.pruned_through),
        (record.sequence - 1, Some(Sequence(through)))
    );
    let expected = format!(
        "{} records hold before it, after those through {through}, which were deleted",
        record.sequence - 1 - through
    );
    assert_eq!(error.good.to_string(), expected);
    assert_eq!(replay(&altered, ReadOptions::default()).unwrap_err().good, error.good);
}

#[test]
fn nothing_is_read_twice_that_need_not_be() {
    let log = named(5, 3);
    let reads = |image: &Image| {
        let memory = image.memory();
        let options = AuditOptions::default();
        let _report = audit::verify(&memory, &[&key()], options).unwrap();
        memory.count(Operation::Open)
    };
    // A retention in an earlier segment is known by the header of the last one.
    assert_eq!(reads(&log), 5 + 1, "each segment once, and the header that the retention names");
}
