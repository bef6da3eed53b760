//! The last segment, cut or filled with something else at any byte.

use assize::{
    controller::{Call, NotAdmitted},
    num::Timestamp,
    wal::{Blame, Fault, Level, Place, ReadOptions, Tail, storage::Memory},
};

use crate::{
    LOG, MAKING,
    battery::{
        Drawn,
        host::{Host, amount},
        image::Image,
        in_two,
        log::{fault_of, replay, verify},
    },
    must_be, open,
};

/// What stands where the log was torn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rest {
    /// Nothing: the file ends.
    Nothing,
    /// Zeros up to where the file ended, and beyond.
    Zeros,
    /// Anything.
    Garbage,
}

#[test]
fn a_tail_torn_at_any_byte_after_what_was_synced_opens_and_loses_nothing_synced() {
    let (from, to) = (LOG.synced_end(), LOG.last().len());
    let cuts = (to - from + 1) as u64;
    for rest in [Rest::Nothing, Rest::Zeros, Rest::Garbage] {
        let recorded = in_two(0..cuts, |number| torn(from + number as usize, rest));
        // Cuts between two records leave nothing to record.
        let between = if rest == Rest::Garbage { 0 } else { LOG.head - LOG.synced + 1 };
        assert_eq!(recorded, cuts - between, "{rest:?}");
        println!("torn with {rest:?} at {cuts} bytes, {recorded} cuts on record");
    }
}

/// Gives 1 if something was cut.
fn torn(at: usize, rest: Rest) -> u64 {
    let what = format!("torn at byte {at}, then {rest:?}");
    let mut last = LOG.last()[..at].to_vec();
    match rest {
        Rest::Nothing => {}
        Rest::Zeros => last.resize(LOG.last().len() + 64, 0),
        Rest::Garbage => {
            let mut rest = Drawn(at as u64).bytes(LOG.last().len() - at + 1);
            // Not by chance what stood there.
            rest[0] = LOG.last().get(at).map_or(1, |byte| !byte);
            last.extend(rest);
        }
    }
    let (record, end) = LOG.whole(at);
    assert!(record >= LOG.synced);
    let cut = LOG.torn(&last, end);
    let image = LOG.with_last(last);

    // Whoever only reads says so, and changes nothing.
    let reading = image.reading();
    match verify(&reading, ReadOptions::default()) {
        Ok(report) => assert!(cut.is_none() && report.summary.head.sequence().0 == record, "{what}"),
        Err(error) => {
            assert_eq!(
                (fault_of(&error, &what), error.blame()),
                (Fault::TornTail, Blame::Evidence),
                "{what}"
            );
            assert_eq!(error.place(), Some(place(record + 1, end)), "{what}");
            assert!(cut.is_some(), "{what}");
        }
    }
    let live = verify(&reading, ReadOptions { tail: Tail::Live, ..ReadOptions::default() }).unwrap();
    assert_eq!((live.summary.head.sequence().0, live.summary.live), (record, cut.is_some()), "{what}");

    let memory = image.memory();
    let opened = open(&memory, &what);
    assert_eq!(opened.recovery.cut, cut, "{what}");
    let recoveries = u64::from(cut.is_some());
    assert_eq!(opened.recovery.head.0, record + recoveries, "{what}");
    must_be(&opened, &memory, record, recoveries, &what);
    if at.is_multiple_of(5) {
        drop(opened);
        let again = open(&memory, &what);
        assert_eq!(again.recovery.cut, None, "{what}, opened again");
        must_be(&again, &memory, record, recoveries, &what);
        goes_on(again, &memory, &what);
    }
    recoveries
}

/// The log that was opened takes what comes, closes, and proves it.
fn goes_on(opened: assize::controller::Opened, memory: &Memory, what: &str) {
    let held = opened.permits.len();
    let mut host = Host::new(opened.controller, Timestamp(0));
    host.now = host.controller.stats().unwrap().log_time;
    for permit in opened.permits {
        let call = host.call();
        let _settled = host.controller.commit(permit, amount(3), call).unwrap();
    }
    assert!(held >= 2, "{what}: {held} holds are open");
    assert_eq!(host.controller.stats().unwrap().holds_open, 0, "{what}");
    let anchor = host.controller.close().unwrap();
    let read = ReadOptions { anchor: Some(anchor), ..ReadOptions::default() };
    let report = replay(memory, read).unwrap();
    assert!(report.summary.sealed && report.holds_open == 0, "{what}");
}

/// What a frame that is on disk says of one before it holds: no crash damages what was synced.
#[test]
fn damage_to_what_was_synced_is_refused_and_to_the_rest_is_cut() {
    let (mut refused, mut cut) = (0, 0);
    for byte in 0..LOG.last().len() {
        let mut last = LOG.last().clone();
        last[byte] ^= 1 << (byte % 8);
        let what = format!("byte {byte}");
        let image = LOG.with_last(last);
        let memory = image.memory();
        if byte >= LOG.synced_end() {
            let (record, end) = LOG.whole(byte);
            let opened = open(&memory, &what);
            assert_eq!(opened.recovery.cut.unwrap().offset, end as u64, "{what}");
            must_be(&opened, &memory, record, 1, &what);
            cut += 1;
            continue;
        }
        let error = MAKING.open(Box::new(memory.clone()), None).err().expect(&what);
        let verified = verify(&memory, ReadOptions::default()).unwrap_err();
        assert_eq!(said(&error), Some(fault_of(&verified, &what)), "{what}");
        if byte >= LOG.checkpoint_end {
            let (record, end) = LOG.whole(byte);
            assert_eq!(fault_of(&verified, &what), Fault::Broken, "{what}");
            assert_eq!(verified.place(), Some(place(record + 1, end)), "{what}");
        }
        assert_eq!(Image::of(&memory), image, "{what}: refusing changes nothing");
        refused += 1;
    }
    assert_eq!(refused, LOG.synced_end());
    println!("{refused} bytes damaged and refused, {cut} cut");
}

/// Whole frames of the log itself, elsewhere than they were: refused or cut, and never taken.
#[test]
fn a_frame_that_is_whole_and_not_the_next_is_refused() {
    let segment = LOG.last();
    let mut refused = 0;
    for pair in LOG.ends.windows(2) {
        let (start, end) = (pair[0].1, pair[1].1);
        for (_, at) in &LOG.ends {
            if *at == start {
                continue;
            }
            let mut last = segment[..*at].to_vec();
            last.extend_from_slice(&segment[start..end]);
            let memory = LOG.with_last(last).memory();
            let error = MAKING.open(Box::new(memory), None).err().expect("a frame in another's place");
            assert!(matches!(said(&error), Some(Fault::FrameSequence { .. })), "{error}");
            refused += 1;
        }
    }
    assert_eq!(refused, (LOG.ends.len() - 1) * (LOG.ends.len() - 1));
}

/// Without an anchor, a suffix that was cut is a tail that was torn; with one, it is not.
#[test]
fn with_an_anchor_past_the_cut_everything_refuses() {
    let read = ReadOptions { anchor: Some(LOG.anchor), ..ReadOptions::default() };
    let (mut refused, mut opened) = (0, 0);
    for at in 0..LOG.synced_end() {
        let what = format!("cut at byte {at}");
        let image = LOG.with_last(LOG.last()[..at].to_vec());
        let memory = image.memory();
        assert!(verify(&memory, read).is_err(), "{what}");
        assert!(replay(&memory, read).is_err(), "{what}");
        assert!(MAKING.open(Box::new(memory.clone()), Some(LOG.anchor)).is_err(), "{what}");
        assert_eq!(Image::of(&memory), image, "{what}: refusing changes nothing");
        refused += 1;
        if at < LOG.checkpoint_end {
            assert!(MAKING.open(Box::new(memory.clone()), None).is_err(), "{what}: a segment appears whole");
            continue;
        }
        let (record, end) = LOG.whole(at);
        let found = open(&memory, &what);
        assert_eq!(found.recovery.cut, LOG.torn(&LOG.last()[..at], end), "{what}");
        must_be(&found, &memory, record, u64::from(found.recovery.cut.is_some()), &what);
        opened += 1;
        // What was done since does not hide it.
        drop(found);
        assert!(verify(&memory, read).is_err(), "{what}, recovered");
    }
    assert_eq!(refused, LOG.synced_end());
    assert!(opened > 300, "{opened}");
    let whole = LOG.image.memory();
    assert!(verify(&whole, read).is_ok() && MAKING.open(Box::new(whole), Some(LOG.anchor)).is_ok());
    println!("{refused} cuts below the anchor, all refused; {opened} of them open without it");
}

/// What was cut was never acknowledged as synced, and can be done again under the same names.
#[test]
fn an_operation_that_was_cut_is_done_once_more_and_one_that_was_kept_is_not() {
    let (from, to) = (LOG.synced_end(), LOG.last().len());
    let (mut kept, mut again) = (0, 0);
    for at in (from..to).step_by(3).chain([to]) {
        let memory = LOG.with_last(LOG.last()[..at].to_vec()).memory();
        let opened = open(&memory, "cut");
        let mut host = Host::new(opened.controller, Timestamp(0));
        host.now = host.controller.stats().unwrap().log_time;
        let account = assize::id::Name::new("short").unwrap();
        let account = host.controller.account(&account).unwrap();
        let request = host.request(0, 1000);
        let operation = LOG.last_operation;
        let call = Call { at: operation.issued, level: Level::Synced, operation: Some(operation) };
        let is_kept = host.controller.operation(&operation.id).unwrap().is_some();
        assert_eq!(is_kept, at == to, "cut at {at}");
        match host.admit(&[account], &request, 60_000, call) {
            Ok(permit) => {
                assert!(!is_kept && permit.hold().0 > LOG.whole(at).0, "cut at {at}");
                again += 1;
            }
            Err(NotAdmitted::Repeated(repeated)) => {
                assert!(is_kept && repeated.hold().0 == LOG.head, "cut at {at}");
                kept += 1;
            }
            Err(other) => panic!("{other}"),
        }
    }
    println!("{again} done again, {kept} kept");
    assert!(again > 300 && kept == 1);
}

fn place(sequence: u64, offset: usize) -> Place {
    let sequence = assize::id::Sequence(sequence);
    Place { segment: LOG.image.last(), sequence, offset: offset as u64 }
}

/// What the log says about itself.
pub(crate) fn said(error: &assize::controller::OpenError) -> Option<Fault> {
    use assize::wal::{OpenError, ReadError};
    match error {
        assize::controller::OpenError::Log(OpenError::Read(ReadError::Evidence { fault, .. })) => {
            Some(*fault)
        }
        _ => None,
    }
}
