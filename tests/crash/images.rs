//! Images of a log's files: which a crash may leave at one moment, and what must hold of each.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
};

use assize::{
    controller::OpenError,
    record::Halt,
    wal::{
        self, ReadError,
        storage::{self, Memory, Operation, Piece, Unit},
    },
};

use crate::battery::{
    Drawn,
    chance::{MAKING, Shared},
    host::Host,
    told::{Crash, Known},
    watched::{Watch, Watched},
};

/// What was looked at, and what it came to.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) workloads: u64,
    /// Different ones, or alike where more had been answered for.
    pub(crate) images: u64,
    /// Of them, those of a log that was being opened.
    pub(crate) recovering: u64,
    /// Those of which a tail was cut.
    pub(crate) cut: u64,
    /// Those of a log whose creation had not ended, with none in them.
    pub(crate) none: u64,
    /// Those that were written to, and crashed again.
    pub(crate) went_on: u64,
    pub(crate) records: u64,
    pub(crate) rotations: u64,
    /// Logs of which segments were deleted.
    pub(crate) pruned: u64,
    pub(crate) failed_openings: u64,
    /// Calls that were not answered and are in the log, and calls that were not and were made again.
    pub(crate) found: u64,
    pub(crate) again: u64,
}

impl Counts {
    pub(crate) fn add(&mut self, more: Self) {
        self.workloads += more.workloads;
        self.images += more.images;
        self.recovering += more.recovering;
        self.cut += more.cut;
        self.none += more.none;
        self.went_on += more.went_on;
        self.records += more.records;
        self.rotations += more.rotations;
        self.pruned += more.pruned;
        self.failed_openings += more.failed_openings;
        self.found += more.found;
        self.again += more.again;
    }
}

/// The images of one workload.
#[derive(Clone)]
pub(crate) struct Images {
    known: Shared,
    taking: Arc<Mutex<Taking>>,
}

struct Taking {
    drawn: Drawn,
    counts: Counts,
    /// Marks of what was looked at.
    seen: HashSet<u64>,
    what: String,
}

/// How many random images are taken at each moment: of a log in use, and of one that is opened after a crash.
const RANDOM: [u64; 2] = [8, 2];
/// One in so many images is opened with a look at what the opening does, and one in so many goes on.
const ONE_IN: u64 = 6;

impl Images {
    pub(crate) fn new(seed: u64, known: Shared) -> Self {
        let taking = Taking {
            drawn: Drawn(!seed),
            counts: Counts::default(),
            seen: HashSet::new(),
            what: String::new(),
        };
        Self { known, taking: Arc::new(Mutex::new(taking)) }
    }

    /// Looks before each change to the files.
    pub(crate) fn watch(&self) -> Watch {
        let images = self.clone();
        Arc::new(move |memory, _: Operation| images.look(memory))
    }

    pub(crate) fn say(&self, what: String) {
        self.with(|taking| taking.what = what);
    }

    pub(crate) fn count<T>(&self, act: impl FnOnce(&mut Counts) -> T) -> T {
        self.with(|taking| act(&mut taking.counts))
    }

    /// Looks at what a crash at this moment may leave.
    pub(crate) fn look(&self, memory: &Memory) {
        self.known.with(|known| self.take(memory, known, 0));
    }

    /// One of the images.
    pub(crate) fn one_of(&self, memory: &Memory) -> Memory {
        let crash = memory.crash();
        let pieces = crash.pieces(Unit::Sector);
        let kept = self.with(|taking| draw(&pieces, &mut taking.drawn));
        crash.image(kept.into_iter().map(|at| &pieces[at]))
    }

    fn take(&self, memory: &Memory, known: &Known, depth: usize) {
        let crash = memory.crash();
        let (sectors, pages) = (crash.pieces(Unit::Sector), crash.pieces(Unit::Page));
        let all = || (0..sectors.len()).collect::<Vec<_>>();
        self.image(&crash, &sectors, &all(), known, Crash::Killed, depth);
        // Torn anywhere: with the lengths of files as they were, and grown.
        for kept in 0..sectors.len() {
            let kept = &all()[..kept];
            self.image(&crash, &sectors, kept, known, Crash::PowerCut, depth);
            let bytes: Vec<_> =
                kept.iter().copied().filter(|at| sectors[*at].operation() != Operation::SetLen).collect();
            self.image(&crash, &sectors, &bytes, known, Crash::PowerCut, depth);
        }
        for round in 0..if sectors.is_empty() { 0 } else { RANDOM[depth] } {
            let pieces = if round % 4 == 0 { &pages } else { &sectors };
            let kept = self.with(|taking| draw(pieces, &mut taking.drawn));
            self.image(&crash, pieces, &kept, known, Crash::PowerCut, depth);
        }
    }

    fn image(
        &self,
        crash: &storage::Crash,
        pieces: &[Piece],
        kept: &[usize],
        known: &Known,
        how: Crash,
        depth: usize,
    ) {
        let image = crash.image(kept.iter().map(|at| &pieces[*at]));
        let mark = mark(&image, known);
        let (is_new, goes_deeper, goes_on) = self.with(|taking| {
            let is_new = taking.seen.insert(mark);
            let drawn = taking.drawn.below(ONE_IN);
            // What the opening itself writes can be lost as well.
            (is_new, depth == 0 && drawn == 0, drawn == 1)
        });
        if !is_new {
            return;
        }
        let what = || {
            let what = self.with(|taking| taking.what.clone());
            let operations: Vec<_> = pieces.iter().map(Piece::operation).collect();
            format!("{what}, depth {depth}, {how:?}, {kept:?} kept of {operations:?}")
        };
        let watch = goes_deeper.then(|| -> Watch {
            let (images, mut known) = (self.clone(), known.clone());
            if how == Crash::PowerCut {
                known.cut_power();
            }
            Arc::new(move |memory, _| images.take(memory, &known, 1))
        });
        let counts = check(&image, known, how, watch, goes_on, &what);
        self.with(|taking| {
            taking.counts.add(counts);
            taking.counts.recovering += u64::from(depth > 0);
        });
    }

    fn with<T>(&self, act: impl FnOnce(&mut Taking) -> T) -> T {
        act(&mut self.taking.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Opens the image, which must have what is known.
fn check(
    image: &Memory,
    known: &Known,
    how: Crash,
    watch: Option<Watch>,
    goes_on: bool,
    what: &dyn Fn() -> String,
) -> Counts {
    let mut counts = Counts { images: 1, ..Counts::default() };
    let opened = match watch {
        Some(watch) => MAKING.open(Box::new(Watched { memory: image.clone(), watch }), None),
        None => MAKING.open(Box::new(image.clone()), None),
    };
    let opened = match opened {
        Ok(opened) => opened,
        Err(OpenError::Log(wal::OpenError::Read(ReadError::Missing | ReadError::Empty)))
            if !known.created =>
        {
            let created = MAKING.try_create(Box::new(image.clone()));
            drop(created.unwrap_or_else(|error| panic!("{}: {error}", what())));
            counts.none = 1;
            return counts;
        }
        Err(error) => panic!("{}: {error}: {:?}", what(), std::error::Error::source(&error)),
    };
    let cut = opened.recovery.cut.is_some();
    counts.cut = u64::from(cut);
    let found = known.must_hold(image, &opened.controller, how, what);
    assert_eq!(opened.recovery.head.0, found.head, "{}", what());
    assert_eq!(image.crash().pieces(Unit::Sector), [], "{}: what opening shows is on disk", what());
    if goes_on {
        counts.went_on = 1;
        // What was found is on disk by now, and so is what comes after it.
        let mut host = Host::new(opened.controller, crate::battery::host::START);
        let call = host.call();
        let last = host.controller.halt(Halt::ReduceOnly, call).unwrap();
        drop(host);
        image.cut_power();
        let again =
            MAKING.open(Box::new(image.clone()), None).unwrap_or_else(|error| panic!("{}: {error}", what()));
        assert_eq!((again.recovery.head, again.recovery.cut), (last, None), "{}", what());
        let report = crate::replay(image, crate::ReadOptions::default());
        let report = report.unwrap_or_else(|error| panic!("{}, gone on: {error}", what()));
        assert_eq!(report.summary.head.sequence(), last, "{}", what());
    }
    counts
}

/// Draws some of the pieces: few, half, or most.
fn draw(pieces: &[Piece], drawn: &mut Drawn) -> Vec<usize> {
    let of_eight = [1, 4, 7][drawn.below(3) as usize];
    (0..pieces.len()).filter(|_| drawn.below(8) < of_eight).collect()
}

/// Tells images apart, and what must be in them.
fn mark(image: &Memory, known: &Known) -> u64 {
    const PRIME: u64 = 0x9E37_79B9_7F4A_7C15;
    let mut mark = 0_u64;
    let mut add = |word: u64| mark = (mark.rotate_left(23) ^ word).wrapping_mul(PRIME);
    add(known.told.len() as u64);
    add(known.written);
    add(known.synced);
    for name in image.names() {
        let bytes = image.bytes(&name).unwrap();
        for part in [name.as_bytes(), &bytes] {
            for chunk in part.chunks(8) {
                let mut word = [0; 8];
                word[..chunk.len()].copy_from_slice(chunk);
                add(u64::from_le_bytes(word));
            }
            add(part.len() as u64);
        }
    }
    mark
}
