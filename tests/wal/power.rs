//! What a power cut may leave of files in memory, state by state.

use std::collections::BTreeSet;

use assize::wal::storage::{
    Access, Cause, Crash, Failing, Memory, Operation, Piece, Storage, StorageFile, Unit,
};

/// Every state that the crash allows, in words.
fn states(crash: &Crash, unit: Unit) -> BTreeSet<String> {
    let pieces = crash.pieces(unit);
    assert!(pieces.len() < 16, "{} pieces", pieces.len());
    (0_u32..1 << pieces.len())
        .map(|kept| {
            let chosen = pieces.iter().enumerate().filter(|(at, _)| kept >> at & 1 == 1);
            show(&crash.image(chosen.map(|(_, piece)| piece)))
        })
        .collect()
}

/// Names with their bytes: runs of one byte, as that byte and how often it stands there.
fn show(memory: &Memory) -> String {
    let run = |bytes: &[u8]| match bytes[0] {
        0 => format!("-{}", bytes.len()),
        byte => format!("{}{}", char::from(byte), bytes.len()),
    };
    let file = |name: String| {
        let bytes = memory.bytes(&name).unwrap();
        let runs: Vec<_> = bytes.chunk_by(|a, b| a == b).map(run).collect();
        format!("{name}={}", runs.join(" "))
    };
    memory.names().into_iter().map(file).collect::<Vec<_>>().join(", ")
}

/// A file with eight bytes, on disk.
fn begun() -> (Memory, Box<dyn StorageFile>) {
    let memory = Memory::new();
    memory.replace("f", b"aaaaaaaa");
    let file = memory.open("f", Access::ReadWrite).unwrap();
    (memory, file)
}

fn set<const N: usize>(states: [&str; N]) -> BTreeSet<String> {
    states.map(String::from).into()
}

#[test]
fn what_is_synced_is_certain_and_the_rest_may_be_there_or_not() {
    let (memory, file) = begun();
    let seen = || states(&memory.crash(), Unit::Sector);
    assert_eq!(seen(), set(["f=a8"]));
    file.write_at(b"bb", 2).unwrap();
    assert_eq!(seen(), set(["f=a8", "f=a2 b2 a4"]));
    file.write_at(b"cc", 3).unwrap();
    // The later one can be there alone.
    assert_eq!(seen(), set(["f=a8", "f=a2 b2 a4", "f=a3 c2 a3", "f=a2 b1 c2 a3"]));
    file.sync_data().unwrap();
    assert_eq!(seen(), set(["f=a2 b1 c2 a3"]));
    assert_eq!(show(&memory), "f=a2 b1 c2 a3");
}

#[test]
fn a_file_that_grows_may_be_as_long_as_before_or_have_zeros() {
    let (memory, file) = begun();
    file.write_at(b"bb", 10).unwrap();
    assert_eq!(states(&memory.crash(), Unit::Sector), set(["f=a8", "f=a8 -4", "f=a8 -2 b2"]));
    file.sync_data().unwrap();
    file.set_len(4).unwrap();
    assert_eq!(states(&memory.crash(), Unit::Sector), set(["f=a8 -2 b2", "f=a4"]));
    file.write_at(b"c", 4).unwrap();
    let pieces = memory.crash().pieces(Unit::Sector);
    assert_eq!(
        pieces.iter().map(Piece::operation).collect::<Vec<_>>(),
        [Operation::SetLen, Operation::SetLen, Operation::Write]
    );
    assert_eq!(
        states(&memory.crash(), Unit::Page),
        set(["f=a8 -2 b2", "f=a4", "f=a4 -1", "f=a4 c1", "f=a4 c1 a3 -2 b2"])
    );
}

#[test]
fn a_write_is_torn_at_sectors_and_at_pages() {
    let (memory, file) = begun();
    file.write_at(&[b'b'; 1030], 500).unwrap();
    file.sync_data().unwrap();
    file.write_at(&[b'c'; 1030], 500).unwrap();
    let whole = "f=a8 -492 c1030";
    assert_eq!(states(&memory.crash(), Unit::Page), set(["f=a8 -492 b1030", whole]));
    let pieces = memory.crash().pieces(Unit::Sector);
    // Bytes 500 to 511, two whole sectors but for the last six bytes.
    let torn: Vec<_> = (0..=pieces.len()).map(|kept| show(&memory.crash().image(&pieces[..kept]))).collect();
    assert_eq!(torn, ["f=a8 -492 b1030", "f=a8 -492 c12 b1018", "f=a8 -492 c524 b506", whole]);
    assert_eq!(states(&memory.crash(), Unit::Sector).len(), 8);
}

#[test]
fn names_are_kept_or_lost_each_by_itself() {
    let (memory, _) = begun();
    let file = memory.create("new").unwrap();
    file.write_at(b"n", 0).unwrap();
    file.sync_data().unwrap();
    assert_eq!(states(&memory.crash(), Unit::Page), set(["f=a8", "f=a8, new=n1"]));
    memory.rename("new", "old").unwrap();
    memory.remove("f").unwrap();
    assert_eq!(
        states(&memory.crash(), Unit::Page),
        set(["f=a8", "f=a8, new=n1", "f=a8, old=n1", "", "new=n1", "old=n1"])
    );
    memory.sync_dir().unwrap();
    assert_eq!(states(&memory.crash(), Unit::Page), set(["old=n1"]));
}

#[test]
fn after_a_sync_of_the_directory_that_failed_the_next_one_passes_over_its_names() {
    let (memory, _) = begun();
    let file = memory.create("new").unwrap();
    file.write_at(b"n", 0).unwrap();
    file.sync_data().unwrap();
    memory.rename("new", "seg").unwrap();
    memory.fail(Failing::nth(Operation::SyncDir, 1));
    assert!(memory.sync_dir().is_err());
    memory.create("later").unwrap();
    memory.sync_dir().unwrap();
    // It is listed as it was renamed; what was done after the failure is on disk, and what was done before may not be.
    assert_eq!(memory.names(), ["f", "later", "seg"]);
    let lost = set(["f=a8, later=", "f=a8, later=, new=n1", "f=a8, later=, seg=n1"]);
    assert_eq!(states(&memory.crash(), Unit::Page), lost);
    // A name that is given again and synced is on disk.
    let again = memory.create("new").unwrap();
    again.write_at(b"n", 0).unwrap();
    again.sync_data().unwrap();
    memory.rename("new", "seg").unwrap();
    memory.sync_dir().unwrap();
    assert_eq!(states(&memory.crash(), Unit::Page), set(["f=a8, later=, seg=n1"]));
    let crash = memory.crash();
    memory.cut_power();
    assert_eq!((memory.names(), memory.crash().pieces(Unit::Page).len()), (crash.image([]).names(), 0));
}

#[test]
fn after_a_sync_that_failed_the_next_one_passes_over_what_looks_clean() {
    let (memory, file) = begun();
    file.write_at(b"bb", 0).unwrap();
    memory.fail(Failing::nth(Operation::Sync, 1));
    assert!(file.sync_data().is_err());
    file.write_at(b"cc", 4).unwrap();
    file.sync_data().unwrap();
    // It is read as it was written, also by who opens the file again.
    assert_eq!(show(&memory), "f=b2 a2 c2 a2");
    assert_eq!(states(&memory.crash(), Unit::Sector), set(["f=a4 c2 a2", "f=b2 a2 c2 a2"]));
    // What is written again and synced is on disk.
    memory.open("f", Access::ReadWrite).unwrap().write_at(b"bb", 0).unwrap();
    assert_eq!(states(&memory.crash(), Unit::Sector).len(), 2);
    file.sync_data().unwrap();
    assert_eq!(states(&memory.crash(), Unit::Sector), set(["f=b2 a2 c2 a2"]));
    file.write_at(b"d", 7).unwrap();
    memory.cut_power();
    assert_eq!(show(&memory), "f=b2 a2 c2 a2");
}

#[test]
fn failures_come_when_they_were_chosen_to() {
    let (memory, file) = begun();
    let full = std::io::ErrorKind::StorageFull;
    memory.fail(Failing::nth(Operation::Write, 2).with(full).leaving(1));
    memory.fail(Failing::nth(Operation::Write, 3).leaving(99));
    memory.fail(Failing::nth(Operation::Write, 4));
    memory.fail(Failing::nth(Operation::Write, 5).leaving(0));
    file.write_at(b"bb", 0).unwrap();
    let failed = file.write_at(b"cc", 0).unwrap_err();
    assert_eq!((failed.operation, failed.cause), (Operation::Write, Cause::Io(full)));
    for (offset, byte) in [(2, b'd'), (4, b'e'), (100, b'f')] {
        assert!(file.write_at(&[byte; 2], offset).is_err());
    }
    file.write_at(b"g", 7).unwrap();
    assert_eq!(show(&memory), "f=c1 b1 d2 e1 a2 g1");
    assert_eq!(memory.count(Operation::Write), 6);
}
