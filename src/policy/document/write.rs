//! The same tree in TOML and in JSON, laid out for people and for line-by-line comparison.

use alloc::string::String;
use core::fmt::Write as _;

use super::describe::{Item, Table, candidates, head};
use crate::policy::draft::Draft;

/// Writes a draft as a TOML document: a table for each candidate, sorted by id, so that two versions compare well.
///
/// [`from_toml`](super::from_toml) reads it as an equal draft, apart from the order of what has none. A draft that is
/// no valid policy is written as it is, and may not read again.
#[must_use]
pub fn to_toml(draft: &Draft) -> String {
    let mut out = String::new();
    let (sections, fields): (Table, Table) = head(draft)
        .into_iter()
        .partition(|(name, item)| matches!(item, Item::Table(_)) && name != "substitution");
    fields.iter().for_each(|(name, item)| toml_line(&mut out, name, item));
    for (name, item) in &sections {
        if let Item::Table(table) = item {
            toml_section(&mut out, name, table);
        }
    }
    for candidate in candidates(draft) {
        out.push_str("\n[[candidates]]\n");
        for (name, item) in &candidate {
            match item {
                Item::Table(values) if name == "values" => {
                    for (column, value) in values {
                        out.push_str("values.");
                        toml_line(&mut out, column, value);
                    }
                }
                item => toml_line(&mut out, name, item),
            }
        }
    }
    out
}

/// Writes a draft as a JSON document: a line for each candidate, sorted by id.
///
/// [`from_json`](super::from_json) reads it as [`to_toml`] says.
#[must_use]
pub fn to_json(draft: &Draft) -> String {
    let mut out = String::from("{\n");
    for (name, item) in &head(draft) {
        out.push_str("  ");
        json_text(&mut out, name);
        out.push_str(": ");
        json_item(&mut out, item);
        out.push_str(",\n");
    }
    out.push_str("  \"candidates\": [");
    let mut separator = "\n    ";
    for candidate in candidates(draft) {
        out.push_str(separator);
        json_item(&mut out, &Item::Table(candidate));
        separator = ",\n    ";
    }
    out.push_str("\n  ]\n}\n");
    out
}

/// A table under its header, then the tables in it under theirs.
fn toml_section(out: &mut String, name: &str, table: &Table) {
    let is_table = |item: &Item| matches!(item, Item::Table(_));
    if table.iter().any(|(_, item)| !is_table(item)) {
        show(out, format_args!("\n[{name}]\n"));
        table.iter().filter(|(_, item)| !is_table(item)).for_each(|(name, item)| toml_line(out, name, item));
    }
    for (inner, item) in table {
        if let Item::Table(fields) = item {
            show(out, format_args!("\n[{name}."));
            toml_key(out, inner);
            out.push_str("]\n");
            fields.iter().for_each(|(name, item)| toml_line(out, name, item));
        }
    }
}

fn toml_line(out: &mut String, name: &str, item: &Item) {
    toml_key(out, name);
    out.push_str(" = ");
    match item {
        Item::List(items) if items.iter().any(|item| matches!(item, Item::Table(_))) => {
            out.push_str("[\n");
            for item in items {
                out.push_str("    ");
                toml_item(out, item);
                out.push_str(",\n");
            }
            out.push(']');
        }
        item => toml_item(out, item),
    }
    out.push('\n');
}

fn toml_item(out: &mut String, item: &Item) {
    match item {
        Item::Whole(number) => show(out, format_args!("{number}")),
        Item::Signed(number) => show(out, format_args!("{number}")),
        Item::Flag(flag) => show(out, format_args!("{flag}")),
        Item::Text(text) => toml_text(out, text),
        Item::List(items) => {
            out.push('[');
            separated(out, items, toml_item);
            out.push(']');
        }
        Item::Table(table) if table.is_empty() => out.push_str("{}"),
        Item::Table(table) => {
            out.push_str("{ ");
            separated(out, table, |out, (name, item)| {
                toml_key(out, name);
                out.push_str(" = ");
                toml_item(out, item);
            });
            out.push_str(" }");
        }
    }
}

fn toml_key(out: &mut String, name: &str) {
    let bare = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if !name.is_empty() && name.bytes().all(bare) { out.push_str(name) } else { toml_text(out, name) }
}

fn toml_text(out: &mut String, text: &str) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => out.extend(['\\', character]),
            control if control.is_control() => {
                show(out, format_args!("\\u{:04X}", u32::from(control)));
            }
            plain => out.push(plain),
        }
    }
    out.push('"');
}

fn json_item(out: &mut String, item: &Item) {
    match item {
        Item::Text(text) => json_text(out, text),
        Item::List(items) => {
            out.push('[');
            separated(out, items, json_item);
            out.push(']');
        }
        Item::Table(table) => {
            out.push('{');
            separated(out, table, |out, (name, item)| {
                json_text(out, name);
                out.push_str(": ");
                json_item(out, item);
            });
            out.push('}');
        }
        scalar => toml_item(out, scalar),
    }
}

/// The escapes of TOML's basic strings are those of JSON for the characters that either must escape.
fn json_text(out: &mut String, text: &str) {
    toml_text(out, text);
}

fn separated<T>(out: &mut String, items: &[T], each: impl Fn(&mut String, &T)) {
    let mut separator = "";
    for item in items {
        out.push_str(separator);
        each(out, item);
        separator = ", ";
    }
}

fn show(out: &mut String, arguments: core::fmt::Arguments<'_>) {
    let written = out.write_fmt(arguments);
    assert!(written.is_ok(), "a string takes what is written");
}
