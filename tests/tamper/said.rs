//! What a verifier says is no help to whoever altered the log: no error has any part of a tag that would be right, and
//! nothing that an error says, pasted back, makes the log verify.

use std::{collections::BTreeSet, error::Error};

use assize::{
    audit::AuditError,
    id::LogId,
    wal::{ReadOptions, Reader},
};

use crate::{
    LOG,
    battery::{
        format::{self, HEADER_TAG, TRAILER_BYTES},
        host::{Making, key},
        log::{Unit, replay, verify},
    },
};

/// The shortest run of a tag's bytes that would be told.
const RUN: usize = 16;

#[test]
fn no_error_says_a_part_of_the_right_tag_or_what_repairs_the_log() {
    let (mut errors, mut characters, mut pasted, mut undone, mut forged) = (0, 0, 0, 0, 0);
    for unit in LOG.one_of_each() {
        for byte in altered_bytes(&unit) {
            let mut bytes = unit.of(&LOG.image).to_vec();
            bytes[byte] ^= 1 << (byte % 8);
            repair(&unit, &mut bytes);
            let right = right_tag(&unit, &bytes);
            forged += u64::from(is_right(&unit, &bytes, right));

            let text = everything_said(&unit, &bytes);
            assert!(tells(&text, &right).is_none(), "{:?} in: {text}", tells(&text, &right));
            (errors, characters) = (errors + 1, characters + text.len());
            for guess in guesses(&unit, &bytes, &text) {
                if guess == unit.of(&LOG.image) {
                    // The log as it was: the alteration is undone, not hidden.
                    undone += 1;
                } else {
                    assert!(error_of(&unit, &guess).is_some(), "pasted into the {}", unit.shape);
                    pasted += 1;
                }
            }
        }
    }
    assert!(errors > 300 && pasted > 10_000, "{errors} errors, {pasted} pasted");
    assert!(forged > 200, "{forged} right tags");
    println!(
        "{errors} errors of {characters} characters; {pasted} pastings fail, {undone} undo what was altered; of the \
         right tags, {forged} would have been taken"
    );
}

/// The finder finds what it looks for, in every form in which a program prints bytes.
#[test]
fn a_tag_that_is_told_is_found() {
    let tag: [u8; 32] = core::array::from_fn(|at| (at * 37 + 5) as u8);
    let hex = |bytes: &[u8], between: &str| {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(between)
    };
    for text in [
        format!("the tag is {}, not this", hex(&tag, "")),
        format!("the tag is {}", hex(&tag[9..25], "").to_uppercase()),
        format!("{} ..", hex(&tag[..16], ":")),
        format!("Tag({:?})", tag),
        format!("Tag({:?})", &tag[16..]),
        format!("{:#?}", tag),
        format!("{:#04x?}", &tag[3..20]),
        hex(&tag, " "),
    ] {
        assert!(tells(&text, &tag).is_some(), "{text}");
        assert!(!runs(&text).is_empty(), "{text}");
    }
    assert!(tells(&hex(&tag[..15], ""), &tag).is_none());
}

/// Bytes of all fields, and some of a long payload.
fn altered_bytes(unit: &Unit) -> Vec<usize> {
    let fields: &[usize] = match unit.frame {
        None => &[12, 16, 31, 32, 40, 48, 56, 87, 88, 119, 216, 247],
        Some(_) => &[8, 15, 16, 24, 32, 40, 41, 42, 44],
    };
    let tag = unit.bytes - TRAILER_BYTES;
    let trailer = if unit.frame.is_some() { vec![tag, tag + 7, tag + 31] } else { Vec::new() };
    let payload = (60..tag).step_by(tag.div_ceil(12)).filter(|_| unit.frame.is_some());
    fields.iter().copied().chain(trailer).chain(payload).filter(|byte| *byte < unit.bytes).collect()
}

fn repair(unit: &Unit, bytes: &mut [u8]) {
    match unit.frame {
        Some(_) => format::repair_frame(bytes, LOG.id, unit.segment),
        None => format::repair_header(bytes),
    }
}

fn tag_place(unit: &Unit) -> usize {
    if unit.frame.is_some() { unit.bytes - TRAILER_BYTES } else { HEADER_TAG }
}

/// The tag that would make the altered bytes genuine.
fn right_tag(unit: &Unit, bytes: &[u8]) -> [u8; 32] {
    if unit.frame.is_none() {
        // A header is read under the log and the segment that it states.
        let id = LogId(bytes[16..32].try_into().unwrap());
        return format::header_tag(&key(), id, format::u32_at(bytes, 32), bytes);
    }
    let before = LOG.units.iter().rfind(|other| other.segment == unit.segment && other.end() == unit.offset);
    let before = before.unwrap();
    let previous = before.of(&LOG.image)[tag_place(before)..][..32].try_into().unwrap();
    format::frame_tag(&key(), LOG.id, unit.segment, previous, bytes)
}

/// A check of the check: whether that tag makes the unit pass, so that what fails is elsewhere or nothing. Whatever
/// else is wrong, the tag is not.
fn is_right(unit: &Unit, bytes: &[u8], right: [u8; 32]) -> bool {
    let mut forged = bytes.to_vec();
    forged[tag_place(unit)..][..32].copy_from_slice(&right);
    repair(unit, &mut forged);
    match error_of(unit, &forged).filter(|error| error.place() == Some(unit.place())) {
        Some(error) => {
            let said = error.to_string();
            assert!(!said.contains("tag does not verify"), "{} with the right tag: {said}", unit.shape);
            false
        }
        None => true,
    }
}

fn error_of(unit: &Unit, bytes: &[u8]) -> Option<AuditError> {
    let altered = LOG.image.patched(unit.segment, vec![(unit.offset, bytes.to_vec())]);
    verify(&altered, ReadOptions::default()).err()
}

/// In all forms, by everything that reads a log.
fn everything_said(unit: &Unit, bytes: &[u8]) -> String {
    let altered = LOG.image.patched(unit.segment, vec![(unit.offset, bytes.to_vec())]);
    let verified = verify(&altered, ReadOptions::default()).unwrap_err();
    let replayed = replay(&altered, ReadOptions::default()).unwrap_err();
    let mut text = said_by(&verified) + &said_by(&replayed);
    #[cfg(feature = "serde")]
    {
        text += &serde_json::to_string(&verified).unwrap();
    }
    let key = key();
    let keys = [&key];
    match Reader::open(&altered, &keys, ReadOptions::default()) {
        Err(error) => text += &said_by(&error),
        Ok(reader) => text += &said_by(&reader.finish().unwrap_err()),
    }
    if unit.segment == LOG.image.last() {
        let mut segment = LOG.image.segment(unit.segment).clone();
        segment[unit.offset..unit.end()].copy_from_slice(bytes);
        let memory = LOG.image.with(unit.segment, segment).memory();
        if let Err(error) = Making::default().open(Box::new(memory), None) {
            text += &said_by(&error);
        }
    }
    text
}

fn said_by(error: &dyn Error) -> String {
    let mut text = String::new();
    let mut next = Some(error);
    while let Some(error) = next {
        text += &format!("{error}\n{error:?}\n{error:#?}\n");
        next = error.source();
    }
    text
}

/// A run of the tag that the text has, in hexadecimal with anything or nothing between the bytes, or in decimal.
fn tells(text: &str, tag: &[u8; 32]) -> Option<Vec<u8>> {
    let said = runs(text);
    tag.windows(RUN).find(|run| said.iter().any(|said| contains(said, run))).map(<[u8]>::to_vec)
}

fn contains(bytes: &[u8], run: &[u8]) -> bool {
    bytes.windows(run.len()).any(|window| window == run)
}

/// Every run of at least 16 bytes that the text can be read as.
fn runs(text: &str) -> BTreeSet<Vec<u8>> {
    let mut runs = BTreeSet::new();
    // Hexadecimal digits in one word.
    for word in text.split(|c: char| !c.is_ascii_hexdigit()).filter(|word| word.len() >= RUN * 2) {
        for start in 0..2 {
            let digits = word.as_bytes()[start..].chunks_exact(2);
            runs.insert(
                digits.map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap()).collect(),
            );
        }
    }
    // Bytes one by one, in hexadecimal or decimal.
    for radix in [10, 16] {
        let mut run = Vec::new();
        let words = text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
        for word in words.chain(["end"]) {
            match u8::from_str_radix(word.trim_start_matches("0x"), radix) {
                Ok(byte) if word.len() <= 4 => run.push(byte),
                _ if run.len() >= RUN => drop(runs.insert(core::mem::take(&mut run))),
                _ => run.clear(),
            }
        }
    }
    runs
}

/// The altered bytes with what the text says put into every field that it fits: runs of bytes into the tag, numbers
/// into the numbers.
fn guesses(unit: &Unit, bytes: &[u8], text: &str) -> Vec<Vec<u8>> {
    let mut guesses = Vec::new();
    let mut guess = |at: usize, said: &[u8]| {
        let mut guess = bytes.to_vec();
        if let Some(place) = guess.get_mut(at..at + said.len()) {
            place.copy_from_slice(said);
            repair(unit, &mut guess);
            guesses.push(guess);
        }
    };
    let tag = tag_place(unit);
    for run in runs(text) {
        for piece in [&run[..run.len().min(32)], &run[run.len() - run.len().min(32)..]] {
            guess(tag, piece);
            guess(tag + 32 - piece.len(), piece);
        }
    }
    let numbers: BTreeSet<u64> =
        text.split(|c: char| !c.is_ascii_digit()).filter_map(|n| n.parse().ok()).collect();
    let (wide, narrow, short): (&[usize], &[usize], &[usize]) = match unit.frame {
        Some(_) => (&[8, 16, 24, 32], &[4], &[40, 42]),
        None => (&[40, 48], &[12, 32], &[8]),
    };
    for number in numbers {
        wide.iter().for_each(|at| guess(*at, &number.to_le_bytes()));
        narrow.iter().for_each(|at| guess(*at, &(number as u32).to_le_bytes()));
        short.iter().for_each(|at| guess(*at, &(number as u16).to_le_bytes()));
        // As if it were a tag.
        guess(tag, &number.to_le_bytes().repeat(4));
    }
    guesses
}
