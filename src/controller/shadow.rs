//! A candidate policy beside the one in force: it decides what was decided, its disagreements are counted and listed,
//! and nobody is answered by it. SEMANTICS 17.
//!
//! Who admits offers a sample, and waits for nobody: where there is no room, it is skipped and counted. A thread of
//! the host's takes samples and decides, outside the section and after the answer.

mod report;
mod samples;

use alloc::{collections::VecDeque, sync::Arc};
use core::{fmt, panic::AssertUnwindSafe};

pub use report::{Disagreed, Disagreement, DisagreementKind, ShadowFailure, ShadowReport};

use super::{Controller, section::Active};
use crate::{
    id::Sequence,
    kernel::{Decision, Disabled, Request, RequestError, prescribe},
    limits::{SHADOW_DISAGREEMENTS_MAX, SHADOW_QUEUE_MAX},
    num::TooLarge,
    policy::{OtherSchema, Policy},
    record::{AdmissionOutcome, Decided},
    sync::{Mutex, MutexGuard},
};
use samples::Samples;

/// How much a shadow may keep; all of it is allocated when the shadow is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShadowOptions {
    /// Requests that may wait to be decided; further ones are skipped. About a kibibyte each.
    pub queue_max: usize,
    /// Disagreements that are listed: the last so many.
    pub disagreements_max: usize,
}

impl Default for ShadowOptions {
    /// 1,024 requests, 256 disagreements.
    fn default() -> Self {
        Self { queue_max: 1_024, disagreements_max: 256 }
    }
}

/// What was decided, for the shadow to decide again.
struct Sample {
    sequence: Sequence,
    request: Request,
    decided: Decided,
    /// With the candidates that the host had disabled.
    active: Arc<Active>,
}

/// What admissions see of a shadow, and what its driver does.
pub(super) struct Shadow {
    samples: Samples<Sample>,
    /// Locked before the samples where both are.
    judge: Mutex<Option<Judge>>,
}

/// The shadow policy, and what it has found.
struct Judge {
    policy: Policy,
    /// What the host had disabled at the last sample, under the shadow policy.
    disabled: Option<(Arc<Active>, Disabled)>,
    /// Without what waits, was skipped, or is listed.
    report: ShadowReport,
    disagreements: VecDeque<Disagreement>,
    disagreements_max: usize,
}

impl Controller {
    /// Sets a policy beside the one in force, in place of another that was, and counts from nothing. It need neither
    /// raise the epoch nor be able to follow the policy in force; a swap leaves it as it is.
    ///
    /// ```
    /// # use assize::{controller::{Controller, CreateOptions, ShadowOptions}, crypto::{KeyId, RootKey}, id::LogId};
    /// # use assize::{num::Timestamp, policy::{CandidateDraft, Draft, Policy, SchemaDraft}, wal::storage::Memory};
    /// # let mut draft = Draft::new("one", 1, SchemaDraft { name: "one".into(), ..SchemaDraft::default() });
    /// # draft.candidates.push(CandidateDraft::new(1, "only"));
    /// # let (policy, next) = (Policy::freeze(draft.clone())?, Policy::freeze(draft)?);
    /// # let options = CreateOptions::new(LogId([1; 16]), RootKey::new(KeyId(1), &[7; 32])?, policy, Timestamp(0));
    /// # let controller = Controller::create(Box::new(Memory::new()), options)?;
    /// controller.set_shadow(next, ShadowOptions::default())?;
    /// // … admissions go on; a thread of the host's own calls this now and then …
    /// let decided = controller.drive_shadow(1_000);
    /// let report = controller.clear_shadow().ok_or("it was set")?;
    /// assert_eq!((decided, report.disagreed.total()), (0, 0));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// It has another schema than the log, or keeps more than it may; a shadow that was set stays.
    pub fn set_shadow(&self, policy: Policy, options: ShadowOptions) -> Result<(), NotShadowed> {
        let active = self.active();
        let expected = active.policy.schema();
        if policy.schema() != expected {
            return Err(NotShadowed::Schema(OtherSchema::new(expected, policy.schema())));
        }
        let ShadowOptions { queue_max, disagreements_max } = options;
        within(queue_max, SHADOW_QUEUE_MAX).map_err(NotShadowed::Queue)?;
        within(disagreements_max, SHADOW_DISAGREEMENTS_MAX).map_err(NotShadowed::Disagreements)?;
        let mut judge = self.shadow.judge();
        *judge = Some(Judge::new(policy, disagreements_max));
        self.shadow.samples.want(Some(queue_max));
        Ok(())
    }

    /// Ends the shadow, and gives its last report, if one was set. What waits is not decided any more.
    pub fn clear_shadow(&self) -> Option<ShadowReport> {
        let mut judge = self.shadow.judge();
        let report = judge.take().map(|judge| judge.report(&self.shadow.samples));
        self.shadow.samples.want(None);
        report
    }

    /// Decides what waits under the shadow policy, at most that many, and says how many it was: for a thread of the
    /// host's own. It holds nobody up who admits, settles or administers.
    pub fn drive_shadow(&self, max: usize) -> usize {
        let mut judge = self.shadow.judge();
        let Some(judge) = &mut *judge else { return 0 };
        let samples = core::iter::from_fn(|| self.shadow.samples.take());
        samples.take(max).map(|sample| judge.look(&sample)).count()
    }

    /// What the shadow has found so far, if one is set.
    #[must_use]
    pub fn shadow_report(&self) -> Option<ShadowReport> {
        let judge = self.shadow.judge();
        judge.as_ref().map(|judge| judge.report(&self.shadow.samples))
    }

    /// Offers what was decided to the shadow, if one is set. What a halt denied was not decided.
    pub(super) fn offer(
        &self,
        sequence: Sequence,
        request: &Request,
        outcome: &AdmissionOutcome,
        active: &Arc<Active>,
    ) {
        let Some(decided) = outcome.decided() else { return };
        let sample =
            || Sample { sequence, request: request.clone(), decided: *decided, active: Arc::clone(active) };
        self.shadow.samples.offer(sample);
    }
}

impl Shadow {
    pub(super) fn new() -> Self {
        Self { samples: Samples::new(), judge: Mutex::new(None) }
    }

    fn judge(&self) -> MutexGuard<'_, Option<Judge>> {
        match self.judge.lock() {
            Ok(judge) => judge,
            // What panics in deciding is caught; counts are what is left, each of them whole.
            Err(poisoned) => poisoned.into_inner(),
        }
    }
}

impl Judge {
    fn new(policy: Policy, disagreements_max: usize) -> Self {
        let report = ShadowReport {
            epoch: policy.epoch(),
            policy: policy.digest(),
            asked: 0,
            agreed: 0,
            disagreed: Disagreed::default(),
            skipped: 0,
            failed: 0,
            waiting: 0,
            disagreements: alloc::vec::Vec::new(),
            failure: None,
        };
        let disagreements = VecDeque::with_capacity(disagreements_max);
        Self { policy, disabled: None, report, disagreements, disagreements_max }
    }

    fn look(&mut self, sample: &Sample) {
        let Sample { sequence, decided, .. } = sample;
        count(&mut self.report.asked);
        let in_force = decided.decision;
        match self.decide(sample) {
            Ok(shadow) => match DisagreementKind::of(&in_force, &shadow) {
                None => count(&mut self.report.agreed),
                Some(kind) => {
                    self.report.disagreed.count(kind);
                    let limit_applied = decided.limit_applied;
                    self.list(Disagreement { sequence: *sequence, kind, limit_applied, in_force, shadow });
                }
            },
            Err(error) => {
                count(&mut self.report.failed);
                self.report.failure = Some(ShadowFailure { sequence: *sequence, error });
            }
        }
    }

    /// Decides under the limit that the decision in force was made with. SEMANTICS 17.2.
    fn decide(&mut self, sample: &Sample) -> Result<Decision, Option<RequestError>> {
        let Sample { request, decided, active, .. } = sample;
        let is_known = |(known, _): &(Arc<Active>, Disabled)| Arc::ptr_eq(known, active);
        let (_, disabled) = match self.disabled.take().filter(is_known) {
            Some(known) => self.disabled.insert(known),
            None => {
                let disabled = Disabled::new(&self.policy, active.switched_off.iter().copied());
                self.disabled.insert((Arc::clone(active), disabled))
            }
        };
        let policy = &self.policy;
        caught(|| match decided.limit_applied {
            None => prescribe(policy, disabled, request),
            Some(limit) => {
                let mut within = request.clone();
                within.cost_limit(limit);
                prescribe(policy, disabled, &within)
            }
        })
    }

    fn list(&mut self, disagreement: Disagreement) {
        if self.disagreements.len() >= self.disagreements_max {
            self.disagreements.pop_front();
        }
        if self.disagreements_max > 0 {
            self.disagreements.push_back(disagreement);
        }
    }

    fn report(&self, samples: &Samples<Sample>) -> ShadowReport {
        let (waiting, skipped) = samples.counts();
        let disagreements = self.disagreements.iter().copied().collect();
        ShadowReport { waiting, skipped, disagreements, ..self.report.clone() }
    }
}

/// What was decided; an error that is none where it panicked. Nothing that is looked at afterwards is changed by it.
fn caught<T, E>(decide: impl FnOnce() -> Result<T, E>) -> Result<T, Option<E>> {
    match std::panic::catch_unwind(AssertUnwindSafe(decide)) {
        Ok(decided) => decided.map_err(Some),
        Err(_) => Err(None),
    }
}

fn within(seen: usize, max: usize) -> Result<(), TooLarge> {
    let wide = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    if seen <= max { Ok(()) } else { Err(TooLarge { seen: wide(seen), max: wide(max) }) }
}

fn count(counter: &mut u64) {
    *counter = counter.saturating_add(1);
}

/// Why a policy is not set as a shadow.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotShadowed {
    /// It has another schema than the log.
    Schema(OtherSchema),
    /// More requests could wait than may.
    Queue(TooLarge),
    /// More disagreements would be listed than may.
    Disagreements(TooLarge),
}

impl NotShadowed {
    /// The refusal's code; frozen. SEMANTICS 20.
    #[must_use]
    pub const fn code(&self) -> u16 {
        match self {
            Self::Schema(_) => 190,
            Self::Queue(_) => 191,
            Self::Disagreements(_) => 192,
        }
    }
}

impl fmt::Display for NotShadowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Schema(error) => write!(f, "shadow: {error}"),
            Self::Queue(error) => write!(f, "requests that wait for the shadow: {error}"),
            Self::Disagreements(error) => write!(f, "disagreements listed: {error}"),
        }
    }
}

impl core::error::Error for NotShadowed {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_panics_in_deciding_is_counted_as_any_failure() {
        let said = std::panic::catch_unwind(|| {
            caught::<(), RequestError>(|| std::panic::resume_unwind(alloc::boxed::Box::new("a bug")))
        });
        assert_eq!(said.ok(), Some(Err(None)));
        assert_eq!(caught::<_, ()>(|| Ok(1)), Ok(1));
        assert_eq!(caught::<(), _>(|| Err(2)), Err(Some(2)));
    }
}
