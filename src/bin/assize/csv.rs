//! Comma-separated rows under a fixed header, strictly: no quoting, every row as long as the header.

use std::fmt;

/// A row of a file.
#[derive(Debug)]
pub(crate) struct Row<'a> {
    /// Its line, from 1.
    pub(crate) line: usize,
    /// As many as the header has.
    pub(crate) fields: Vec<&'a str>,
}

impl Row<'_> {
    /// What is wrong with this row.
    pub(crate) fn error(&self, what: impl Into<String>) -> CsvError {
        CsvError { line: self.line, what: what.into() }
    }
}

/// What is wrong with a line.
#[derive(Debug)]
pub(crate) struct CsvError {
    line: usize,
    what: String,
}

impl fmt::Display for CsvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)
    }
}

/// The rows below a first line that must be exactly `header`. Lines end in LF or CRLF, the last one also in neither.
pub(crate) fn rows<'a>(
    text: &'a str,
    header: &str,
) -> Result<impl Iterator<Item = Result<Row<'a>, CsvError>>, CsvError> {
    let columns = header.split(',').count();
    let mut lines = text.strip_suffix('\n').unwrap_or(text).split('\n').zip(1_usize..);
    let first = lines.next().map_or("", |(first, _)| trimmed(first));
    if first != header {
        return Err(CsvError { line: 1, what: format!("the header is {first:?}; expected {header:?}") });
    }
    Ok(lines.map(move |(text, line)| {
        let row = Row { line, fields: trimmed(text).split(',').collect() };
        if row.fields.len() != columns {
            return Err(row.error(format!("{} fields; the header has {columns}", row.fields.len())));
        }
        if text.contains('"') {
            return Err(row.error("a quotation mark; fields are not quoted"));
        }
        Ok(row)
    }))
}

fn trimmed(line: &str) -> &str {
    line.strip_suffix('\r').unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_as_long_as_the_header() {
        let good = ["a,b\n1,2\n,x\n", "a,b\r\n1,2\r\n,x\r\n", "a,b\n1,2\n,x"];
        for text in good {
            let rows: Vec<_> = rows(text, "a,b").unwrap().map(Result::unwrap).collect();
            let seen: Vec<_> = rows.iter().map(|row| (row.line, row.fields.join("/"))).collect();
            assert_eq!(seen, [(2, "1/2".to_owned()), (3, "/x".to_owned())], "{text:?}");
        }
        assert_eq!(rows("a,b", "a,b").unwrap().count(), 0);
    }

    #[test]
    fn what_is_refused() {
        let cases = [
            ("", "line 1: the header is \"\""),
            ("b,a\n", "line 1: the header is \"b,a\""),
            ("a,b\n1,2\n\n3,4\n", "line 3: 1 fields"),
            ("a,b\n1,2,3\n", "line 2: 3 fields"),
            ("a,b\n\"1\",2\n", "line 2: a quotation mark"),
        ];
        for (text, expected) in cases {
            let error = match rows(text, "a,b") {
                Err(error) => error,
                Ok(mut rows) => rows.find_map(Result::err).unwrap(),
            };
            assert!(error.to_string().starts_with(expected), "{text:?}: {error}");
        }
    }
}
