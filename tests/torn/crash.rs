//! Crashes at every call that reaches the storage: while a log is created, while a segment gives way to the next, while
//! a torn tail is recovered. What failed once is looked at twice: as a killed process leaves it, and as a power cut.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
};

use assize::{
    controller::{Fault, NotAdmitted, OpenError, Opened},
    id::{Name, Sequence},
    wal::{
        self, Level, ReadError, ReadOptions,
        storage::{Failing, Memory, Operation},
    },
};

use crate::{
    LOG, MAKING,
    battery::{
        Drawn,
        client::{self, Desk, Job, Part, Told},
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
        full = (Image::of(&memory), host.head());
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

#[test]
fn a_crash_at_any_call_around_rotations_loses_nothing_acknowledged() {
    for level in [Level::Synced, Level::Written] {
        let told = RefCell::new(Told::default());
        let (retried, kept) = (Cell::new(0), Cell::new(0));
        let failed = fail_each(
            || {
                let memory = Memory::new();
                Desk::prepare(client::MAKING.create(&memory));
                memory
            },
            |memory| {
                told.replace(Told::default());
                work(memory, level, &mut told.borrow_mut())
            },
            |memory, what| {
                // What is written survives a killed process; only what is synced survives a power cut.
                let mut told = told.borrow().clone();
                if level == Level::Written && what.ends_with("cut") {
                    told.acknowledged.clear();
                }
                let (more, already) = goes_on(memory, told, what);
                retried.set(retried.get() + more);
                kept.set(kept.get() + already);
            },
        );
        let rotations = failed[&Operation::Rename];
        assert!(rotations >= 3 && failed[&Operation::Create] == rotations, "{failed:?}");
        assert!(failed[&Operation::Write] > 30 && failed[&Operation::Sync] >= rotations * 2, "{failed:?}");
        assert!(retried.get() > 20 && kept.get() > 0, "{} retried, {} kept", retried.get(), kept.get());
        println!(
            "{level:?}: {rotations} rotations; calls failed at {failed:?}; of those not answered {} were done by a \
             retry, {} had been",
            retried.get(),
            kept.get()
        );
    }
}

/// Sixteen jobs in turn, until a call is not answered.
fn work(memory: &Memory, level: Level, told: &mut Told) -> Result<(), ()> {
    let opened = client::MAKING.open(Box::new(memory.clone()), None).map_err(drop)?;
    let desk = Desk::new(opened.controller, level);
    for number in 0..16 {
        let job = Job { client: (number % 2) as u8, number };
        told.asked.insert((job, Part::Admission));
        let permit = match desk.admit(job) {
            Ok(permit) => permit,
            Err(NotAdmitted::Faulted(Fault::Unknown { .. })) => return Err(()),
            Err(other) => panic!("{other}"),
        };
        told.acknowledged.insert((job, Part::Admission), permit.hold().0);
        if job.is_settled() {
            told.asked.insert((job, Part::Settlement));
            match desk.settle(job, permit) {
                Ok(sequence) => told.acknowledged.insert((job, Part::Settlement), sequence.0),
                Err(not) if matches!(not.fault, Fault::Unknown { .. }) => return Err(()),
                Err(other) => panic!("{other}"),
            };
        }
    }
    Ok(())
}

/// Opens what a crash left; what was acknowledged is there; what was not is asked for again, and done once. Gives how
/// often it was done by that, and how often it had been.
fn goes_on(memory: &Memory, mut told: Told, what: &str) -> (u64, u64) {
    let opened = client::MAKING.open(Box::new(memory.clone()), None);
    let opened = opened.unwrap_or_else(|error| panic!("{what}: {error}"));
    let (before, by_id) = told.must_be_in(memory, what);
    let desk = Desk::new(opened.controller, Level::Synced);
    desk.must_conserve();
    let mut permits: BTreeMap<u64, _> =
        opened.permits.into_iter().map(|permit| (permit.hold().0, permit)).collect();
    assert_eq!(before.holds_open, permits.len() as u64, "{what}");
    let (mut retried, mut kept) = (0, 0);
    for (job, part) in told.asked.clone() {
        let done = by_id.get(&job.id(part)).copied();
        let sequence = match (part, done) {
            (Part::Admission, _) => match desk.admit(job) {
                Ok(permit) => {
                    assert_eq!(done, None, "{what}: {job:?} admitted twice");
                    let hold = permit.hold().0;
                    permits.insert(hold, permit);
                    hold
                }
                Err(NotAdmitted::Repeated(repeated)) => {
                    assert_eq!(done, Some(repeated.hold().0), "{what}: {job:?}");
                    repeated.hold().0
                }
                Err(other) => panic!("{what}: {other}"),
            },
            (Part::Settlement, Some(done)) => {
                let remembered = desk.controller.operation(&job.id(part)).unwrap().unwrap();
                assert_eq!(remembered.sequence.0, done, "{what}: {job:?}");
                done
            }
            (Part::Settlement, None) => {
                let hold = told.acknowledged[&(job, Part::Admission)];
                let permit =
                    permits.remove(&hold).unwrap_or_else(|| panic!("{what}: hold {hold} is not open"));
                desk.settle(job, permit).unwrap().0
            }
        };
        if !told.acknowledged.contains_key(&(job, part)) {
            *(if done.is_some() { &mut kept } else { &mut retried }) += 1;
        }
        told.acknowledged.insert((job, part), sequence);
    }
    desk.must_conserve();
    let anchor = desk.controller.close().unwrap();
    let (report, _) = told.must_be_in(memory, what);
    assert_eq!(report.summary.head.sequence(), anchor.sequence(), "{what}");
    (retried, kept)
}
