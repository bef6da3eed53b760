//! Logs that were believed although they had been altered, and logs that were lost although they could be read.

use std::error::Error;

use assize::{
    audit::{self, AuditError, AuditOptions, NotProven, VerifyReport},
    controller::{Controller, CreateError, CreateOptions, Fault, NotAdmitted, OpenError},
    crypto::{KeyId, RootKey},
    id::LogId,
    overrun::Overrun::Deny,
    policy::Policy,
    record::Spend,
    wal::{
        self, Anchor, Level, LogOptions, ReadOptions,
        storage::{Failing, Memory, Operation, Unit},
    },
};

use crate::{
    format::{EXTENSION, Frame, PAYLOAD, TRAILER_BYTES, frame_tag, frames, repair_frame},
    scene::{LOG, Money, Place, Scene, Setup, at, call, key, micros, operation, tiny, try_open},
};

/// A log of three segments, closed: its files, and its anchor.
fn written(id: LogId, root: RootKey) -> (Memory, Anchor) {
    let memory = Memory::new();
    let options = CreateOptions {
        log: LogOptions { segment_bytes: 2_048, ..LogOptions::default() },
        ..CreateOptions::new(id, root, Policy::freeze(tiny()).unwrap(), at(0))
    };
    let controller = Controller::create(Box::new(memory.clone()), options).unwrap();
    let scene = Scene {
        controller,
        place: Place::Memory(memory.clone()),
        log: LogOptions::default(),
        engine: Setup::default().engine,
    };
    let account = scene.account("a", Deny, 1_000_000);
    while scene.controller.stats().unwrap().log.segment < 3 {
        let permit = scene.admit(&[account], &scene.ask(10), call(1)).unwrap();
        let settled = scene.controller.commit(permit, Spend::Amount(micros(60)), call(1)).unwrap();
        assert_eq!(settled.outcome.actual, micros(60));
    }
    let anchor = scene.controller.close().unwrap();
    (memory, anchor)
}

fn verify(memory: &Memory, keys: &[&RootKey], anchor: Option<Anchor>) -> Result<VerifyReport, AuditError> {
    let read = ReadOptions { anchor, log_id: Some(LOG), ..ReadOptions::default() };
    audit::verify(memory, keys, AuditOptions { read, ..AuditOptions::default() })
}

fn name_of(segment: u32) -> String {
    format!("{segment:08}.seg")
}

/// The same files with another content of one segment.
fn with(memory: &Memory, segment: u32, bytes: &[u8]) -> Memory {
    let altered = memory.copy();
    altered.replace(&name_of(segment), bytes);
    altered
}

/// A record in the middle of the second segment: what is before it, and where it stands.
fn in_the_middle(bytes: &[u8]) -> (Frame, Frame) {
    let frames = frames(bytes);
    let at = frames.iter().position(|frame| frame.kind < 64).unwrap() + 1;
    assert!(frames[at].kind < 64 && frames[at + 1].kind < 64, "a record between two others");
    (frames[at - 1], frames[at])
}

fn everything_said_by(error: &dyn Error) -> String {
    let mut said = String::new();
    let mut next = Some(error);
    while let Some(error) = next {
        said += &format!("{error} {error:?} {error:#?} ");
        next = error.source();
    }
    said.to_lowercase()
}

#[test]
fn a_verifiers_error_told_the_tag_that_would_repair_the_log() {
    let (memory, _) = written(LOG, key());
    let bytes = memory.bytes(&name_of(2)).unwrap();
    let (before, record) = in_the_middle(&bytes);
    let mut altered = record.of(&bytes).to_vec();
    altered[PAYLOAD + 3] ^= 1;
    repair_frame(&mut altered, LOG, 2);
    let previous: [u8; 32] = before.of(&bytes)[before.bytes - TRAILER_BYTES..][..32].try_into().unwrap();
    let right = frame_tag(&key(), LOG, 2, previous, &altered);
    let put = |frame: &[u8]| {
        let mut bytes = bytes.clone();
        bytes[record.offset..record.end()].copy_from_slice(frame);
        with(&memory, 2, &bytes)
    };
    let error = verify(&put(&altered), &[&key()], None).unwrap_err();
    assert_eq!(error.place().unwrap().offset, u64::try_from(record.offset).unwrap());
    let (root, options) = (key(), AuditOptions::default());
    let replayed = audit::replay(&put(&altered), &[&root], options).unwrap_err();
    let said = everything_said_by(&error) + &everything_said_by(&replayed);
    let decimal = |bytes: &[u8]| bytes.iter().map(u8::to_string).collect::<Vec<_>>().join(", ");
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    for part in right.windows(4) {
        assert!(!said.contains(&hex(part)) && !said.contains(&decimal(part)), "{part:x?} in: {said}");
    }
    // It is the tag that would have been told: with it, this record passes, and the next one does not.
    let mut repaired = altered.clone();
    repaired[record.bytes - TRAILER_BYTES..][..32].copy_from_slice(&right);
    repair_frame(&mut repaired, LOG, 2);
    let error = verify(&put(&repaired), &[&key()], None).unwrap_err();
    assert_eq!(error.place().unwrap().offset, u64::try_from(record.end()).unwrap());
}

#[test]
fn logs_that_were_edited_emptied_or_cut_still_verified() {
    let (memory, anchor) = written(LOG, key());
    let bytes = memory.bytes(&name_of(2)).unwrap();
    let (before, record) = in_the_middle(&bytes);
    let edited = {
        let mut bytes = bytes.clone();
        bytes[record.offset + PAYLOAD + 3] ^= 1;
        repair_frame(&mut bytes[record.offset..record.end()], LOG, 2);
        bytes
    };
    let without_it = [&bytes[..before.end()], &bytes[record.end()..]].concat();
    let last = memory.bytes(&name_of(3)).unwrap();
    let seal = *frames(&last).last().unwrap();
    let without = |segments: &[u32]| {
        let altered = memory.copy();
        segments.iter().for_each(|segment| altered.take(&name_of(*segment)));
        altered
    };
    let altered = [
        ("a record edited", with(&memory, 2, &edited)),
        ("a record taken out", with(&memory, 2, &without_it)),
        ("a segment emptied", with(&memory, 2, &[])),
        ("the last segment emptied", with(&memory, 3, &[])),
        ("a segment of zeros", with(&memory, 2, &vec![0; bytes.len()])),
        ("a segment cut at a record's end", with(&memory, 2, &bytes[..record.end()])),
        ("the last segment cut within its seal", with(&memory, 3, &last[..seal.offset + 20])),
        ("the first segment missing", without(&[1])),
        ("a middle segment missing", without(&[2])),
        ("all segments missing", without(&[1, 2, 3])),
    ];
    assert!(verify(&memory, &[&key()], None).is_ok());
    for (what, altered) in &altered {
        assert!(verify(altered, &[&key()], None).is_err(), "{what}");
        let replayed = audit::replay(altered, &[&key()], AuditOptions::default());
        assert!(replayed.is_err(), "{what}");
    }
    // What is cut off the end in whole shows by an anchor alone: without one, a report says that it does not.
    for cut in [with(&memory, 3, &last[..seal.offset]), without(&[3])] {
        let report = verify(&cut, &[&key()], None).unwrap();
        assert!(report.not_proven.contains(&NotProven::Completeness));
        assert!(verify(&cut, &[&key()], Some(anchor)).is_err());
    }
}

#[test]
fn an_attackers_own_key_was_accepted_because_the_record_carried_it() {
    let (memory, _) = written(LOG, key());
    let own = |id| RootKey::new(KeyId(id), &[0x66; 32]).unwrap();
    // A log of the attacker's own, under the id of the host's key or another one, is no log of the host's.
    for id in [key().id().0, 66] {
        let (forged, _) = written(LOG, own(id));
        assert!(verify(&forged, &[&own(id)], None).is_ok(), "it is whole, under its own key");
        assert!(verify(&forged, &[&key()], None).is_err());
        let opened =
            try_open(&Place::Memory(forged.clone()), LogOptions::default(), Setup::default().engine, None);
        assert!(matches!(opened, Err(OpenError::Log(_))));
        // Nor is one that goes on with the attacker's segments, not even for who holds both keys.
        let spliced = memory.copy();
        spliced.replace(&name_of(3), &forged.bytes(&name_of(3)).unwrap());
        assert!(verify(&spliced, &[&key()], None).is_err());
        assert!(verify(&spliced, &[&key(), &own(66)], None).is_err());
    }
}

#[test]
fn errors_of_the_audit_log_were_ignored_and_requests_served() {
    for failing in [Operation::Write, Operation::Sync] {
        let memory = Memory::new();
        let scene = Scene::at(Place::Memory(memory.clone()), Setup::default());
        let account = scene.account("a", Deny, 1_000);
        let open = scene.admit(&[account], &scene.ask(10), call(1)).unwrap();
        memory.fail(Failing::nth(failing, 1).with(std::io::ErrorKind::StorageFull));
        let named = call(2).operation(operation(1, 2));
        let served = scene.admit(&[account], &scene.ask(10), named);
        assert!(matches!(served, Err(NotAdmitted::Faulted(Fault::Unknown { .. }))), "{served:?}");
        // Nobody is served any more, and no balance is shown, although the disk would write again.
        let served = scene.admit(&[account], &scene.ask(10), call(3).level(Level::Queued));
        assert_eq!(served, Err(NotAdmitted::Faulted(Fault::Poisoned)));
        let settled = scene.controller.commit(open, Spend::Amount(micros(1)), call(3)).unwrap_err();
        assert_eq!(settled.fault, Fault::Poisoned);
        assert_eq!(scene.controller.read(account), Err(Fault::Poisoned));
        // What the log says is what there is: the hold whose commit was turned away, and the unknown one or not.
        let (scene, permits) = scene.crash();
        let found = scene.controller.operation(&operation(1, 2).id).unwrap();
        assert_eq!(permits.len(), 1 + usize::from(found.is_some()));
        let reserved = 100 * u64::try_from(permits.len()).unwrap();
        let available = 1_000 - i64::try_from(reserved).unwrap();
        let money = Money { granted: 1_000, available, reserved, ..Money::default() };
        assert_eq!(scene.money(account), money);
        scene.finish();
    }
}

#[test]
fn a_tail_torn_by_an_ordinary_power_cut_made_the_log_unopenable() {
    let memory = Memory::new();
    let scene = Scene::at(Place::Memory(memory.clone()), Setup::default());
    let account = scene.account("a", Deny, 100_000);
    let synced = scene.admit(&[account], &scene.ask(10), call(1)).unwrap();
    for _ in 0..8 {
        let written = scene.admit(&[account], &scene.ask(10), call(2).level(Level::Written)).unwrap();
        drop(written);
    }
    let Scene { log, engine, .. } = scene;
    let crash = memory.crash();
    let pieces = crash.pieces(Unit::Sector);
    let mut cut = 0;
    for kept in 0..=pieces.len() {
        // The first ones, and all but one of them.
        for without in 0..=kept {
            let kept =
                pieces[..kept].iter().enumerate().filter(|(at, _)| *at != without).map(|(_, piece)| piece);
            let image = crash.image(kept);
            let opened = try_open(&Place::Memory(image.clone()), log, engine, None).unwrap();
            assert!(opened.permits.iter().any(|permit| permit.hold() == synced.hold()));
            cut += u32::from(opened.recovery.cut.is_some());
            opened.controller.close().unwrap();
            let report = verify(&image, &[&key()], None).unwrap();
            assert!(report.summary.sealed, "it goes on and ends as any other");
        }
    }
    assert!(cut > 3, "some tails were torn: {cut}");
}

#[test]
fn a_second_writer_forked_the_chain() {
    for place in [Place::memory(), Place::directory()] {
        let scene = Scene::at(place.clone(), Setup::default());
        let account = scene.account("a", Deny, 1_000);
        let mut places = vec![place.clone()];
        #[cfg(unix)]
        if let Place::Directory(parent) = &place {
            // The same log by another path.
            let aliased = tempfile::tempdir().unwrap();
            std::os::unix::fs::symlink(parent.path(), aliased.path().join("alias")).unwrap();
            let storage = wal::storage::Directory::new(aliased.path().join("alias").join("log"));
            let options = assize::controller::OpenOptions::new(key(), at(0));
            let second = Controller::open(Box::new(storage), options).map(drop);
            assert!(matches!(second, Err(OpenError::Log(wal::OpenError::Locked))), "{second:?}");
            places.push(place.clone());
        }
        for second in &places {
            let opened = try_open(second, scene.log, scene.engine, None).map(drop);
            assert!(matches!(opened, Err(OpenError::Log(wal::OpenError::Locked))), "{opened:?}");
            let create = CreateOptions::new(LOG, key(), Policy::freeze(tiny()).unwrap(), at(0));
            let created = Controller::create(second.storage(), create).map(drop);
            assert!(matches!(created, Err(CreateError::Log(wal::CreateError::Locked))), "{created:?}");
        }
        // The first one was not disturbed, and the next goes on where it ended.
        assert!(scene.admit(&[account], &scene.ask(10), call(1)).is_ok());
        let (scene, permits) = scene.reopen();
        assert_eq!(permits.len(), 1);
        scene.finish();
    }
}

#[test]
fn another_logs_records_were_replayed_as_this_ones() {
    let other = LogId([0x77; 16]);
    let ((memory, anchor), (others, _)) = (written(LOG, key()), written(other, key()));
    // In whole.
    assert!(verify(&others, &[&key()], None).is_err());
    let opened =
        try_open(&Place::Memory(others.clone()), LogOptions::default(), Setup::default().engine, None);
    assert!(matches!(opened, Err(OpenError::Log(_))));
    // A segment, and one record in the place of its twin, with a checksum for where it stands.
    let segment = with(&memory, 2, &others.bytes(&name_of(2)).unwrap());
    assert!(verify(&segment, &[&key()], None).is_err());
    let (bytes, mut theirs) = (memory.bytes(&name_of(2)).unwrap(), others.bytes(&name_of(2)).unwrap());
    let (_, record) = in_the_middle(&bytes);
    assert_eq!(in_the_middle(&theirs).1, record, "the logs are twins");
    repair_frame(&mut theirs[record.offset..record.end()], LOG, 2);
    let mut spliced = bytes.clone();
    spliced[record.offset..record.end()].copy_from_slice(record.of(&theirs));
    let error = verify(&with(&memory, 2, &spliced), &[&key()], None).unwrap_err();
    assert_eq!(error.place().unwrap().offset, u64::try_from(record.offset).unwrap());
    assert!(verify(&memory, &[&key()], Some(anchor)).is_ok());
}

#[test]
fn fields_that_nothing_signed_rode_along_and_verified() {
    let (memory, _) = written(LOG, key());
    for segment in 1..=3 {
        let bytes = memory.bytes(&name_of(segment)).unwrap();
        let after_the_seal = [&bytes[..], b"approved: yes"].concat();
        assert!(verify(&with(&memory, segment, &after_the_seal), &[&key()], None).is_err());
        let (_, record) = in_the_middle(&memory.bytes(&name_of(2)).unwrap());
        let mut extended = memory.bytes(&name_of(2)).unwrap();
        extended[record.offset + EXTENSION] |= 1;
        repair_frame(&mut extended[record.offset..record.end()], LOG, 2);
        assert!(verify(&with(&memory, 2, &extended), &[&key()], None).is_err());
    }
    let beside = memory.copy();
    beside.replace("approvals.json", b"{}");
    assert!(verify(&beside, &[&key()], None).is_err());
}
