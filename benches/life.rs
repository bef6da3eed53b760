//! What one decision, one hold and one recorded admission cost, on the sample catalog. Absolute figures depend on
//! the machine; compare runs on one machine only.
#![allow(missing_docs, clippy::unwrap_used, clippy::arithmetic_side_effects, reason = "a benchmark")]

use std::hint::black_box;

use assize::{
    budget::{AccountTerms, Engine, EngineOptions},
    caps::Caps,
    controller::{Admission, Call, Controller, CreateOptions},
    crypto::{KeyId, RootKey},
    id::{LogId, Name},
    kernel::{Disabled, Request, prescribe},
    num::{Amount, Timestamp},
    overrun::Overrun,
    policy::{Policy, document, llm::Llm},
    record::{Principal, Spend},
    wal::{Level, storage::Memory},
};
use criterion::{Criterion, criterion_group, criterion_main};

fn policy() -> Policy {
    Policy::freeze(document::from_toml(include_str!("../examples/data/models.toml")).unwrap()).unwrap()
}

fn request(policy: &Policy) -> Request {
    let llm = Llm::of(policy.schema()).unwrap();
    let tools = policy.members("capabilities", &["function_calling"]).unwrap();
    let mut request = Request::new(policy.schema());
    request.demand(llm.quality, 7_000).unwrap().demand_set(llm.capabilities, &tools).unwrap();
    request.quantity(llm.input, 4_000).unwrap().quantity(llm.output, 1_000).unwrap();
    request
}

fn terms() -> AccountTerms {
    AccountTerms {
        name: Name::new("team").unwrap(),
        parent: None,
        overrun: Overrun::Deny,
        caps: Caps::default(),
    }
}

fn decide(criterion: &mut Criterion) {
    let policy = policy();
    let request = request(&policy);
    let disabled = Disabled::none();
    assert!(prescribe(&policy, &disabled, &request).unwrap().selected.is_some());
    criterion.bench_function("prescribe, 12 candidates", |bench| {
        bench.iter(|| prescribe(&policy, &disabled, black_box(&request)).unwrap());
    });
}

fn hold(criterion: &mut Criterion) {
    let engine = Engine::new(EngineOptions::default());
    let account = engine.ensure_account(&terms()).unwrap();
    engine.grant(account, i64::MAX).unwrap();
    let path = engine.path(&[account]).unwrap();
    let amount = Amount::new(7).unwrap();
    criterion.bench_function("reserve + release", |bench| {
        bench.iter(|| engine.release(engine.reserve(black_box(&path), amount).unwrap()).unwrap());
    });
}

fn record(criterion: &mut Criterion) {
    let now = Timestamp(1_700_000_000_000_000_000);
    let key = RootKey::new(KeyId(1), &[7; 32]).unwrap();
    let options = CreateOptions::new(LogId([1; 16]), key, policy(), now);
    let controller = Controller::create(Box::new(Memory::new()), options).unwrap();
    let account = controller.ensure_account(&terms(), Call::at(now)).unwrap();
    controller.grant(account, i64::MAX.try_into().unwrap(), Call::at(now)).unwrap();
    let request = request(&controller.policy());
    let admission = Admission {
        principal: Principal::Attested(Name::new("bench").unwrap()),
        accounts: &[account],
        request: &request,
        deadline: Timestamp(i64::MAX),
    };
    for (name, level) in [("queued", Level::Queued), ("written to memory", Level::Written)] {
        let call = Call::at(now).level(level);
        let mut calls = 0_u32;
        criterion.bench_function(&format!("admit + commit, {name}"), |bench| {
            bench.iter(|| {
                let permit = controller.admit(&admission, call).unwrap();
                calls += 1;
                if calls.is_multiple_of(1024) {
                    let _progress = controller.drive().unwrap();
                }
                controller.commit(permit, Spend::Amount(Amount::ZERO), call).unwrap()
            });
        });
    }
}

criterion_group!(life, decide, hold, record);
criterion_main!(life);
