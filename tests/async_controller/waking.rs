//! Wakers run their executor's code: it may poll, call, panic, and drop what waits, and no lock of the log is held.

use std::{
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    thread,
};

use assize::{
    controller::{AsyncController, Controller, NotAdmitted, Permit},
    wal::Level,
};

use crate::{
    host::{Host, account, admit, ended, poll_once},
    scene::call,
};

type Admitting = Pin<Box<dyn Future<Output = Result<Permit, NotAdmitted>> + Send>>;

/// Does what it was made with when it is woken, and counts.
struct Doing<F> {
    woken: AtomicU64,
    what: F,
}

impl<F: Fn() + Send + Sync> Wake for Doing<F> {
    fn wake(self: Arc<Self>) {
        self.woken.fetch_add(1, Ordering::SeqCst);
        (self.what)();
    }
}

fn doing<F: Fn() + Send + Sync + 'static>(what: F) -> (Waker, Arc<Doing<F>>) {
    let doing = Arc::new(Doing { woken: AtomicU64::new(0), what });
    (Waker::from(Arc::clone(&doing)), doing)
}

/// So many admissions that wait, and their driver that does not run yet.
fn waiting(host: &Host, many: usize) -> (AsyncController, assize::controller::Driver, Vec<Admitting>) {
    let payer = account(host, 1_000_000);
    let request = host.ask(1);
    let (controller, driver) = host.asynchronous();
    let futures = (0..many).map(|_| -> Admitting { Box::pin(admit(&controller, payer, &request, call(1))) });
    let futures = futures.collect();
    (controller, driver, futures)
}

fn poll(future: &mut Admitting, waker: &Waker) -> Poll<Result<Permit, NotAdmitted>> {
    future.as_mut().poll(&mut Context::from_waker(waker))
}

#[test]
fn a_waker_may_call_the_controller_and_wait_there() {
    let host = Host::new();
    let (controller, driver, mut futures) = waiting(&host, 3);
    let inner: Arc<Controller> = Arc::clone(&host.controller);
    let (waker, woken) = doing(move || {
        // Syncs on this very thread, the driver's.
        let _anchor = inner.drain().unwrap();
        inner.halt(assize::record::Halt::None, call(2)).unwrap();
    });
    assert!(futures.iter_mut().all(|future| poll(future, &waker).is_pending()));
    drop(controller);
    let driving = thread::spawn(move || driver.run());
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let last = futures.pop().unwrap();
    assert!(runtime.block_on(last).is_ok(), "the waker of its last poll is woken");
    for mut future in futures {
        // Answered by then: all were in one round.
        assert!(matches!(poll_once(future.as_mut()), Poll::Ready(Ok(_))));
    }
    ended(driving);
    assert!((2..=3).contains(&woken.woken.load(Ordering::SeqCst)));
    drop(waker);
    drop(woken);
    host.finish();
}

#[test]
fn a_waker_may_poll_there_and_then() {
    let host = Host::new();
    let (controller, driver, mut futures) = waiting(&host, 1);
    let place: Arc<Mutex<Option<Admitting>>> = Arc::default();
    let answer: Arc<Mutex<Option<Result<Permit, NotAdmitted>>>> = Arc::default();
    let (polled, told) = (Arc::clone(&place), Arc::clone(&answer));
    let (waker, woken) = doing(move || {
        let future = polled.lock().unwrap().take();
        if let Some(Poll::Ready(output)) = future.map(|mut future| poll_once(future.as_mut())) {
            *told.lock().unwrap() = Some(output);
        }
    });
    let mut future = futures.pop().unwrap();
    assert!(poll(&mut future, &waker).is_pending());
    *place.lock().unwrap() = Some(future);
    drop(controller);
    // On this thread: whoever deadlocks does so here.
    let driving = thread::spawn(move || driver.run());
    ended(driving);
    assert_eq!(woken.woken.load(Ordering::SeqCst), 1);
    assert!(answer.lock().unwrap().take().unwrap().is_ok());
    drop((waker, woken));
    host.finish();
}

#[test]
fn a_waker_that_panics_leaves_the_others_woken_and_the_log_as_it_is() {
    let host = Host::new();
    let (controller, driver, mut futures) = waiting(&host, 4);
    let (panics, _) = doing(|| panic!("a waker that panics, as it is meant to"));
    let (calm, woken) = doing(|| ());
    for (number, future) in futures.iter_mut().enumerate() {
        let waker = if number % 2 == 0 { &panics } else { &calm };
        assert!(poll(future, waker).is_pending());
    }
    controller.stop();
    let driving = thread::spawn(move || driver.run());
    assert!(driving.join().unwrap().is_ok());
    assert_eq!(woken.woken.load(Ordering::SeqCst), 2);
    for mut future in futures {
        assert!(matches!(poll_once(future.as_mut()), Poll::Ready(Ok(_))));
    }
    drop(controller);
    assert_eq!(host.finish().admitted, 4);
}

#[test]
fn a_waker_that_is_replaced_may_drop_another_future() {
    let host = Host::new();
    let (controller, driver, mut futures) = waiting(&host, 2);
    // The last of a waker to go takes a future with it that waits, as a task that is dropped does.
    let mut other = futures.pop().unwrap();
    assert!(poll_once(other.as_mut()).is_pending());
    let other = Mutex::new(other);
    let (waker, woken) = doing(move || drop(other.lock()));
    drop(woken);
    let mut future = futures.pop().unwrap();
    assert!(poll(&mut future, &waker).is_pending());
    drop(waker);
    assert!(poll_once(future.as_mut()).is_pending(), "the waker before it is dropped, with what it has");
    drop(future);
    drop(controller);
    assert_eq!(driver.run().unwrap().synced.0, 4);
    assert_eq!(host.finish().admitted, 2);
}

#[test]
fn the_waker_of_the_last_poll_is_woken_and_no_other() {
    let host = Host::new();
    let (controller, driver, mut futures) = waiting(&host, 1);
    let (first, not_woken) = doing(|| ());
    let (second, woken) = doing(|| ());
    for waker in [&first, &second, &first, &second] {
        assert!(poll(&mut futures[0], waker).is_pending());
    }
    drop(controller);
    // The future keeps the driver: it is taken once it was woken.
    let driving = thread::spawn(move || driver.run());
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let synced = host.controller.wait(assize::id::Sequence(3), Level::Synced);
    assert_eq!(synced, Ok(()));
    let future = futures.pop().unwrap();
    assert!(runtime.block_on(future).is_ok());
    ended(driving);
    let counts = (not_woken.woken.load(Ordering::SeqCst), woken.woken.load(Ordering::SeqCst));
    assert_eq!(counts.0, 0);
    assert!(counts.1 <= 1);
    host.finish();
}
