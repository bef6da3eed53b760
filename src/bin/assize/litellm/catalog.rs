//! From models to a draft of a policy, with numbers that stay.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use assize::policy::{
    CandidateDraft, CardDraft, Draft, MemberDraft, MembersDraft, SchemaDraft, UtilityDraft, ValueDraft,
    WeightDraft,
};

use super::{
    columns::{Columns, LATENCY, QUALITY, REGION, RISK_CEILING},
    model::Model,
};

/// A draft, and what it changes of an older one.
#[derive(Debug)]
pub(super) struct Catalog {
    pub(super) draft: Draft,
    /// The models that the older one did not have.
    pub(super) new: Vec<String>,
    /// The models that only the older one has.
    pub(super) vanished: Vec<String>,
    /// The models in both that the older one had disabled, and the rules enable.
    pub(super) enabled: Vec<String>,
    /// The models in both that the older one had enabled, and the rules disable.
    pub(super) disabled: Vec<String>,
}

/// Why there is no draft.
#[derive(Debug)]
pub(crate) enum CatalogError {
    /// The columns name a model that is in neither list.
    ColumnsUnknown { line: usize, name: String },
    /// There is no number for another one.
    NumbersUsedUp { what: &'static str },
    /// There is no epoch above the older policy's.
    EpochUsedUp,
}

impl fmt::Display for CatalogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ColumnsUnknown { line, name } => {
                write!(f, "line {line}: there is no model {name:?}")
            }
            Self::NumbersUsedUp { what } => write!(f, "no number is left for another one of {what}"),
            Self::EpochUsedUp => write!(f, "no epoch is left above the old policy's"),
        }
    }
}

/// The catalog of these models, sorted by name.
///
/// What `old` names keeps its number, and stays, disabled, when it is no longer listed. New names get the numbers
/// after the highest one, in the order of their bytes. Name, limits, utility and substitution are the old policy's; so are
/// the user's columns, unless `columns` states them anew.
pub(super) fn build(
    models: &[Model],
    columns: Option<&Columns>,
    old: Option<&Draft>,
) -> Result<Catalog, CatalogError> {
    let old_candidates = || old.into_iter().flat_map(|old| &old.candidates);
    let old_names: BTreeMap<&str, &CandidateDraft> =
        old_candidates().map(|candidate| (candidate.name.as_str(), candidate)).collect();
    let names: BTreeSet<&str> = models.iter().map(|model| model.name.as_str()).collect();
    if let Some((line, name)) = columns.and_then(|columns| {
        columns.first_unknown(|name| names.contains(name) || old_names.contains_key(name))
    }) {
        return Err(CatalogError::ColumnsUnknown { line, name: name.to_owned() });
    }

    let mut draft = match old {
        Some(old) => Draft {
            epoch: old.epoch.checked_add(1).ok_or(CatalogError::EpochUsedUp)?,
            candidates: Vec::new(),
            ..old.clone()
        },
        None => Draft::new(NAME, 1, SchemaDraft::llm_1()),
    };
    if let Some(columns) = columns {
        draft.utility.get_or_insert_with(|| utility(columns));
    }
    draft.members = members(models, columns, old)?;

    let used = old_candidates().map(|candidate| (candidate.id, candidate.name.as_str()));
    let ids = numbered(used, &names).ok_or(CatalogError::NumbersUsedUp { what: "candidates" })?;
    for model in models {
        let Some(id) = ids.get(model.name.as_str()) else { continue };
        let before = old_names.get(model.name.as_str()).copied();
        draft.candidates.push(candidate(model, *id, columns, before));
    }
    let gone: Vec<&CandidateDraft> =
        old_candidates().filter(|candidate| !names.contains(candidate.name.as_str())).collect();
    draft.candidates.extend(gone.iter().map(|candidate| vanished(candidate, columns)));
    draft.candidates.sort_by_key(|candidate| candidate.id);

    let switched = |to: bool| {
        let was = |model: &&Model| old_names.get(model.name.as_str()).is_some_and(|old| old.enabled != to);
        let is = models.iter().filter(|model| model.is_enabled() == to).filter(was);
        is.map(|model| model.name.clone()).collect()
    };
    let is_new = |name: &&&str| old.is_some() && !old_names.contains_key(**name);
    Ok(Catalog {
        draft,
        new: names.iter().filter(is_new).map(|name| (*name).to_owned()).collect(),
        vanished: gone.iter().map(|candidate| candidate.name.clone()).collect(),
        enabled: switched(true),
        disabled: switched(false),
    })
}

/// The name of a policy that is imported for the first time.
const NAME: &str = "litellm";
/// The columns of the schema that the list fills, beside the windows.
const CAPABILITIES: &str = "capabilities";
/// See [`CAPABILITIES`].
const PROVIDER: &str = "provider";

/// A request's risk costs it that share of its value: all of it.
const RISK_MULTIPLIER_BPS: u32 = 10_000;
/// A second of latency costs 1,000 µ.
const LATENCY_MICROS_PER_MS: i64 = 1;

/// The utility that a first import writes for the user to edit: quality is the merit, risk counts once, and latency
/// counts where the columns state any. Nothing stands in for what is unknown.
fn utility(columns: &Columns) -> UtilityDraft {
    let latency =
        WeightDraft { column: LATENCY.to_owned(), micros_per_unit: LATENCY_MICROS_PER_MS, unknown: None };
    UtilityDraft {
        risk_multiplier_bps: RISK_MULTIPLIER_BPS,
        merit_unknown_bps: None,
        weights: columns.has_latency().then_some(latency).into_iter().collect(),
    }
}

/// The members of the three columns that have any, the old policy's first.
fn members(
    models: &[Model],
    columns: Option<&Columns>,
    old: Option<&Draft>,
) -> Result<Vec<MembersDraft>, CatalogError> {
    let capabilities = models.iter().flat_map(|model| &model.capabilities).map(String::as_str).collect();
    let providers = models.iter().filter_map(|model| model.provider.as_deref()).collect();
    let regions = columns.map(Columns::regions).unwrap_or_default();
    let named: [(&'static str, BTreeSet<&str>); 3] =
        [(CAPABILITIES, capabilities), (PROVIDER, providers), (REGION, regions)];
    let mut members = Vec::new();
    for (column, names) in named {
        let listed = old.into_iter().flat_map(|old| &old.members).filter(|listed| listed.column == column);
        let used = listed.flat_map(|listed| &listed.members).map(|member| (member.id, member.name.as_str()));
        let numbers = numbered(used, &names).ok_or(CatalogError::NumbersUsedUp { what: column })?;
        let mut listed: Vec<MemberDraft> =
            numbers.into_iter().map(|(name, id)| MemberDraft { id, name: name.to_owned() }).collect();
        listed.sort_by_key(|member| member.id);
        if !listed.is_empty() {
            members.push(MembersDraft { column: column.to_owned(), members: listed });
        }
    }
    Ok(members)
}

/// Every name with its number: those used keep theirs, the others get the next ones, from 1, in order.
fn numbered<'a, N: Copy + Ord + TryFrom<u64> + Into<u64>>(
    used: impl Iterator<Item = (N, &'a str)>,
    names: &BTreeSet<&'a str>,
) -> Option<BTreeMap<&'a str, N>> {
    let mut numbers: BTreeMap<&str, N> = used.map(|(number, name)| (name, number)).collect();
    let mut last: u64 = numbers.values().copied().max().map_or(0, Into::into);
    for name in names {
        if !numbers.contains_key(name) {
            last = last.checked_add(1)?;
            numbers.insert(name, N::try_from(last).ok()?);
        }
    }
    Some(numbers)
}

fn candidate(
    model: &Model,
    id: u32,
    columns: Option<&Columns>,
    before: Option<&CandidateDraft>,
) -> CandidateDraft {
    let mut values: Vec<(String, ValueDraft)> = match columns {
        Some(columns) => columns.of(&model.name).into_iter().flat_map(|stated| stated.values()).collect(),
        None => before.into_iter().flat_map(|before| &before.values).filter(is_users).cloned().collect(),
    };
    let capabilities = model.capabilities.iter().cloned().collect();
    values.push((CAPABILITIES.to_owned(), ValueDraft::Set(capabilities)));
    if let Some(provider) = &model.provider {
        values.push((PROVIDER.to_owned(), ValueDraft::Member(provider.clone())));
    }
    let windows = model.windows.iter();
    values.extend(windows.map(|(column, tokens)| ((*column).to_owned(), ValueDraft::Number(*tokens))));
    let rates = |rates: &super::price::Rates| {
        rates.iter().map(|(quantity, rate)| (quantity.name().to_owned(), *rate)).collect()
    };
    let cards = model.prices.cards.iter();
    CandidateDraft {
        id,
        name: model.name.clone(),
        enabled: model.is_enabled(),
        flat_fee_micros: model.prices.flat_fee_micros,
        values,
        cards: cards.map(|card| CardDraft { above: card.above, rates: rates(&card.rates) }).collect(),
    }
}

/// What is no longer listed keeps all it had, and is disabled.
fn vanished(before: &CandidateDraft, columns: Option<&Columns>) -> CandidateDraft {
    let mut candidate = CandidateDraft { enabled: false, ..before.clone() };
    if let Some(stated) = columns.and_then(|columns| columns.of(&before.name)) {
        candidate.values.retain(|value| !is_users(&value));
        candidate.values.extend(stated.values());
    }
    candidate
}

/// Whether a value is in one of the columns that the user states.
fn is_users(value: &&(String, ValueDraft)) -> bool {
    [QUALITY, LATENCY, RISK_CEILING, REGION].contains(&value.0.as_str())
}
