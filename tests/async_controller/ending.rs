//! A driver ends when it is asked to, and leaves nobody waiting.

use std::{sync::Arc, thread};

use assize::{
    controller::{AlreadyDriven, AsyncController, Fault, NotAdmitted, NotSettled},
    id::Sequence,
    record::{Halt, Spend},
    wal::Level,
};

use crate::{
    host::{Host, account, admit, poll_once, ready},
    scene::{call, micros, operation, state},
};

#[test]
fn asked_to_end_it_answers_what_was_carried_out() {
    let host = Host::new();
    let payer = account(&host, 1_000);
    let request = host.ask(1);
    let (controller, driver) = host.asynchronous();
    let before = Box::pin(admit(&controller, payer, &request, call(1)));
    let queued = ready(admit(&controller, payer, &request, call(1).level(Level::Queued))).unwrap();
    controller.stop();
    let held = state_of(&host);
    let after = ready(admit(&controller, payer, &request, call(1)));
    assert_eq!(after, Err(NotAdmitted::Faulted(Fault::NoDriver)));
    let NotSettled { permit, fault } = ready(controller.release(queued, call(1))).unwrap_err();
    assert_eq!((fault, ready(controller.halt(Halt::All, call(1)))), (Fault::NoDriver, Err(Fault::NoDriver)));
    assert_eq!(state_of(&host), held, "nothing was done");

    let progress = thread::spawn(move || driver.run()).join().unwrap().unwrap();
    assert_eq!((progress.head, progress.synced), (Sequence(4), Sequence(4)));
    let answered = ready(before).unwrap();
    assert_eq!(answered.hold(), Sequence(3), "it was answered before the driver ended");
    assert!(host.controller.release(permit, call(2)).is_ok(), "threads go on");
    drop(controller);
    host.finish();
}

/// What a call without effect leaves as it is; it writes nothing itself.
fn state_of(host: &Host) -> (Sequence, usize, assize::controller::Counts) {
    let stats = host.controller.stats().unwrap();
    (stats.log.head, stats.holds_open, stats.counts)
}

#[test]
fn it_ends_with_the_last_clone_and_the_last_future() {
    let host = Host::new();
    let payer = account(&host, 1_000);
    let request = host.ask(1);
    let (controller, driver) = host.asynchronous();
    let clone = controller.clone();
    drop(controller);
    let future = admit(&clone, payer, &request, call(1));
    drop(clone);
    let driving = thread::spawn(move || driver.run());
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    // The future alone keeps the driver at it, and is gone when it is answered.
    assert!(runtime.block_on(future).is_ok());
    assert_eq!(driving.join().unwrap().unwrap().synced, Sequence(3));
    host.finish();
}

#[test]
fn what_threads_have_queued_is_on_disk_when_it_ends() {
    let host = Host::new();
    let (controller, driver) = host.asynchronous();
    let head = host.controller.halt(Halt::None, call(1).level(Level::Queued)).unwrap();
    drop(controller);
    assert_eq!(driver.run().unwrap().synced, head);
    host.finish();
}

#[test]
fn one_that_never_ran_leaves_nobody_waiting() {
    let host = Host::new();
    let payer = account(&host, 1_000);
    let request = host.ask(1);
    let (controller, driver) = host.asynchronous();
    let permit = ready(admit(&controller, payer, &request, call(1).level(Level::Queued))).unwrap();
    let named = call(1).operation(operation(1, 1));
    let mut parked = Box::pin(admit(&controller, payer, &request, named));
    let never_polled = controller.commit(permit, Spend::Amount(micros(4)), call(1));
    assert!(poll_once(parked.as_mut()).is_pending());
    drop(driver);
    let ended = |sequence| Fault::DriverEnded { sequence: Sequence(sequence) };
    assert_eq!(ready(parked), Err(NotAdmitted::Faulted(ended(4))));
    let NotSettled { permit, fault } = ready(never_polled).unwrap_err();
    assert_eq!((fault, permit.hold()), (ended(5), Sequence(3)));
    assert_eq!(ready(controller.halt(Halt::All, call(1))), Err(Fault::NoDriver));

    // The next one writes what is queued, and the retry under its name is the same operation. What goes with the first
    // does not end the second.
    let (again, driver) = host.asynchronous();
    drop(controller);
    let driving = thread::spawn(move || driver.run());
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let retried = runtime.block_on(admit(&again, payer, &request, named));
    assert!(matches!(retried, Err(NotAdmitted::Repeated(repeated)) if repeated.hold() == Sequence(4)));
    drop(again);
    assert_eq!(driving.join().unwrap().unwrap().synced, Sequence(5));
    let calls = host.finish();
    assert_eq!((calls.admitted, calls.commits_amount), (2, 1));
}

#[test]
fn there_is_one_at_a_time() {
    let host = Host::new();
    let (first, driver) = host.asynchronous();
    let second = AsyncController::new(Arc::clone(&host.controller));
    assert_eq!(second.map(|_| ()).unwrap_err(), AlreadyDriven);
    assert_eq!(AlreadyDriven.to_string(), "the controller has a driver already; it has one at a time");
    drop(driver);
    let (second, driver) = host.asynchronous();
    drop(first);
    let before = state(&host.controller);
    drop((second, driver));
    assert_eq!(state(&host.controller), before);
    host.finish();
}
