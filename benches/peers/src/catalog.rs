//! Catalogs, as both libraries are given them: every column drawn by itself, or prices and latency that follow quality.

use std::fmt;

use calybris_core::kernel::KernelModel;

use crate::random::Random;

/// What candidates and policy are, before either library has seen them.
#[derive(Clone, Debug)]
pub struct Catalog {
    pub models: Vec<KernelModel>,
    pub terms: Terms,
    pub widths: Widths,
}

/// What a policy says beside its candidates.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    pub risk_hard_bps: u16,
    pub confidence_min_bps: u16,
    pub risk_multiplier_bps: u16,
    pub latency_micros_per_ms: u64,
}

/// How many capabilities, providers and regions the policy lists: the lowest bits of the masks.
#[derive(Clone, Copy, Debug)]
pub struct Widths {
    pub capabilities: u32,
    pub providers: u32,
    pub regions: u32,
}

/// How the columns of a catalog are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Every column by itself.
    Uniform,
    /// Rates and latency follow quality, within 30 % of it.
    Correlated,
}

impl Catalog {
    /// A catalog of that many candidates, the same for the same seed.
    pub fn draw(kind: Kind, count: usize, seed: u64) -> Self {
        let mut random = Random::part(seed, count as u64);
        let models = (1..=count).map(|id| model(kind, id as u32, &mut random)).collect::<Vec<_>>();
        let mut catalog = Self { models, terms: TERMS, widths: WIDTHS };
        // The peer takes no catalog in which nobody is enabled.
        catalog.models[0].enabled = 1;
        catalog
    }
}

fn model(kind: Kind, id: u32, random: &mut Random) -> KernelModel {
    let quality_bps = random.within(QUALITY_BPS_MIN, QUALITY_BPS_MAX);
    let share = |random: &mut Random, most: u64| match kind {
        Kind::Uniform => random.within(1, most),
        Kind::Correlated => {
            let above = quality_bps - QUALITY_BPS_MIN;
            let noise_percent = random.within(70, 130);
            1 + most * above * noise_percent / (100 * (QUALITY_BPS_MAX - QUALITY_BPS_MIN))
        }
    };
    KernelModel {
        model_id: id,
        provider_id: random.within(0, u64::from(WIDTHS.providers) - 1) as u16,
        quality_bps: quality_bps as u16,
        risk_ceiling_bps: random.within(4_000, 10_000) as u16,
        enabled: u8::from(!random.happens(1, 20)),
        p95_latency_ms: (LATENCY_MS_MIN + share(random, LATENCY_MS_SPAN)) as u32,
        // The last capability and the last region are listed, and nobody has them.
        capabilities: random.mask(WIDTHS.capabilities - 1, 3, 4),
        region_mask: random.mask(WIDTHS.regions - 1, 1, 2),
        input_cost_microunits_per_million_tokens: share(random, INPUT_RATE_MAX),
        output_cost_microunits_per_million_tokens: share(random, OUTPUT_RATE_MAX),
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Uniform => "uniform",
            Self::Correlated => "correlated",
        })
    }
}

/// The policy of the timed catalogs.
pub const TERMS: Terms = Terms {
    risk_hard_bps: 9_600,
    confidence_min_bps: 5_000,
    risk_multiplier_bps: 3_500,
    latency_micros_per_ms: 2,
};

/// 10 capabilities and 8 regions that candidates have, one more of each that none has; 16 providers.
pub const WIDTHS: Widths = Widths { capabilities: 11, providers: 16, regions: 9 };

const QUALITY_BPS_MIN: u64 = 5_000;
// One below the largest demand, so that a demand can be above everybody.
const QUALITY_BPS_MAX: u64 = 9_999;
const LATENCY_MS_MIN: u64 = 49;
const LATENCY_MS_SPAN: u64 = 2_001;
/// 10 USD per million tokens.
const INPUT_RATE_MAX: u64 = 10_000_000;
/// 40 USD per million tokens.
const OUTPUT_RATE_MAX: u64 = 40_000_000;
