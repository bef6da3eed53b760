//! A log that fails, and a driver that panics, answer every task.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use assize::{
    controller::{Fault, NotAdmitted, NotSettled},
    id::Sequence,
    record::Spend,
    wal::{
        Level,
        storage::{Failing, Memory, Operation},
    },
};

use crate::{
    host::{Host, account, admit, poll_once, ready},
    scene::{call, micros, operation},
    watched::Watched,
};

const TASKS: u64 = 64;

fn named(number: u64) -> assize::controller::Call {
    call(1).operation(operation(number.into(), 1))
}

/// So many tasks wait, on a runtime of two threads, until `host` fails; each must be told.
fn all_are_told(host: Host, failing: impl FnOnce(&Host)) {
    let payer = account(&host, 1_000_000);
    let request = host.ask(1);
    let (controller, driver) = host.asynchronous();
    let permit = ready(admit(&controller, payer, &request, call(0).level(Level::Queued))).unwrap();
    let first = permit.hold();
    let mut waiting: Vec<_> =
        (0..TASKS).map(|number| Box::pin(admit(&controller, payer, &request, named(number)))).collect();
    let committed = controller.commit(permit, Spend::Amount(micros(3)), call(1));
    assert!(waiting.iter_mut().all(|future| poll_once(future.as_mut()).is_pending()));
    failing(&host);
    let driving = thread::spawn(move || driver.run());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let tasks: Vec<_> = waiting.into_iter().map(|future| runtime.spawn(future)).collect();
    for (number, task) in (1..).zip(tasks) {
        let sequence = Sequence(first.0 + number);
        let told = runtime.block_on(task).unwrap();
        assert_eq!(told, Err(NotAdmitted::Faulted(Fault::Unknown { sequence })));
    }
    let NotSettled { permit, fault } = runtime.block_on(committed).unwrap_err();
    assert_eq!(fault, Fault::Unknown { sequence: Sequence(first.0 + TASKS + 1) });
    assert_eq!(permit.hold(), first);
    // The driver ends with the log, unless it was what panicked.
    if let Ok(ended) = driving.join() {
        assert_eq!(ended, Err(Fault::Poisoned));
    }
    assert_eq!(ready(controller.wait(first, Level::Queued)), Err(Fault::Poisoned));
    assert_eq!(
        ready(admit(&controller, payer, &request, named(1))),
        Err(NotAdmitted::Faulted(Fault::Poisoned))
    );
    drop(controller);
    drop(runtime);

    // What was unknown resolves by its name.
    let (scene, permits) = host.crash();
    for number in 0..TASKS {
        let found = scene.controller.operation(&operation(number.into(), 1).id).unwrap();
        let came_back = found.map(|found| permits.iter().any(|permit| permit.hold() == found.sequence));
        assert_ne!(came_back, Some(false), "who is remembered has its permit");
    }
    scene.finish();
}

#[test]
fn a_sync_that_fails_is_told_to_all() {
    all_are_told(Host::new(), |host| host.memory.fail(Failing::nth(Operation::Sync, 1)));
}

#[test]
fn a_write_that_fails_is_told_to_all() {
    all_are_told(Host::new(), |host| host.memory.fail(Failing::nth(Operation::Write, 1)));
}

#[test]
fn a_driver_that_panics_leaves_nobody_waiting() {
    let armed = Arc::new(AtomicBool::new(false));
    let memory = Memory::new();
    let arms = Arc::clone(&armed);
    let watch = move |_: &Memory, operation| {
        assert!(operation != Operation::Sync || !arms.load(Ordering::SeqCst), "a disk that panics");
    };
    let host = Host::at(memory.clone(), Box::new(Watched { memory, watch: Arc::new(watch) }));
    all_are_told(host, |_| armed.store(true, Ordering::SeqCst));
}
