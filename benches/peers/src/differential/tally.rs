//! What the comparison met, and whether that is all that it was to meet.

use std::{collections::BTreeMap, fmt};

use assize::kernel::{Action, Reason};
use calybris_core::kernel::{KernelInput, PolicySnapshot};

use super::draw::World;
use crate::agree::{Answers, exact_cost};

/// How many cases of each class there were.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    pub policies: u64,
    pub cases: u64,
    classes: BTreeMap<&'static str, u64>,
}

/// The largest values of a policy: what its arithmetic may meet.
#[derive(Clone, Copy, Debug)]
pub struct Largest {
    quality_bps: u64,
    latency_ms: u64,
    input_rate: u64,
    output_rate: u64,
}

impl Tally {
    pub fn policy(&mut self, world: &World) {
        self.policies += 1;
        let count = world.catalog.models.len();
        self.count("catalogs of one", count == 1);
        self.count("catalogs of 2 to 64", (2..=64).contains(&count));
        self.count("catalogs of 65 to 999", (65..1_000).contains(&count));
        self.count("catalogs of 1,000 and more", count >= 1_000);
        self.count("catalogs with candidates disabled by the host", !world.host_disabled.is_empty());
        self.count("catalogs with candidates excluded by the requests", !world.excluded.is_empty());
    }

    pub fn case(&mut self, peer: &PolicySnapshot, largest: Largest, input: &KernelInput, answers: &Answers) {
        self.cases += 1;
        let decision = answers.ours.decision;
        self.count(reason(decision.reason), true);
        self.count("executed", decision.action == Action::Execute);
        self.count("substituted", decision.action == Action::Substitute);
        self.count("denied", decision.action == Action::Deny);
        self.count("reasons of denials compared", answers.reason_compared);
        self.count("forced 128 bits", largest.exceeds_64_bits(peer, input));
        self.count("forced 128 bits where costs are scaled by 10^8", largest.exceeds_64_bits_scaled(input));
        self.count("a cost beyond u64", answers.ours.counts.cost > 0 && beyond(peer, input));
        match (decision.selected, decision.runner_up) {
            (Some(first), Some(second)) if first.utility == second.utility => {
                let by_cost = first.cost != second.cost;
                self.count("equal utilities, told apart by cost", by_cost);
                let models = peer.models();
                let quality = |id| Some(models.iter().find(|model| model.model_id == id)?.quality_bps);
                let (first, second) = (first.candidate.0, second.candidate.0);
                let by_merit = !by_cost && quality(first) != quality(second);
                self.count("equal utilities and costs, told apart by merit", by_merit);
                self.count("equal in all but the id", !by_cost && !by_merit);
            }
            (Some(_), None) => self.count("without a runner-up", true),
            _ => {}
        }
    }

    /// The classes that never came up.
    pub fn missing(&self) -> Vec<&'static str> {
        let mut missing: Vec<_> = CLASSES.into_iter().filter(|class| self.of(class) == 0).collect();
        missing.extend(REASONS.into_iter().map(reason).filter(|class| self.of(class) == 0));
        missing
    }

    fn of(&self, class: &str) -> u64 {
        self.classes.get(class).copied().unwrap_or(0)
    }

    fn count(&mut self, class: &'static str, met: bool) {
        *self.classes.entry(class).or_default() += u64::from(met);
    }
}

impl Largest {
    pub fn of(peer: &PolicySnapshot) -> Self {
        let models = peer.models().iter();
        models.fold(
            Self { quality_bps: 0, latency_ms: 0, input_rate: 0, output_rate: 0 },
            |largest, model| Self {
                quality_bps: largest.quality_bps.max(model.quality_bps.into()),
                latency_ms: largest.latency_ms.max(model.p95_latency_ms.into()),
                input_rate: largest.input_rate.max(model.input_cost_microunits_per_million_tokens),
                output_rate: largest.output_rate.max(model.output_cost_microunits_per_million_tokens),
            },
        )
    }

    /// Whether a product of the arithmetic, before its division, may not fit 64 bits.
    fn exceeds_64_bits(&self, peer: &PolicySnapshot, input: &KernelInput) -> bool {
        let value = input.business_value_microunits.max(0) as u64;
        [
            u128::from(value) * u128::from(input.confidence_bps) * u128::from(self.quality_bps),
            u128::from(self.latency_ms) * u128::from(peer.latency_penalty_microunits_per_ms),
            u128::from(input.input_tokens) * u128::from(self.input_rate),
            u128::from(input.output_tokens) * u128::from(self.output_rate),
        ]
        .into_iter()
        .any(|product| product > u128::from(u64::MAX))
    }

    /// Whether a cost, at the scale of the undivided gain, may not fit 63 bits.
    fn exceeds_64_bits_scaled(&self, input: &KernelInput) -> bool {
        let scaled = |tokens: u32, rate: u64| u128::from(tokens) * u128::from(rate) / 1_000_000 * 100_000_000;
        let costs =
            [scaled(input.input_tokens, self.input_rate), scaled(input.output_tokens, self.output_rate)];
        costs.into_iter().any(|cost| cost > i64::MAX as u128)
    }
}

fn beyond(peer: &PolicySnapshot, input: &KernelInput) -> bool {
    peer.models().iter().any(|model| exact_cost(model, input) > u128::from(u64::MAX))
}

fn reason(reason: Reason) -> &'static str {
    match reason {
        Reason::Requested => "executed as requested",
        Reason::First => "executed, none requested",
        Reason::Outranked => "substituted, outranked",
        Reason::RequestedIneligibleSubstituted => "substituted, requested ineligible",
        Reason::RiskLimit => "denied by risk limit",
        Reason::ConfidenceMinimum => "denied by confidence minimum",
        Reason::Disabled => "denied by disabled",
        Reason::Excluded => "denied by excluded",
        Reason::Gate(0) => "denied by quality",
        Reason::Gate(1) => "denied by latency",
        Reason::Gate(2) => "denied by capabilities",
        Reason::Gate(3) => "denied by provider",
        Reason::Gate(4) => "denied by region",
        Reason::Gate(_) => "denied by risk ceiling",
        Reason::Cost => "denied by cost",
        Reason::Utility => "denied by utility",
        Reason::RequestedIneligible => "denied, which no rule of these policies does",
    }
}

const REASONS: [Reason; 16] = [
    Reason::Requested,
    Reason::First,
    Reason::Outranked,
    Reason::RequestedIneligibleSubstituted,
    Reason::RiskLimit,
    Reason::ConfidenceMinimum,
    Reason::Disabled,
    Reason::Excluded,
    Reason::Gate(0),
    Reason::Gate(1),
    Reason::Gate(2),
    Reason::Gate(3),
    Reason::Gate(4),
    Reason::Gate(5),
    Reason::Cost,
    Reason::Utility,
];

const CLASSES: [&str; 17] = [
    "executed",
    "substituted",
    "denied",
    "reasons of denials compared",
    "forced 128 bits",
    "forced 128 bits where costs are scaled by 10^8",
    "a cost beyond u64",
    "without a runner-up",
    "equal utilities, told apart by cost",
    "equal utilities and costs, told apart by merit",
    "equal in all but the id",
    "catalogs of one",
    "catalogs of 2 to 64",
    "catalogs of 65 to 999",
    "catalogs of 1,000 and more",
    "catalogs with candidates disabled by the host",
    "catalogs with candidates excluded by the requests",
];

/// One class a line, then all that matters most in one line.
impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (class, count) in &self.classes {
            writeln!(f, "{class:<52} {count:>10}")?;
        }
        write!(f, "cases {}, policies {}", self.cases, self.policies)?;
        write!(f, ", executed {}, substituted {}", self.of("executed"), self.of("substituted"))?;
        for class in REASONS.into_iter().filter(|reason| reason.action() == Action::Deny).map(reason) {
            write!(f, ", {class} {}", self.of(class))?;
        }
        write!(f, ", forced 128 bits {}", self.of("forced 128 bits"))
    }
}
