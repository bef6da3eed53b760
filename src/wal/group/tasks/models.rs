//! Tasks and their driver under every interleaving, with the leader of the group's own models.

use alloc::task::Wake;
use std::sync::{
    Arc as StdArc,
    atomic::{AtomicUsize as StdCounter, Ordering::SeqCst},
};

use super::*;
use crate::{
    sync::{
        Mutex,
        model::{Builder, JoinHandle, spawn},
    },
    wal::group::{
        Durability::{self, Synced, Written},
        models::{Counter, Disk, append, group},
    },
};

/// A task's thread, that sleeps until it is woken.
struct Alarm {
    rung: Mutex<bool>,
    bell: Condvar,
}

impl Wake for Alarm {
    fn wake(self: StdArc<Self>) {
        *self.rung.lock().unwrap() = true;
        self.bell.notify_one();
    }
}

/// Polls as an executor does, only when it was woken. Says whether it had to wait.
fn block_on(group: &Group<Counter>, wanted: Wanted) -> (Result<(), Unanswered>, bool) {
    let alarm = StdArc::new(Alarm { rung: Mutex::new(false), bell: Condvar::new() });
    let waker = Waker::from(StdArc::clone(&alarm));
    let (mut slot, mut waited) = (None, false);
    loop {
        if let Poll::Ready(answer) = group.poll(wanted, &mut slot, &waker) {
            assert!(slot.is_none(), "who is answered has given its slot back");
            return (answer, waited);
        }
        waited = true;
        let mut rung = alarm.rung.lock().unwrap();
        while !*rung {
            rung = alarm.bell.wait(rung).unwrap();
        }
        *rung = false;
    }
}

/// Appends, hands over, awaits, and checks what an answer promises.
fn append_and_await(group: &Group<Counter>, disk: &Disk, to: Durability) -> (Result<(), Unanswered>, bool) {
    let sequence = append(group).unwrap();
    group.hand_over((to == Synced).then_some(sequence));
    let (answer, waited) = block_on(group, (sequence, to));
    if answer.is_ok() {
        assert!(disk.reached(to) >= sequence.0, "answered after its record was {to:?}");
    }
    (answer, waited)
}

/// The driver, on a thread of its own, until it is asked to end.
fn driver(group: &Arc<Group<Counter>>) -> (DriverId, JoinHandle<Result<(), Failure>>) {
    let id = group.attach_driver().unwrap();
    let group = Arc::clone(group);
    let driving = spawn(move || {
        let ended = group.drive();
        group.detach_driver();
        ended
    });
    (id, driving)
}

fn check(preemptions: usize, model: impl Fn() + Sync + Send + 'static) {
    let mut builder = Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(model);
}

fn nobody_is_left(group: &Group<Counter>) {
    group.look(|state| {
        let (_, _, waiting) = state.waiters.counts();
        assert!(waiting == 0 && !state.leading, "nobody waits, and nobody leads");
    });
}

#[test]
fn loom_tasks_are_answered_by_their_driver() {
    for levels in [[Synced, Synced], [Written, Synced]] {
        let waits = StdArc::new(StdCounter::new(0));
        let counted = StdArc::clone(&waits);
        check(3, move || {
            let (group, disk) = group(0);
            let (id, driving) = driver(&group);
            let other = {
                let (group, disk) = (Arc::clone(&group), Arc::clone(&disk));
                spawn(move || append_and_await(&group, &disk, levels[1]))
            };
            let (first, waited) = append_and_await(&group, &disk, levels[0]);
            let (second, also) = other.join().unwrap();
            assert_eq!((first, second), (Ok(()), Ok(())));
            group.stop_driver(id);
            assert_eq!(driving.join().unwrap(), Ok(()));
            nobody_is_left(&group);
            counted.fetch_add(usize::from(waited) + usize::from(also), SeqCst);
        });
        assert!(waits.load(SeqCst) > 0, "some task had to wait");
    }
}

#[test]
fn loom_a_task_beside_a_thread() {
    for levels in [[Synced, Synced], [Synced, Written], [Written, Synced]] {
        check(3, move || {
            let (group, disk) = group(0);
            let (id, driving) = driver(&group);
            let thread = {
                let (group, disk) = (Arc::clone(&group), Arc::clone(&disk));
                spawn(move || {
                    let sequence = append(&group).unwrap();
                    group.wait(sequence, levels[1]).unwrap();
                    assert!(disk.reached(levels[1]) >= sequence.0);
                })
            };
            assert_eq!(append_and_await(&group, &disk, levels[0]).0, Ok(()));
            thread.join().unwrap();
            group.stop_driver(id);
            assert_eq!(driving.join().unwrap(), Ok(()));
            nobody_is_left(&group);
        });
    }
}

#[test]
fn loom_a_task_that_gives_up_is_written_all_the_same() {
    check(3, || {
        let (group, disk) = group(0);
        let (id, driving) = driver(&group);
        let given_up = append(&group).unwrap();
        group.hand_over(Some(given_up));
        let alarm = StdArc::new(Alarm { rung: Mutex::new(false), bell: Condvar::new() });
        let mut slot = None;
        let _polled = group.poll((given_up, Synced), &mut slot, &Waker::from(alarm));
        if let Some(slot) = slot {
            group.leave(slot);
        }
        // Another takes the slot, or one beside it.
        assert_eq!(append_and_await(&group, &disk, Written).0, Ok(()));
        group.stop_driver(id);
        assert_eq!(driving.join().unwrap(), Ok(()));
        assert!(disk.reached(Synced) >= given_up.0, "it is on disk");
        nobody_is_left(&group);
        let (slots, free, _) = group.look(|state| state.waiters.counts());
        assert_eq!(free, slots, "slots are given back");
    });
}

#[test]
fn loom_a_driver_that_ends_leaves_no_task_waiting() {
    let seen = StdArc::new([StdCounter::new(0), StdCounter::new(0)]);
    let counted = StdArc::clone(&seen);
    check(3, move || {
        let (group, disk) = group(0);
        let (id, driving) = driver(&group);
        let task = {
            let (group, disk) = (Arc::clone(&group), Arc::clone(&disk));
            spawn(move || append_and_await(&group, &disk, Synced).0)
        };
        group.stop_driver(id);
        assert_eq!(driving.join().unwrap(), Ok(()));
        let answer = task.join().unwrap();
        match answer {
            Ok(()) => counted[0].fetch_add(1, SeqCst),
            Err(Unanswered::Undriven) => counted[1].fetch_add(1, SeqCst),
            Err(Unanswered::Failed(failure)) => panic!("{failure}"),
        };
        nobody_is_left(&group);
    });
    assert!(seen.iter().all(|count| count.load(SeqCst) > 0), "tasks were served, and told: {seen:?}");
}

#[test]
fn loom_a_failure_answers_every_task() {
    for round in 1..=2 {
        check(2, move || {
            let (group, disk) = group(round);
            let (id, driving) = driver(&group);
            let other = {
                let (group, disk) = (Arc::clone(&group), Arc::clone(&disk));
                spawn(move || match append(&group) {
                    Ok(sequence) => {
                        group.hand_over(Some(sequence));
                        block_on(&group, (sequence, Synced))
                            .0
                            .is_ok_and(|()| disk.reached(Synced) >= sequence.0)
                    }
                    Err(_) => false,
                })
            };
            let sequence = append(&group);
            let first = sequence.is_ok_and(|sequence| {
                group.hand_over(Some(sequence));
                block_on(&group, (sequence, Synced)).0.is_ok()
            });
            let second = other.join().unwrap();
            group.stop_driver(id);
            let ended = driving.join().unwrap();
            let failed = group.look(|state| state.failure().is_some());
            assert_eq!(
                (ended.is_err(), first && second),
                (failed, !failed),
                "the driver ends as the log does"
            );
            nobody_is_left(&group);
        });
    }
}
