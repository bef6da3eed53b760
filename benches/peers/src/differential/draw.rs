//! Policies and requests for the comparison: ordinary ones, and edges on purpose.

use calybris_core::kernel::{ALL_PROVIDERS, KernelInput, KernelModel, MAX_RISK_PENALTY_MULTIPLIER_BPS};

use crate::{
    agree::exact_cost,
    catalog::{Catalog, Terms, Widths},
    ours::Wording,
    random::Random,
};

/// One policy as the peer sees it, and the ways in which ours says it otherwise.
#[derive(Clone, Debug)]
pub struct World {
    /// The peer's catalog.
    pub catalog: Catalog,
    /// Disabled in the peer's catalog; ours has them enabled, and the host disables them.
    pub host_disabled: Vec<u32>,
    /// Disabled in the peer's catalog; ours has them enabled, and every request excludes them.
    pub excluded: Vec<u32>,
    /// The size of its money: most rates are up to this.
    scale: u64,
}

/// One request, and how it is said.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    pub input: KernelInput,
    pub wording: Wording,
}

impl World {
    pub fn draw(random: &mut Random) -> Self {
        let scale = *random.one_of(&SCALES);
        let widths = Widths {
            capabilities: *random.one_of(&[1, 4, 11, 64]),
            providers: *random.one_of(&[1, 2, 16, 64]),
            regions: *random.one_of(&[1, 8, 64]),
        };
        let count = count(random);
        let mut models = models(count, widths, scale, random);
        if random.happens(1, 10) {
            let place = random.next() as usize % models.len();
            models[place].output_cost_microunits_per_million_tokens = u64::MAX - random.within(0, 1);
        }
        let mut world = Self {
            catalog: Catalog { models, terms: terms(scale, random), widths },
            host_disabled: Vec::new(),
            excluded: Vec::new(),
            scale,
        };
        world.turn_off(random);
        world
    }

    /// The catalog that ours is given.
    pub fn ours(&self) -> Catalog {
        let mut catalog = self.catalog.clone();
        for model in &mut catalog.models {
            if self.host_disabled.contains(&model.model_id) || self.excluded.contains(&model.model_id) {
                model.enabled = 1;
            }
        }
        catalog
    }

    /// Gives some of the disabled ones to the host, some to the requests; and the peer one that is enabled.
    fn turn_off(&mut self, random: &mut Random) {
        let models = &mut self.catalog.models;
        if models.iter().all(|model| model.enabled == 0) {
            let place = random.next() as usize % models.len();
            models[place].enabled = 1;
        }
        let disabled = models.iter().filter(|model| model.enabled == 0).map(|model| model.model_id);
        match random.within(0, 3) {
            0 => self.host_disabled = disabled.filter(|id| id % 3 != 0).collect(),
            1 => self.excluded = disabled.filter(|id| id % 3 != 0).take(16).collect(),
            _ => {}
        }
    }

    pub fn ask(&self, sequence: u64, random: &mut Random) -> Asked {
        let chances = *random.one_of(&[0, 1, 2, 2, 4, 8]);
        let demands = |random: &mut Random| random.happens(chances, 8);
        let mut input = self.facts(sequence, random);
        let Widths { capabilities, providers, regions } = self.catalog.widths;
        let like = *random.one_of(&self.catalog.models);
        if demands(random) {
            input.minimum_quality_bps = near(u64::from(like.quality_bps), BPS_MAX, random) as u16;
        }
        if demands(random) {
            input.max_p95_latency_ms =
                near(u64::from(like.p95_latency_ms), u64::from(u32::MAX), random) as u32;
        }
        if demands(random) {
            // What is not listed is nobody's there, and malformed here.
            input.required_capabilities = match random.within(0, 2) {
                0 => like.capabilities,
                1 => random.mask(capabilities, 1, 2),
                _ => random.mask(capabilities, 1, 8),
            };
        }
        if demands(random) {
            input.allowed_provider_mask = mask(1 << like.provider_id, providers, random);
        }
        if demands(random) {
            input.required_region_mask = mask(like.region_mask, regions, random);
        }
        if demands(random) {
            input.budget_limit_microunits = self.limit(&like, &input, random);
        }
        let wording = Wording {
            demands_of_nothing: random.happens(1, 2),
            requests_nobody: random.happens(1, 2),
            states_every_limit: random.happens(1, 2),
        };
        Asked { input, wording }
    }

    fn facts(&self, sequence: u64, random: &mut Random) -> KernelInput {
        let requested_model_id = match random.within(0, 7) {
            0..=1 => 0,
            2 => random.next() as u32,
            _ => random.one_of(&self.catalog.models).model_id,
        };
        let value = match random.within(0, 7) {
            0..=4 => random.within(0, (self.scale / 4).max(100)),
            5..=6 => wide(i64::MAX as u64, random),
            _ => edge(i64::MAX as u64, random),
        };
        let (risk, confidence) = (random.within(0, 5_000) as u16, random.within(5_000, 10_000) as u16);
        let negative = random.happens(1, 32);
        KernelInput {
            request_sequence: sequence,
            requested_model_id,
            input_tokens: tokens(random),
            output_tokens: tokens(random),
            business_value_microunits: if negative { -1 - value as i64 } else { value as i64 },
            budget_limit_microunits: u64::MAX,
            risk_bps: rarely(&[1, 4_000, 9_599, 9_600, 9_999, 10_000], &[0, risk], random),
            confidence_bps: rarely(&[0, 1, 4_999, 5_000, 9_999], &[10_000, confidence], random),
            minimum_quality_bps: 0,
            max_p95_latency_ms: 0,
            required_capabilities: 0,
            allowed_provider_mask: ALL_PROVIDERS,
            required_region_mask: 0,
        }
    }

    /// About what one of them costs, or an edge.
    fn limit(&self, like: &KernelModel, input: &KernelInput, random: &mut Random) -> u64 {
        match random.within(0, 7) {
            0 => edge(u64::MAX, random),
            1 => wide(u64::MAX, random),
            _ => {
                let cost = u64::try_from(exact_cost(like, input)).unwrap_or(u64::MAX);
                near(cost, u64::MAX, random)
            }
        }
    }
}

/// How many candidates: every size that a decision may treat in a way of its own, small ones mostly.
fn count(random: &mut Random) -> usize {
    let (least, most) = match random.within(0, 1_999) {
        0..=99 => (1, 1),
        100..=399 => (2, 8),
        400..=999 => (9, 64),
        1_000..=1_199 => (63, 66),
        1_200..=1_699 => (65, 200),
        1_700..=1_899 => (250, 260),
        1_900..=1_969 => (1_000, 1_100),
        1_970..=1_989 => (1_101, 3_000),
        1_990..=1_998 => (4_090, 4_100),
        _ => (16_000, 20_000),
    };
    random.within(least, most) as usize
}

fn terms(scale: u64, random: &mut Random) -> Terms {
    let latency_micros_per_ms = match random.within(0, 15) {
        0..=3 => 0,
        4..=9 => random.within(1, 10),
        10..=12 => random.within(0, scale / 100_000),
        13..=14 => wide(i64::MAX as u64, random),
        _ => edge(i64::MAX as u64, random),
    };
    Terms {
        risk_hard_bps: rarely(&[0, 1, 5_000, 9_999], &[9_600, 10_000], random),
        confidence_min_bps: rarely(&[1, 9_999, 10_000], &[0, 5_000], random),
        risk_multiplier_bps: *random.one_of(&[0, 1, 3_500, 10_000, MAX_RISK_PENALTY_MULTIPLIER_BPS]),
        latency_micros_per_ms,
    }
}

fn models(count: usize, widths: Widths, scale: u64, random: &mut Random) -> Vec<KernelModel> {
    let quality = Column::draw(BPS_MAX, 5_000, random);
    let ceiling = Column::draw(BPS_MAX, 10_000, random);
    let latency = Column::draw(u64::from(u32::MAX), 2_000, random);
    let (input, output) = (Column::draw(u64::MAX, scale, random), Column::draw(u64::MAX, scale, random));
    let enabled = *random.one_of(&[20, 20, 20, 19, 19, 19, 10, 1]);
    let (capable, everywhere) = (random.within(1, 8), random.within(1, 8));
    let ids = ids(count, random);
    let mut model = |model_id| KernelModel {
        model_id,
        provider_id: random.within(0, u64::from(widths.providers) - 1) as u16,
        // High quality and ceilings are the ordinary case, so that most is not turned away by them.
        quality_bps: (BPS_MAX - quality.value(random)) as u16,
        risk_ceiling_bps: (BPS_MAX - ceiling.value(random) / 2) as u16,
        enabled: u8::from(random.happens(enabled, 20)),
        p95_latency_ms: latency.value(random) as u32,
        capabilities: random.mask(widths.capabilities, capable, 8),
        region_mask: random.mask(widths.regions, everywhere, 8),
        input_cost_microunits_per_million_tokens: input.value(random),
        output_cost_microunits_per_million_tokens: output.value(random),
    };
    ids.into_iter().map(&mut model).collect()
}

/// Distinct, from 1, in any order: one after the other, or anywhere.
fn ids(count: usize, random: &mut Random) -> Vec<u32> {
    let mut ids: Vec<u32> = (1..=count as u32).collect();
    if random.happens(1, 2) {
        let mut seen = std::collections::BTreeSet::from([u32::MAX]);
        while seen.len() < count {
            seen.insert((random.next() as u32).max(1));
        }
        ids = seen.into_iter().take(count).collect();
    }
    for place in (1..ids.len()).rev() {
        ids.swap(place, random.within(0, place as u64) as usize);
    }
    ids
}

/// How the values of one column are drawn.
#[derive(Debug)]
enum Column {
    /// From a few, so that candidates are alike.
    Few(Vec<u64>),
    UpTo(u64),
    Wide(u64),
}

impl Column {
    fn draw(most: u64, usual: u64, random: &mut Random) -> Self {
        match random.within(0, 7) {
            0..=3 => Self::UpTo(usual),
            4..=5 => {
                let count = random.within(1, 4);
                Self::Few((0..count).map(|_| random.within(0, usual)).collect())
            }
            6 => Self::Few(vec![edge(most, random), edge(most, random), random.within(0, usual)]),
            _ => Self::Wide(most),
        }
    }

    fn value(&self, random: &mut Random) -> u64 {
        match self {
            Self::Few(few) => *random.one_of(few),
            Self::UpTo(most) => random.within(0, *most),
            Self::Wide(most) => wide(*most, random),
        }
    }
}

/// A mask of which one suffices: of one bit of these, of some that are listed, of all, of none, or with bits that
/// nobody has.
fn mask(like: u64, width: u32, random: &mut Random) -> u64 {
    let listed = u64::MAX >> (u64::BITS - width);
    match random.within(0, 9) {
        0 => 0,
        1 => listed,
        2 => u64::MAX,
        3 => random.next(),
        4..=5 => like,
        6 => listed & !like,
        7 => random.mask(width, 1, 8),
        _ => random.mask(width, 1, 2),
    }
}

fn tokens(random: &mut Random) -> u32 {
    let most = u64::from(u32::MAX);
    let tokens = match random.within(0, 15) {
        0 => edge(most, random),
        1..=2 => wide(most, random),
        _ => random.within(0, 4_000),
    };
    tokens as u32
}

/// One of the rare ones in an eighth of all cases.
fn rarely(rare: &[u16], usual: &[u16], random: &mut Random) -> u16 {
    let from = if random.happens(1, 8) { rare } else { usual };
    *random.one_of(from)
}

/// The value, or one beside it, at most `most`.
fn near(value: u64, most: u64, random: &mut Random) -> u64 {
    match random.within(0, 3) {
        0 => value.saturating_sub(1),
        1 => value.saturating_add(1).min(most),
        2 => value,
        _ => random.within(0, most.min(value.saturating_mul(2))),
    }
}

/// Of any magnitude up to `most`.
fn wide(most: u64, random: &mut Random) -> u64 {
    let bits = random.within(0, 63) as u32;
    (random.next() >> bits).min(most)
}

/// 0, 1, the largest, what does not fit 32 bits, and where a number scaled by 10⁸ leaves 63 or 64 bits.
fn edge(most: u64, random: &mut Random) -> u64 {
    let scaled = 100_000_000;
    let edges = [
        0,
        1,
        most / 2,
        most - 1,
        most,
        1 << 32,
        i64::MAX as u64,
        1 << 63,
        i64::MAX as u64 / scaled,
        i64::MAX as u64 / scaled + 1,
        u64::MAX / scaled,
        u64::MAX / scaled + 1,
    ];
    (*random.one_of(&edges)).min(most)
}

const BPS_MAX: u64 = 10_000;
/// Micro-units: from next to nothing over ordinary prices to what no 64 bits hold when multiplied.
const SCALES: [u64; 10] = [
    10,
    10_000,
    10_000_000,
    10_000_000,
    10_000_000,
    10_000_000,
    100_000_000_000,
    20_000_000_000_000,
    1_000_000_000_000_000_000,
    u64::MAX,
];
