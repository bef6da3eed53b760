//! Requests of many tasks through one budget: their calls are carried out at once and awaited, a thread of its own writes.
//!
//! `cargo run --release --example async_host --features tokio`
#![allow(clippy::arithmetic_side_effects, reason = "the numbers of an example are small")]

use std::{error::Error, sync::Arc, thread, time::Duration, time::SystemTime};

use assize::{
    budget::AccountTerms,
    controller::{Admission, AsyncController, Call, Controller, CreateOptions, NotAdmitted},
    crypto::{KeyId, RootKey},
    id::{AccountId, LogId, Name, OperationId, Sequence},
    kernel::{Quantities, Request},
    num::Timestamp,
    policy::{Policy, document, llm::Llm},
    record::{Operation, Principal, Spend},
    wal::{Level, storage::Memory},
};

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

const TASKS: usize = 64;

fn main() -> Outcome<()> {
    let policy = Policy::freeze(document::from_toml(include_str!("data/models.toml"))?)?;
    let key = RootKey::new(KeyId(1), &random::<32>()?)?;
    let options = CreateOptions::new(LogId(random()?), key, policy, now()?);
    let controller = Arc::new(Controller::create(Box::new(Memory::new()), options)?);

    // The adapter goes to the tasks, the driver to a thread: no executor writes or syncs.
    let (adapter, driver) = AsyncController::new(Arc::clone(&controller))?;
    let driving = thread::spawn(move || driver.run());

    let runtime = tokio::runtime::Builder::new_multi_thread().enable_time().build()?;
    runtime.block_on(serve(adapter))?;
    drop(runtime);

    // The last clone is gone, so the driver has synced everything and ended.
    let progress = driving.join().map_err(|_| "the driver panicked")??;
    let stats = controller.stats()?;
    println!("records    {} on disk in {} syncs", progress.synced, stats.log.syncs);
    println!("holds      {} open: each ends at its deadline", stats.holds_open);
    let controller = Arc::into_inner(controller).ok_or("somebody still has the controller")?;
    println!("closed     at record {}", controller.close()?.sequence());
    Ok(())
}

async fn serve(controller: AsyncController) -> Outcome<()> {
    let team = controller.ensure_account(&AccountTerms::new(Name::new("team")?), Call::at(now()?)).await?;
    controller.grant(team, 1_000_000.try_into()?, Call::at(now()?)).await?;
    let tasks: Vec<_> = (0..TASKS).map(|_| tokio::spawn(request(controller.clone(), team))).collect();
    let (mut served, mut denied) = (0, 0);
    for task in tasks {
        match task.await?? {
            Some(_) => served += 1,
            None => denied += 1,
        }
    }
    println!("tasks      {served} served, {denied} denied");
    given_up(&controller, team).await
}

/// One request: admitted when its record is on disk, and settled with what it used.
async fn request(controller: AsyncController, team: AccountId) -> Outcome<Option<Sequence>> {
    let policy = controller.controller().policy();
    let llm = Llm::of(policy.schema())?;
    let mut request = Request::new(policy.schema());
    request.demand(llm.quality, 8_000)?.quantity(llm.input, 4_000)?.quantity(llm.output, 1_000)?;
    let accounts = [team];
    let admission = admission(&request, &accounts, now()?)?;
    let permit = match controller.admit(&admission, Call::at(now()?)).await {
        Ok(permit) => permit,
        Err(NotAdmitted::Denied(_)) => return Ok(None),
        Err(other) => return Err(other.into()),
    };
    let served = permit.candidate(); // … the model does its work …
    let mut quantities = Quantities::new(policy.schema());
    quantities.set(llm.input, 4_000)?.set(llm.output, 612)?;
    // What is lost with a killed process would only be booked late: written is enough.
    let call = Call::at(now()?).level(Level::Written);
    let settlement = controller.commit(permit, Spend::Usage { served, quantities }, call).await?;
    Ok(Some(settlement.sequence))
}

/// A caller that has no patience: the admission is on record all the same, and its name finds it.
async fn given_up(controller: &AsyncController, team: AccountId) -> Outcome<()> {
    let policy = controller.controller().policy();
    let llm = Llm::of(policy.schema())?;
    let mut request = Request::new(policy.schema());
    request.quantity(llm.input, 100)?.quantity(llm.output, 100)?;
    let at = now()?;
    let operation = Operation { id: OperationId(random()?), issued: at };
    let accounts = [team];
    let admission = admission(&request, &accounts, at)?;
    let admitting = controller.admit(&admission, Call::at(at).operation(operation));
    match tokio::time::timeout(Duration::ZERO, admitting).await {
        Ok(answer) => println!("in time    hold {}", answer?.hold()),
        Err(_late) => {
            let found = controller.operation(&operation.id).await?.ok_or("it was carried out")?;
            println!("given up   and on record as {}", found.sequence);
        }
    }
    Ok(())
}

fn admission<'a>(request: &'a Request, accounts: &'a [AccountId], at: Timestamp) -> Outcome<Admission<'a>> {
    let deadline = at.checked_add_ns(60_000_000_000).ok_or("the clock is at its end")?;
    Ok(Admission { principal: Principal::Attested(Name::new("web")?), accounts, request, deadline })
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
