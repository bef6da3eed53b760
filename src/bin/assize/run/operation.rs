//! The names of a run's operations: the run's number, the step, and the row or account that it is for.

use assize::{id::OperationId, ledger::Ledger, num::Timestamp, record::Operation};

/// What an operation of a run does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Grants to an account, named by its handle.
    Grant,
    /// Admits a row, named by its place in the trace from 0.
    Admit,
    /// Settles a row.
    Settle,
    /// Settles a hold that an earlier run left open, named by its sequence.
    LeftOpen,
}

/// A run on a log, by its number from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run(pub(super) u32);

impl Run {
    /// The next run on a log: one more than the highest number among the operations that the log remembers. Each run
    /// leaves operations of its own behind, and the log's time stands still between runs, so that they are
    /// remembered when the next one begins. `None` when numbers are used up.
    pub(super) fn next(ledger: &Ledger) -> Option<Self> {
        let runs = ledger.operations().filter_map(|(id, _)| Self::of(id));
        runs.map(|Self(run)| run).max().unwrap_or(0).checked_add(1).map(Self)
    }

    /// The operation of that step, issued at that instant.
    pub(super) fn operation(self, step: Step, of: u64, issued: Timestamp) -> Operation {
        let step = match step {
            Step::Grant => 0,
            Step::Admit => 1,
            Step::Settle => 2,
            Step::LeftOpen => 3,
        };
        let parts = MARK.into_iter().chain([step]).chain(self.0.to_be_bytes()).chain(of.to_be_bytes());
        let mut id = [0; 16];
        for (place, byte) in id.iter_mut().zip(parts) {
            *place = byte;
        }
        Operation { id: OperationId(id), issued }
    }

    /// The run whose operation that is, if it is one's.
    fn of(OperationId(id): &OperationId) -> Option<Self> {
        let run = id.strip_prefix(&MARK)?.get(1..5)?;
        Some(Self(u32::from_be_bytes(run.try_into().ok()?)))
    }
}

/// What every such name begins with.
const MARK: [u8; 3] = *b"run";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_their_run_and_differ() {
        let steps = [Step::Grant, Step::Admit, Step::Settle, Step::LeftOpen];
        let mut names = Vec::new();
        for run in [1, 2, 256, u32::MAX] {
            for step in steps {
                for of in [0, 1, u64::MAX] {
                    let operation = Run(run).operation(step, of, Timestamp(7));
                    assert_eq!((Run::of(&operation.id), operation.issued), (Some(Run(run)), Timestamp(7)));
                    names.push(operation.id);
                }
            }
        }
        let all = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), all);
        assert_eq!(Run::of(&OperationId([7; 16])), None);
    }
}
