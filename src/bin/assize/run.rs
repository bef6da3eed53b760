//! `assize run`: a trace of requests, decided, held, recorded and settled, under budgets.

mod accounts;
mod driven;
mod log;
mod operation;
mod question;
mod replay;
mod report;
mod tally;
mod trace;

use std::path::PathBuf;

use assize::{
    controller::Fault,
    num::{Amount, Timestamp},
    wal::Level,
};
use clap::{Args, ValueEnum};

use self::{
    log::{Place, Ready},
    question::{Question, Stated},
    replay::Replay,
    report::{Counted, PolicyInForce, Replayed, Report},
};
use crate::{
    bar, document,
    failure::Failure,
    head::Head,
    keys::Written,
    money,
    output::{self, Format},
};

/// The arguments of `run`.
#[derive(Debug, Args)]
#[command(after_long_help = RULES)]
pub(crate) struct Arguments {
    /// The policy, JSON if its name ends in .json and else TOML. Where another is in force, it takes its place if its
    /// epoch is higher.
    #[arg(long)]
    policy: PathBuf,
    /// The trace: TIMESTAMP,ContextTokens,GeneratedTokens, times not going back.
    #[arg(long)]
    trace: PathBuf,
    /// The log's directory; one that is missing or empty becomes a new log.
    #[arg(long)]
    log: PathBuf,
    /// The root key's file; - is standard input. With --state, a new log alone needs it.
    #[arg(long, required_unless_present = "state")]
    key: Option<PathBuf>,
    /// The state of an evolving key, outside the log's directory: what the host keeps in place of the root key.
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// Accounts under the organisation, to which requests go round.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    accounts: u32,
    /// What each account is granted, once, when it is new; the organisation is granted the sum.
    #[arg(long, value_name = "MICROUNITS", default_value_t = 1_000_000)]
    grant: u64,
    /// Where each record is before the call is answered.
    #[arg(long, value_enum, default_value_t = Durability::Synced)]
    level: Durability,
    /// Later requests after which one is settled.
    #[arg(long, value_name = "N", default_value_t = 64)]
    in_flight: usize,
    #[command(flatten)]
    stated: Stated,
}

/// What the arguments do not say.
const RULES: &str = "\
Each request is charged to one account, and so to the organisation above it. It is held at its cost with the prompt's
tokens and --output-max generated ones, until an hour past the request that brings its settlement, and settled by what
it used. Above the hold, accounts pay as far as they can; the rest is counted as unfunded. What has no price that can
be booked is settled at what was held.

The log's times are the trace's. A run on a log that is there is one more than the highest run whose operations the log
remembers; operations are named by run, step and row. It first commits what an earlier run left open at what was held,
since nobody knows what was used, and then shifts the trace to a second past the log's time, where it is not past it.";

/// Where a record is before a call is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Durability {
    /// On disk: survives a power loss.
    Synced,
    /// Written: survives a killed process.
    Written,
    /// In memory: written when the queue is full, and at the end.
    Queued,
}

impl Durability {
    fn level(self) -> Level {
        match self {
            Self::Synced => Level::Synced,
            Self::Written => Level::Written,
            Self::Queued => Level::Queued,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Synced => "synced",
            Self::Written => "written",
            Self::Queued => "queued",
        }
    }
}

/// Replays the trace and prints what came of it.
pub(crate) fn run(arguments: &Arguments, format: Format) -> Result<(), Failure> {
    let grant = amount(arguments.accounts, arguments.grant)?;
    let policy = document::load(&arguments.policy)?;
    let rows = trace::read(&arguments.trace)?;
    let [first, ..] = rows.as_slice() else { return Err(Failure::in_file(&arguments.trace, "no row")) };
    let question = Question::new(&policy, &arguments.stated, first)?;
    let place = Place {
        log: &arguments.log,
        key: Written { root: arguments.key.as_deref(), state: arguments.state.as_deref() },
        policy,
        document: &arguments.policy,
        created: first.at,
    };
    let Ready { controller, run, begun } = place.begin()?;
    let fault = |fault: Fault| Failure::fault(&arguments.log, &fault);
    let payers = accounts::prepare(&controller, &arguments.log, run, arguments.accounts, grant)?;
    let log_time = controller.stats().map_err(fault)?.log_time;
    let replay = Replay {
        controller: &controller,
        log: &arguments.log,
        run,
        question: &question,
        payers: &payers,
        level: arguments.level.level(),
        in_flight: arguments.in_flight,
        shift_ns: if begun.created { 0 } else { shift_ns(first.at, log_time) },
    };
    let bar = bar::rows(rows.len());
    let tally = replay.put(&rows, &bar)?;
    bar.finish_and_clear();

    let policy = controller.policy();
    let (money, conserved, ledger_digest, last) = controller
        .with_ledger(|ledger| {
            let conserved = ledger.check_conservation().is_ok();
            (money::of(ledger), conserved, ledger.digest().to_string(), ledger.log_time())
        })
        .map_err(fault)?;
    let report = Report {
        log: arguments.log.display().to_string(),
        log_id: controller.log_id().to_string(),
        run: run.0,
        begun,
        policy: PolicyInForce::of(&policy),
        level: arguments.level.name(),
        accounts: payers.len(),
        trace: Replayed {
            rows: rows.len(),
            shift_ns: replay.shift_ns,
            first_ns: first.at.checked_add_ns(replay.shift_ns).unwrap_or(first.at).0,
            last_ns: last.0,
        },
        counted: Counted::of(&tally, &policy),
        money_adds_up: conserved && money.iter().all(money::Level::adds_up),
        money,
        ledger_digest,
        head: Head::of(&controller.close().map_err(fault)?),
    };
    if !report.money_adds_up {
        return Err(Failure::storage(&arguments.log, "the money does not add up: a bug, please report it"));
    }
    output::print(&report, format)
}

/// What each account is granted, if the sum can be granted too.
fn amount(accounts: u32, grant: u64) -> Result<Amount, Failure> {
    let sum = grant.checked_mul(accounts.into()).and_then(Amount::new);
    sum.and_then(|_| Amount::new(grant)).ok_or_else(|| {
        let seen = format!("--grant {grant} for {accounts} accounts");
        Failure::input(format_args!("{seen}: all together are granted at most {}", Amount::MAX))
    })
}

/// What brings the first row to a second past the log's time, or nothing if it is past it.
fn shift_ns(first: Timestamp, log_time: Timestamp) -> u64 {
    if first > log_time { 0 } else { log_time.0.abs_diff(first.0).saturating_add(SECOND_NS) }
}

const SECOND_NS: u64 = 1_000_000_000;
