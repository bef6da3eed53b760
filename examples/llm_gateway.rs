//! A gateway in front of language models: team and key both pay, a provider fails and the request is rerouted, a
//! stream outgrows its hold, prices change while requests are under way.
#![allow(clippy::arithmetic_side_effects, reason = "the numbers of an example are small")]

use std::{error::Error, num::NonZeroI64};

use assize::{
    audit::{self, AuditOptions},
    budget::AccountTerms,
    caps::Caps,
    controller::{
        Admission, Call, Controller, CreateOptions, NotAdmitted, NotExtended, NotRerouted, Permit, Reroute,
    },
    crypto::{KeyId, RootKey},
    id::{AccountId, LogId, Name, OperationId},
    kernel::{Quantities, Request},
    num::{Amount, Timestamp},
    overrun::Overrun,
    policy::{Policy, document, llm::Llm},
    record::{Operation, Principal, Spend},
    wal::storage::Memory,
};

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let storage = Memory::new();
    // An example draws no random numbers; a gateway takes its key from a key file and 16 random bytes for a new log.
    let key = || RootKey::new(KeyId(1), b"an example's key, known to everyone");
    let policy = Policy::freeze(document::from_toml(include_str!("data/models.toml"))?)?;
    let options = CreateOptions::new(LogId(*b"example: gateway"), key()?, policy, seconds(0));
    let gateway = Gateway::new(Controller::create(Box::new(storage.clone()), options)?)?;

    // 1. A request that goes well, sent twice: the client did not hear the first answer.
    let prompt = gateway.request(3_000, 800)?;
    let call = Call::at(seconds(1))
        .operation(Operation { id: OperationId(*b"client request 1"), issued: seconds(1) });
    let permit = gateway.controller.admit(&gateway.admission(&prompt, seconds(61))?, call)?;
    println!("1  {} may serve, {} held", gateway.name_of(&permit), permit.amount());
    match gateway.controller.admit(&gateway.admission(&prompt, seconds(62))?, call) {
        Err(NotAdmitted::Repeated(repeated)) => println!("1  the retry: {repeated}"),
        other => return Err(format!("a retry is answered as one, not with {other:?}").into()),
    }
    gateway.settle(permit, 3_000, 420, 2)?;

    // 2. The provider fails: the same money goes to the next candidate, in one record.
    let prompt = gateway.request(12_000, 2_000)?;
    let permit =
        gateway.controller.admit(&gateway.admission(&prompt, seconds(70))?, Call::at(seconds(10)))?;
    let (failed, was) = (permit.candidate(), gateway.name_of(&permit));
    let second = Reroute { failed, request: &prompt, deadline: seconds(72) };
    match gateway.controller.reroute(permit, &second, Call::at(seconds(12))) {
        Ok(permit) => {
            println!("2  {was} failed, {} takes over, {} held", gateway.name_of(&permit), permit.amount());
            gateway.settle(permit, 12_000, 1_500, 14)?;
        }
        Err(NotRerouted::Denied(denial)) => println!("2  {was} failed, and nobody else: {denial}"),
        Err(error) => return Err(error.into()),
    }

    // 3. A stream that goes on: it holds more before it sends more. When no more is to be had, it is cut off.
    let prompt = gateway.request(2_000, 500)?;
    let mut permit =
        gateway.controller.admit(&gateway.admission(&prompt, seconds(80))?, Call::at(seconds(20)))?;
    let more = permit.amount();
    for turn in 0..100 {
        match gateway.controller.extend(
            &mut permit,
            more,
            Some(seconds(90 + turn)),
            Call::at(seconds(21 + turn)),
        ) {
            Ok(_) => {}
            Err(NotExtended::Denied(denial)) => {
                println!("3  after {turn} extensions {} are held; {denial}", permit.amount());
                break;
            }
            Err(error) => return Err(error.into()),
        }
    }
    let spent = Spend::Amount(Amount::new(permit.amount().micros() / 2).ok_or("an amount")?);
    let settled = gateway.controller.commit(permit, spent, Call::at(seconds(121)))?;
    println!("3  spent {}, on the gateway's own word", settled.outcome.actual);

    // 4. Prices change: what was admitted before is settled at the old ones, what comes after pays the new ones.
    let prompt = gateway.request(3_000, 800)?;
    let before =
        gateway.controller.admit(&gateway.admission(&prompt, seconds(200))?, Call::at(seconds(130)))?;
    let mut draft = gateway.controller.policy().to_draft();
    draft.epoch += 1;
    for card in draft.candidates.iter_mut().flat_map(|candidate| &mut candidate.cards) {
        card.rates.iter_mut().for_each(|(_, rate)| *rate *= 2);
    }
    gateway.controller.swap(Policy::freeze(draft)?, Call::at(seconds(131)))?;
    let after =
        gateway.controller.admit(&gateway.admission(&prompt, seconds(200))?, Call::at(seconds(132)))?;
    println!(
        "4  held at epoch {}: {}; at epoch {}: {}",
        before.epoch(),
        before.amount(),
        after.epoch(),
        after.amount()
    );
    gateway.settle(before, 3_000, 800, 133)?;
    gateway.settle(after, 3_000, 800, 134)?;

    gateway.report(&storage, &key()?)
}

/// What a gateway keeps at hand: the controller, the handles of its schema, and who pays.
struct Gateway {
    controller: Controller,
    llm: Llm,
    /// The team and the key: two trees, both of which hold and pay.
    payers: [AccountId; 2],
}

impl Gateway {
    fn new(controller: Controller) -> Outcome<Self> {
        let llm = Llm::of(controller.policy().schema())?;
        let at = Call::at(seconds(0));
        let open = |name: &str, micros: i64| -> Outcome<AccountId> {
            // Two trees: the team's budget and the key's own, and neither can be used to go around the other.
            let terms = AccountTerms {
                name: Name::new(name)?,
                parent: None,
                overrun: Overrun::IfAvailable,
                caps: Caps::default(),
            };
            let account = controller.ensure_account(&terms, at)?;
            controller.grant(account, NonZeroI64::new(micros).ok_or("a grant is not 0")?, at)?;
            Ok(account)
        };
        let payers = [open("team-docs", 1_000_000)?, open("key-ci", 100_000)?];
        Ok(Self { controller, llm, payers })
    }

    fn request(&self, input: u64, output_max: u64) -> Outcome<Request> {
        let policy = self.controller.policy();
        let mut request = Request::new(policy.schema());
        request.demand(self.llm.quality, 7_500)?;
        request.demand_set(self.llm.capabilities, &policy.members("capabilities", &["function_calling"])?)?;
        request.quantity(self.llm.input, input)?.quantity(self.llm.output, output_max)?;
        Ok(request)
    }

    fn admission<'a>(&'a self, request: &'a Request, deadline: Timestamp) -> Outcome<Admission<'a>> {
        let principal = Principal::Attested(Name::new("ci-runner")?);
        Ok(Admission { principal, accounts: &self.payers, request, deadline })
    }

    fn name_of(&self, permit: &Permit) -> String {
        let policy = self.controller.policy();
        policy.candidate(permit.candidate()).map_or_else(String::new, |candidate| candidate.name().to_owned())
    }

    fn settle(&self, permit: Permit, input: u64, output: u64, at: i64) -> Outcome<()> {
        let mut quantities = Quantities::new(self.controller.policy().schema());
        quantities.set(self.llm.input, input)?.set(self.llm.output, output)?;
        let (hold, held) = (permit.hold(), permit.amount());
        let spend = Spend::Usage { served: permit.candidate(), quantities };
        let settled = self.controller.commit(permit, spend, Call::at(seconds(at)))?;
        println!("   hold {hold}: held {held}, spent {}", settled.outcome.actual);
        Ok(())
    }

    /// What is left, and the proof.
    fn report(self, storage: &Memory, key: &RootKey) -> Outcome<()> {
        for (name, account) in ["team-docs", "key-ci"].into_iter().zip(self.payers) {
            let left = self.controller.read(account)?;
            println!(
                "{name:<10} granted {}, available {} µ, reserved {} µ, committed {} µ",
                left.granted_micros, left.available_micros, left.reserved_micros, left.committed_micros
            );
        }
        let anchor = self.controller.close()?;
        let mut options = AuditOptions::default();
        options.read.anchor = Some(anchor);
        let report = audit::replay(storage, &[key], options)?;
        println!("replayed   {} records, ledger {}", report.summary.records, report.ledger);
        Ok(())
    }
}

/// The gateway's clock, for an example that runs the same each time.
fn seconds(since_start: i64) -> Timestamp {
    Timestamp(1_700_000_000_000_000_000 + since_start * 1_000_000_000)
}
