//! One chat entry of the price list, read by the rules.

use std::collections::BTreeSet;

use serde::Serialize;

use super::{
    field::{Category, DEPRECATION, OUTPUT_MODALITIES, PROVIDER, Place, WINDOWS},
    json::{Json, Object},
    price::{Malformed, Prices, whole_of},
    report::List,
};
use crate::date::Date;

/// A model of the list.
#[derive(Debug)]
pub(super) struct Model {
    pub(super) name: String,
    /// `None` where the list does not say.
    pub(super) provider: Option<String>,
    pub(super) prices: Prices,
    /// The capabilities that the list says it has.
    pub(super) capabilities: BTreeSet<String>,
    /// The known windows: column and tokens.
    pub(super) windows: Vec<(&'static str, u64)>,
    /// Why it is disabled, in the order of [`Reason`]; empty when it is enabled.
    pub(super) reasons: Vec<Reason>,
    /// The fields that have no place in the schema.
    pub(super) elsewhere: Vec<Category>,
    /// How many fields are neither prices nor facts that the schema has.
    pub(super) info: usize,
    /// What was noticed.
    pub(super) notes: Vec<(List, String)>,
}

/// Why a model is disabled. Of several, the first is the one that is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Reason {
    /// It has no base price and no tier from 0, or a malformed price.
    Unpriced,
    /// Input or output costs nothing, no fee stands for it, and the user does not vouch for it.
    ZeroRate,
    /// A stated list of output modalities does not hold text.
    NoTextOutput,
    /// Deprecated on or before the day of the import, or on a day that cannot be read.
    Deprecated,
}

impl Reason {
    /// All of them, in order.
    pub(super) const ALL: [Self; 4] = [Self::Unpriced, Self::ZeroRate, Self::NoTextOutput, Self::Deprecated];

    /// Its name in reports.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Unpriced => "unpriced",
            Self::ZeroRate => "zero_rate",
            Self::NoTextOutput => "no_text_output",
            Self::Deprecated => "deprecated",
        }
    }
}

impl Model {
    /// Reads a chat entry. Nothing in it can fail the import.
    pub(super) fn read(name: &str, entry: &Object, as_of: Date, free: &[String]) -> Self {
        let provider = match entry.get(PROVIDER) {
            Some(Json::Text(provider)) if !provider.is_empty() => Some(provider.clone()),
            _ => None,
        };
        let is_free = free.iter().any(|word| word == name || Some(word) == provider.as_ref());
        let mut model = Self {
            name: name.to_owned(),
            prices: Prices::read(entry, is_free),
            capabilities: BTreeSet::new(),
            windows: Vec::new(),
            reasons: Vec::new(),
            elsewhere: Vec::new(),
            info: 0,
            notes: Vec::new(),
            provider,
        };
        if model.provider.is_none() {
            model.note(List::NoProvider, String::new());
        }
        model.read_fields(entry);
        model.read_windows(entry);
        model.read_reasons(entry, as_of, is_free);
        model
    }

    /// Whether it may be selected.
    pub(super) fn is_enabled(&self) -> bool {
        self.reasons.is_empty()
    }

    fn note(&mut self, list: List, what: String) {
        self.notes.push((list, what));
    }

    fn read_fields(&mut self, entry: &Object) {
        for (field, value) in entry {
            match (Place::of(field), value) {
                (Place::Capability(_), Json::Bool(false) | Json::Null) => {}
                (Place::Capability(capability), Json::Bool(true)) if !capability.is_empty() => {
                    self.capabilities.insert(capability.to_owned());
                }
                (Place::Capability(_), _) => self.note(List::MalformedFlag, format!("{field}={value}")),
                (Place::Elsewhere(category), _) => self.elsewhere.push(category),
                (Place::Info, _) => self.info = self.info.saturating_add(1),
                (Place::Unknown, _) => self.note(List::UnknownFields, field.clone()),
                _ => {}
            }
        }
    }

    fn read_windows(&mut self, entry: &Object) {
        for (field, column) in WINDOWS {
            match entry.get(field).map_or(Ok(None), |value| whole_of(value, field)) {
                Ok(None) => {}
                // A window of nothing is how the list says that it does not know.
                Ok(Some(0)) => self.note(List::ZeroWindow, field.to_owned()),
                Ok(Some(tokens)) => self.windows.push((column, tokens)),
                Err(Malformed(what)) => self.note(List::MalformedWindow, what),
            }
        }
    }

    fn read_reasons(&mut self, entry: &Object, as_of: Date, is_free: bool) {
        if self.prices.cards.is_empty() {
            self.reasons.push(Reason::Unpriced);
        }
        if self.prices.has_zero_rate() && !is_free {
            self.reasons.push(Reason::ZeroRate);
        }
        let text = Json::Text("text".to_owned());
        let lacks_text = match entry.get(OUTPUT_MODALITIES) {
            None | Some(Json::Null) => false,
            Some(Json::List(modalities)) => !modalities.contains(&text),
            Some(_) => true,
        };
        if lacks_text {
            self.reasons.push(Reason::NoTextOutput);
        }
        match entry.get(DEPRECATION) {
            None | Some(Json::Null) => {}
            Some(Json::Text(day)) if day.parse::<Date>().is_ok_and(|day| day > as_of) => {}
            Some(value) => {
                let readable = matches!(value, Json::Text(day) if day.parse::<Date>().is_ok());
                if !readable {
                    self.note(List::MalformedDate, format!("{DEPRECATION}={value}"));
                }
                self.reasons.push(Reason::Deprecated);
            }
        }
    }
}
