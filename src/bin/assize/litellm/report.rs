//! What an import says of itself: counts, reasons, what had no place, what was rounded.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{
    catalog::Catalog,
    field::Category,
    model::{Model, Reason},
    price::Base,
};
use crate::output::{Page, grouped};

/// The report of an import.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    as_of: String,
    free: Vec<String>,
    entries: usize,
    chat: usize,
    base_pair: usize,
    tiers_only: usize,
    unpriced: usize,
    enabled: usize,
    enabled_function_calling: usize,
    disabled: Disabled,
    not_chat: BTreeMap<String, usize>,
    no_place: Vec<NoPlace>,
    no_price: Fields,
    rounded_up: Vec<RoundedUp>,
    lists: BTreeMap<&'static str, Vec<Listed>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    columns: Option<ColumnsUse>,
    #[serde(skip_serializing_if = "Option::is_none")]
    update: Option<Update>,
    caveat: &'static str,
}

/// What is listed beside the counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum List {
    MalformedPrice,
    PartialPriceDropped,
    ZeroSideRate,
    AliasDiffers,
    BaseDiffersFromTier0,
    TierFieldsIgnored,
    MalformedDate,
    MalformedWindow,
    ZeroWindow,
    MalformedFlag,
    NoProvider,
    UnknownFields,
}

impl List {
    const ALL: [Self; 12] = [
        Self::MalformedPrice,
        Self::PartialPriceDropped,
        Self::ZeroSideRate,
        Self::AliasDiffers,
        Self::BaseDiffersFromTier0,
        Self::TierFieldsIgnored,
        Self::MalformedDate,
        Self::MalformedWindow,
        Self::ZeroWindow,
        Self::MalformedFlag,
        Self::NoProvider,
        Self::UnknownFields,
    ];

    /// Its name for machines, and what it says to people.
    fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::MalformedPrice => ("malformed_price", "malformed prices: the model is unpriced"),
            Self::PartialPriceDropped => ("partial_price_dropped", "prices of unpriced models, dropped"),
            Self::ZeroSideRate => {
                ("zero_side_rate", "zero rates left out: the quantity costs what it falls back to")
            }
            Self::AliasDiffers => ("alias_differs", "an older field differs from the newer, which was taken"),
            Self::BaseDiffersFromTier0 => {
                ("base_differs_from_tier_0", "a base pair differs from the tier from 0, which was taken")
            }
            Self::TierFieldsIgnored => ("tier_fields_ignored", "fields of tiers that have no place"),
            Self::MalformedDate => ("malformed_date", "dates that are none: the model counts as deprecated"),
            Self::MalformedWindow => ("malformed_window", "malformed windows: unknown"),
            Self::ZeroWindow => ("zero_window", "windows of 0: unknown"),
            Self::MalformedFlag => ("malformed_flag", "flags that are neither true nor false: not taken"),
            Self::NoProvider => ("no_provider", "models without a provider: unknown"),
            Self::UnknownFields => ("unknown_fields", "fields not seen before: not read"),
        }
    }
}

#[derive(Debug, Serialize)]
struct Disabled {
    total: usize,
    reasons: Vec<ReasonCount>,
    models: Vec<DisabledModel>,
}

#[derive(Debug, Serialize)]
struct ReasonCount {
    reason: Reason,
    /// Models that it holds for.
    models: usize,
    /// Models of which it is the first.
    first: usize,
}

#[derive(Debug, Serialize)]
struct DisabledModel {
    model: String,
    reasons: Vec<Reason>,
}

#[derive(Debug, Serialize)]
struct NoPlace {
    category: Category,
    #[serde(flatten)]
    count: Fields,
}

#[derive(Debug, Serialize)]
struct Fields {
    fields: usize,
    models: usize,
}

#[derive(Debug, Serialize)]
struct RoundedUp {
    model: String,
    field: String,
    published: String,
    written: u64,
}

#[derive(Debug, Serialize)]
struct Listed {
    model: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    what: String,
}

#[derive(Debug, Serialize)]
struct ColumnsUse {
    /// Models that the file states.
    models: usize,
}

#[derive(Debug, Serialize)]
struct Update {
    new: Vec<String>,
    vanished: Vec<String>,
    /// The rules know nothing of what was switched by hand, so that every switch is listed.
    enabled: Vec<String>,
    disabled: Vec<String>,
}

/// What the whole list holds, chat or not.
#[derive(Debug, Default)]
pub(super) struct Entries {
    pub(super) total: usize,
    /// The entries that are not imported, by mode.
    pub(super) not_chat: BTreeMap<String, usize>,
}

impl Report {
    /// The report on these models.
    pub(super) fn new(
        entries: Entries,
        models: &[Model],
        catalog: &Catalog,
        options: &super::Options<'_>,
    ) -> Self {
        let base = |base| models.iter().filter(|model| model.prices.base == base).count();
        let enabled = || models.iter().filter(|model| model.is_enabled());
        let noted = |list| {
            let notes = |model: &Model| {
                let notes = model.notes.iter().chain(&model.prices.notes);
                let of_list = notes.filter(|(of, _)| *of == list);
                of_list
                    .map(|(_, what)| Listed { model: model.name.clone(), what: what.clone() })
                    .collect::<Vec<_>>()
            };
            models.iter().flat_map(notes).collect::<Vec<_>>()
        };
        Self {
            as_of: options.as_of.to_string(),
            free: options.free.to_vec(),
            entries: entries.total,
            chat: models.len(),
            base_pair: base(Base::Pair),
            tiers_only: base(Base::Tier),
            unpriced: base(Base::None),
            enabled: enabled().count(),
            enabled_function_calling: enabled()
                .filter(|model| model.capabilities.contains("function_calling"))
                .count(),
            disabled: Disabled::of(models),
            not_chat: entries.not_chat,
            no_place: Category::ALL
                .into_iter()
                .filter_map(|category| NoPlace::of(category, models))
                .collect(),
            no_price: Fields {
                fields: models.iter().map(|model| model.info).sum(),
                models: models.iter().filter(|model| model.info > 0).count(),
            },
            rounded_up: models.iter().flat_map(RoundedUp::of).collect(),
            lists: List::ALL.into_iter().map(|list| (list.names().0, noted(list))).collect(),
            columns: options.columns.map(|columns| ColumnsUse { models: columns.len() }),
            update: options.old.map(|_| Update {
                new: catalog.new.clone(),
                vanished: catalog.vanished.clone(),
                enabled: catalog.enabled.clone(),
                disabled: catalog.disabled.clone(),
            }),
            caveat: CAVEAT,
        }
    }

    /// What the import went by.
    pub(crate) fn facts(&self) -> [(&'static str, String); 2] {
        [("as of", self.as_of.clone()), ("free", words(&self.free))]
    }

    /// The report for people.
    pub(crate) fn page(&self, page: &mut Page) {
        let count = |count: usize| grouped(count);
        page.table(
            &["", "models"],
            &[
                vec!["entries of the list".to_owned(), count(self.entries)],
                vec!["chat models".to_owned(), count(self.chat)],
                vec!["  with a base pair".to_owned(), count(self.base_pair)],
                vec!["  with tiers alone".to_owned(), count(self.tiers_only)],
                vec!["  unpriced".to_owned(), count(self.unpriced)],
                vec!["enabled".to_owned(), count(self.enabled)],
                vec!["  with function calling".to_owned(), count(self.enabled_function_calling)],
                vec!["disabled".to_owned(), count(self.disabled.total)],
            ],
        );
        self.page_tables(page);
        self.page_lists(page);
        page.gap();
        page.line(self.caveat);
    }

    fn page_tables(&self, page: &mut Page) {
        let reasons = self.disabled.reasons.iter();
        let reasons: Vec<_> = reasons
            .map(|row| vec![row.reason.name().to_owned(), grouped(row.models), grouped(row.first)])
            .collect();
        page.gap();
        page.table(&["disabled because", "models", "first reason"], &reasons);

        let mut no_place: Vec<_> = self
            .no_place
            .iter()
            .map(|row| {
                vec![row.category.name().to_owned(), grouped(row.count.fields), grouped(row.count.models)]
            })
            .collect();
        let no_price = &self.no_price;
        no_place.push(vec!["(no price)".to_owned(), grouped(no_price.fields), grouped(no_price.models)]);
        page.gap();
        page.table(&["without a place in the schema", "fields", "models"], &no_place);

        let mut modes: Vec<_> = self.not_chat.iter().collect();
        modes.sort_by(|(mode, count), (other, others)| others.cmp(count).then(mode.cmp(other)));
        let modes: Vec<_> =
            modes.into_iter().map(|(mode, count)| vec![mode.clone(), grouped(*count)]).collect();
        page.gap();
        page.table(&["not chat, by mode", "entries"], &modes);
    }

    fn page_lists(&self, page: &mut Page) {
        if !self.rounded_up.is_empty() {
            page.gap();
            page.line(&format!("rounded up to a whole micro-unit: {}", grouped(self.rounded_up.len())));
            for row in &self.rounded_up {
                let RoundedUp { model, field, published, written } = row;
                page.line(&format!("  {model}: {field} {published} -> {written}"));
            }
        }
        for list in List::ALL {
            let (name, title) = list.names();
            let listed = self.lists.get(name).map(Vec::as_slice).unwrap_or_default();
            if listed.is_empty() {
                continue;
            }
            page.gap();
            page.line(&format!("{title}: {}", grouped(listed.len())));
            for Listed { model, what } in listed {
                page.line(&format!("  {model}{}{what}", if what.is_empty() { "" } else { ": " }));
            }
        }
        if let Some(columns) = &self.columns {
            page.gap();
            page.line(&format!("columns stated for {} models", grouped(columns.models)));
        }
        if let Some(update) = &self.update {
            for (title, names) in [
                ("new", &update.new),
                ("no longer listed, disabled", &update.vanished),
                ("were disabled, now enabled", &update.enabled),
                ("were enabled, now disabled", &update.disabled),
            ] {
                page.gap();
                page.line(&format!("{title}: {}", grouped(names.len())));
                names.iter().for_each(|name| page.line(&format!("  {name}")));
            }
        }
    }
}

/// What a price of the catalog does not say.
const CAVEAT: &str = "a price can be below what is charged where a part of it has no quantity: one-hour cache \
     writes, audio, image and video tokens, priority tiers, regional multipliers, search fees, citations";

impl Disabled {
    fn of(models: &[Model]) -> Self {
        let disabled = || models.iter().filter(|model| !model.is_enabled());
        let counts = Reason::ALL.into_iter().map(|reason| ReasonCount {
            reason,
            models: disabled().filter(|model| model.reasons.contains(&reason)).count(),
            first: disabled().filter(|model| model.reasons.first() == Some(&reason)).count(),
        });
        let named =
            |model: &Model| DisabledModel { model: model.name.clone(), reasons: model.reasons.clone() };
        Self { total: disabled().count(), reasons: counts.collect(), models: disabled().map(named).collect() }
    }
}

impl NoPlace {
    fn of(category: Category, models: &[Model]) -> Option<Self> {
        let of = |model: &Model| model.elsewhere.iter().filter(|seen| **seen == category).count();
        let fields = models.iter().map(of).sum();
        let models = models.iter().filter(|model| of(model) > 0).count();
        (fields > 0).then_some(Self { category, count: Fields { fields, models } })
    }
}

impl RoundedUp {
    fn of(model: &Model) -> Vec<Self> {
        let row = |rounding: &super::price::Rounding| Self {
            model: model.name.clone(),
            field: rounding.field.clone(),
            published: rounding.published.clone(),
            written: rounding.written,
        };
        model.prices.roundings.iter().map(row).collect()
    }
}

fn words(words: &[String]) -> String {
    let unique: BTreeSet<&str> = words.iter().map(String::as_str).collect();
    if unique.is_empty() { "none".to_owned() } else { unique.into_iter().collect::<Vec<_>>().join(", ") }
}
