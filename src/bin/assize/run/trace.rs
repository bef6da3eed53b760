//! The trace: requests as they came, with what each generated in the end.

use std::path::Path;

use assize::num::Timestamp;

use crate::{
    csv::{self, CsvError},
    failure::Failure,
    file,
    instant::{self, Shown},
};

/// One request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// Its line in the file, from 1.
    pub(super) line: usize,
    /// When it came.
    pub(super) at: Timestamp,
    /// Tokens of its prompt, known when it came.
    pub(super) context: u64,
    /// Tokens that it generated, known when it was done.
    pub(super) generated: u64,
}

/// Reads a trace whole: at least one row, none before the one above it.
pub(super) fn read(path: &Path) -> Result<Vec<Row>, Failure> {
    let text = file::read(path, TRACE_BYTES_MAX)?;
    rows(&text).map_err(|error| Failure::in_file(path, error))
}

/// The longest pause between two rows, in nanoseconds: 366 days. What is longer is taken for a mistake.
pub(super) const PAUSE_NS_MAX: u64 = 366 * 24 * 3_600_000_000_000;

/// Bytes of a trace; the public one of an hour has 0.7 MiB.
const TRACE_BYTES_MAX: usize = 1 << 30;

const HEADER: &str = "TIMESTAMP,ContextTokens,GeneratedTokens";

fn rows(text: &str) -> Result<Vec<Row>, TraceError> {
    let mut rows: Vec<Row> = Vec::new();
    for row in csv::rows(text, HEADER)? {
        let row = row?;
        let [time, context, generated] = row.fields.as_slice() else {
            return Err(row.error("a row has three fields").into());
        };
        let at = instant::parse(time).map_err(|error| row.error(format!("TIMESTAMP {time:?} is {error}")))?;
        let before = rows.last().map_or(at, |before| before.at);
        if at < before {
            let seen = format!("the time goes back to {}, from {}", Shown(at), Shown(before));
            return Err(row.error(seen).into());
        }
        let pause_ns = at.0.abs_diff(before.0);
        if pause_ns > PAUSE_NS_MAX {
            let seen = format!("a pause of {pause_ns} ns; the longest taken is {PAUSE_NS_MAX} ns");
            return Err(row.error(seen).into());
        }
        let tokens = |name: &str, field: &str| {
            let digits = !field.is_empty() && field.bytes().all(|byte| byte.is_ascii_digit());
            let value = if digits { field.parse().ok() } else { None };
            value.ok_or_else(|| row.error(format!("{name} {field:?} is no count of 0 to {}", u64::MAX)))
        };
        let (context, generated) = (tokens("ContextTokens", context)?, tokens("GeneratedTokens", generated)?);
        rows.push(Row { line: row.line, at, context, generated });
    }
    if rows.is_empty() { Err(TraceError::Empty) } else { Ok(rows) }
}

/// Why a text is no trace.
#[derive(Debug)]
enum TraceError {
    Csv(CsvError),
    Empty,
}

impl From<CsvError> for TraceError {
    fn from(error: CsvError) -> Self {
        Self::Csv(error)
    }
}

impl std::fmt::Display for TraceError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Csv(error) => error.fmt(f),
            Self::Empty => f.write_str("no row below the header; a trace has at least one"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trace(rows: &[&str], end: &str) -> String {
        [&[HEADER], rows].concat().iter().map(|row| format!("{row}{end}")).collect()
    }

    #[test]
    fn rows_are_read_whatever_ends_them() {
        let lines = ["2023-11-16 18:15:46.6805900,374,44", "2023-11-16 18:15:46.6805900,0,4294967296"];
        let at = Timestamp(1_700_158_546_680_590_000);
        let expected = [
            Row { line: 2, at, context: 374, generated: 44 },
            Row { line: 3, at, context: 0, generated: 4_294_967_296 },
        ];
        for end in ["\n", "\r\n"] {
            let text = trace(&lines, end);
            assert_eq!(rows(&text).unwrap(), expected, "{end:?}");
            assert_eq!(rows(text.trim_end()).unwrap(), expected, "{end:?}");
        }
    }

    #[test]
    fn what_is_no_row_is_named_by_its_line() {
        let good = "2023-11-16 18:15:46,1,2";
        let cases = [
            ("2023-11-16 18:15:46,1", "line 3: 2 fields"),
            ("2023-11-16 18:15:46,1,2,3", "line 3: 4 fields"),
            ("", "line 3: 1 fields"),
            ("yesterday,1,2", "line 3: TIMESTAMP \"yesterday\" is no instant"),
            (
                "2262-12-01 00:00:00,1,2",
                "line 3: TIMESTAMP \"2262-12-01 00:00:00\" is an instant out of range",
            ),
            (
                "2023-11-16 18:15:45.999999999,1,2",
                "line 3: the time goes back to 2023-11-16 18:15:45.999999999",
            ),
            ("2024-11-16 18:15:46.000000001,1,2", "line 3: a pause of 31622400000000001 ns; the longest"),
            ("2023-11-16 18:15:46,-1,2", "line 3: ContextTokens \"-1\" is no count"),
            ("2023-11-16 18:15:46,1,", "line 3: GeneratedTokens \"\" is no count"),
            ("2023-11-16 18:15:46,1,1.5", "line 3: GeneratedTokens \"1.5\" is no count"),
            ("2023-11-16 18:15:46, 1,2", "line 3: ContextTokens \" 1\" is no count"),
            ("2023-11-16 18:15:46,18446744073709551616,2", "line 3: ContextTokens \"18446744073709551616\""),
            ("2023-11-16 18:15:46,\"1\",2", "line 3: a quotation mark"),
        ];
        for (line, expected) in cases {
            let error = rows(&trace(&[good, line, good], "\r\n")).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{line:?}: {error}");
        }
        let longest = ["2023-11-16 18:15:46,1,2", "2024-11-16 18:15:46,1,2"];
        assert_eq!(rows(&trace(&longest, "\n")).unwrap().len(), 2);
        let headers =
            [("", "line 1: the header is \"\""), ("a,b,c\n1,2,3\n", "line 1: the header is \"a,b,c\"")];
        for (text, expected) in headers {
            assert!(rows(text).unwrap_err().to_string().starts_with(expected), "{text:?}");
        }
        assert!(rows(&trace(&[], "\n")).unwrap_err().to_string().starts_with("no row"));
    }
}
