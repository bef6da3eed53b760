//! Every tagged digest and every key, each with what goes into it.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use assize::{
    crypto::{Digest, KeyId, RootKey},
    id::LogId,
    wal::{
        EvolvingKey,
        storage::{Memory, StateFile},
    },
};
use hkdf::Hkdf;
use serde_json::Value;
use sha2::Sha256;

use crate::files::{array, bytes, document, list, text};

#[test]
fn every_tagged_digest_is_what_both_make_of_it() {
    for vector in list(&document("digests.json")["tagged"]) {
        // Tags are constants of the library; a test has as many as there are vectors.
        let tag: &'static str = Box::leak(text(&vector["tag"]).to_owned().into_boxed_str());
        assert_eq!(Digest::of(tag, &bytes(&vector["body"])).0, array(&vector["digest"]), "{tag}");
    }
    for vector in list(&document("digests.json")["files"]) {
        assert_eq!(Digest::of_file(&bytes(&vector["body"])).0, array(&vector["sha256"]));
    }
}

#[test]
fn every_key_is_derived_by_both_alike() {
    for vector in list(&document("digests.json")["keys"]) {
        let root = RootKey::new(KeyId(number(&vector["key_id"])), &bytes(&vector["root"])).unwrap();
        let log = LogId(array(&vector["log_id"]));
        let (info, key) = (bytes(&vector["info"]), array::<32>(&vector["key"]));
        let is_static = vector["mode"] == 1;
        if is_static {
            // What the library derives is HKDF of the log's id and the root (FORMAT 5.1), by another hand as well.
            let mut expanded = [0; 32];
            Hkdf::<Sha256>::new(Some(&log.0), &bytes(&vector["root"])).expand(&info, &mut expanded).unwrap();
            assert_eq!(expanded, key);
        }
        for (domain, tag) in vector["tags"].as_object().into_iter().flatten() {
            let prefix = bytes(&tag["prefix"]);
            let message = bytes(&tag["message"]);
            if is_static {
                let derived = root.derive(log, &[&info], prefix.as_chunks().0);
                assert_eq!(derived.tag(&[&message]).0, array(&tag["tag"]), "{domain}");
                let (half, rest) = message.split_at(message.len() / 2);
                assert_eq!(derived.tag(&[half, rest]).0, array(&tag["tag"]), "{domain}, in two parts");
            }
            // HKDF-Extract is HMAC of the message under the salt.
            let (mac, _) = Hkdf::<Sha256>::extract(Some(&key), &[prefix, message].concat());
            assert_eq!(<[u8; 32]>::from(mac), array(&tag["tag"]), "{domain}");
        }
    }
}

/// K₁ is in the state that the library begins with; what follows from it, logs under evolving keys show.
#[test]
fn an_evolving_key_begins_as_both_derive_it() {
    let document = document("digests.json");
    let keys = list(&document["keys"]).iter();
    let firsts = keys.filter(|vector| vector["label"] == "assize/evolve/1" && vector["segment"] == 1);
    let mut begun = 0;
    for vector in firsts {
        let root = RootKey::new(KeyId(number(&vector["key_id"])), &bytes(&vector["root"])).unwrap();
        let memory = Memory::new();
        memory.replace("other", b"");
        let store = StateFile::within(Box::new(memory.clone()), "state");
        drop(EvolvingKey::begin(root, LogId(array(&vector["log_id"])), Box::new(store)).unwrap());
        assert_eq!(memory.bytes("state").unwrap()[40..72], array::<32>(&vector["key"]));
        begun += 1;
    }
    assert_eq!(begun, 2);
}

/// A digest, a key or a domain that is new needs a vector.
#[test]
fn every_tag_in_the_sources_has_a_vector() {
    let document = document("digests.json");
    let mut known: BTreeSet<String> =
        list(&document["tagged"]).iter().map(|vector| text(&vector["tag"]).to_owned()).collect();
    for vector in list(&document["keys"]) {
        known.insert(text(&vector["label"]).to_owned());
        known.extend(vector["tags"].as_object().into_iter().flatten().map(|(domain, _)| domain.clone()));
    }
    // The domain of an anchor is its key; that of a form is never written anywhere: what one reading compares with another.
    known.remove("assize/anchor");
    known.insert("assize/form".to_owned());
    assert_eq!(tags_in_the_sources(), known);
}

fn tags_in_the_sources() -> BTreeSet<String> {
    let mut files = Vec::new();
    walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
    let mut tags = BTreeSet::new();
    for file in files.iter().filter(|file| !file.components().any(|part| part.as_os_str() == "bin")) {
        let text = fs::read_to_string(file).unwrap();
        for part in text.split("\"assize/").skip(1) {
            let tag = part.split('"').next().unwrap();
            tags.insert(format!("assize/{tag}"));
        }
    }
    tags
}

fn walk(dir: &Path, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, out);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            out.push(path);
        }
    }
}

fn number(value: &Value) -> u32 {
    value.as_u64().unwrap().try_into().unwrap()
}
