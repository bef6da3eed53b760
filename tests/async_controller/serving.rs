//! Tasks are answered as threads are, and never write.

use std::{
    collections::HashSet,
    num::NonZeroI64,
    pin::pin,
    sync::{Arc, Barrier, Mutex},
    thread,
};

use assize::{
    budget::AccountTerms,
    controller::{AsyncController, Fault, NotAdmitted, Reroute},
    id::{AccountId, Sequence},
    kernel::Request,
    record::{Halt, Spend, Switch, Terms},
    wal::{Level, storage::Memory},
};

use crate::{
    host::{Host, account, admit, ended, poll_once, ready},
    scene::{self, ALPHA, Scene, call, frames, micros, name, operation, tiny_at},
    watched::Watched,
};

const TASKS: u64 = 64;
const ROUNDS: u32 = 8;

/// Admits and commits, and looks at each answer whether its record is on disk.
async fn work(controller: AsyncController, account: AccountId, request: Request, task: u64) {
    let synced = |sequence: Sequence| controller.controller().stats().unwrap().log.synced >= sequence;
    for round in 0..ROUNDS {
        let at = i64::from(round);
        let named = call(at).operation(operation(u128::from(task) << 8 | u128::from(round), at));
        let permit = admit(&controller, account, &request, named).await.unwrap();
        assert!(synced(permit.hold()), "an admission is on disk before it is answered");
        let level = if round % 2 == 0 { Level::Synced } else { Level::Written };
        let settlement =
            controller.commit(permit, Spend::Amount(micros(5)), call(at).level(level)).await.unwrap();
        let stats = controller.controller().stats().unwrap();
        let reached = if level == Level::Synced { stats.log.synced } else { stats.log.written };
        assert!(reached >= settlement.sequence, "a settlement is where its level says");
    }
}

/// All tasks at once, to their ends.
async fn all_work(controller: &AsyncController, payer: AccountId, request: &Request) {
    let spawned = |task| tokio::spawn(work(controller.clone(), payer, request.clone(), task));
    for task in (0..TASKS).map(spawned).collect::<Vec<_>>() {
        task.await.unwrap();
    }
}

fn sixty_four_tasks_on(runtime: &tokio::runtime::Runtime) {
    let host = Host::new();
    let payer = account(&host, 1_000_000);
    let request = host.ask(1);
    let (controller, driving) = host.driven();
    runtime.block_on(all_work(&controller, payer, &request));
    drop(controller);
    assert_eq!(ended(driving), Sequence(2 + 2 * TASKS * u64::from(ROUNDS)));
    let stats = host.controller.stats().unwrap();
    assert_eq!((stats.counts.admitted, stats.counts.committed), (512, 512));
    host.finish();
}

#[test]
fn sixty_four_tasks_of_one_thread_are_answered_when_their_records_are_on_disk() {
    sixty_four_tasks_on(&tokio::runtime::Builder::new_current_thread().build().unwrap());
}

#[test]
fn sixty_four_tasks_of_many_threads_are_answered_when_their_records_are_on_disk() {
    sixty_four_tasks_on(&tokio::runtime::Builder::new_multi_thread().worker_threads(4).build().unwrap());
}

#[test]
fn all_who_wait_share_one_sync() {
    let host = Host::new();
    let payer = account(&host, 1_000_000);
    let request = host.ask(1);
    let (controller, driver) = host.asynchronous();
    let before = host.controller.stats().unwrap().log;
    let mut waiting: Vec<_> =
        (0..TASKS).map(|_| Box::pin(admit(&controller, payer, &request, call(1)))).collect();
    assert!(waiting.iter_mut().all(|future| poll_once(future.as_mut()).is_pending()));
    let driving = thread::spawn(move || driver.run());
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    for future in waiting {
        assert!(runtime.block_on(future).is_ok());
    }
    let after = host.controller.stats().unwrap().log;
    assert_eq!((after.syncs - before.syncs, after.synced.0 - before.synced.0), (1, TASKS));
    drop(controller);
    ended(driving);
    host.finish();
}

#[test]
fn no_task_writes() {
    let memory = Memory::new();
    let writers: Arc<Mutex<HashSet<_>>> = Arc::default();
    let noted = Arc::clone(&writers);
    let note = move |_: &Memory, _| {
        noted.lock().unwrap().insert(thread::current().id());
    };
    let host = Host::at(memory.clone(), Box::new(Watched { memory, watch: Arc::new(note) }));
    let payer = account(&host, 1_000_000);
    writers.lock().unwrap().clear();
    let (controller, driving) = host.driven();
    let driver = driving.thread().id();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    runtime.block_on(async {
        let request = host.ask(1);
        let tasks: Vec<_> = (0..TASKS)
            .map(|task| tokio::spawn(work(controller.clone(), payer, request.clone(), task)))
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        // A policy is synced whatever the level, and what is decided under it waits for that.
        let queued = call(9).level(Level::Queued);
        controller.swap(tiny_at(2, 20), queued).await.unwrap();
        let permit = admit(&controller, payer, &request, queued).await.unwrap();
        let _settlement = controller.release(permit, queued).await.unwrap();
    });
    drop(controller);
    ended(driving);
    assert_eq!(*writers.lock().unwrap(), HashSet::from([driver]));
    drop(runtime);
    host.finish();
}

#[test]
fn at_queued_nothing_is_waited_for_but_a_policy() {
    let host = Host::new();
    let payer = account(&host, 1_000);
    let request = host.ask(1);
    let (controller, driver) = host.asynchronous();
    let queued = call(1).level(Level::Queued);
    let permit = ready(admit(&controller, payer, &request, queued)).unwrap();
    assert!(ready(controller.commit(permit, Spend::Amount(micros(3)), queued)).is_ok());
    let swapped = controller.swap(tiny_at(2, 20), queued);
    let mut decided = pin!(admit(&controller, payer, &request, queued));
    assert!(poll_once(decided.as_mut()).is_pending(), "its policy is not on disk");
    let driving = thread::spawn(move || driver.run());
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let permit = runtime.block_on(decided).unwrap();
    assert_eq!(permit.amount(), micros(20));
    let swapped = runtime.block_on(swapped).unwrap();
    assert!(host.controller.stats().unwrap().log.synced >= swapped);
    assert!(runtime.block_on(controller.release(permit, call(2))).is_ok());
    drop(controller);
    ended(driving);
    host.finish();
}

/// Every call once: the same answers, and the same records in the same order, as those of the blocking twin.
#[test]
fn each_call_answers_and_records_as_the_one_that_blocks() {
    let host = Host::new();
    let blocking = Scene::new();
    let twin = &blocking.controller;
    let (controller, driving) = host.driven();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    macro_rules! both {
        (|$controller:ident| $call:expr) => {{
            let awaited = runtime.block_on({
                let $controller = &controller;
                $call
            });
            let $controller = twin;
            let blocked = $call;
            assert_eq!(awaited, blocked);
            (awaited, blocked)
        }};
    }
    macro_rules! both_ok {
        (|$controller:ident| $call:expr) => {{
            let (awaited, blocked) = both!(|$controller| $call);
            (awaited.unwrap(), blocked.unwrap())
        }};
    }
    let request = host.ask(10);
    let principal = assize::record::Principal::Attested(name("tester"));
    let terms = |text: &str| AccountTerms::new(name(text));
    let (payer, parent) = (terms("payer"), terms("parent"));
    let (payer, _) = both_ok!(|c| c.ensure_account(&payer, call(0)));
    let (parent, _) = both_ok!(|c| c.ensure_account(&parent, call(0)));
    let _same = both_ok!(|c| c.ensure_account(&terms("payer"), call(0)));
    let _same =
        both_ok!(|c| c.grant(payer, NonZeroI64::new(5_000).unwrap(), call(1).operation(operation(1, 1))));
    let _same =
        both_ok!(|c| c.grant(payer, NonZeroI64::new(5_000).unwrap(), call(1).operation(operation(1, 1))));
    let _same = both_ok!(|c| c.grant(parent, NonZeroI64::new(9_000).unwrap(), call(1)));
    let _same = both_ok!(|c| c.reparent(payer, Some(parent), call(2)));
    let remembering = Terms { settled_max: 8, adjust_window_ns: 1_000, ..Terms::default() };
    let _same = both_ok!(|c| c.change_terms(remembering, call(2)));
    let accounts = [payer];
    let admission = |deadline| assize::controller::Admission {
        principal,
        accounts: &accounts,
        request: &request,
        deadline: scene::at(deadline),
    };
    let (mut first, mut second) = both_ok!(|c| c.admit(&admission(50), call(3).operation(operation(2, 3))));
    let (repeated, _) = both!(|c| c.admit(&admission(50), call(3).operation(operation(2, 3))));
    assert!(matches!(repeated, Err(NotAdmitted::Repeated(_))));
    let extended = runtime.block_on(controller.extend(&mut first, micros(7), Some(scene::at(60)), call(4)));
    assert_eq!(extended, twin.extend(&mut second, micros(7), Some(scene::at(60)), call(4)));
    assert_eq!((first.amount(), &first), (micros(107), &second));
    let denied = runtime.block_on(controller.extend(&mut first, micros(70_000), None, call(4)));
    assert_eq!(denied, twin.extend(&mut second, micros(70_000), None, call(4)));
    assert!(denied.is_err());
    let parted = runtime.block_on(controller.part_commit(&mut first, Spend::Amount(micros(9)), call(5)));
    assert_eq!(parted, twin.part_commit(&mut second, Spend::Amount(micros(9)), call(5)));
    assert_eq!((first.spent(), &first), (micros(9), &second));
    let hold = first.hold();
    let committed = runtime.block_on(controller.commit(first, Spend::Amount(micros(40)), call(6)));
    assert_eq!(committed, twin.commit(second, Spend::Amount(micros(40)), call(6)));
    let _same = both_ok!(|c| c.adjust(hold, micros(30), call(6)));
    let (first, second) = both_ok!(|c| c.admit(&admission(50), call(7)));
    let reroute = Reroute { failed: ALPHA, request: &request, deadline: scene::at(70) };
    let first = runtime.block_on(controller.reroute(first, &reroute, call(8))).unwrap();
    let second = twin.reroute(second, &reroute, call(8)).unwrap();
    assert_eq!(first, second);
    let released = runtime.block_on(controller.release(first, call(9)));
    assert_eq!(released, twin.release(second, call(9)));
    let _same = both_ok!(|c| c.switch(ALPHA, Switch::Disabled, call(10)));
    let _same = both_ok!(|c| c.switch(ALPHA, Switch::Enabled, call(10)));
    let _same = both_ok!(|c| c.halt(Halt::All, call(10)));
    let (halted, _) = both!(|c| c.admit(&admission(50), call(11)));
    assert!(matches!(halted, Err(NotAdmitted::Denied(_))));
    let _same = both_ok!(|c| c.halt(Halt::None, call(12)));
    let _same = both_ok!(|c| c.admit(&admission(50), call(13)));
    let _same = both_ok!(|c| c.swap(tiny_at(2, 20), call(14)));
    let (refused, _) = both!(|c| c.swap(tiny_at(2, 20), call(14)));
    assert!(refused.is_err());
    let (expired, _) = both_ok!(|c| c.expire(call(60)));
    assert_eq!(expired, 1);
    let _same = both_ok!(|c| c.close_account(payer, call(61)));
    let (fault, _) = both!(|c| c.end_window(parent, call(62)));
    assert!(matches!(fault, Err(Fault::Account(_))), "its window is for life");
    let _same = both_ok!(|c| c.operation(&operation(2, 3).id));
    let (none, _) = both_ok!(|c| c.operation(&operation(99, 3).id));
    assert_eq!(none, None);
    let _same = both_ok!(|c| c.wait(Sequence(3), Level::Synced));
    let (missing, _) = both!(|c| c.wait(Sequence(999), Level::Synced));
    assert!(matches!(missing, Err(Fault::NoRecord { .. })));
    let anchor = runtime.block_on(controller.drain()).unwrap();
    assert_eq!(anchor.sequence(), twin.drain().unwrap().sequence());
    assert_eq!(frames(&host.memory), frames(&*blocking.place.storage()));
    drop(controller);
    ended(driving);
    host.finish();
    blocking.finish();
}

#[test]
fn threads_that_block_and_tasks_that_wait_share_one_log() {
    let host = Host::new();
    let payer = account(&host, 1_000_000);
    let request = host.ask(1);
    let (controller, driving) = host.driven();
    let start = Barrier::new(5);
    thread::scope(|scope| {
        for thread in 0..4_u128 {
            let (host, request, start) = (&host, &request, &start);
            scope.spawn(move || {
                start.wait();
                for round in 0..50_u128 {
                    let named = call(1).operation(operation(1 << 32 | thread << 8 | round, 1));
                    let principal = assize::record::Principal::Attested(name("thread"));
                    let admission = assize::controller::Admission {
                        principal,
                        accounts: &[payer],
                        request,
                        deadline: scene::at(99),
                    };
                    let permit = host.controller.admit(&admission, named).unwrap();
                    assert!(host.controller.release(permit, call(1)).is_ok());
                }
            });
        }
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
        start.wait();
        runtime.block_on(all_work(&controller, payer, &request));
    });
    drop(controller);
    ended(driving);
    let counts = host.controller.stats().unwrap().counts;
    assert_eq!((counts.admitted, counts.committed, counts.released), (712, 512, 200));
    host.finish();
}
