//! What a log's length costs an auditor's memory and its own opening, while accounts, open holds and remembered
//! operations stay as many: `cargo bench --bench growth -- [RECORDS …]`. Each line is measured in a process of its own.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::indexing_slicing,
    reason = "a benchmark"
)]

use std::{
    env, fs,
    num::NonZeroUsize,
    path::Path,
    process::{Command, exit},
    time::Instant,
};

use assize::{
    audit::{AuditOptions, Threads, replay},
    budget::AccountTerms,
    controller::{Admission, Call, Controller, CreateOptions, OpenOptions},
    crypto::{KeyId, RootKey},
    id::{LogId, Name, OperationId},
    kernel::Request,
    num::{Amount, Timestamp},
    policy::{Policy, document, llm::Llm},
    record::{Operation, Principal, Spend, Terms},
    wal::{Level, storage::Directory},
};

/// A log for the issue of memory, and one a hundred times as long as another for that of opening.
const RECORDS: [u64; 3] = [30_000, 100_000, 3_000_000];
const ACCOUNTS: u64 = 64;
/// Holds that stay open all the while.
const OPEN: u64 = 1_000;
/// An operation is remembered for so many records.
const REMEMBERED: u64 = 2_000;
const STEP_NS: u64 = 1_000_000;
const START: Timestamp = Timestamp(1_700_000_000_000_000_000);

fn main() {
    let arguments: Vec<String> = env::args().skip(1).filter(|argument| argument != "--bench").collect();
    match arguments.first().map(String::as_str) {
        Some("write") => write(Path::new(&arguments[1]), arguments[2].parse().unwrap()),
        Some("replay") => replayed(Path::new(&arguments[1]), arguments[2].parse().unwrap()),
        Some("open") => opened(Path::new(&arguments[1])),
        _ => all(&arguments),
    }
}

fn all(wanted: &[String]) {
    let wanted: Vec<u64> = wanted.iter().map(|records| records.parse().unwrap()).collect();
    let wanted = if wanted.is_empty() { RECORDS.to_vec() } else { wanted };
    for records in wanted {
        let place = env::temp_dir().join(format!("assize-growth-{}-{records}", std::process::id()));
        run(&["write", &place.display().to_string(), &records.to_string()]);
        let segments = fs::read_dir(&place).unwrap().count();
        println!("{records} records, {segments} segments");
        for threads in ["1", "2"] {
            run(&["replay", &place.display().to_string(), threads]);
        }
        run(&["open", &place.display().to_string()]);
        fs::remove_dir_all(&place).unwrap();
    }
}

fn run(arguments: &[&str]) {
    let status = Command::new(env::current_exe().unwrap()).args(arguments).status().unwrap();
    if !status.success() {
        exit(1);
    }
}

fn key() -> RootKey {
    RootKey::new(KeyId(1), &[7; 32]).unwrap()
}

fn policy() -> Policy {
    Policy::freeze(document::from_toml(include_str!("../examples/data/models.toml")).unwrap()).unwrap()
}

fn request(policy: &Policy) -> Request {
    let llm = Llm::of(policy.schema()).unwrap();
    let mut request = Request::new(policy.schema());
    request.demand(llm.quality, 7_000).unwrap();
    request.quantity(llm.input, 4_000).unwrap().quantity(llm.output, 1_000).unwrap();
    request
}

/// So many records, and the log is left as a killed process leaves it, but synced.
fn write(place: &Path, records: u64) {
    let mut options = CreateOptions::new(LogId([1; 16]), key(), policy(), START);
    options.terms = Terms { operation_horizon_ns: REMEMBERED * STEP_NS, ..Terms::default() };
    options.log.segment_bytes = 16 << 20;
    let controller = Controller::create(Box::new(Directory::new(place)), options).unwrap();
    let at = |step: u64| Timestamp(START.0 + (step * STEP_NS) as i64);
    let call = |step: u64| Call::at(at(step)).level(Level::Queued);
    let accounts: Vec<_> = (0..ACCOUNTS)
        .map(|number| {
            let name = Name::new(&format!("account {number}")).unwrap();
            let account = controller.ensure_account(&AccountTerms::new(name), call(0)).unwrap();
            controller.grant(account, (1_i64 << 60).try_into().unwrap(), call(0)).unwrap();
            account
        })
        .collect();
    let request = request(&controller.policy());
    let mut step = 0;
    while controller.stats().unwrap().log.head.0 < records {
        step += 1;
        let account = accounts[(step * 7 % ACCOUNTS) as usize];
        let admission = Admission {
            principal: Principal::Attested(Name::new("bench").unwrap()),
            accounts: &[account],
            request: &request,
            deadline: Timestamp(i64::MAX),
        };
        let id = OperationId(u128::from(step).to_be_bytes());
        let permit =
            controller.admit(&admission, call(step).operation(Operation { id, issued: at(step) })).unwrap();
        if step > OPEN {
            let spent = Spend::Amount(Amount::new(step % 100).unwrap());
            controller.commit(permit, spent, call(step)).map(drop).unwrap();
        }
        if step % 1_024 == 0 {
            controller.with_ledger(|_| ()).unwrap();
        }
    }
    controller.drain().unwrap();
}

fn replayed(place: &Path, threads: usize) {
    let started = Instant::now();
    let threads = Threads(NonZeroUsize::new(threads).unwrap());
    let options = AuditOptions { threads, ..AuditOptions::default() };
    let report = replay(&Directory::new(place), &[&key()], options).unwrap();
    println!(
        "  replay, {} threads: {:.2} s, peak {} KiB, {} holds open, {} operations",
        threads.0,
        started.elapsed().as_secs_f64(),
        peak_kib(),
        report.holds_open,
        report.operations
    );
}

fn opened(place: &Path) {
    let started = Instant::now();
    let opened = Controller::open(Box::new(Directory::new(place)), OpenOptions::new(key(), START)).unwrap();
    println!(
        "  open: {:.4} s, {} records read, {} permits",
        started.elapsed().as_secs_f64(),
        opened.recovery.records,
        opened.permits.len()
    );
}

/// The most memory that this process has had resident.
fn peak_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    peak.and_then(|kib| kib.trim().trim_end_matches("kB").trim().parse().ok()).unwrap_or(0)
}
