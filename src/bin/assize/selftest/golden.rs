//! Records, digests, keys and decisions of format version 1, whose bytes were made by another implementation.

use assize::{
    crypto::{Digest, KeyId, RootKey},
    id::LogId,
    kernel::{Disabled, Request, prescribe},
    policy::Policy,
    record::{Kind, Record},
};
use serde_json::Value;

use super::{
    check::{Given, Seen, Wrong, holds, same, there},
    published::{expand, mac},
    shipped::document,
};

pub(super) fn records(_: &Given, did: &mut String) -> Seen {
    records_of(&document("records")?, did)
}

fn records_of(records: &Value, did: &mut String) -> Seen {
    let records = array(Some(records), "records")?;
    *did = format!("{} records of {} kinds", records.len(), Kind::ALL.len());
    let policies = policies(&document("vectors")?)?;
    let schema = there("a policy", policies.first())?.schema();
    let mut kinds: Vec<u16> = Vec::new();
    for vector in records {
        let (form, payload) = (text(vector.get("form"), "form")?, bytes(vector.get("payload"), "payload")?);
        let code = u16::try_from(number(vector.get("code"), "code")?)?;
        let record = Record::decode(code, &payload, Some(schema))?;
        same(form, &Some(&serde_json::to_value(&record)?), &vector.get("fields"))?;
        let mut written = Vec::new();
        record.encode(&mut written);
        same(form, &written, &payload)?;
        kinds.push(code);
    }
    for kind in Kind::ALL {
        holds(format_args!("no record is of kind {kind}"), kinds.contains(&kind.code()))?;
    }
    Ok("each reads as its fields, and is written as its bytes".to_owned())
}

pub(super) fn digests(_: &Given, did: &mut String) -> Seen {
    digests_of(&document("digests")?, did)
}

fn digests_of(digests: &Value, did: &mut String) -> Seen {
    let tagged = array(digests.get("tagged"), "tagged")?;
    let mut tags = Vec::new();
    for vector in tagged {
        let (tag, body) = (text(vector.get("tag"), "tag")?, bytes(vector.get("body"), "body")?);
        let known = TAGS.iter().find(|known| **known == tag);
        let known = there(tag, known)?;
        same(tag, &Digest::of(known, &body).to_string(), &text(vector.get("digest"), "digest")?.to_owned())?;
        tags.push(tag);
    }
    *did = format!("{} digests under {} tags", tagged.len(), TAGS.len());
    for tag in TAGS {
        holds(format_args!("no digest is under {tag}"), tags.contains(&tag))?;
    }
    Ok("each digest as the other implementation makes it".to_owned())
}

/// FORMAT 1.4.
const TAGS: [&str; 8] = [
    "assize/policy/1",
    "assize/schema/1",
    "assize/request/1",
    "assize/decision/1",
    "assize/operation/1",
    "assize/ledger/1",
    "assize/snapshot/1",
    "assize/state/1",
];

pub(super) fn keys(_: &Given, did: &mut String) -> Seen {
    keys_of(&document("digests")?, did)
}

/// Those of evolving keys are held to HMAC alone: the library gives them to logs, which the fixed ones show.
fn keys_of(digests: &Value, did: &mut String) -> Seen {
    let keys = array(digests.get("keys"), "keys")?;
    *did = format!("{} keys of two roots, and tags under them", keys.len());
    let mut tags = 0_usize;
    for vector in keys {
        let secret = bytes(vector.get("root"), "root")?;
        let id = KeyId(u32::try_from(number(vector.get("key_id"), "key_id")?)?);
        let log = LogId(fixed(vector.get("log_id"), "log_id")?);
        let (info, key) = (bytes(vector.get("info"), "info")?, fixed::<32>(vector.get("key"), "key")?);
        let is_static = number(vector.get("mode"), "mode")? == 1;
        let label = text(vector.get("label"), "label")?;
        if is_static {
            let mut expanded = [0; 32];
            expand(&log, &secret, &info, &mut expanded)?;
            holds(format_args!("a key of {label} is another"), expanded == key)?;
        }
        for (domain, tag) in vector.get("tags").and_then(Value::as_object).into_iter().flatten() {
            let (prefix, message) =
                (bytes(tag.get("prefix"), "prefix")?, bytes(tag.get("message"), "message")?);
            let expected = fixed(tag.get("tag"), "tag")?;
            same(domain, &mac(&key, &[prefix.as_slice(), &message].concat()), &expected)?;
            if is_static {
                let derived = RootKey::new(id, &secret)?.derive(log, &[&info], prefix.as_chunks().0);
                same(domain, &derived.tag(&[&message]).0, &expected)?;
            }
            tags = tags.saturating_add(1);
        }
    }
    holds("no tag was seen", tags > 0)?;
    Ok(format!("each key, and each of {tags} tags, as the other implementation makes it"))
}

pub(super) fn decisions(_: &Given, did: &mut String) -> Seen {
    decisions_of(&document("vectors")?, did)
}

fn decisions_of(vectors: &Value, did: &mut String) -> Seen {
    let policies = policies(vectors)?;
    let decisions = there("decisions", vectors.get("decisions").and_then(Value::as_object))?;
    *did = format!("{} policies, {} decisions worked out by hand", policies.len(), decisions.len());
    for (name, stated) in decisions {
        let epoch = number(stated.get("epoch"), "epoch")?;
        let policy = there("its policy", policies.iter().find(|policy| policy.epoch().0 == epoch))?;
        let request = vectors.get("requests").and_then(|of| of.get(text(stated.get("request"), "").ok()?));
        let request = there("its request", request)?;
        let request = Request::decode(&bytes(request.get("canonical"), "canonical")?, policy.schema())?;
        let decision = prescribe(policy, &Disabled::default(), &request)?;
        let mut written = Vec::new();
        decision.encode(&mut written);
        same(name, &written, &bytes(stated.get("canonical"), "canonical")?)?;
        same(name, &decision.digest(request.digest()).0, &fixed(stated.get("digest"), "digest")?)?;
    }
    holds("no decision was seen", !decisions.is_empty())?;
    Ok("each decided so again, with its bytes and its digest".to_owned())
}

fn policies(vectors: &Value) -> Result<Vec<Policy>, Wrong> {
    let mut policies = Vec::new();
    for stated in array(vectors.get("policies"), "policies")? {
        let canonical = bytes(stated.get("canonical"), "canonical")?;
        let policy = Policy::decode(&canonical)?;
        let mut written = Vec::new();
        policy.encode(&mut written);
        same("a policy's bytes", &written, &canonical)?;
        same("a policy's digest", &policy.digest().0, &fixed(stated.get("digest"), "digest")?)?;
        policies.push(policy);
    }
    Ok(policies)
}

/// The bytes of a text of hex digits.
pub(super) fn bytes(hex: Option<&Value>, what: &str) -> Result<Vec<u8>, Wrong> {
    let hex = text(hex, what)?;
    holds(format_args!("{what} is no text of hex digits"), hex.is_ascii() && hex.len().is_multiple_of(2))?;
    let pairs = hex.as_bytes().as_chunks::<2>().0.iter();
    pairs.map(|pair| Ok(u8::from_str_radix(std::str::from_utf8(pair)?, 16)?)).collect()
}

/// The same, of a length that is known.
pub(super) fn fixed<const N: usize>(hex: Option<&Value>, what: &str) -> Result<[u8; N], Wrong> {
    bytes(hex, what)?.try_into().map_err(|_| Wrong::new(format_args!("{what} has not {N} bytes")))
}

pub(super) fn text<'a>(value: Option<&'a Value>, what: &str) -> Result<&'a str, Wrong> {
    there(what, value.and_then(Value::as_str))
}

pub(super) fn number(value: Option<&Value>, what: &str) -> Result<u64, Wrong> {
    there(what, value.and_then(Value::as_u64))
}

pub(super) fn array<'a>(value: Option<&'a Value>, what: &str) -> Result<&'a [Value], Wrong> {
    there(what, value.and_then(Value::as_array).map(Vec::as_slice))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_wrong(check: fn(&Value, &mut String) -> Seen, name: &str, alter: &dyn Fn(&mut Value)) {
        let mut vectors = document(name).unwrap();
        assert!(check(&vectors, &mut String::new()).is_ok());
        alter(&mut vectors);
        assert!(check(&vectors, &mut String::new()).is_err());
    }

    #[test]
    fn a_vector_that_is_another_is_told() {
        is_wrong(records_of, "records", &|of| of[0]["fields"]["operations_max"] = 5.into());
        is_wrong(records_of, "records", &|of| of[0]["payload"] = "00".into());
        is_wrong(records_of, "records", &|of| of.as_array_mut().unwrap().truncate(40));
        is_wrong(digests_of, "digests", &|of| of["tagged"][0]["digest"] = "00".into());
        is_wrong(digests_of, "digests", &|of| of["tagged"].as_array_mut().unwrap().truncate(3));
        is_wrong(keys_of, "digests", &|of| of["keys"][6]["key"] = "00".repeat(32).into());
        is_wrong(keys_of, "digests", &|of| {
            of["keys"][6]["tags"]["assize/frame"]["tag"] = "00".repeat(32).into()
        });
        is_wrong(keys_of, "digests", &|of| of["keys"] = Value::Array(Vec::new()));
        is_wrong(decisions_of, "vectors", &|of| of["decisions"]["cached"]["canonical"] = "00".into());
        is_wrong(decisions_of, "vectors", &|of| of["policies"][0]["digest"] = "00".repeat(32).into());
    }
}
