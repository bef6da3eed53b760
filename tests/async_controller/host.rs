//! A host with tasks: a controller, its adapter, and its driver's thread.

use std::{
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, Waker},
    thread::{self, JoinHandle},
};

use assize::{
    controller::{
        Admission, AsyncController, Call, Controller, CreateOptions, Driver, Fault, NotAdmitted, Permit,
    },
    id::{AccountId, Sequence},
    kernel::Request,
    num::Timestamp,
    record::Principal,
    wal::{
        Progress,
        storage::{Memory, Storage},
    },
};

use crate::scene::{self, LOG, Place, SECOND, Scene, Setup, at, key, name};

/// A controller that tasks share, in memory.
pub(crate) struct Host {
    pub(crate) controller: Arc<Controller>,
    pub(crate) memory: Memory,
    setup: Setup,
}

impl Host {
    pub(crate) fn new() -> Self {
        let memory = Memory::new();
        Self::at(memory.clone(), Box::new(memory))
    }

    /// With a storage that is the memory's, or one before it.
    pub(crate) fn at(memory: Memory, storage: Box<dyn Storage>) -> Self {
        let setup = Setup::default();
        let Setup { policy, terms, log, engine } = Setup::default();
        let options = CreateOptions { id: LOG, key: key().into(), policy, terms, log, engine, at: at(0) };
        let controller = Arc::new(Controller::create(storage, options).unwrap());
        Self { controller, memory, setup }
    }

    /// The adapter, and its driver that does not run yet: until then nothing is answered.
    pub(crate) fn asynchronous(&self) -> (AsyncController, Driver) {
        AsyncController::new(Arc::clone(&self.controller)).unwrap()
    }

    /// The adapter, and its driver at work.
    pub(crate) fn driven(&self) -> (AsyncController, JoinHandle<Result<Progress, Fault>>) {
        let (controller, driver) = self.asynchronous();
        (controller, thread::spawn(move || driver.run()))
    }

    /// A request for so many units, of the tiny policy.
    pub(crate) fn ask(&self, units: u64) -> Request {
        let policy = self.controller.policy();
        let mut request = Request::new(policy.schema());
        request.quantity(policy.schema().quantity("units").unwrap(), units).unwrap();
        request
    }

    /// The host alone again: the log replays, opens, and has the same balances.
    pub(crate) fn finish(self) -> assize::audit::Calls {
        let Self { controller, memory, setup } = self;
        let controller = Arc::into_inner(controller).unwrap();
        Scene { controller, place: Place::Memory(memory), log: setup.log, engine: setup.engine }.finish()
    }

    /// Drops the controller, loses what was not synced, and opens again.
    pub(crate) fn crash(self) -> (Scene, Vec<Permit>) {
        let Self { controller, memory, setup } = self;
        drop(Arc::into_inner(controller).unwrap());
        memory.cut_power();
        Scene::open(Place::Memory(memory), setup.log, setup.engine, None)
    }
}

/// Admits with a deadline a minute after the call.
pub(crate) fn admit(
    controller: &AsyncController,
    account: AccountId,
    request: &Request,
    call: Call,
) -> impl Future<Output = Result<Permit, NotAdmitted>> + Send + use<> {
    let principal = Principal::Attested(name("tester"));
    let deadline = Timestamp(call.at.0 + 60 * SECOND);
    controller.admit(&Admission { principal, accounts: &[account], request, deadline }, call)
}

/// Opens an account and grants to it, before there are tasks.
pub(crate) fn account(host: &Host, granted: i64) -> AccountId {
    let terms = assize::budget::AccountTerms {
        overrun: assize::overrun::Overrun::Debt,
        ..assize::budget::AccountTerms::new(name("a"))
    };
    let account = host.controller.ensure_account(&terms, scene::call(0)).unwrap();
    host.controller.grant(account, granted.try_into().unwrap(), scene::call(0)).unwrap();
    account
}

/// Looks at a future once, as an executor would, and never again by itself.
pub(crate) fn poll_once<F: Future + ?Sized>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// What a future that is ready is ready with.
pub(crate) fn ready<F: Future>(future: F) -> F::Output {
    match poll_once(pin!(future)) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it has to wait"),
    }
}

/// The end of a driver that was asked to end: everything is on disk, up to the record that this gives.
pub(crate) fn ended(driving: JoinHandle<Result<Progress, Fault>>) -> Sequence {
    let progress = driving.join().unwrap().unwrap();
    assert_eq!(progress.head, progress.synced);
    progress.synced
}
