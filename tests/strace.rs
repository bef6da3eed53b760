//! What the system sees of a log at level `Synced`: each record is written, then synced, and only then acknowledged.
//!
//! This binary runs itself under `strace`. Where there is none, or it may not trace, the test says so and is skipped.
#![cfg(all(feature = "wal", target_os = "linux"))]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::print_stderr,
    reason = "a test that fails by panicking fails"
)]

mod battery;

use std::{
    collections::BTreeMap,
    env,
    fs::{File, read_to_string},
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
    thread,
};

use assize::wal::{Level, ReadOptions, Reader, storage::Directory};
use battery::{
    client::{CLIENTS, Desk, Job, MAKING},
    host::key,
};

/// Jobs of each client.
const JOBS: u64 = 12;

#[test]
fn each_record_is_written_then_synced_then_acknowledged() {
    let place = tempfile::tempdir().unwrap();
    let (log, acks, trace) =
        (place.path().join("log"), place.path().join("acks"), place.path().join("trace"));
    let probe = Command::new("strace").args(["-o", "/dev/null", "true"]).stderr(Stdio::null()).status();
    if !matches!(probe, Ok(status) if status.success()) {
        eprintln!("SKIPPED: the order of system calls: strace cannot run here ({probe:?})");
        return;
    }
    let traced = Command::new("strace")
        .args(["-f", "-y", "-e", "trace=pwrite64,write,fdatasync,fsync,rename,renameat2", "-o"])
        .arg(&trace)
        .arg(env::current_exe().unwrap())
        .args(["child", "--exact", "--ignored", "--nocapture", "--test-threads=1"])
        .env("ASSIZE_STRACE_PLACE", place.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    assert!(traced.unwrap().success(), "what is traced has failed");
    let calls = calls(&read_to_string(&trace).unwrap());
    let written = records(&log);
    let mut acknowledged = 0;
    for line in read_to_string(&acks).unwrap().lines() {
        let sequence: u64 = line.parse().unwrap();
        let told = calls.iter().find(|call| call.is_told(sequence)).unwrap();
        let (segment, offset) = &written[&sequence];
        let holds =
            |call: &&Call| call.name == "pwrite64" && call.file.ends_with(segment) && call.covers(*offset);
        let write = calls.iter().find(holds).unwrap_or_else(|| panic!("record {sequence} was not written"));
        let syncs = |call: &&Call| {
            call.name == "fdatasync"
                && call.is_same_file(write)
                && call.succeeded
                && write.ended < call.began
                && call.ended < told.began
        };
        assert!(calls.iter().any(|call| syncs(&call)), "record {sequence}: {write:?}, {told:?}");
        acknowledged += 1;
    }
    assert_eq!(acknowledged, CLIENTS as u64 * JOBS);
    let syncs = calls.iter().filter(|call| call.name == "fdatasync").count();
    let segments = written.values().map(|(segment, _)| segment).collect::<std::collections::BTreeSet<_>>();
    assert!(segments.len() > 2, "{segments:?}");
    // A segment's name is given when its bytes are on disk, and is on disk before anything else is written.
    for renamed in calls.iter().filter(|call| call.name.starts_with("rename")) {
        let synced = |call: &&Call| {
            call.ended < renamed.began && call.name == "fdatasync" && call.file.ends_with(".tmp")
        };
        assert!(calls.iter().any(|call| synced(&call)), "{renamed:?}");
        let next =
            calls.iter().find(|call| call.began > renamed.ended && call.thread == renamed.thread).unwrap();
        assert!(next.name == "fsync" && next.succeeded, "{next:?} after {renamed:?}");
    }
    println!(
        "{acknowledged} acknowledged, {} records, {syncs} syncs, {} segments",
        written.len(),
        segments.len()
    );
}

/// The process that is traced.
#[test]
#[ignore = "the test above runs it, as a process of its own"]
fn child() {
    let Some(place) = env::var_os("ASSIZE_STRACE_PLACE") else { return };
    let place = Path::new(&place);
    Desk::prepare(MAKING.try_create(Box::new(Directory::new(place.join("log")))).unwrap());
    let opened = MAKING.open(Box::new(Directory::new(place.join("log"))), None).unwrap();
    let desk = Desk::new(opened.controller, Level::Synced);
    let acks = File::create(place.join("acks")).unwrap();
    thread::scope(|scope| {
        for client in 0..CLIENTS as u8 {
            let (desk, mut acks) = (&desk, &acks);
            scope.spawn(move || {
                for number in 0..JOBS {
                    let permit = desk.admit(Job { client, number }).unwrap();
                    acks.write_all(format!("{}\n", permit.hold().0).as_bytes()).unwrap();
                }
            });
        }
    });
}

/// Where each record is: its segment's file, and the offset of its frame.
fn records(log: &Path) -> BTreeMap<u64, (String, u64)> {
    let (storage, key) = (Directory::new(log), key());
    let keys = [&key];
    let mut reader = Reader::open(&storage, &keys, ReadOptions::default()).unwrap();
    let mut records = BTreeMap::new();
    while let Some(frame) = reader.next_frame().unwrap() {
        if !frame.is_control() {
            records.insert(frame.sequence.0, (format!("{:08}.seg", frame.segment), frame.offset));
        }
    }
    records
}

/// One system call: the lines of the trace at which it began and ended.
#[derive(Clone, Debug)]
struct Call {
    thread: String,
    name: String,
    /// The path of its file, as it was named then.
    file: String,
    arguments: String,
    began: usize,
    ended: usize,
    succeeded: bool,
}

impl Call {
    /// Whether it tells of that record.
    fn is_told(&self, sequence: u64) -> bool {
        self.name == "write"
            && self.file.ends_with("acks")
            && self.arguments.contains(&format!("\"{sequence}\\n\""))
    }

    /// Whether that offset is among those that it writes.
    fn covers(&self, offset: u64) -> bool {
        let mut numbers = self.arguments.rsplit(", ");
        let (at, count): (u64, u64) =
            (numbers.next().unwrap().parse().unwrap(), numbers.next().unwrap().parse().unwrap());
        (at..at + count).contains(&offset)
    }

    /// A segment is written under another name first.
    fn is_same_file(&self, other: &Self) -> bool {
        self.file.trim_end_matches(".tmp") == other.file.trim_end_matches(".tmp")
    }
}

/// The calls of a trace, in the order in which they began. One that another thread's comes between is told in two lines.
fn calls(trace: &str) -> Vec<Call> {
    let mut calls: Vec<Call> = Vec::new();
    let mut open: BTreeMap<&str, usize> = BTreeMap::new();
    for (at, line) in trace.lines().enumerate() {
        let (thread, said) = line.split_once(' ').unwrap();
        let said = said.trim_start();
        if said.starts_with("<... ") {
            let Some(began) = open.remove(thread) else { continue };
            let call = &mut calls[began];
            call.ended = at;
            call.succeeded = !said.contains(" = -1");
            continue;
        }
        let Some((name, rest)) = said.split_once('(') else { continue };
        let unfinished = rest.contains("<unfinished ...>");
        let arguments = rest.split(" <unfinished").next().unwrap();
        let arguments = arguments.rsplit_once(") ").map_or(arguments, |(arguments, _)| arguments);
        let file =
            arguments.split_once('<').and_then(|(_, rest)| rest.split_once('>')).map_or("", |(file, _)| file);
        if unfinished {
            open.insert(thread, calls.len());
        }
        calls.push(Call {
            thread: thread.to_owned(),
            name: name.to_owned(),
            file: file.to_owned(),
            arguments: arguments.trim_end().to_owned(),
            began: at,
            ended: if unfinished { usize::MAX } else { at },
            succeeded: !unfinished && !rest.contains(" = -1"),
        });
    }
    calls
}
