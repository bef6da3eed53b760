//! A pre-trade risk guard: its own schema, venues as candidates, exposure as money held at a book, a halt.
//!
//! An order asks for a quantity of shares. A venue may serve it when the order fits its largest quantity and
//! notional, when it trades the instrument's class, and when the trader's limit still covers the notional and fees.
#![allow(clippy::arithmetic_side_effects, reason = "the numbers of an example are small")]

use std::{error::Error, num::NonZeroI64};

use assize::{
    audit::{self, AuditOptions},
    budget::AccountTerms,
    caps::Caps,
    controller::{Admission, Call, Controller, CreateOptions, NotAdmitted},
    crypto::{KeyId, RootKey},
    id::{AccountId, LogId, Name},
    kernel::Request,
    num::{Amount, Timestamp},
    overrun::Overrun,
    policy::{Gate, Number, Policy, Quantity, Relation, Set, document},
    record::{Halt, Principal, Spend},
    wal::storage::Memory,
};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// Prices are micro-dollars a share: the notional is a price like any other.
const VENUES: &str = r#"
format = 1
name = "venues"
epoch = 1
substitution = { margin = 50000 }

[schema]
name = "orders-1"
merit = "fill_rate"
columns = { order_max = "number", notional_max = "number", classes = "set", fill_rate = "bps" }
gates = [
    { column = "order_max", relation = "fits", source = { quantities = ["shares"] } },
    { column = "notional_max", relation = "fits" },
    { column = "classes", relation = "has_all" },
]
quantities = { shares = { per = 1 } }

[members.classes]
equity = 0
etf = 1

[[candidates]]
id = 1
name = "lit-one"
values = { order_max = 50000, notional_max = 5000000000000, classes = ["equity", "etf"], fill_rate = 9800 }
rates = { shares = 25003000 }
flat_fee_micros = 500000

[[candidates]]
id = 2
name = "dark-two"
values = { order_max = 200000, notional_max = 9000000000000, classes = ["equity"], fill_rate = 7100 }
rates = { shares = 25001000 }
flat_fee_micros = 0
"#;

fn main() -> Outcome<()> {
    let storage = Memory::new();
    let key = || RootKey::new(KeyId(1), b"an example's key, known to everyone");
    let policy = Policy::freeze(document::from_toml(VENUES)?)?;
    let options = CreateOptions::new(LogId(*b"example: pretrad"), key()?, policy, at(0));
    let guard = Guard::new(Controller::create(Box::new(storage.clone()), options)?)?;

    // Orders until the trader's exposure is used up: each open order holds its notional at trader and desk.
    let mut open = Vec::new();
    for second in 1.. {
        match guard.order(10_000, "equity", second)? {
            Ok(permit) => {
                println!("order {second}: venue {}, {} exposed", permit.candidate(), permit.amount());
                open.push(permit);
            }
            Err(NotAdmitted::Denied(denial)) => {
                println!("order {second}: {denial}");
                break;
            }
            Err(error) => return Err(error.into()),
        }
    }

    // A fill costs what it cost; a cancelled order gives its exposure back.
    let filled = open.pop().ok_or("an order is open")?;
    let paid = Amount::new(filled.amount().micros() - 1_000_000).ok_or("an amount")?;
    let fill = guard.controller.commit(filled, Spend::Amount(paid), Call::at(at(100)))?;
    println!("filled for {}, in record {}", fill.outcome.actual, fill.sequence);
    if let Some(cancelled) = open.pop() {
        let cancel = guard.controller.release(cancelled, Call::at(at(101)))?;
        println!("cancelled in record {}", cancel.sequence);
    }

    // Too large for every venue, and a class that one of them does not trade.
    for (shares, class) in [(300_000, "equity"), (60_000, "etf")] {
        if let Err(NotAdmitted::Denied(denial)) = guard.order(shares, class, 110)? {
            let reason = denial.audited_reason().decision.map(|decision| decision.reason);
            println!("{shares} shares of {class}: {denial}; the desk sees {reason:?}");
        }
    }

    // Something is wrong: no new exposure, whatever it is. What is open can still be filled or cancelled.
    guard.controller.halt(Halt::ReduceOnly, Call::at(at(120)))?;
    if let Err(NotAdmitted::Denied(denial)) = guard.order(1, "equity", 121)? {
        println!("halted: {denial}");
    }
    for order in open {
        let cancel = guard.controller.release(order, Call::at(at(122)))?;
        println!("cancelled in record {}", cancel.sequence);
    }

    let anchor = guard.controller.close()?;
    let mut options = AuditOptions::default();
    options.read.anchor = Some(anchor);
    let report = audit::replay(&storage, &[&key()?], options)?;
    println!("replayed {} records, ledger {}", report.summary.records, report.ledger);
    Ok(())
}

/// The controller, with the handles of the schema and the trader's account.
struct Guard {
    controller: Controller,
    shares: Quantity,
    notional: Gate<Number>,
    classes: Gate<Set>,
    trader: AccountId,
}

impl Guard {
    fn new(controller: Controller) -> Outcome<Self> {
        let policy = controller.policy();
        let schema = policy.schema();
        let open = |name: &str, parent: Option<AccountId>, micros: i64| -> Outcome<AccountId> {
            let terms = AccountTerms {
                name: Name::new(name)?,
                parent,
                overrun: Overrun::Deny,
                caps: Caps::default(),
            };
            let account = controller.ensure_account(&terms, Call::at(at(0)))?;
            controller.grant(account, NonZeroI64::new(micros).ok_or("not 0")?, Call::at(at(0)))?;
            Ok(account)
        };
        let desk = open("desk-equities", None, 2_000_000_000_000)?;
        let trader = open("trader-9", Some(desk), 800_000_000_000)?;
        Ok(Self {
            shares: schema.quantity("shares")?,
            notional: schema.gate_number("notional_max", Relation::Fits)?,
            classes: schema.gate_set("classes", Relation::HasAll)?,
            trader,
            controller,
        })
    }

    fn order(
        &self,
        shares: u64,
        class: &str,
        second: i64,
    ) -> Outcome<Result<assize::controller::Permit, NotAdmitted>> {
        let policy = self.controller.policy();
        let mut request = Request::new(policy.schema());
        request.quantity(self.shares, shares)?;
        request.demand(self.notional, shares * 25_000_000)?;
        request.demand_set(self.classes, &policy.members("classes", &[class])?)?;
        let admission = Admission {
            principal: Principal::Attested(Name::new("trader-9")?),
            accounts: &[self.trader],
            request: &request,
            deadline: at(second + 3_600),
        };
        Ok(self.controller.admit(&admission, Call::at(at(second))))
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp(1_700_000_000_000_000_000 + second * 1_000_000_000)
}
