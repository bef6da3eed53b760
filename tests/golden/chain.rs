//! Headers and frames: each kind of them stands in one of the logs, and each tag follows from the key and the tag before it.

use std::{collections::BTreeSet, fs};

use assize::{
    crypto::{KeyId, RootKey},
    id::LogId,
    record::Kind,
};

use crate::{
    files::{array, bytes, document, list, v1},
    format::{self, Frame, HEADER_BYTES, HEADER_TAG, TRAILER_BYTES},
};

/// FORMAT 7.8; of the other control frames, `format` knows the kinds.
const KEY_CHANGE: u16 = 68;

#[test]
fn every_kind_of_frame_stands_in_a_log() {
    let mut seen = BTreeSet::new();
    for log in logs() {
        for entry in fs::read_dir(v1().join(log)).unwrap() {
            let segment = fs::read(entry.unwrap().path()).unwrap();
            seen.extend(format::frames(&segment).iter().map(|frame| frame.kind));
        }
    }
    let mut expected: BTreeSet<_> = Kind::ALL.iter().map(|kind| kind.code()).collect();
    expected.extend([format::CHECKPOINT_PART, format::SEAL, KEY_CHANGE]);
    assert_eq!(seen, expected);
}

#[test]
fn every_tag_under_a_static_key_follows_from_the_one_before_it() {
    let mut frames_seen = 0;
    for log in logs() {
        let stated = document(&format!("{log}.json"));
        if stated["key_mode"] != "static" {
            continue;
        }
        let root = &list(&stated["roots"])[0];
        let id = KeyId(root["id"].as_u64().unwrap().try_into().unwrap());
        let root = RootKey::new(id, &bytes(&root["secret"])).unwrap();
        let log_id = LogId(array(&stated["log_id"]));
        let head = stated["head"]["sequence"].as_u64().unwrap();
        let mut last = [0; 32];
        let mut names: Vec<_> =
            fs::read_dir(v1().join(&log)).unwrap().map(|entry| entry.unwrap().path()).collect();
        names.sort();
        for path in names {
            let segment = fs::read(&path).unwrap();
            let number = path.file_stem().unwrap().to_str().unwrap().parse().unwrap();
            let mut tag: [u8; 32] = segment[HEADER_TAG..HEADER_TAG + 32].try_into().unwrap();
            assert_eq!(format::header_tag(&root, log_id, number, &segment[..HEADER_BYTES]), tag, "{path:?}");
            // The torn one ends in half a frame, which is none.
            let whole = |frame: &Frame| frame.sequence <= head;
            for frame in format::frames(&segment).into_iter().filter(whole) {
                let bytes = frame.of(&segment);
                let own: [u8; 32] = bytes[bytes.len() - TRAILER_BYTES..][..32].try_into().unwrap();
                assert_eq!(format::frame_tag(&root, log_id, number, tag, bytes), own, "{path:?} {frame:?}");
                let mut repaired = bytes.to_vec();
                format::repair_frame(&mut repaired, log_id, number);
                assert_eq!(repaired, bytes, "the checksum of {frame:?}");
                tag = own;
                frames_seen += 1;
            }
            last = tag;
        }
        assert_eq!(last, array(&stated["head"]["tag"]), "{log}");
    }
    assert!(frames_seen > 150, "{frames_seen}");
}

#[test]
fn frames_stand_where_they_were_stated() {
    let document = document("vectors.json");
    for (log, of) in [("log", &document), ("windows", &document["windows"])] {
        let mut found = Vec::new();
        for number in 1..=2 {
            let segment = fs::read(v1().join(log).join(format!("{number:08}.seg"))).unwrap();
            for frame in format::frames(&segment) {
                let bytes = frame.of(&segment);
                found.push((number, frame, bytes[bytes.len() - TRAILER_BYTES..][..32].to_vec()));
            }
        }
        let stated = list(&of["frames"]);
        assert_eq!(stated.len(), found.len());
        for (stated, (segment, frame, tag)) in stated.iter().zip(found) {
            let fields =
                ["segment", "sequence", "kind", "offset"].map(|field| stated[field].as_u64().unwrap());
            assert_eq!(fields, [segment, frame.sequence, u64::from(frame.kind), frame.offset as u64]);
            assert_eq!(tag, bytes(&stated["tag"]));
        }
    }
}

fn logs() -> Vec<String> {
    let entries = fs::read_dir(v1()).unwrap().map(|entry| entry.unwrap());
    let dirs = entries.filter(|entry| entry.file_type().unwrap().is_dir());
    dirs.map(|entry| entry.file_name().into_string().unwrap()).collect()
}
