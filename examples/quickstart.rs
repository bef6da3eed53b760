//! The life of one budgeted request: admit, settle, close, open again, replay.
//!
//! `cargo run --release --example quickstart` keeps the log in memory. With two arguments, a directory that does
//! not exist yet and a key file, it keeps the log there; a key file that does not exist is made.
#![allow(clippy::arithmetic_side_effects, reason = "the numbers of an example are small")]

use std::{env, error::Error, num::NonZeroI64, path::PathBuf, time::SystemTime};

use assize::{
    audit::{self, AuditOptions},
    budget::AccountTerms,
    caps::Caps,
    controller::{Admission, Call, Controller, CreateOptions, NotAdmitted, OpenOptions},
    crypto::{KeyId, RootKey},
    id::{LogId, Name},
    kernel::{Quantities, Request},
    num::Timestamp,
    overrun::Overrun,
    policy::{Policy, document, llm::Llm},
    record::{Principal, Spend},
    wal::storage::{Directory, Memory, Storage, read_key_file, write_key_file},
};

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let place = Place::of_arguments()?;

    // A policy: which models there are, what they can and what they cost. Checked once, then frozen.
    let policy = Policy::freeze(document::from_toml(include_str!("data/models.toml"))?)?;
    let llm = Llm::of(policy.schema())?;
    println!("policy     {} epoch {}, {} models", policy.name(), policy.epoch(), policy.candidates().len());

    let options = CreateOptions::new(LogId(random()?), place.key()?, policy, now()?);
    let controller = Controller::create(place.storage(), options)?;

    // Two accounts: a team, and a key below it. Whatever the key holds, the team holds too.
    let team = AccountTerms {
        name: Name::new("team-search")?,
        parent: None,
        overrun: Overrun::Deny,
        caps: Caps::default(),
    };
    let team = controller.ensure_account(&team, Call::at(now()?))?;
    let key = AccountTerms {
        name: Name::new("key-7")?,
        parent: Some(team),
        overrun: Overrun::IfAvailable,
        caps: Caps::default(),
    };
    let key = controller.ensure_account(&key, Call::at(now()?))?;
    for (account, micros) in [(team, 50_000), (key, 20_000)] {
        controller.grant(account, NonZeroI64::new(micros).ok_or("a grant is not 0")?, Call::at(now()?))?;
    }

    // Requests until the budget says no. 4,000 tokens go in; at most 1,000 come out, and 600 do.
    let policy = controller.policy();
    let tools = policy.members("capabilities", &["function_calling", "vision"])?;
    let mut request = Request::new(policy.schema());
    request.demand(llm.quality, 8_000)?.demand_set(llm.capabilities, &tools)?;
    request.quantity(llm.input, 4_000)?.quantity(llm.output, 1_000)?;
    let mut used = Quantities::new(policy.schema());
    used.set(llm.input, 4_000)?.set(llm.output, 600)?;
    let mut served = 0;
    let denial = loop {
        let admission = Admission {
            principal: Principal::Attested(Name::new("search-frontend")?),
            accounts: &[key],
            request: &request,
            deadline: now()?.checked_add_ns(60_000_000_000).ok_or("the clock is at its end")?,
        };
        match controller.admit(&admission, Call::at(now()?)) {
            Ok(permit) => {
                let model = policy.candidate(permit.candidate()).map_or("?", |candidate| candidate.name());
                let (hold, held) = (permit.hold(), permit.amount());
                let spend = Spend::Usage { served: permit.candidate(), quantities: used };
                let settlement = controller.commit(permit, spend, Call::at(now()?))?;
                served += 1;
                println!("hold {hold:<5} {model}: held {held}, spent {}", settlement.outcome.actual);
            }
            Err(NotAdmitted::Denied(denial)) => break denial,
            Err(other) => return Err(other.into()),
        }
    };
    println!("after {served}    {denial}");
    println!(
        "the log    {:?}",
        denial.audited_reason().binding.map(|account| format!("account {account} binds"))
    );

    // The end of one process and the beginning of the next: every balance comes back from the log.
    let anchor = controller.close()?;
    let mut options = OpenOptions::new(place.key()?, now()?);
    options.anchor = Some(anchor);
    let opened = Controller::open(place.storage(), options)?;
    let left = opened.controller.read(key)?;
    println!(
        "reopened   {} µ of {} left, {} spent",
        left.available_micros, left.granted_micros, left.committed_micros
    );
    let anchor = opened.controller.close()?;

    // Anybody with the key can prove it: every decision made again, every balance worked out again.
    let root = place.key()?;
    let mut options = AuditOptions::default();
    options.read.anchor = Some(anchor);
    let report = audit::replay(&*place.storage(), &[&root], options)?;
    println!(
        "replayed   {} records: {} admitted, {} denied, ledger {}",
        report.summary.records, report.calls.admitted, report.calls.denied_budget, report.ledger
    );
    for open in &report.not_proven {
        println!("not proven {open}");
    }
    Ok(())
}

/// Where log and key are.
enum Place {
    Memory(Memory, [u8; 32]),
    Disk { log: PathBuf, key: PathBuf },
}

impl Place {
    fn of_arguments() -> Outcome<Self> {
        let mut arguments = env::args_os().skip(1).map(PathBuf::from);
        match (arguments.next(), arguments.next()) {
            (None, _) => Ok(Self::Memory(Memory::new(), random()?)),
            (Some(log), Some(key)) => {
                if !key.exists() {
                    write_key_file(&key, KeyId(1), &random::<32>()?)?;
                }
                Ok(Self::Disk { log, key })
            }
            (Some(_), None) => Err("a directory needs a key file beside it".into()),
        }
    }

    fn storage(&self) -> Box<dyn Storage> {
        match self {
            Self::Memory(memory, _) => Box::new(memory.clone()),
            Self::Disk { log, .. } => Box::new(Directory::new(log)),
        }
    }

    fn key(&self) -> Outcome<RootKey> {
        Ok(match self {
            Self::Memory(_, secret) => RootKey::new(KeyId(1), secret)?,
            Self::Disk { key, .. } => read_key_file(key)?,
        })
    }
}

/// The library reads no clock: the host tells it the time.
fn now() -> Outcome<Timestamp> {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
    Ok(Timestamp(i64::try_from(since.as_nanos())?))
}

/// Nor does it draw random numbers.
fn random<const N: usize>() -> Outcome<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}
