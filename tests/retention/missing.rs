//! Every set of segments that may be missing, and every one that may not.

use assize::{
    controller::OpenError,
    wal::{self, Fault, Place, ReadError, ReadOptions},
};

use crate::{
    MAKING,
    battery::{
        host::LOG_ID,
        image::Image,
        log::{fault_of, replay, verify},
    },
    ledger, long, named,
};

/// Which segment's absence is refused of those that are missing, where the last retention names that one.
fn refused(missing: &[u32], kept: u32) -> Option<u32> {
    missing.iter().copied().find(|number| *number >= kept)
}

#[test]
fn what_no_retention_has_named_may_not_be_missing() {
    let last = 6;
    let (storage, days) = long(LOG_ID, last);
    drop(days);
    let logs =
        [(1, Image::of_frames(&storage)), (2, named(last, 2)), (4, named(last, 4)), (6, named(last, 6))];
    let (mut held, mut fails) = (0, 0);
    for (kept, log) in &logs {
        let whole = replay(&log.reading(), ReadOptions::default()).unwrap();
        // All sets of segments but the last.
        for set in 1..1_u32 << (last - 1) {
            let missing: Vec<u32> = (1..last).filter(|number| set >> (number - 1) & 1 == 1).collect();
            let what = format!("{missing:?} missing, {kept} kept");
            let image = log.without_all(missing.iter().copied());
            let opened = MAKING.open(Box::new(image.memory()), None);
            match refused(&missing, *kept) {
                None => {
                    held += 1;
                    let report = replay(&image.reading(), ReadOptions::default());
                    let report = report.unwrap_or_else(|error| panic!("{what}: {error}"));
                    assert_eq!(report.ledger, whole.ledger, "{what}");
                    let first = missing.last().unwrap() + 1;
                    assert_eq!(report.summary.pruned.unwrap().first_segment, first, "{what}");
                    let opened = opened.unwrap_or_else(|error| panic!("{what}: {error}"));
                    assert_eq!(ledger(&opened.controller), whole.ledger, "{what}");
                }
                Some(number) => {
                    fails += 1;
                    let error = verify(&image.reading(), ReadOptions::default()).expect_err(&what);
                    assert_eq!(fault_of(&error, &what), Fault::SegmentMissing, "{what}");
                    assert_eq!(error.place().unwrap().segment, number, "{what}");
                    assert_eq!(replay(&image.reading(), ReadOptions::default()).expect_err(&what), error);
                    let Err(OpenError::Log(wal::OpenError::Read(ReadError::Evidence {
                        place: Place { segment, .. },
                        fault: Fault::SegmentMissing,
                    }))) = opened
                    else {
                        panic!("{what}: opens")
                    };
                    assert_eq!(segment, number, "{what}");
                }
            }
        }
    }
    assert_eq!((held, fails), (1 + 7 + 31, 4 * 31 - 39));
}

/// A crash leaves some of what was to be deleted; nobody looks at it any more, and the next retention deletes it.
#[test]
fn what_is_left_before_a_gap_is_passed_over() {
    let log = named(6, 4);
    let whole = replay(&log.reading(), ReadOptions::default()).unwrap();
    let left = log.without(3).with(2, b"no segment any more".to_vec());
    let report = replay(&left.reading(), ReadOptions::default()).unwrap();
    assert_eq!((report.ledger, report.summary.pruned.unwrap().first_segment), (whole.ledger, 4));
    let memory = left.memory();
    let opened = crate::open(&memory);
    let call = assize::controller::Call::at(crate::battery::host::START);
    let retained = opened.controller.retain(crate::segments(6), call).unwrap();
    assert_eq!((retained.sequence, retained.removed), (None, 2), "without a record of its own");
    assert_eq!(memory.names()[0], "00000004.seg");
    // Where nothing lies between, it is read, and must hold.
    let altered = log.with(3, b"no segment any more".to_vec());
    let error = verify(&altered.reading(), ReadOptions::default()).unwrap_err();
    assert_eq!((fault_of(&error, "altered"), error.place().unwrap().segment), (Fault::HeaderBroken, 3));
}
