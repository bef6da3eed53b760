//! A suffix cut off: what only an anchor can tell.

use assize::{
    audit::NotProven,
    id::Sequence,
    wal::{Blame, Completeness, Fault, ReadOptions},
};

use crate::battery::{
    host::{LOG_ID, Making},
    image::Image,
    in_two,
    log::{Made, Unit, fault_of, verify},
};

#[test]
fn a_suffix_cut_at_a_records_end_fails_with_the_anchor_and_is_unproven_without() {
    let log = Made::unclosed(LOG_ID, 1000);
    let records: Vec<_> = log.records().copied().collect();
    let anchored = ReadOptions { anchor: Some(log.anchor), ..ReadOptions::default() };
    let whole = verify(&log.image.reading(), anchored).unwrap();
    assert_eq!(whole.summary.completeness, Completeness::Proven { through: Sequence(1000) });
    assert!(!whole.not_proven.contains(&NotProven::Completeness));

    let cuts = in_two(1..records.len() as u64, |last| {
        let cut = after(&log, &records[last as usize - 1]);
        let report = verify(&cut.reading(), ReadOptions::default()).unwrap();
        assert_eq!(report.summary.head.sequence(), Sequence(last));
        assert_eq!(report.summary.completeness, Completeness::Unproven);
        assert!(report.not_proven.contains(&NotProven::Completeness));

        let error = verify(&cut.reading(), anchored).unwrap_err();
        assert_eq!(error.blame(), Blame::Evidence);
        assert_eq!(fault_of(&error, "cut"), Fault::AnchorAhead { anchor: Sequence(1000) });
        let place = error.place().unwrap();
        let end = &records[last as usize - 1];
        assert_eq!(place.segment, end.segment);
        assert_eq!((place.sequence.0, place.offset), (last + 1, end.end() as u64));
        1
    });
    assert_eq!(cuts, 999);

    // Whole segments cut off: the one before ends in its seal.
    for segment in 1..log.image.last() {
        let cut = log.image.cut(segment, log.image.segment(segment).len());
        let report = verify(&cut.reading(), ReadOptions::default()).unwrap();
        assert_eq!((report.summary.sealed, report.summary.completeness), (true, Completeness::Unproven));
        let error = verify(&cut.reading(), anchored).unwrap_err();
        assert_eq!(fault_of(&error, "cut"), Fault::AnchorAhead { anchor: Sequence(1000) });
    }
    println!("{cuts} cuts at records, {} at segments", log.image.last() - 1);
}

/// An older anchor proves as much as it names.
#[test]
fn an_anchor_of_the_past_fails_cuts_below_it_alone() {
    let log = Made::unclosed(LOG_ID, 200);
    let (mut held, mut failed) = (0, 0);
    for through in [1, 2, 70, 120, 199, 200] {
        let there = after(&log, &log.unit_of(through));
        let anchor = verify(&there.reading(), ReadOptions::default()).unwrap().summary.head;
        let read = ReadOptions { anchor: Some(anchor), ..ReadOptions::default() };
        for last in [1, 2, 3, 69, 70, 71, 119, 120, 121, 198, 199, 200] {
            let cut = after(&log, &log.unit_of(last));
            match verify(&cut.reading(), read) {
                Ok(report) => {
                    assert!(last >= through, "{last} of {through}");
                    let completeness = Completeness::Proven { through: Sequence(through) };
                    assert_eq!(report.summary.completeness, completeness);
                    held += 1;
                }
                Err(error) => {
                    assert!(last < through, "{last} of {through}: {error}");
                    failed += 1;
                }
            }
        }
    }
    assert_eq!((held, failed), (12 + 11 + 8 + 5 + 2 + 1, 1 + 4 + 7 + 10 + 11));
}

#[test]
fn opening_below_an_anchor_refuses_and_changes_nothing() {
    let log = Made::unclosed(LOG_ID, 400);
    let mut refused = 0;
    for last in (1..400).step_by(13) {
        let cut = after(&log, &log.unit_of(last));
        let memory = cut.memory();
        assert!(
            Making::default().open(Box::new(memory.clone()), Some(log.anchor)).is_err(),
            "cut after {last}"
        );
        assert_eq!(Image::of(&memory), cut);
        assert!(Making::default().open(Box::new(memory), None).is_ok(), "cut after {last}");
        refused += 1;
    }
    assert_eq!(refused, 31);
    let whole = log.image.memory();
    assert!(Making::default().open(Box::new(whole), Some(log.anchor)).is_ok());
}

/// The log up to that record, and nothing after it.
fn after(log: &Made, unit: &Unit) -> Image {
    log.image.cut(unit.segment, unit.end())
}
