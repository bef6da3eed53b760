//! Calls whose records may find the log's queue full, as those of a run that waits for no disk do: the log is driven,
//! and the call made again.

use assize::{
    controller::{Call, Controller, Fault, NotSettled, Permit, Settlement},
    record::{CommitOutcome, Spend},
};

/// Makes a call; where the queue is full, the log is driven first.
pub(super) fn driven<T, E>(controller: &Controller, mut call: impl FnMut() -> Result<T, E>) -> Result<T, E>
where
    E: From<Fault> + PartialEq,
{
    loop {
        match call() {
            Err(error) if error == Fault::QueueFull.into() => {
                let _driven = controller.drive()?;
            }
            answer => return answer,
        }
    }
}

/// Commits; where the queue is full, the log is driven first.
pub(super) fn commit(
    controller: &Controller,
    mut permit: Permit,
    spend: Spend,
    call: Call,
) -> Result<Settlement<CommitOutcome>, NotSettled> {
    loop {
        match controller.commit(permit, spend.clone(), call) {
            Err(NotSettled { permit: back, fault: Fault::QueueFull }) => {
                if let Err(fault) = controller.drive() {
                    return Err(NotSettled { permit: back, fault });
                }
                permit = back;
            }
            settled => return settled,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroI64;

    use assize::{
        budget::{AccountTerms, EngineOptions},
        controller::{Admission, CreateOptions},
        crypto::{KeyId, RootKey},
        id::{LogId, Name},
        kernel::Request,
        limits::CONTROLLER_QUEUE_BYTES_MIN,
        num::{Amount, Timestamp},
        policy::{CandidateDraft, CardDraft, Draft, Policy, QuantityDraft, SchemaDraft},
        record::{Principal, Terms},
        wal::{Level, LogOptions, storage::Memory},
    };

    use super::*;

    #[test]
    fn a_full_queue_is_driven_and_nothing_is_lost() {
        let mut schema = SchemaDraft { name: "calls".into(), ..SchemaDraft::default() };
        schema.quantities.push(QuantityDraft { name: "calls".into(), per: 1, fallback: None });
        let mut draft = Draft::new("one", 1, schema);
        draft.candidates.push(CandidateDraft {
            cards: vec![CardDraft { above: 0, rates: vec![("calls".into(), 3)] }],
            ..CandidateDraft::new(1, "one")
        });
        let policy = Policy::freeze(draft).unwrap();
        let mut request = Request::new(policy.schema());
        request.quantity(policy.schema().quantity("calls").unwrap(), 1).unwrap();
        let options = CreateOptions {
            id: LogId([1; 16]),
            key: RootKey::new(KeyId(1), &[7; 32]).unwrap().into(),
            policy,
            terms: Terms::default(),
            log: LogOptions { queue_bytes: CONTROLLER_QUEUE_BYTES_MIN, ..LogOptions::default() },
            engine: EngineOptions::default(),
            at: Timestamp(0),
        };
        let controller = Controller::create(Box::new(Memory::new()), options).unwrap();
        let call = Call::at(Timestamp(0)).level(Level::Queued);
        let name = Name::new("payer").unwrap();
        let terms = AccountTerms::new(name);
        let payer = controller.ensure_account(&terms, call).unwrap();
        controller.grant(payer, NonZeroI64::new(10_000).unwrap(), call).unwrap();
        let admission = Admission {
            principal: Principal::Attested(name),
            accounts: &[payer],
            request: &request,
            deadline: Timestamp(1),
        };
        for _ in 0..500 {
            let permit = driven(&controller, || controller.admit(&admission, call)).unwrap();
            let spend = Spend::Amount(Amount::new(2).unwrap());
            let settled = commit(&controller, permit, spend, call).unwrap();
            assert_eq!(settled.outcome.actual.micros(), 2);
        }
        let stats = controller.stats().unwrap();
        assert!(stats.log.batches > 1, "the queue was full before the end");
        assert_eq!((stats.counts.admitted, stats.counts.committed, stats.log.head.0), (500, 500, 1002));
    }
}
