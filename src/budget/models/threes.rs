//! Three calls at once, with at most two preemptions: what they leave comes to what they said.

use super::acts::{Act, Answer, HELD, Place, Tally};
use super::*;

/// Three reserves of an account that has enough for two: one is denied, and no more than one.
#[test]
fn loom_three_reserves() {
    let ends = meet([Act::Reserve(2); 3], 5, false);
    assert!(
        ends.iter().all(|end| end.iter().filter(|&&answer| answer == Answer::Done).count() == 2),
        "{ends:?}"
    );
    assert_eq!(ends.len(), 3, "each of them is denied once: {ends:?}");
}

/// A hold is extended and committed while a reserve wants what it may give back.
#[test]
fn loom_a_reserve_a_commit_and_an_extend() {
    let ends = meet([Act::Reserve(2), Act::Commit(1), Act::Extend(1)], 1, true);
    reached(
        &ends,
        &[
            [Answer::Done, Answer::Done, Answer::Settled],
            [Answer::Denied, Answer::Done, Answer::Done],
            [Answer::Denied, Answer::Done, Answer::Settled],
            [Answer::Done, Answer::Done, Answer::Done],
        ],
    );
}

/// A hold is committed, expires and is committed in part.
#[test]
fn loom_a_commit_an_expiry_and_a_part_commit() {
    let ends = meet([Act::Commit(3), Act::Expire, Act::Part(1)], 1, true);
    reached(
        &ends,
        &[
            [Answer::Done, Answer::Settled, Answer::Done],
            [Answer::Done, Answer::Settled, Answer::Settled],
            [Answer::Late, Answer::Done, Answer::Done],
            [Answer::Late, Answer::Done, Answer::Settled],
            [Answer::Late, Answer::Done, Answer::Expired],
        ],
    );
}

/// An account closes while its hold is released and another is wanted.
#[test]
fn loom_a_reserve_a_closing_and_a_release() {
    let ends = meet([Act::Reserve(2), Act::Close, Act::Release], 1, true);
    reached(
        &ends,
        &[
            [Answer::Closed, Answer::Done, Answer::Done],
            [Answer::Done, Answer::InUse, Answer::Done],
            [Answer::Denied, Answer::InUse, Answer::Done],
            [Answer::Denied, Answer::Done, Answer::Done],
        ],
    );
}

/// Makes the three calls on one account that has so much besides its hold, if it has one.
/// Says in which ways they were answered.
fn meet(acts: [Act; 3], spare: i64, has_hold: bool) -> BTreeSet<[Answer; 3]> {
    let seen = PlainArc::new(PlainMutex::new(BTreeSet::new()));
    let ended = seen.clone();
    let mut builder = Builder::new();
    builder.preemption_bound = preemptions(2);
    builder.max_branches = 10_000;
    builder.check(move || {
        let (engine, account) = engine_of(4, &[("a", None, Overrun::IfAvailable, 0)]);
        let path = engine.path(&[account]).unwrap();
        let mut place = Place { account, path, hold: None, watched: Vec::new() };
        let mut tally = Tally::default();
        let held = if has_hold { HELD } else { 0 };
        tally.perform(&engine, &place, Act::Grant(spare + held.cast_signed()));
        if held > 0 {
            place.hold = tally.perform(&engine, &place, Act::Reserve(held)).1;
        }
        let others = [1, 2].map(|at| {
            let place = place.clone();
            in_thread(&engine, move |engine| acts[at].perform(engine, &place))
        });
        let mine = acts[0].perform(&engine, &place);
        let [second, third] = others.map(|other| other.join().unwrap());
        let said = [mine, second, third];
        for (said, made) in said {
            tally.add(&engine, &place, said, made);
        }
        tally.check(&engine);
        ended.lock().unwrap().insert(said.map(|(said, _)| said.answer));
    });
    let seen = seen.lock().unwrap();
    seen.clone()
}

fn reached(ends: &BTreeSet<[Answer; 3]>, expected: &[[Answer; 3]]) {
    let missing: Vec<_> = expected.iter().filter(|&end| !ends.contains(end)).collect();
    assert!(missing.is_empty(), "never ended as {missing:?}, but as {ends:?}");
}
