//! The same requests under two policies.

use alloc::{collections::BTreeMap, vec::Vec};

use super::error::CompareError;
use crate::{
    id::CandidateId,
    kernel::{Decision, Disabled, Request, prescribe},
    policy::Policy,
};

/// A policy with the candidates that the host has disabled under it.
#[derive(Clone, Copy, Debug)]
pub struct Side<'a> {
    /// The policy.
    pub policy: &'a Policy,
    /// The disabled candidates, made for this policy.
    pub disabled: &'a Disabled,
}

/// What another policy changes about some requests. SEMANTICS 15.8.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[must_use]
pub struct Comparison {
    /// Requests put to both: the unchanged, the changed, and those that either policy found malformed.
    pub requests: u64,
    /// Decisions with the same action, reason, candidate and cost.
    pub unchanged: u64,
    /// The others, each counted once.
    pub changed: Changes,
    /// Requests without a decision of both. They are in no sum and in no flow.
    pub malformed: Malformed,
    /// What the selected candidates cost under the policy before, in micro-units.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::kernel::explain::json::wide"))]
    pub cost_micros_before: u128,
    /// And under the policy after.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::kernel::explain::json::wide"))]
    pub cost_micros_after: u128,
    /// After less before.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::kernel::explain::json::wide"))]
    pub difference_micros: i128,
    /// Who served before and who after, with what it cost: sorted, those who stay and denials (`None`) included.
    pub flows: Vec<Flow>,
}

/// How decisions changed. The first kind that applies counts, in this order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Changes {
    /// Selected somebody, and denies.
    pub denied: u64,
    /// Denied, and selects somebody.
    pub served: u64,
    /// Selects another candidate.
    pub selected_another: u64,
    /// Selects the same candidate at another cost.
    pub cost: u64,
    /// Does the same for another reason.
    pub reason: u64,
}

/// Requests that are malformed for one of the policies or both. SEMANTICS 4.5.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Malformed {
    /// For the policy before.
    pub before: u64,
    /// For the policy after.
    pub after: u64,
    /// For both; these are counted in each of the others too.
    pub both: u64,
}

/// The requests that one candidate served before and one after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Flow {
    /// Who served before; `None` when it was denied.
    pub from: Option<CandidateId>,
    /// Who serves after; `None` when it is denied.
    pub to: Option<CandidateId>,
    /// How many requests.
    pub requests: u64,
    /// What they cost before, in micro-units.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::kernel::explain::json::wide"))]
    pub cost_micros_before: u128,
    /// What they cost after, in micro-units.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::kernel::explain::json::wide"))]
    pub cost_micros_after: u128,
}

/// Decides each request under both policies, and sums up what changes. SEMANTICS 15.8.
///
/// Neither policy is changed, and no budget is: each request is decided as it stands, under its own cost limit.
///
/// ```
/// use assize::{
///     kernel::{Disabled, Request, Side, compare},
///     policy::{CandidateDraft, CardDraft, Draft, Policy, QuantityDraft, SchemaDraft},
/// };
///
/// let mut schema = SchemaDraft { name: "calls".into(), ..SchemaDraft::default() };
/// schema.quantities.push(QuantityDraft { name: "calls".into(), per: 1, fallback: None });
/// let mut draft = Draft::new("suppliers", 1, schema);
/// let mut candidate = CandidateDraft::new(1, "near");
/// candidate.cards.push(CardDraft { above: 0, rates: vec![("calls".into(), 30)] });
/// draft.candidates.push(candidate);
/// let before = Policy::freeze(draft.clone())?;
/// draft.epoch = 2;
/// draft.candidates[0].cards[0].rates[0].1 = 25;
/// let after = Policy::freeze(draft)?;
///
/// let mut request = Request::new(before.schema());
/// request.quantity(before.schema().quantity("calls")?, 2)?;
/// let none = Disabled::none();
/// let [before, after] = [&before, &after].map(|policy| Side { policy, disabled: &none });
/// let comparison = compare(before, after, [&request])?;
/// assert_eq!((comparison.changed.cost, comparison.difference_micros), (1, -10));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// The policies have different schemas, or a side's disabled candidates are those of another policy. A request that is
/// malformed is no error: it is counted.
pub fn compare<'r>(
    before: Side<'_>,
    after: Side<'_>,
    requests: impl IntoIterator<Item = &'r Request>,
) -> Result<Comparison, CompareError> {
    if before.policy.schema() != after.policy.schema() {
        return Err(CompareError::SchemasDiffer);
    }
    before.disabled.check(before.policy).map_err(|_| CompareError::DisabledBefore)?;
    after.disabled.check(after.policy).map_err(|_| CompareError::DisabledAfter)?;

    let mut comparison = Comparison::default();
    let mut flows = BTreeMap::new();
    for request in requests {
        count(&mut comparison.requests);
        match (before.decide(request), after.decide(request)) {
            (Some(before), Some(after)) => comparison.meet(&before, &after, &mut flows),
            (before, after) => comparison.malformed.meet(before.is_none(), after.is_none()),
        }
    }
    comparison.flows = flows.into_values().collect();
    for flow in &comparison.flows {
        comparison.cost_micros_before = comparison.cost_micros_before.saturating_add(flow.cost_micros_before);
        comparison.cost_micros_after = comparison.cost_micros_after.saturating_add(flow.cost_micros_after);
    }
    // OK because fewer than 2⁶³ requests, each of less than 2⁶⁴, cost less than 2¹²⁷.
    let signed = |micros: u128| i128::try_from(micros).unwrap_or(i128::MAX);
    let (before, after) = (comparison.cost_micros_before, comparison.cost_micros_after);
    comparison.difference_micros = signed(after).saturating_sub(signed(before));
    Ok(comparison)
}

/// Flows by who served before and who after.
type Flows = BTreeMap<(Option<CandidateId>, Option<CandidateId>), Flow>;

impl Side<'_> {
    /// `None` when the request is malformed: the disabled candidates are known to be this policy's.
    fn decide(&self, request: &Request) -> Option<Decision> {
        prescribe(self.policy, self.disabled, request).ok()
    }
}

impl Comparison {
    fn meet(&mut self, before: &Decision, after: &Decision, flows: &mut Flows) {
        count(match change(before, after) {
            Change::None => &mut self.unchanged,
            Change::Denied => &mut self.changed.denied,
            Change::Served => &mut self.changed.served,
            Change::SelectedAnother => &mut self.changed.selected_another,
            Change::Cost => &mut self.changed.cost,
            Change::Reason => &mut self.changed.reason,
        });
        let [from, to] = [before, after].map(|decision| decision.selected.map(|choice| choice.candidate));
        let fresh = Flow { from, to, requests: 0, cost_micros_before: 0, cost_micros_after: 0 };
        let flow = flows.entry((from, to)).or_insert(fresh);
        count(&mut flow.requests);
        let cost = |decision: &Decision| decision.selected.map_or(0, |choice| u128::from(choice.cost.0));
        flow.cost_micros_before = flow.cost_micros_before.saturating_add(cost(before));
        flow.cost_micros_after = flow.cost_micros_after.saturating_add(cost(after));
    }
}

impl Malformed {
    fn meet(&mut self, before: bool, after: bool) {
        let counted =
            [(before, &mut self.before), (after, &mut self.after), (before && after, &mut self.both)];
        counted.into_iter().filter(|(malformed, _)| *malformed).for_each(|(_, counter)| count(counter));
    }
}

/// How one decision differs from the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    None,
    Denied,
    Served,
    SelectedAnother,
    Cost,
    Reason,
}

fn change(before: &Decision, after: &Decision) -> Change {
    match (before.selected, after.selected) {
        (Some(_), None) => Change::Denied,
        (None, Some(_)) => Change::Served,
        (Some(one), Some(other)) if one.candidate != other.candidate => Change::SelectedAnother,
        (Some(one), Some(other)) if one.cost != other.cost => Change::Cost,
        _ if before.reason != after.reason => Change::Reason,
        _ => Change::None,
    }
}

fn count(counter: &mut u64) {
    // OK because nobody counts to 2⁶⁴.
    *counter = counter.saturating_add(1);
}
