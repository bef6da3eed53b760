//! What commands print: aligned text for people, JSON for machines, from one value.

use std::io::{self, Write as _};

use serde::Serialize;

use crate::failure::Failure;

/// In which form a command prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// Aligned text.
    Text,
    /// One JSON document.
    Json,
}

/// A value that both forms are made of.
pub(crate) trait Print: Serialize {
    /// The form for people.
    fn page(&self, page: &mut Page);
}

/// Prints the value on standard output.
pub(crate) fn print(value: &impl Print, format: Format) -> Result<(), Failure> {
    let text = match format {
        Format::Text => {
            let mut page = Page::default();
            value.page(&mut page);
            page.text
        }
        Format::Json => {
            let json = serde_json::to_string_pretty(value);
            json.map_err(|error| Failure::output(&io::Error::other(error.to_string())))?
        }
    };
    let text = text.trim_end();
    writeln!(io::stdout(), "{text}").map_err(|error| Failure::output(&error))
}

/// Text in the making.
#[derive(Debug, Default)]
pub(crate) struct Page {
    text: String,
}

impl Page {
    /// What is on it so far.
    #[cfg(test)]
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// A line.
    pub(crate) fn line(&mut self, line: &str) {
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }

    /// An empty line.
    pub(crate) fn gap(&mut self) {
        self.text.push('\n');
    }

    /// Labels with their values, the values aligned.
    pub(crate) fn facts(&mut self, facts: &[(&str, String)]) {
        let width = facts.iter().map(|(label, _)| label.chars().count()).max().unwrap_or(0);
        for (label, value) in facts {
            self.line(&format!("{label:width$}  {value}"));
        }
    }

    /// Rows under a head: the first column to the left, the others to the right.
    pub(crate) fn table(&mut self, head: &[&str], rows: &[Vec<String>]) {
        let head: Vec<String> = head.iter().map(|&cell| cell.to_owned()).collect();
        let mut widths = vec![0_usize; head.len()];
        for row in rows.iter().chain([&head]) {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        for row in [&head].into_iter().chain(rows) {
            let mut line = String::new();
            for (index, (cell, width)) in row.iter().zip(&widths).enumerate() {
                let cell = if index == 0 { format!("{cell:width$}") } else { format!("  {cell:>width$}") };
                line.push_str(&cell);
            }
            self.line(&line);
        }
    }
}

/// A count with a comma between thousands.
pub(crate) fn grouped(count: impl ToString) -> String {
    let digits = count.to_string();
    let mut grouped = String::new();
    for (place, digit) in (0..digits.len()).rev().zip(digits.chars()) {
        grouped.push(digit);
        if place > 0 && place.is_multiple_of(3) && digit.is_ascii_digit() {
            grouped.push(',');
        }
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_grouped_by_thousands() {
        let cases = [
            (0, "0"),
            (999, "999"),
            (1000, "1,000"),
            (1_234_567, "1,234,567"),
            (-1000, "-1,000"),
            (-100, "-100"),
        ];
        for (count, expected) in cases {
            assert_eq!(grouped(count), expected);
        }
    }

    #[test]
    fn columns_are_aligned() {
        let mut page = Page::default();
        page.facts(&[("a", "1".to_owned()), ("long", "2".to_owned())]);
        page.table(
            &["x", "n"],
            &[vec!["é".to_owned(), "1,000".to_owned()], vec!["ab".to_owned(), "1".to_owned()]],
        );
        assert_eq!(page.text, "a     1\nlong  2\nx       n\né   1,000\nab      1\n");
    }
}
