//! A future that is dropped cancels no effect: its record is written, its operation resolves, its hold is there.

use std::{thread, time::Duration};

use assize::{
    controller::{AsyncController, Driver, NotAdmitted, Outcome, Permit, RepeatedState},
    id::{AccountId, Sequence},
    kernel::Request,
    record::Spend,
    wal::Level,
};

use crate::{
    host::{Host, account, admit, ended, poll_once, ready},
    scene::{call, micros, operation},
};

/// Admits as operation 1, gives up as `give_up` does while nobody drives, and looks what became of it.
fn given_up(give_up: impl FnOnce(&AsyncController, AccountId, &Request)) {
    let host = Host::new();
    let payer = account(&host, 1_000);
    let request = host.ask(1);
    let (controller, driver) = host.asynchronous();
    let head = host.controller.stats().unwrap().log.head;
    give_up(&controller, payer, &request);
    let hold = Sequence(head.0 + 1);
    assert_eq!(host.controller.stats().unwrap().log.head, hold, "it was carried out");
    assert_eq!(host.controller.read(payer).unwrap().0.reserved_micros, 10);

    let driving = thread::spawn(move || driver.run());
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        controller.wait(hold, Level::Synced).await.unwrap();
        let remembered = controller.operation(&operation(1, 1).id).await.unwrap().unwrap();
        assert_eq!(remembered.sequence, hold);
        assert!(matches!(remembered.outcome, Outcome::Admission(_)));
        let permit = repeated(admit(&controller, payer, &request, named()).await);
        assert_eq!(permit.hold(), hold);
        let settlement = controller.commit(permit, Spend::Amount(micros(4)), call(2)).await.unwrap();
        assert_eq!(settlement.sequence, Sequence(hold.0 + 1));
    });
    drop(controller);
    ended(driving);
    assert_eq!(host.finish().admitted, 1);
}

fn named() -> assize::controller::Call {
    call(1).operation(operation(1, 1))
}

fn repeated(answer: Result<Permit, NotAdmitted>) -> Permit {
    match answer {
        Err(NotAdmitted::Repeated(repeated)) => match repeated.into_state() {
            RepeatedState::Open(permit) => permit,
            state => panic!("{state:?}"),
        },
        other => panic!("{other:?}"),
    }
}

#[test]
fn one_that_is_never_polled() {
    given_up(|controller, payer, request| drop(admit(controller, payer, request, named())));
}

#[test]
fn one_that_waits() {
    given_up(|controller, payer, request| {
        let mut future = Box::pin(admit(controller, payer, request, named()));
        assert!(poll_once(future.as_mut()).is_pending());
        assert!(poll_once(future.as_mut()).is_pending(), "it is in no hurry");
        drop(future);
    });
}

#[test]
fn one_that_loses_a_race() {
    given_up(|controller, payer, request| {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            tokio::select! {
                biased;
                answer = admit(controller, payer, request, named()) => panic!("{answer:?}"),
                () = std::future::ready(()) => {}
            }
        });
    });
}

#[test]
fn one_that_is_out_of_time() {
    given_up(|controller, payer, request| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let late = tokio::time::timeout(Duration::ZERO, admit(controller, payer, request, named())).await;
            assert!(late.is_err(), "nobody drives");
        });
    });
}

#[test]
fn one_whose_task_is_aborted() {
    given_up(|controller, payer, request| {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let task = tokio::spawn(admit(controller, payer, request, named()));
            tokio::task::yield_now().await;
            task.abort();
            assert!(task.await.unwrap_err().is_cancelled());
        });
    });
}

#[test]
fn one_whose_runtime_is_shut_down() {
    given_up(|controller, payer, request| {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
        runtime.spawn(admit(controller, payer, request, named()));
        drop(runtime);
    });
}

#[test]
fn a_settlement_that_is_given_up_is_done_once() {
    let host = Host::new();
    let payer = account(&host, 1_000);
    let request = host.ask(1);
    let (controller, driver): (AsyncController, Driver) = host.asynchronous();
    let permit = ready(admit(&controller, payer, &request, call(1).level(Level::Queued))).unwrap();
    let hold = permit.hold();
    let named = call(2).operation(operation(7, 2));
    drop(controller.commit(permit, Spend::Amount(micros(4)), named));
    let driving = thread::spawn(move || driver.run());
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let remembered = runtime.block_on(controller.operation(&operation(7, 2).id)).unwrap().unwrap();
    assert_eq!(remembered.sequence, Sequence(hold.0 + 1));
    assert!(matches!(remembered.outcome, Outcome::Commit(_)));
    let read = host.controller.read(payer).unwrap().0;
    assert_eq!((read.reserved_micros, read.committed_micros), (0, 4));
    drop(controller);
    ended(driving);
    assert_eq!(host.finish().commits_amount, 1);
}

/// Half of those who wait give up: the others are answered, and what was given up is on disk as well.
#[test]
fn who_stays_is_answered_among_those_who_give_up() {
    let host = Host::new();
    let payer = account(&host, 1_000_000);
    let request = host.ask(1);
    let (controller, driver) = host.asynchronous();
    let mut staying = Vec::new();
    for number in 0..200 {
        let mut future = Box::pin(admit(&controller, payer, &request, call(1)));
        assert!(poll_once(future.as_mut()).is_pending());
        if number % 2 == 0 {
            staying.push(future);
        }
    }
    let head = host.controller.stats().unwrap().log.head;
    let driving = thread::spawn(move || driver.run());
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    for future in staying {
        assert!(runtime.block_on(future).is_ok());
    }
    assert_eq!(host.controller.stats().unwrap().log.synced, head);
    drop(controller);
    ended(driving);
    assert_eq!(host.finish().admitted, 200);
}
