//! A tail torn in any way: what opening keeps is what the log was after one of its records, and nothing that was whole before
//! the tear is lost.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use assize::audit::{AuditOptions, Observer, Step, verify};
use assize::wal::CHECKPOINT_PART;

use super::{
    Reached,
    battery::{self, format, host::Making, image::Image, log::replay_with},
    checkpoint::form,
    seeds,
};

/// Bytes: how it is torn, where (`u16`, after the last segment's checkpoint), and what stands there.
pub fn check(bytes: &[u8]) -> Reached {
    let [how, low, high, with @ ..] = bytes else { return Reached::new() };
    let genuine = LOG.image.segment(LOG.image.last());
    let after = usize::from(u16::from_le_bytes([*low, *high])) % (genuine.len() - LOG.checkpoint_end + 1);
    let place = LOG.checkpoint_end + after;
    let mut torn = genuine.clone();
    if how & IN_PLACE == 0 {
        torn.truncate(place);
        torn.extend_from_slice(with);
    } else {
        torn[place..].iter_mut().zip(with).for_each(|(byte, with)| *byte ^= with);
    }
    if how & ZEROS != 0 {
        torn.resize(torn.len() + 64, 0);
    }
    let image = LOG.image.with(LOG.image.last(), torn);
    let (memory, nothing_stands_there) = (image.memory(), with.iter().all(|byte| *byte == 0));
    let opened = match MAKING.open(Box::new(memory.clone()), None) {
        Ok(opened) => opened,
        Err(refused) => {
            assert!(!nothing_stands_there, "a log that was cut does not open: {refused}");
            assert!(Image::of(&memory) == image, "an opening that is refused changes files: {refused}");
            return vec!["refused"];
        }
    };
    let (sequence, seen) =
        opened.controller.with_ledger(|ledger| (ledger.sequence().0, state(form(ledger)))).unwrap();
    drop(opened.controller);
    let verified = verify(&memory, &[&battery::host::key()], AuditOptions::default());
    let head =
        verified.unwrap_or_else(|error| panic!("what was opened does not verify: {error}")).summary.head;
    assert_eq!(head.sequence().0, sequence);
    let kept = sequence - u64::from(opened.recovery.cut.is_some());
    assert!(LOG.states.get(&kept) == Some(&seen), "the state is not that after record {kept}");
    let whole = LOG.ends.iter().rfind(|(_, end)| *end <= place).unwrap().0;
    assert!(kept >= whole, "record {whole} stands before the tear, and {kept} is the last that was kept");
    vec!["kept", if opened.recovery.cut.is_some() { "cut" } else { "not cut" }]
}

static LOG: LazyLock<Log> = LazyLock::new(|| {
    let image = seeds::days(70, false);
    let mut states = States::default();
    let _report = replay_with(&image.reading(), &mut states).unwrap();
    let frames = format::frames(image.segment(image.last()));
    let ends: Vec<_> = frames.iter().map(|frame| (frame.sequence, frame.end())).collect();
    let parts = frames.iter().filter(|frame| frame.kind == CHECKPOINT_PART);
    let checkpoint_end = parts.map(format::Frame::end).max().unwrap();
    Log { image, states: states.0, ends, checkpoint_end }
});

/// A log of several segments, and what it was.
struct Log {
    image: Image,
    /// By sequence, the canonical form of the ledger but for the sequence.
    states: BTreeMap<u64, Vec<u8>>,
    /// The frames of the last segment and where each ends.
    ends: Vec<(u64, usize)>,
    checkpoint_end: usize,
}

#[derive(Default)]
struct States(BTreeMap<u64, Vec<u8>>);

impl Observer for States {
    fn after(&mut self, step: &Step<'_>) {
        self.0.insert(step.at.sequence.0, state(form(step.ledger)));
    }
}

/// The record of a cut changes nothing but the sequence.
fn state(mut form: Vec<u8>) -> Vec<u8> {
    form.split_off(10)
}

const MAKING: Making = Making {
    id: battery::host::LOG_ID,
    segment_bytes: 4 << 10,
    start: battery::host::START,
    terms: battery::host::TERMS,
};

const IN_PLACE: u8 = 1;
const ZEROS: u8 = 2;
