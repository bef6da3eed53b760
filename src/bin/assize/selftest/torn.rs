//! What a crash leaves: a log on the file system whose end is cut at every byte after what was synced.

use std::{
    fs::{self, OpenOptions as FileOptions},
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use assize::{
    audit::{self, AuditOptions},
    controller::{Controller, OpenOptions, Opened},
    id::AccountId,
    overrun::Overrun,
    wal::{Level, ReadOptions, Reader, storage::Directory},
};

use super::{
    check::{Given, Seen, Wrong, holds, same, there},
    host::{START, account, create, grant, key},
};
use crate::output::grouped;

pub(super) fn every_byte(given: &Given, did: &mut String) -> Seen {
    let place = given.empty("torn")?;
    let frames = write(&place)?;
    let (synced, end) = (there("what is synced", frames.get(SYNCED))?, there("an end", frames.last())?);
    let segment = fs::read(place.join(SEGMENT))?;
    *did = format!("a log on disk, cut at each of its last {} bytes", end.saturating_sub(*synced));
    let (mut whole, mut torn) = (0_u64, 0_u64);
    for cut in *synced..=*end {
        // What stands before the cut, in frames; the record of the cut is one more.
        let kept = frames.iter().filter(|frame| **frame <= cut).count();
        let is_torn = !frames.contains(&cut);
        let opened = open_cut(&given.empty("cut")?, segment.get(..cut).unwrap_or_default())?;
        let expected = kept.saturating_add(usize::from(is_torn));
        same(format_args!("records of a log cut at byte {cut}"), &opened, &expected)?;
        let count = if is_torn { &mut torn } else { &mut whole };
        *count = count.saturating_add(1);
    }
    holds("no tail was torn", torn > 0 && whole > 0)?;
    Ok(format!(
        "all {} open, keep what was synced, go on, and replay; {torn} had a tail to cut",
        grouped(whole.saturating_add(torn))
    ))
}

/// A log that was neither drained nor closed: where each of its records ends.
fn write(place: &Path) -> Result<Vec<usize>, Wrong> {
    let controller = create(Box::new(Directory::new(place)), 1 << 20)?;
    let payer = account(&controller, None, "payer", Overrun::Deny, 1_000)?;
    for micros in 1..=2 {
        grant(&controller, payer, micros, Level::Synced)?;
    }
    for micros in 3..=4 {
        grant(&controller, payer, micros, Level::Written)?;
    }
    drop(controller);
    let (storage, key) = (Directory::new(place), key()?);
    let keys = [&key];
    let mut reader = Reader::open(&storage, &keys, ReadOptions::default())?;
    let mut ends = Vec::new();
    while let Some(frame) = reader.next_frame()? {
        if !frame.is_control() {
            ends.push(usize::try_from(frame.offset.saturating_add(frame.bytes))?);
        }
    }
    same("records of the log", &ends.len(), &RECORDS)?;
    Ok(ends)
}

/// Opens a log of those bytes, does one thing more, closes it and replays it; how many records it had when it was open.
fn open_cut(place: &Path, bytes: &[u8]) -> Result<usize, Wrong> {
    // As a writer keeps it: its owner's alone.
    let mut file = FileOptions::new().write(true).create_new(true).mode(0o600).open(place.join(SEGMENT))?;
    file.write_all(bytes)?;
    let opened = Controller::open(Box::new(Directory::new(place)), OpenOptions::new(key()?, START))?;
    let Opened { controller, recovery, .. } = opened;
    grant(&controller, AccountId(0), 5, Level::Synced)?;
    let closed = controller.close()?;
    let read = ReadOptions { anchor: Some(closed), ..ReadOptions::default() };
    let report =
        audit::replay(&Directory::new(place), &[&key()?], AuditOptions { read, ..AuditOptions::default() })?;
    same("records after one more", &report.summary.records, &recovery.head.0.saturating_add(1))?;
    Ok(usize::try_from(recovery.head.0)?)
}

const SEGMENT: &str = "00000001.seg";
/// Of the account, what it has, and four grants more.
const RECORDS: usize = 6;
/// The last that was synced, from 0.
const SYNCED: usize = 3;
