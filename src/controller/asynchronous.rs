//! A controller for tasks: a call is carried out at once, its answer is awaited, and a thread of the host's writes.
//!
//! Made of `core`'s wakers alone: any executor will do.

mod driver;
mod reached;

pub use driver::{AlreadyDriven, Driver};

use alloc::sync::Arc;
use core::num::NonZeroI64;

use super::{
    Admission, Call, Controller, Extension, NotAdmitted, NotExtended, NotRerouted, NotSettled, NotSwapped,
    Permit, Remembered, Reroute, Settlement, fault::Fault, queued::Queued,
};
use crate::{
    budget::AccountTerms,
    id::{AccountId, CandidateId, LimitId, OperationId, Sequence},
    num::{Amount, Timestamp},
    policy::Policy,
    record::{AdjustOutcome, CommitOutcome, Halt, PartCommitOutcome, ReleaseOutcome, Spend, Switch, Terms},
    wal::{Anchor, Level},
};
use driver::Driven;
use reached::Reached;

/// A [`Controller`] whose answers are awaited; clones are of the same one.
///
/// Each method carries its call out before it returns: the effects are applied and the record is queued, without a
/// system call but for waking the [`Driver`]. What it gives is a future that only waits, until the record is where the
/// call's level says, as the method of the same name of [`Controller`] does, and has the same answer. The order of the
/// calls is the order in which the methods are called, not that in which their futures are polled.
///
/// So dropping a future cancels no effect: the record is written all the same, by the driver, or where that has ended
/// by whoever writes next. A permit that is lost with a future can be
/// had again by repeating its operation; else its hold ends at its deadline.
///
/// ```
/// # use assize::{budget::AccountTerms, controller::*, crypto::{KeyId, RootKey}, id::*, kernel::Request};
/// # use assize::{num::Timestamp, policy::{CandidateDraft, CardDraft, Draft, Policy, SchemaDraft}};
/// # use assize::{record::Principal, wal::storage::Memory};
/// # use std::sync::Arc;
/// # let mut draft = Draft::new("one", 1, SchemaDraft { name: "one".into(), ..SchemaDraft::default() });
/// # let cards = vec![CardDraft { above: 0, rates: Vec::new() }];
/// # draft.candidates.push(CandidateDraft { cards, ..CandidateDraft::new(1, "only") });
/// # let policy = Policy::freeze(draft)?;
/// # let options = CreateOptions::new(LogId([1; 16]), RootKey::new(KeyId(1), &[7; 32])?, policy, Timestamp(0));
/// # let controller = Controller::create(Box::new(Memory::new()), options)?;
/// # let request = Request::new(controller.policy().schema());
/// # let (principal, now, deadline) = (Principal::Attested(Name::new("web")?), Timestamp(0), Timestamp(9));
/// # let terms = AccountTerms::new(Name::new("team")?);
/// let controller = Arc::new(controller);
/// let (admitting, driver) = AsyncController::new(Arc::clone(&controller))?;
/// let driving = std::thread::spawn(move || driver.run());
///
/// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// runtime.block_on(async move {
///     let team = admitting.ensure_account(&terms, Call::at(now)).await?;
///     let admission = Admission { principal, accounts: &[team], request: &request, deadline };
///     let permit = admitting.admit(&admission, Call::at(now)).await?;
///     // … the work is done …
///     let _settlement = admitting.release(permit, Call::at(now)).await?;
/// #   Ok::<(), Box<dyn std::error::Error>>(())
/// })?;
/// // The last clone is gone: the driver has written and synced everything, and ends.
/// let progress = driving.join().map_err(|_| "the driver panicked")??;
/// # assert_eq!(progress.synced, Sequence(3));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct AsyncController {
    driven: Arc<Driven>,
}

impl AsyncController {
    /// A controller for tasks, and its driver, which is to run on a thread of its own. Nothing is answered before it does.
    ///
    /// # Errors
    /// The controller has a driver already.
    pub fn new(controller: Arc<Controller>) -> Result<(Self, Driver), AlreadyDriven> {
        let (driver, driven) = Driver::attach(controller)?;
        Ok((Self { driven }, driver))
    }

    /// The controller itself, for what waits for nothing: readings, counts, the policy, the shadow. What waits there for
    /// a record blocks its thread and may write on it.
    #[must_use]
    pub fn controller(&self) -> &Controller {
        self.driven.controller()
    }

    /// Asks the driver to end when everything that was carried out is answered. Calls that come later are
    /// [`Fault::NoDriver`]; one that is made at the same moment may be carried out and be answered
    /// [`Fault::DriverEnded`]. Dropping the last clone asks for the same.
    pub fn stop(&self) {
        self.driven.stop();
    }

    /// [`Controller::admit`], awaited.
    ///
    /// # Errors
    /// Those of the same, [`Fault::NoDriver`], and [`Fault::DriverEnded`].
    pub fn admit(
        &self,
        admission: &Admission<'_>,
        call: Call,
    ) -> impl Future<Output = Result<Permit, NotAdmitted>> + Send + use<> {
        let carried = self.carry_out(|controller| controller.queue_admission(admission, call));
        async move { carried.answer().await? }
    }

    /// [`Controller::commit`], awaited.
    ///
    /// # Errors
    /// Those of the same, [`Fault::NoDriver`], and [`Fault::DriverEnded`]; the permit comes back.
    pub fn commit(
        &self,
        permit: Permit,
        spend: Spend,
        call: Call,
    ) -> impl Future<Output = Result<Settlement<CommitOutcome>, NotSettled>> + Send + use<> {
        let carried = self.carry_out(|controller| controller.queue_commit(&permit, spend, call));
        async move { carried.answer().await.map_err(|fault| NotSettled { permit, fault }) }
    }

    /// [`Controller::part_commit`], awaited. The permit of a future that is dropped says what it said before.
    ///
    /// # Errors
    /// Those of the same, [`Fault::NoDriver`], and [`Fault::DriverEnded`].
    pub fn part_commit<'a>(
        &self,
        permit: &'a mut Permit,
        so_far: Spend,
        call: Call,
    ) -> impl Future<Output = Result<Settlement<PartCommitOutcome>, Fault>> + Send + use<'a> {
        let carried = self.carry_out(|controller| controller.queue_part_commit(permit, so_far, call));
        async move { Ok(carried.answer().await?.told(permit)) }
    }

    /// [`Controller::extend`], awaited. The permit of a future that is dropped says what it said before.
    ///
    /// # Errors
    /// Those of the same, [`Fault::NoDriver`], and [`Fault::DriverEnded`].
    pub fn extend<'a>(
        &self,
        permit: &'a mut Permit,
        more: Amount,
        deadline: Option<Timestamp>,
        call: Call,
    ) -> impl Future<Output = Result<Extension, NotExtended>> + Send + use<'a> {
        let carried = self.carry_out(|controller| controller.queue_extension(permit, more, deadline, call));
        async move {
            let extended = carried.answer().await?;
            extended.map(|extended| extended.told(permit)).map_err(NotExtended::Denied)
        }
    }

    /// [`Controller::release`], awaited.
    ///
    /// # Errors
    /// Those of the same, [`Fault::NoDriver`], and [`Fault::DriverEnded`]; the permit comes back.
    pub fn release(
        &self,
        permit: Permit,
        call: Call,
    ) -> impl Future<Output = Result<Settlement<ReleaseOutcome>, NotSettled>> + Send + use<> {
        let carried = self.carry_out(|controller| controller.queue_release(&permit, call));
        async move { carried.answer().await.map_err(|fault| NotSettled { permit, fault }) }
    }

    /// [`Controller::reroute`], awaited.
    ///
    /// # Errors
    /// Those of the same, [`Fault::NoDriver`], and [`Fault::DriverEnded`]; a fault gives the permit back.
    pub fn reroute(
        &self,
        permit: Permit,
        reroute: &Reroute<'_>,
        call: Call,
    ) -> impl Future<Output = Result<Permit, NotRerouted>> + Send + use<> {
        let carried = self.carry_out(|controller| controller.queue_reroute(&permit, reroute, call));
        async move {
            let answer = carried.answer().await.map_err(NotAdmitted::Faulted).flatten();
            answer.map_err(|error| NotRerouted::of(permit, error))
        }
    }

    /// [`Controller::adjust`], awaited.
    ///
    /// # Errors
    /// Those of the same, [`Fault::NoDriver`], and [`Fault::DriverEnded`].
    pub fn adjust(
        &self,
        hold: Sequence,
        actual: Amount,
        call: Call,
    ) -> impl Future<Output = Result<Settlement<AdjustOutcome>, Fault>> + Send + use<> {
        self.carry_out(|controller| controller.queue_adjustment(hold, actual, call)).answer()
    }

    /// [`Controller::ensure_account`], awaited.
    ///
    /// # Errors
    /// Those of the same, [`Fault::NoDriver`], and [`Fault::DriverEnded`].
    pub fn ensure_account(
        &self,
        terms: &AccountTerms,
        call: Call,
    ) -> impl Future<Output = Result<AccountId, Fault>> + Send + use<> {
        self.carry_out(|controller| controller.queue_account(terms, call)).answer()
    }

    /// [`Controller::close_account`], awaited.
    ///
    /// # Errors
    /// Those of the same, [`Fault::NoDriver`], and [`Fault::DriverEnded`].
    pub fn close_account(
        &self,
        account: AccountId,
        call: Call,
    ) -> impl Future<Output = Result<Sequence, Fault>> + Send + use<> {
        self.carry_out(|controller| controller.queue_account_closing(account, call)).answer()
    }

    /// [`Controller::grant`], awaited.
    ///
    /// # Errors
    /// Those of the same, [`Fault::NoDriver`], and [`Fault::DriverEnded`].
    pub fn grant<L: Into<LimitId>>(
        &self,
        limit: L,
        change_micros: NonZeroI64,
        call: Call,
    ) -> impl Future<Output = Result<Sequence, Fault>> + Send + use<L> {
        let limit = limit.into();
        self.carry_out(|controller| controller.queue_grant(limit, change_micros, call)).answer()
    }

    /// [`Controller::reparent`], awaited.
    ///
    /// # Errors
    /// Those of the same, [`Fault::NoDriver`], and [`Fault::DriverEnded`].
    pub fn reparent(
        &self,
        account: AccountId,
        parent: Option<AccountId>,
        call: Call,
    ) -> impl Future<Output = Result<Sequence, Fault>> + Send + use<> {
        self.carry_out(|controller| controller.queue_reparenting(account, parent, call)).answer()
    }

    /// [`Controller::end_window`], awaited.
    ///
    /// # Errors
    /// Those of the same, [`Fault::NoDriver`], and [`Fault::DriverEnded`].
    pub fn end_window<L: Into<LimitId>>(
        &self,
        limit: L,
        call: Call,
    ) -> impl Future<Output = Result<Sequence, Fault>> + Send + use<L> {
        let limit = limit.into();
        self.carry_out(|controller| controller.queue_window_end(limit, call)).answer()
    }

    /// [`Controller::swap`], awaited.
    ///
    /// # Errors
    /// Those of the same, [`Fault::NoDriver`], and [`Fault::DriverEnded`].
    pub fn swap(
        &self,
        policy: Policy,
        call: Call,
    ) -> impl Future<Output = Result<Sequence, NotSwapped>> + Send + use<> {
        self.carry_out(|controller| controller.queue_swap(policy, call)).answer()
    }

    /// [`Controller::halt`], awaited.
    ///
    /// # Errors
    /// Those of the same, [`Fault::NoDriver`], and [`Fault::DriverEnded`].
    pub fn halt(
        &self,
        halt: Halt,
        call: Call,
    ) -> impl Future<Output = Result<Sequence, Fault>> + Send + use<> {
        self.carry_out(|controller| controller.queue_halt(halt, call)).answer()
    }

    /// [`Controller::switch`], awaited.
    ///
    /// # Errors
    /// Those of the same, [`Fault::NoDriver`], and [`Fault::DriverEnded`].
    pub fn switch(
        &self,
        candidate: CandidateId,
        switch: Switch,
        call: Call,
    ) -> impl Future<Output = Result<Sequence, Fault>> + Send + use<> {
        self.carry_out(|controller| controller.queue_switch(candidate, switch, call)).answer()
    }

    /// [`Controller::change_terms`], awaited.
    ///
    /// # Errors
    /// Those of the same, [`Fault::NoDriver`], and [`Fault::DriverEnded`].
    pub fn change_terms(
        &self,
        terms: Terms,
        call: Call,
    ) -> impl Future<Output = Result<Sequence, Fault>> + Send + use<> {
        self.carry_out(|controller| controller.queue_terms(terms, call)).answer()
    }

    /// [`Controller::expire`], awaited.
    ///
    /// # Errors
    /// Those of the same, [`Fault::NoDriver`], and [`Fault::DriverEnded`].
    pub fn expire(&self, call: Call) -> impl Future<Output = Result<usize, Fault>> + Send + use<> {
        self.carry_out(|controller| controller.queue_expiry(call)).answer()
    }

    /// [`Controller::operation`], awaited.
    ///
    /// # Errors
    /// Those of the same, [`Fault::NoDriver`], and [`Fault::DriverEnded`].
    pub fn operation(
        &self,
        id: &OperationId,
    ) -> impl Future<Output = Result<Option<Remembered>, Fault>> + Send + use<> {
        let carried = self.carry_out(|controller| controller.queue_operation(id));
        async move {
            carried.answer().await.map_err(|fault| match fault {
                Fault::Unknown { .. } => Fault::Poisoned,
                fault => fault,
            })
        }
    }

    /// [`Controller::wait`], awaited.
    ///
    /// # Errors
    /// Those of the same, [`Fault::NoDriver`], and [`Fault::DriverEnded`].
    pub fn wait(
        &self,
        sequence: Sequence,
        level: Level,
    ) -> impl Future<Output = Result<(), Fault>> + Send + use<> {
        self.carry_out(|controller| controller.queue_wait(sequence, level)).answer()
    }

    /// [`Controller::drain`], awaited.
    ///
    /// # Errors
    /// Those of the same, [`Fault::NoDriver`], and [`Fault::DriverEnded`].
    pub fn drain(&self) -> impl Future<Output = Result<Anchor, Fault>> + Send + use<> {
        let carried =
            self.carry_out(|controller| controller.queue_wait(controller.log.head(), Level::Synced));
        let driven = Arc::clone(&self.driven);
        async move {
            carried.answer().await?;
            driven.controller().log.anchor().map_err(|_| Fault::Poisoned)
        }
    }

    /// Carries a call out, and hands what it has queued over to the driver.
    fn carry_out<T, E: From<Fault>>(
        &self,
        call: impl FnOnce(&Controller) -> Result<Queued<T>, E>,
    ) -> Carried<T, E> {
        let controller = self.controller();
        let queued = controller.must_be_driven().map_err(E::from).and_then(|()| call(controller));
        let waits = queued.as_ref().ok().map(Queued::waits);
        let synced = waits.into_iter().flatten().filter(|(_, level)| *level == Level::Synced);
        // What a call has queued that comes to a fault, holds that it has expired, is written as well.
        controller.log.hand_over(synced.map(|(sequence, _)| sequence).max());
        Carried { driven: Arc::clone(&self.driven), queued }
    }
}

impl Controller {
    /// Whether what awaits is written for.
    fn must_be_driven(&self) -> Result<(), Fault> {
        self.sound()?;
        if self.log.is_driven() { Ok(()) } else { Err(Fault::NoDriver) }
    }

    fn queue_wait(&self, sequence: Sequence, level: Level) -> Result<Queued<()>, Fault> {
        let head = self.log.head();
        if sequence > head { Err(Fault::NoRecord { head }) } else { Ok(Queued::new(sequence, level, ())) }
    }
}

/// A call that was carried out, or not.
struct Carried<T, E> {
    driven: Arc<Driven>,
    queued: Result<Queued<T>, E>,
}

impl<T, E: From<Fault>> Carried<T, E> {
    /// Waits until the record is where it must be, and gives the answer. INVARIANT I9.
    async fn answer(self) -> Result<T, E> {
        let queued = self.queued?;
        let log = &self.driven.controller().log;
        for (record, level) in queued.waits() {
            Reached::new(log, record, level).await.map_err(|why| why.of(queued.sequence()))?;
        }
        Ok(queued.into_answer())
    }
}
