//! Crashes at every call that reaches the storage: while a log is created, and while a torn tail is recovered. What
//! failed once is looked at twice: as a killed process leaves it, and as a power cut.

use std::{cell::Cell, collections::BTreeMap};

use assize::{
    controller::{OpenError, Opened},
    id::{Name, Sequence},
    wal::{
        self, ReadError, ReadOptions,
        storage::{Failing, Memory, Operation},
    },
};

use crate::{
    LOG, MAKING,
    battery::{
        Drawn,
        host::{Host, START},
        image::Image,
        log::replay,
    },
    must_be, open,
};

const OPERATIONS: [Operation; 13] = [
    Operation::Establish,
    Operation::Lock,
    Operation::List,
    Operation::Create,
    Operation::Open,
    Operation::Rename,
    Operation::Remove,
    Operation::SyncDir,
    Operation::Read,
    Operation::Write,
    Operation::Sync,
    Operation::SetLen,
    Operation::Len,
];

/// Fails each operation of each kind in turn, until the act needs no more of that kind. `act` is given the memory that
/// will fail and says whether it noticed; then `after` is given what is left, twice. Gives how often each kind failed.
fn fail_each(
    prepare: impl Fn() -> Memory,
    act: impl Fn(&Memory) -> Result<(), ()>,
    after: impl Fn(&Memory, &str),
) -> BTreeMap<Operation, u64> {
    let mut failed = BTreeMap::new();
    for operation in OPERATIONS {
        for nth in 1.. {
            let memory = prepare();
            let before = memory.count(operation);
            memory.fail(Failing::nth(operation, nth));
            let outcome = act(&memory);
            if memory.count(operation) - before < nth {
                assert!(outcome.is_ok(), "nothing failed");
                break;
            }
            assert!(outcome.is_err(), "{operation:?} {nth} failed, and nobody noticed");
            after(&memory.copy(), &format!("{operation:?} {nth} failed, the process was killed"));
            memory.cut_power();
            after(&memory, &format!("{operation:?} {nth} failed, the power was cut"));
            *failed.entry(operation).or_default() += 1;
        }
    }
    failed
}

#[test]
fn a_crash_at_any_call_of_a_creation_leaves_a_log_or_none() {
    let failed = fail_each(
        Memory::new,
        |memory| MAKING.try_create(Box::new(memory.clone())).map(drop).map_err(drop),
        |memory, what| {
            let opened = match MAKING.open(Box::new(memory.clone()), None) {
                Ok(opened) => opened,
                Err(OpenError::Log(wal::OpenError::Read(ReadError::Missing | ReadError::Empty))) => {
                    let created = MAKING.try_create(Box::new(memory.clone()));
                    drop(created.unwrap_or_else(|error| panic!("{what}: {error}")));
                    open(memory, what)
                }
                Err(error) => panic!("{what}: {error}"),
            };
            assert_eq!((opened.recovery.head, opened.recovery.cut), (Sequence(0), None), "{what}");
            assert_eq!(replay(memory, ReadOptions::default()).unwrap().summary.records, 0, "{what}");
        },
    );
    for operation in
        [Operation::Create, Operation::Write, Operation::Sync, Operation::Rename, Operation::SyncDir]
    {
        assert_eq!(failed[&operation], 1, "{failed:?}");
    }
    println!("creation failed at {failed:?}");
}

#[test]
fn a_crash_at_any_call_of_a_recovery_loses_nothing_more_and_no_record_of_the_cut() {
    // A record torn in its middle, others whole after it, and a segment whose creation did not end.
    let (torn_at, end) = LOG.ends[LOG.ends.len() - 4];
    let mut last = LOG.last().clone();
    last[end + 60] ^= 1;
    last.extend(Drawn(7).bytes(200));
    let image = LOG.with_last(last).with_file("00000099.seg.tmp", b"unfinished".to_vec());
    let failed = recovery_fails(&image, |opened, memory, recoveries, what| {
        must_be(opened, memory, torn_at, recoveries, what);
    });
    assert!(failed[&Operation::Remove] == 1 && failed[&Operation::SyncDir] == 1, "{failed:?}");
    println!("recovery failed at {failed:?}");
}

/// A segment with no room for one record more is torn: the record of the cut stands where the cut was made.
#[test]
fn a_crash_at_any_call_of_a_recovery_of_a_full_segment_loses_nothing_more() {
    let memory = LOG.image.memory();
    let mut host = Host::new(open(&memory, "full").controller, START);
    host.now = host.controller.stats().unwrap().log_time;
    let org = host.controller.account(&Name::new("org").unwrap()).unwrap();
    let segment = host.controller.stats().unwrap().log.segment;
    let mut full = (Image::default(), 0);
    while host.controller.stats().unwrap().log.segment == segment {
        full = (Image::of_frames(&memory), host.head());
        host.grant(org, 1);
    }
    drop(host);
    let (image, head) = full;
    let mut torn = image.segment(segment).clone();
    torn.extend(Drawn(8).bytes(300));
    let image = image.with(segment, torn);
    let failed = recovery_fails(&image, |opened, _, recoveries, what| {
        assert_eq!(opened.recovery.head.0, head + recoveries, "{what}");
        assert_eq!(opened.controller.stats().unwrap().log.segment, segment, "{what}");
    });
    println!("recovery of a full segment failed at {failed:?}");
}

/// Fails the opening of a torn log at every call, and opens what that leaves: the cut is on record, once for each time
/// that its record was begun.
fn recovery_fails(torn: &Image, check: impl Fn(&Opened, &Memory, u64, &str)) -> BTreeMap<Operation, u64> {
    let twice = Cell::new(0);
    let failed = fail_each(
        || torn.memory(),
        |memory| MAKING.open(Box::new(memory.clone()), None).map(drop).map_err(drop),
        |memory, what| {
            let opened = open(memory, what);
            let recoveries = replay(memory, ReadOptions::default()).unwrap().calls.recoveries;
            assert!(recoveries == 1, "{what}: {recoveries} cuts on record");
            twice.set(twice.get() + u64::from(opened.recovery.cut.is_some()));
            check(&opened, memory, recoveries, what);
        },
    );
    assert!(failed[&Operation::Write] >= 2 && failed[&Operation::Sync] >= 2, "{failed:?}");
    let all: u64 = failed.values().sum();
    assert!(twice.get() > 0 && twice.get() < all * 2, "some openings found the cut made, some did not");
    failed
}
