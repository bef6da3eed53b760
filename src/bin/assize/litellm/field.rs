//! What each field of the price list stands for. Every name has exactly one place, so that nothing is dropped unseen.

use serde::Serialize;

/// A priced quantity of the schema `llm-1` that the list has a rate for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Quantity {
    Input,
    CachedInput,
    CacheWrite,
    Output,
    Reasoning,
}

impl Quantity {
    /// All of them.
    pub(super) const ALL: [Self; 5] =
        [Self::Input, Self::CachedInput, Self::CacheWrite, Self::Output, Self::Reasoning];

    /// Its name in the schema.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::CachedInput => "cached_input",
            Self::CacheWrite => "cache_write",
            Self::Output => "output",
            Self::Reasoning => "reasoning",
        }
    }

    /// The field of its base rate.
    pub(super) fn field(self) -> &'static str {
        match self {
            Self::Input => "input_cost_per_token",
            Self::CachedInput => "cache_read_input_token_cost",
            Self::CacheWrite => "cache_creation_input_token_cost",
            Self::Output => "output_cost_per_token",
            Self::Reasoning => "output_cost_per_reasoning_token",
        }
    }

    /// The quantity whose rate it takes in the schema where it has none.
    pub(super) fn fallback(self) -> Option<Self> {
        match self {
            Self::Input | Self::Output => None,
            Self::CachedInput | Self::CacheWrite => Some(Self::Input),
            Self::Reasoning => Some(Self::Output),
        }
    }
}

/// The older name of the cached input's field.
pub(super) const CACHED_ALIAS: &str = "input_cost_per_token_cache_hit";
/// The price of a request whatever its tokens.
pub(super) const REQUEST_FEE: &str = "input_cost_per_request";
/// The list of tiers.
pub(super) const TIERS: &str = "tiered_pricing";
/// What the entry is for; `chat` is imported.
pub(super) const MODE: &str = "mode";
/// Who serves it.
pub(super) const PROVIDER: &str = "litellm_provider";
/// The day from which it is deprecated.
pub(super) const DEPRECATION: &str = "deprecation_date";
/// What comes out of it.
pub(super) const OUTPUT_MODALITIES: &str = "supported_output_modalities";
/// What the name of a capability's flag starts with.
pub(super) const FLAG: &str = "supports_";
/// The windows: field and column.
pub(super) const WINDOWS: [(&str, &str); 2] =
    [("max_input_tokens", "input_window"), ("max_output_tokens", "output_window")];

/// Where a field goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place<'a> {
    /// Mode and provider.
    Entry,
    /// A rate of the base card.
    Quantity,
    /// A rate of the card above a threshold.
    Above {
        /// Of which quantity.
        quantity: Quantity,
        /// The digits of the threshold.
        threshold: &'a str,
        /// Whether they count thousands.
        thousands: bool,
    },
    /// The list of tiers.
    Tiers,
    /// The fee of a request.
    Fee,
    /// A window.
    Window,
    /// A capability's flag.
    Capability(&'a str),
    /// What may disable the entry.
    Enabling,
    /// Neither a price nor a fact that the schema has.
    Info,
    /// A price or a condition that the schema has no place for.
    Elsewhere(Category),
    /// A name not seen before.
    Unknown,
}

impl<'a> Place<'a> {
    /// The place of a chat entry's field; of several that fit, the first.
    pub(super) fn of(field: &'a str) -> Self {
        if field == MODE || field == PROVIDER {
            Self::Entry
        } else if field == CACHED_ALIAS || Quantity::ALL.iter().any(|quantity| quantity.field() == field) {
            Self::Quantity
        } else if let Some(above) = above(field) {
            above
        } else if field == TIERS {
            Self::Tiers
        } else if field == REQUEST_FEE {
            Self::Fee
        } else if WINDOWS.iter().any(|(name, _)| *name == field) {
            Self::Window
        } else if let Some(capability) = field.strip_prefix(FLAG) {
            Self::Capability(capability)
        } else if field == DEPRECATION || field == OUTPUT_MODALITIES {
            Self::Enabling
        } else if INFO.contains(&field) {
            Self::Info
        } else {
            Category::of(field).map_or(Self::Unknown, Self::Elsewhere)
        }
    }
}

/// What a price that has no place in the schema is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Category {
    ServiceTier,
    CacheTtl,
    CacheVariant,
    Search,
    Tool,
    Audio,
    Video,
    Image,
    Character,
    Second,
    OffPeak,
    Multiplier,
    Dbu,
    Citation,
    OtherPrice,
}

impl Category {
    /// All of them, in the order in which they are tested.
    pub(super) const ALL: [Self; 15] = [
        Self::ServiceTier,
        Self::CacheTtl,
        Self::CacheVariant,
        Self::Search,
        Self::Tool,
        Self::Audio,
        Self::Video,
        Self::Image,
        Self::Character,
        Self::Second,
        Self::OffPeak,
        Self::Multiplier,
        Self::Dbu,
        Self::Citation,
        Self::OtherPrice,
    ];

    /// Its name in reports.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::ServiceTier => "service_tier",
            Self::CacheTtl => "cache_ttl",
            Self::CacheVariant => "cache_variant",
            Self::Search => "search",
            Self::Tool => "tool",
            Self::Audio => "audio",
            Self::Video => "video",
            Self::Image => "image",
            Self::Character => "character",
            Self::Second => "second",
            Self::OffPeak => "off_peak",
            Self::Multiplier => "multiplier",
            Self::Dbu => "dbu",
            Self::Citation => "citation",
            Self::OtherPrice => "other_price",
        }
    }

    fn of(field: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|category| category.has(field))
    }

    fn has(self, field: &str) -> bool {
        let ends = |words: &[&str]| words.iter().any(|word| field.ends_with(word));
        let starts = |words: &[&str]| words.iter().any(|word| field.starts_with(word));
        let holds = |words: &[&str]| words.iter().any(|word| field.contains(word));
        match self {
            Self::ServiceTier => {
                ends(&["_priority", "_flex", "_batches", "_ultrafast", "_decisions", "_balanced"])
            }
            Self::CacheTtl => holds(&["_above_1hr_", "_above_12hr_"]) || ends(&["_above_1hr", "_above_12hr"]),
            Self::CacheVariant => field == "explicit_cache_read_input_token_cost",
            Self::Search => starts(&["search_"]) || holds(&["web_search", "grounding"]),
            Self::Tool => starts(&["code_interpreter", "computer_use", "file_search", "vector_store"]),
            Self::Audio => holds(&["audio"]),
            Self::Video => holds(&["video"]),
            Self::Image => holds(&["image"]),
            Self::Character => holds(&["character"]),
            Self::Second => holds(&["per_second"]),
            Self::OffPeak => field == "off_peak_pricing",
            Self::Multiplier => holds(&["multiplier"]) || field == "provider_specific_entry",
            Self::Dbu => holds(&["_dbu_"]),
            Self::Citation => field == "citation_cost_per_token",
            Self::OtherPrice => holds(&["cost", "pric", "fee", "rate"]),
        }
    }
}

/// Fields that are neither prices nor facts that the schema has. `max_tokens` is one: it says of no window which.
const INFO: [&str; 21] = [
    "bedrock_converse_supports_strict_tools",
    "bedrock_output_config_effort_ceiling",
    "comment",
    "default_reasoning_effort",
    "max_tokens",
    "metadata",
    "prompt_cache_min_tokens",
    "reasoning_contexts",
    "reasoning_effort_levels",
    "reasoning_modes",
    "rpm",
    "source",
    "supported_endpoints",
    "supported_modalities",
    "supported_regions",
    "thinking_always_on",
    "token_count_framing",
    "token_count_model",
    "token_count_tokenizer",
    "tpm",
    "use_openai_responses_path",
];

/// `<field of a quantity>_above_<digits>[k]_tokens`, and nothing more on either side.
fn above(field: &str) -> Option<Place<'_>> {
    Quantity::ALL.into_iter().find_map(|quantity| {
        let rest = field.strip_prefix(quantity.field())?;
        let written = rest.strip_prefix("_above_")?.strip_suffix("_tokens")?;
        let (threshold, thousands) = match written.strip_suffix('k') {
            Some(threshold) => (threshold, true),
            None => (written, false),
        };
        let digits = !threshold.is_empty() && threshold.bytes().all(|byte| byte.is_ascii_digit());
        digits.then_some(Place::Above { quantity, threshold, thousands })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_one_place() {
        let above = |quantity, threshold, thousands| Place::Above { quantity, threshold, thousands };
        let cases = [
            ("mode", Place::Entry),
            ("output_cost_per_reasoning_token", Place::Quantity),
            ("input_cost_per_token_cache_hit", Place::Quantity),
            ("input_cost_per_token_above_128k_tokens", above(Quantity::Input, "128", true)),
            ("cache_read_input_token_cost_above_500_tokens", above(Quantity::CachedInput, "500", false)),
            ("input_cost_per_token_above_200k_tokens_batches", Place::Elsewhere(Category::ServiceTier)),
            ("cache_creation_input_token_cost_above_1hr", Place::Elsewhere(Category::CacheTtl)),
            (
                "cache_creation_input_token_cost_above_1hr_above_200k_tokens",
                Place::Elsewhere(Category::CacheTtl),
            ),
            ("cache_creation_input_token_cost_above_12hr_batches", Place::Elsewhere(Category::ServiceTier)),
            ("input_cost_per_token_above_k_tokens", Place::Elsewhere(Category::OtherPrice)),
            ("explicit_cache_read_input_token_cost", Place::Elsewhere(Category::CacheVariant)),
            ("google_maps_grounding_cost_per_query", Place::Elsewhere(Category::Search)),
            ("supports_web_search", Place::Capability("web_search")),
            ("code_interpreter_cost_per_session", Place::Elsewhere(Category::Tool)),
            ("input_cost_per_audio_token", Place::Elsewhere(Category::Audio)),
            ("input_cost_per_video_per_second", Place::Elsewhere(Category::Video)),
            ("cost_per_second", Place::Elsewhere(Category::Second)),
            ("input_dbu_cost_per_token", Place::Elsewhere(Category::Dbu)),
            ("max_output_tokens", Place::Window),
            ("max_tokens", Place::Info),
            ("bedrock_converse_supports_strict_tools", Place::Info),
            ("deprecation_date", Place::Enabling),
            ("x_new_cost", Place::Elsewhere(Category::OtherPrice)),
            ("something", Place::Unknown),
        ];
        for (field, expected) in cases {
            assert_eq!(Place::of(field), expected, "{field}");
        }
    }
}
