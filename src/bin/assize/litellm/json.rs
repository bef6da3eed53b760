//! JSON with the text of its numbers kept and duplicate keys refused.

use std::{collections::BTreeMap, fmt};

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;

/// A JSON value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Json {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number, as it is written.
    Number(String),
    /// A string.
    Text(String),
    /// An array.
    List(Vec<Self>),
    /// An object.
    Object(Object),
}

/// The members of an object, by the bytes of their names.
pub(super) type Object = BTreeMap<String, Json>;

impl Json {
    /// Reads a text that is one object.
    pub(super) fn object(text: &str) -> Result<Object, JsonError> {
        read_object(text, 1)
    }

    fn read(raw: &RawValue, depth: usize) -> Result<Self, JsonError> {
        let text = raw.get();
        if depth > DEPTH_MAX {
            return Err(JsonError::Depth);
        }
        let inner = depth.saturating_add(1);
        // The whole text has been checked by the first reading, so that its first byte tells what it is.
        Ok(match text.bytes().next() {
            Some(b'{') => Self::Object(read_object(text, inner)?),
            Some(b'[') => {
                let items: Vec<&RawValue> = serde_json::from_str(text)?;
                Self::List(items.into_iter().map(|item| Self::read(item, inner)).collect::<Result<_, _>>()?)
            }
            Some(b'"') => Self::Text(serde_json::from_str(text)?),
            Some(b't') => Self::Bool(true),
            Some(b'f') => Self::Bool(false),
            Some(b'n') => Self::Null,
            _ => Self::Number(text.to_owned()),
        })
    }
}

impl fmt::Display for Json {
    /// As JSON, on one line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(value) => value.fmt(f),
            Self::Number(text) => f.write_str(text),
            Self::Text(text) => f.write_str(&quoted(text)),
            Self::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    write!(f, "{}{item}", if index == 0 { "[" } else { ", " })?;
                }
                f.write_str(if items.is_empty() { "[]" } else { "]" })
            }
            Self::Object(members) => {
                for (index, (name, item)) in members.iter().enumerate() {
                    write!(f, "{}{}: {item}", if index == 0 { "{" } else { ", " }, quoted(name))?;
                }
                f.write_str(if members.is_empty() { "{}" } else { "}" })
            }
        }
    }
}

/// Why a text is not the JSON that is read here.
#[derive(Debug)]
pub(crate) enum JsonError {
    /// It is no JSON, no object, or has a name twice in one object.
    Syntax(serde_json::Error),
    /// It is nested too deeply.
    Depth,
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax(error) => error.fmt(f),
            Self::Depth => write!(f, "nested more than {DEPTH_MAX} deep"),
        }
    }
}

impl From<serde_json::Error> for JsonError {
    fn from(error: serde_json::Error) -> Self {
        Self::Syntax(error)
    }
}

/// Each level is read once more for the level inside it, so that depth bounds the work.
const DEPTH_MAX: usize = 16;

fn read_object(text: &str, depth: usize) -> Result<Object, JsonError> {
    let members: Members<'_> = serde_json::from_str(text)?;
    members.0.into_iter().map(|(name, raw)| Ok((name, Json::read(raw, depth)?))).collect()
}

fn quoted(text: &str) -> String {
    // OK because every text has a JSON form.
    serde_json::to_string(text).unwrap_or_default()
}

/// The members of one object, their values unread.
struct Members<'a>(BTreeMap<String, &'a RawValue>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor).map(Members)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = BTreeMap<String, &'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = BTreeMap::new();
        while let Some(name) = map.next_key::<String>()? {
            if members.contains_key(&name) {
                return Err(A::Error::custom(format_args!("{name:?} twice in one object")));
            }
            members.insert(name, map.next_value()?);
        }
        Ok(members)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_their_text_and_names_are_unique() {
        let text = r#"{"b": [1.50, -0e-400, {"x": null}], "a": "é\n", "c": true}"#;
        let object = Json::object(text).unwrap();
        let shown = Json::Object(object).to_string();
        assert_eq!(shown, r#"{"a": "é\n", "b": [1.50, -0e-400, {"x": null}], "c": true}"#);
    }

    #[test]
    fn what_is_refused() {
        let deep = format!("{{\"a\":{}1{}}}", "[".repeat(20), "]".repeat(20));
        let very_deep = format!("{{\"a\":{}", "[".repeat(100_000));
        let cases = [
            ("", "EOF"),
            ("[]", "expected an object"),
            ("{\"a\": 1} x", "trailing characters"),
            ("{\"a\": 01}", "invalid number"),
            ("{\"a\": 1, \"a\": 1}", "\"a\" twice in one object"),
            ("{\"x\": {\"a\": 1, \"\\u0061\": 2}}", "\"a\" twice in one object"),
            ("{\"x\": [{\"a\": {}, \"a\": {}}]}", "\"a\" twice in one object"),
            (deep.as_str(), "nested more than"),
            (very_deep.as_str(), "EOF"),
        ];
        for (text, expected) in cases {
            let error = Json::object(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{expected}: {error}");
        }
    }
}
