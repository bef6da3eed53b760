//! The group under every interleaving, with a leader that only counts.
//!
//! `RUSTFLAGS="--cfg loom" cargo test --release --lib loom_` runs them.

use loom::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
    },
    thread,
};
use std::sync::{Arc as StdArc, atomic::AtomicUsize as StdCounter};

use super::*;

/// What the leader has done, for the waiters to look at.
pub(super) struct Disk {
    written: AtomicU64,
    synced: AtomicU64,
    leading: AtomicBool,
    rounds: AtomicU64,
}

impl Disk {
    /// The last record that is so durable.
    pub(super) fn reached(&self, to: Durability) -> u64 {
        match to {
            Durability::Written => self.written.load(SeqCst),
            Durability::Synced => self.synced.load(SeqCst),
        }
    }
}

/// Counts the bytes of a batch as its records.
pub(super) struct Counter {
    disk: Arc<Disk>,
    written: u64,
    synced: u64,
    /// The round that fails, from 1.
    fails: u64,
}

impl Lead for Counter {
    type Report = ();

    fn lead(&mut self, batch: &mut [u8], to: Durability) -> Result<Round<()>, Failure> {
        assert!(!self.disk.leading.swap(true, SeqCst), "one leads at a time");
        let round = self.disk.rounds.fetch_add(1, SeqCst) + 1;
        if round == self.fails {
            self.disk.leading.store(false, SeqCst);
            return Err(Failure::SegmentsExhausted);
        }
        assert!(!batch.is_empty() || self.synced < self.written, "a round has something to do");
        for record in batch {
            assert_eq!(u64::from(*record), self.written + 1, "records are written in order");
            self.written += 1;
        }
        self.disk.written.store(self.written, SeqCst);
        if to == Durability::Synced {
            self.synced = self.written;
            self.disk.synced.store(self.synced, SeqCst);
        }
        self.disk.leading.store(false, SeqCst);
        Ok(Round { synced: Sequence(self.synced), report: () })
    }
}

pub(super) fn group(fails: u64) -> (Arc<Group<Counter>>, Arc<Disk>) {
    let disk = Arc::new(Disk {
        written: AtomicU64::new(0),
        synced: AtomicU64::new(0),
        leading: AtomicBool::new(false),
        rounds: AtomicU64::new(0),
    });
    let leader = Counter { disk: Arc::clone(&disk), written: 0, synced: 0, fails };
    (Arc::new(Group::new(leader, (Sequence(0), Timestamp(0)), ())), disk)
}

pub(super) fn append(group: &Group<Counter>) -> Result<Sequence, AppendError> {
    group.append(Timestamp(0), |queue, sequence| {
        queue.push(u8::try_from(sequence.0).unwrap());
        Ok(())
    })
}

/// Appends, waits, and checks what an answer promises.
fn append_and_wait(group: &Group<Counter>, disk: &Disk, to: Durability) -> Result<(), Failure> {
    let sequence = match append(group) {
        Ok(sequence) => sequence,
        Err(AppendError::Poisoned(failure)) => return Err(failure),
        Err(other) => panic!("{other}"),
    };
    group.wait(sequence, to)?;
    assert!(disk.reached(to) >= sequence.0, "answered after its record was {to:?}");
    Ok(())
}

/// Runs one thread for each level, and this one with the first; some of the interleavings must have had waiters
/// who parked, and rounds after the first.
fn run(levels: &'static [Durability], fails: u64, preemptions: usize) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(preemptions);
    // Not loom's: they count across interleavings.
    let (parked, rounds) = (StdArc::new(StdCounter::new(0)), StdArc::new(StdCounter::new(0)));
    let counts = (StdArc::clone(&parked), StdArc::clone(&rounds));
    model.check(move || {
        let (group, disk) = group(fails);
        let (first, others) = levels.split_first().unwrap();
        let threads: Vec<_> = others
            .iter()
            .map(|to| {
                let (group, disk) = (Arc::clone(&group), Arc::clone(&disk));
                thread::spawn(move || append_and_wait(&group, &disk, *to))
            })
            .collect();
        let mut answers = alloc::vec![append_and_wait(&group, &disk, *first)];
        answers.extend(threads.into_iter().map(|thread| thread.join().unwrap()));
        // Every thread ended: no waiter was lost.
        let failed = answers.iter().filter(|answer| answer.is_err()).count();
        assert_eq!(failed > 0, group.look(|state| state.failure().is_some()));
        if fails == 0 {
            assert_eq!((failed, disk.written.load(SeqCst)), (0, levels.len() as u64));
        }
        let (slots, free, waiting) = group.look(|state| state.waiters.counts());
        assert!(waiting == 0 && group.look(|state| !state.leading));
        assert_eq!(free, slots, "slots are given back");
        counts.0.fetch_add(slots, SeqCst);
        counts.1.fetch_add(usize::from(disk.rounds.load(SeqCst) > 1), SeqCst);
    });
    assert!(parked.load(SeqCst) > 0, "somebody waited for another");
    assert!(fails == 1 || rounds.load(SeqCst) > 0, "somebody led after another");
}

const WRITTEN: Durability = Durability::Written;
const SYNCED: Durability = Durability::Synced;

#[test]
fn loom_group_two_who_sync() {
    run(&[SYNCED, SYNCED], 0, 8);
}

#[test]
fn loom_group_one_writes_while_one_syncs() {
    run(&[WRITTEN, SYNCED], 0, 8);
}

#[test]
fn loom_group_three_hand_the_lead_over() {
    run(&[SYNCED, WRITTEN, SYNCED], 0, 3);
}

#[test]
fn loom_group_a_failure_answers_everyone() {
    for round in 1..=3 {
        run(&[SYNCED, WRITTEN, SYNCED], round, 2);
    }
}

#[test]
fn loom_group_many_wait_for_one_record() {
    loom::model(|| {
        let (group, disk) = group(0);
        let sequence = append(&group).unwrap();
        let other = {
            let (group, disk) = (Arc::clone(&group), Arc::clone(&disk));
            thread::spawn(move || {
                group.wait(sequence, SYNCED).unwrap();
                assert!(disk.synced.load(SeqCst) >= sequence.0);
            })
        };
        group.wait(sequence, WRITTEN).unwrap();
        assert!(disk.written.load(SeqCst) >= sequence.0);
        other.join().unwrap();
        assert!(disk.rounds.load(SeqCst) <= 2, "nobody leads for what is reached");
    });
}

/// Somebody who was answered sees the next leader wait for as many as were answered with it.
#[test]
fn loom_group_a_leader_gathers() {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    let seen = StdArc::new(StdCounter::new(0));
    let count = StdArc::clone(&seen);
    model.check(move || {
        let (group, disk) = group(0);
        let call = || {
            let (group, disk, count) = (Arc::clone(&group), Arc::clone(&disk), StdArc::clone(&count));
            move || {
                append_and_wait(&group, &disk, SYNCED).unwrap();
                let gathers = group.look(|state| state.gathering.is_some());
                count.fetch_add(usize::from(gathers), SeqCst);
            }
        };
        let others = [thread::spawn(call()), thread::spawn(call())];
        call()();
        for other in others {
            other.join().unwrap();
        }
    });
    assert!(seen.load(SeqCst) > 0, "no leader gathered");
}
