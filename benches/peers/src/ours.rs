//! Ours: the same catalog under the schema `standard-1`, the same request in its terms. SEMANTICS 14.

use assize::{
    id::CandidateId,
    kernel::{Decision, Disabled, Request, prescribe},
    num::{Bps, MicroUnits},
    policy::{
        CandidateDraft, CardDraft, Draft, LimitsDraft, MemberDraft, Members, MembersDraft, Policy,
        SchemaDraft, UtilityDraft, ValueDraft, WeightDraft, standard::Standard,
    },
};
use calybris_core::kernel::{ALL_PROVIDERS, KernelInput, KernelModel};

use crate::catalog::{Catalog, Widths};

/// A policy with what requests for it are made of.
#[derive(Debug)]
pub struct Ours {
    pub policy: Policy,
    pub disabled: Disabled,
    pub standard: Standard,
    names: Names,
    widths: Widths,
}

/// How a request is said where the peer's terms leave a choice.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wording {
    /// Demands that everybody passes are made, not left out: quality 0, no capabilities.
    pub demands_of_nothing: bool,
    /// The peer's "no candidate", 0, is requested as one that the catalog does not have.
    pub requests_nobody: bool,
    /// A cost limit of `u64::MAX` is stated.
    pub states_every_limit: bool,
}

impl Ours {
    pub fn new(catalog: &Catalog) -> Self {
        let policy = Policy::freeze(draft(catalog)).expect("catalogs are drawn valid");
        let standard = Standard::of(policy.schema()).expect("the schema is standard-1");
        Self { policy, disabled: Disabled::none(), standard, names: Names::new(), widths: catalog.widths }
    }

    /// The answer.
    pub fn prescribe(&self, request: &Request) -> Decision {
        prescribe(&self.policy, &self.disabled, request).expect("requests are drawn valid")
    }

    /// The peer's request in our terms.
    pub fn request(&self, input: &KernelInput, wording: Wording) -> Request {
        let Standard { quality, latency_ms, capabilities, provider, region, .. } = self.standard;
        let mut request = self.facts(input, wording);
        if input.minimum_quality_bps > 0 || wording.demands_of_nothing {
            demanded(request.demand(quality, u64::from(input.minimum_quality_bps)));
        }
        if input.max_p95_latency_ms > 0 {
            demanded(request.demand(latency_ms, u64::from(input.max_p95_latency_ms)));
        }
        if input.required_capabilities != 0 || wording.demands_of_nothing {
            let members = self.members("capabilities", input.required_capabilities, self.widths.capabilities);
            demanded(request.demand_set(capabilities, &members));
        }
        if input.allowed_provider_mask != ALL_PROVIDERS {
            let members = self.members("provider", input.allowed_provider_mask, self.widths.providers);
            demanded(request.demand_set(provider, &members));
        }
        if input.required_region_mask != 0 {
            let members = self.members("region", input.required_region_mask, self.widths.regions);
            demanded(request.demand_set(region, &members));
        }
        request
    }

    fn facts(&self, input: &KernelInput, wording: Wording) -> Request {
        let mut request = Request::new(self.policy.schema());
        request.value(input.business_value_microunits);
        request.confidence(bps(input.confidence_bps)).risk(bps(input.risk_bps));
        if input.requested_model_id != 0 || wording.requests_nobody {
            request.requested(CandidateId(input.requested_model_id));
        }
        if input.budget_limit_microunits != u64::MAX || wording.states_every_limit {
            request.cost_limit(MicroUnits(input.budget_limit_microunits));
        }
        let Standard { input: prompt, output, .. } = self.standard;
        demanded(request.quantity(prompt, u64::from(input.input_tokens)));
        demanded(request.quantity(output, u64::from(input.output_tokens)));
        request
    }

    /// Of the bits, those that are listed: the others are nobody's.
    fn members(&self, column: &str, mask: u64, width: u32) -> Members {
        let names: Vec<&str> = self.names.of(mask, width).collect();
        self.policy.members(column, &names).expect("the policy lists the lowest bits")
    }
}

/// The catalog as a draft under the schema `standard-1`.
pub fn draft(catalog: &Catalog) -> Draft {
    let names = Names::new();
    let Widths { capabilities, providers, regions } = catalog.widths;
    let mut draft = Draft::new("peers", 1, SchemaDraft::standard_1());
    draft.limits = LimitsDraft {
        risk_hard_bps: Some(catalog.terms.risk_hard_bps),
        confidence_min_bps: Some(catalog.terms.confidence_min_bps),
    };
    draft.utility = Some(UtilityDraft {
        risk_multiplier_bps: u32::from(catalog.terms.risk_multiplier_bps),
        merit_unknown_bps: None,
        weights: vec![WeightDraft {
            column: "latency_ms".into(),
            micros_per_unit: i64::try_from(catalog.terms.latency_micros_per_ms)
                .expect("weights are drawn so"),
            unknown: None,
        }],
    });
    for (column, width) in [("capabilities", capabilities), ("provider", providers), ("region", regions)] {
        let members = names.of(u64::MAX, width).enumerate();
        let members = members.map(|(id, name)| MemberDraft { id: id as u16, name: name.into() });
        draft.members.push(MembersDraft { column: column.into(), members: members.collect() });
    }
    draft.candidates = catalog.models.iter().map(|model| candidate(model, catalog.widths, &names)).collect();
    draft
}

fn candidate(model: &KernelModel, widths: Widths, names: &Names) -> CandidateDraft {
    let set = |mask, width| ValueDraft::Set(names.of(mask, width).map(String::from).collect());
    let mut candidate = CandidateDraft::new(model.model_id, &format!("model {}", model.model_id));
    candidate.enabled = model.enabled != 0;
    candidate.values = vec![
        ("quality".into(), ValueDraft::Number(u64::from(model.quality_bps))),
        ("latency_ms".into(), ValueDraft::Number(u64::from(model.p95_latency_ms))),
        ("capabilities".into(), set(model.capabilities, widths.capabilities)),
        ("provider".into(), ValueDraft::Member(names.one(model.provider_id).into())),
        ("region".into(), set(model.region_mask, widths.regions)),
        ("risk_ceiling".into(), ValueDraft::Number(u64::from(model.risk_ceiling_bps))),
    ];
    candidate.cards.push(CardDraft {
        above: 0,
        rates: vec![
            ("input".into(), model.input_cost_microunits_per_million_tokens),
            ("output".into(), model.output_cost_microunits_per_million_tokens),
        ],
    });
    candidate
}

/// The names of the bits of a mask, in every column.
#[derive(Debug)]
struct Names(Vec<String>);

impl Names {
    fn new() -> Self {
        Self((0..u64::BITS).map(|bit| format!("m{bit}")).collect())
    }

    fn one(&self, bit: u16) -> &str {
        &self.0[usize::from(bit)]
    }

    fn of(&self, mask: u64, width: u32) -> impl Iterator<Item = &str> {
        (0..width).zip(&self.0).filter(move |(bit, _)| mask >> bit & 1 != 0).map(|(_, name)| name.as_str())
    }
}

fn bps(bps: u16) -> Bps {
    Bps::new(bps).expect("shares are drawn up to 10,000")
}

fn demanded<T, E: std::fmt::Debug>(result: Result<T, E>) {
    result.expect("handles are of the policy's schema");
}
