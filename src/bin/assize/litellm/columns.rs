//! The user's own columns: what the price list does not say.

use std::collections::{BTreeMap, BTreeSet};

use assize::{num::Bps, policy::ValueDraft};

use crate::csv::{self, CsvError, Row};

/// The columns that a file of the user's states, in the schema's names.
pub(super) const QUALITY: &str = "quality";
/// See [`QUALITY`].
pub(super) const LATENCY: &str = "latency_ms";
/// See [`QUALITY`].
pub(super) const RISK_CEILING: &str = "risk_ceiling";
/// See [`QUALITY`].
pub(super) const REGION: &str = "region";

/// The user's columns by model.
#[derive(Debug)]
pub(crate) struct Columns(BTreeMap<String, Stated>);

/// What is stated of one model; the rest is unknown.
#[derive(Clone, Debug, Default)]
pub(super) struct Stated {
    line: usize,
    quality_bps: Option<u64>,
    latency_ms: Option<u64>,
    risk_ceiling_bps: Option<u64>,
    regions: BTreeSet<String>,
}

impl Columns {
    /// Reads a file with the header [`HEADER`].
    pub(crate) fn read(text: &str) -> Result<Self, CsvError> {
        let mut models = BTreeMap::new();
        for row in csv::rows(text, HEADER)? {
            let row = row?;
            let (name, stated) = Stated::read(&row)?;
            if models.insert(name.clone(), stated).is_some() {
                return Err(row.error(format!("{name} is stated twice")));
            }
        }
        Ok(Self(models))
    }

    /// How many models it states.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// What it states of a model.
    pub(super) fn of(&self, name: &str) -> Option<&Stated> {
        self.0.get(name)
    }

    /// The first stated model, by line, that is not `known`, and its line.
    pub(super) fn first_unknown(&self, known: impl Fn(&str) -> bool) -> Option<(usize, &str)> {
        let unknown = self.0.iter().filter(|(name, _)| !known(name));
        unknown.map(|(name, stated)| (stated.line, name.as_str())).min()
    }

    /// Whether it states a latency of any model.
    pub(super) fn has_latency(&self) -> bool {
        self.0.values().any(|stated| stated.latency_ms.is_some())
    }

    /// Every region that it states.
    pub(super) fn regions(&self) -> BTreeSet<&str> {
        self.0.values().flat_map(|stated| &stated.regions).map(String::as_str).collect()
    }
}

impl Stated {
    /// The values, by column.
    pub(super) fn values(&self) -> impl Iterator<Item = (String, ValueDraft)> {
        let numbers =
            [(QUALITY, self.quality_bps), (LATENCY, self.latency_ms), (RISK_CEILING, self.risk_ceiling_bps)];
        let numbers = numbers.into_iter().filter_map(|(column, value)| Some((column, value?)));
        let numbers = numbers.map(|(column, value)| (column.to_owned(), ValueDraft::Number(value)));
        let regions = (!self.regions.is_empty())
            .then(|| (REGION.to_owned(), ValueDraft::Set(self.regions.iter().cloned().collect())));
        numbers.chain(regions)
    }

    fn read(row: &Row<'_>) -> Result<(String, Self), CsvError> {
        let [name, quality, latency, risk, regions] = row.fields.as_slice() else {
            return Err(row.error("5 fields are expected"));
        };
        if name.is_empty() {
            return Err(row.error("no name"));
        }
        let bps = |column: &str, text: &str| match number(row, column, text)? {
            Some(value) if value > u64::from(Bps::MAX.as_u16()) => {
                Err(row.error(format!("{column} is {value}; the limit is {}", Bps::MAX.as_u16())))
            }
            value => Ok(value),
        };
        let mut stated = Self {
            line: row.line,
            quality_bps: bps("quality_bps", quality)?,
            latency_ms: number(row, "latency_ms", latency)?,
            risk_ceiling_bps: bps("risk_ceiling_bps", risk)?,
            regions: BTreeSet::new(),
        };
        for region in regions.split('|').filter(|_| !regions.is_empty()) {
            if region.is_empty() || !stated.regions.insert(region.to_owned()) {
                return Err(row.error(format!("regions {regions:?}: one is empty or stated twice")));
            }
        }
        Ok(((*name).to_owned(), stated))
    }
}

/// The first line of the file. A value may be empty: unknown. Regions are separated by `|`.
const HEADER: &str = "name,quality_bps,latency_ms,risk_ceiling_bps,regions";

fn number(row: &Row<'_>, column: &str, text: &str) -> Result<Option<u64>, CsvError> {
    if text.is_empty() {
        return Ok(None);
    }
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let parsed = if digits { text.parse().ok() } else { None };
    parsed.map(Some).ok_or_else(|| row.error(format!("{column} is {text:?}; expected a whole number")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_values_are_unknown() {
        let text = format!("{HEADER}\nm,9000,,10000,eu|us\nn,,0,,\n");
        let columns = Columns::read(&text).unwrap();
        let of = |name| columns.of(name).unwrap().values().collect::<Vec<_>>();
        let number = |column: &str, value| (column.to_owned(), ValueDraft::Number(value));
        let regions = ValueDraft::Set(vec!["eu".to_owned(), "us".to_owned()]);
        assert_eq!(
            of("m"),
            [number(QUALITY, 9000), number(RISK_CEILING, 10_000), (REGION.to_owned(), regions)]
        );
        assert_eq!(of("n"), [number(LATENCY, 0)]);
        assert!(columns.has_latency());
        assert_eq!(columns.first_unknown(|name| name == "m"), Some((3, "n")));
    }

    #[test]
    fn what_is_refused() {
        let cases = [
            (",1,1,1,\n", "line 2: no name"),
            ("m,10001,,,\n", "line 2: quality_bps is 10001; the limit is 10000"),
            ("m,,,10001,\n", "line 2: risk_ceiling_bps is 10001"),
            ("m,0.5,,,\n", "line 2: quality_bps is \"0.5\""),
            ("m,,-1,,\n", "line 2: latency_ms is \"-1\""),
            ("m,,18446744073709551616,,\n", "line 2: latency_ms"),
            ("m,,,,eu|eu\n", "line 2: regions"),
            ("m,,,,|\n", "line 2: regions"),
            ("m,,,,\nm,,,,\n", "line 3: m is stated twice"),
            ("m,,,\n", "line 2: 4 fields"),
        ];
        for (row, expected) in cases {
            let error = Columns::read(&format!("{HEADER}\n{row}")).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{row:?}: {error}");
        }
    }
}
