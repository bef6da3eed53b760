//! Requests, as both libraries are given them, in classes by how many candidates they pass.

use std::fmt;

use calybris_core::kernel::{ALL_PROVIDERS, KernelInput};

use crate::{
    agree::exact_cost,
    catalog::{Catalog, Kind},
    random::Random,
};

/// What requests ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// 60 to 85 % of the catalog pass.
    Broad,
    /// 5 to 10 % pass.
    Selective,
    /// As broad, with a cost limit at the 10th percentile of what the request costs in the catalog.
    Tight,
    /// Nobody passes, for one of several reasons.
    Denied,
}

impl Class {
    /// That many different requests of the class, the same for the same seed.
    pub fn draw(self, catalog: &Catalog, kind: Kind, count: usize, seed: u64) -> Vec<KernelInput> {
        let mut random = Random::part(seed, 1 << 32 | self as u64);
        let mut sequence = 0..count as u64;
        let mut draw = |sequence| match self {
            Self::Broad => broad(catalog, sequence, &mut random),
            Self::Selective => selective(catalog, kind, sequence, &mut random),
            Self::Tight => tight(catalog, sequence, &mut random),
            Self::Denied => denied(catalog, sequence, &mut random),
        };
        sequence.by_ref().map(&mut draw).collect()
    }

    /// The share of the catalog that requests of the class pass, least and most, in large catalogs.
    pub fn pass_rate(self) -> (f64, f64) {
        match self {
            Self::Broad => (0.60, 0.85),
            Self::Selective => (0.05, 0.10),
            Self::Tight => (0.01, 0.10),
            Self::Denied => (0.0, 0.0),
        }
    }
}

fn broad(catalog: &Catalog, sequence: u64, random: &mut Random) -> KernelInput {
    KernelInput {
        minimum_quality_bps: random.within(5_000, 5_800) as u16,
        max_p95_latency_ms: random.within(1_800, 2_100) as u32,
        required_region_mask: random.some_of(catalog.widths.regions - 1, 4),
        risk_bps: random.within(0, 4_500) as u16,
        ..facts(catalog, sequence, random)
    }
}

fn selective(catalog: &Catalog, kind: Kind, sequence: u64, random: &mut Random) -> KernelInput {
    // Where latency follows quality, the two together leave a band.
    let (quality, latency) = match kind {
        Kind::Uniform => ((6_500, 7_500), (900, 1_500)),
        Kind::Correlated => ((5_500, 6_500), (1_000, 1_400)),
    };
    KernelInput {
        minimum_quality_bps: random.within(quality.0, quality.1) as u16,
        max_p95_latency_ms: random.within(latency.0, latency.1) as u32,
        required_capabilities: random.some_of(catalog.widths.capabilities - 1, 2),
        allowed_provider_mask: random.some_of(catalog.widths.providers, catalog.widths.providers * 5 / 8),
        required_region_mask: random.some_of(catalog.widths.regions - 1, 2),
        risk_bps: random.within(0, 5_000) as u16,
        ..facts(catalog, sequence, random)
    }
}

fn tight(catalog: &Catalog, sequence: u64, random: &mut Random) -> KernelInput {
    let request = broad(catalog, sequence, random);
    let cost = |model| u64::try_from(exact_cost(model, &request)).expect("rates are drawn low");
    let mut costs: Vec<u64> = catalog.models.iter().map(cost).collect();
    let tenth = costs.len() / 10;
    let (_, limit, _) = costs.select_nth_unstable(tenth);
    KernelInput { budget_limit_microunits: *limit, ..request }
}

fn denied(catalog: &Catalog, sequence: u64, random: &mut Random) -> KernelInput {
    let mut request = broad(catalog, sequence, random);
    match sequence % 8 {
        0 => request.minimum_quality_bps = 10_000,
        1 => request.budget_limit_microunits = 0,
        2 => request.required_region_mask = 1 << (catalog.widths.regions - 1),
        3 => request.max_p95_latency_ms = 1,
        4 => request.required_capabilities = 1 << (catalog.widths.capabilities - 1),
        5 => request.allowed_provider_mask = 0,
        6 => request.business_value_microunits = 0,
        // Halves of the catalog, for different reasons.
        _ => {
            request.minimum_quality_bps = 7_500;
            request.budget_limit_microunits = 0;
        }
    }
    request
}

/// What every class draws alike: no demand, no cost limit; every other one requests a candidate.
fn facts(catalog: &Catalog, sequence: u64, random: &mut Random) -> KernelInput {
    let requested = random.one_of(&catalog.models).model_id;
    KernelInput {
        request_sequence: sequence,
        requested_model_id: if sequence.is_multiple_of(2) { requested } else { 0 },
        input_tokens: random.within(1, 4_000) as u32,
        output_tokens: random.within(1, 1_000) as u32,
        business_value_microunits: random.within(0, 1_000_000) as i64,
        budget_limit_microunits: u64::MAX,
        risk_bps: 0,
        confidence_bps: random.within(5_000, 10_000) as u16,
        minimum_quality_bps: 0,
        max_p95_latency_ms: 0,
        required_capabilities: 0,
        allowed_provider_mask: ALL_PROVIDERS,
        required_region_mask: 0,
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Broad => "broad",
            Self::Selective => "selective",
            Self::Tight => "tight",
            Self::Denied => "denied",
        })
    }
}
