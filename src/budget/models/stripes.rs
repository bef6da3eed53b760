//! An account in two stripes, where one thread does more than one thing. CONCURRENCY B10.

use super::*;

/// An account of two stripes, with a path on each, and a hold of 2 on the first; 2 are available, in the second.
fn two_stripes() -> (Arc<Engine>, [Path; 2], Hold) {
    let engine = engine_striped(4, &[("a", None, Overrun::IfAvailable, 2)], 2);
    let account = AccountId(0);
    let paths = [0, 1].map(|stripe| engine.path_on_stripe(&[account], stripe).unwrap());
    let hold = engine.reserve(&paths[0], amount(2)).unwrap();
    engine.grant(account, 2).unwrap();
    let moved = engine.reserve(&paths[1], amount(2)).unwrap();
    engine.release(moved).unwrap();
    (engine, paths, hold)
}

/// Another gives back to the stripe that was looked at, and then takes from the one that was not: as much is there all
/// the while.
fn give_back_and_take(engine: &Engine, path: &Path, hold: Hold) -> Result<Hold, ReserveError> {
    engine.release(hold).unwrap();
    engine.reserve(path, amount(2))
}

#[test]
fn loom_a_reserve_is_not_denied_what_has_come_back_meanwhile() {
    explore_within(preemptions(3), &["both have"], || {
        let (engine, [first, second], hold) = two_stripes();
        let other = in_thread(&engine, move |engine| give_back_and_take(engine, &second, hold));
        let mine = engine.reserve(&first, amount(2));
        let other = other.join().unwrap();
        match (mine, other) {
            (Ok(_), Ok(_)) => {
                at_rest(&engine, AccountId(0), [4, 0, 4, 0, 0]);
                "both have"
            }
            (Ok(_), Err(ReserveError::Contended)) | (Err(ReserveError::Contended), Ok(_)) => {
                at_rest(&engine, AccountId(0), [4, 2, 2, 0, 0]);
                "contended"
            }
            other => panic!("{other:?}"),
        }
    });
}

#[test]
fn loom_what_has_come_back_meanwhile_is_booked() {
    explore(&["all"], || {
        let (engine, [first, second], hold) = two_stripes();
        let nothing = engine.reserve(&first, Amount::ZERO).unwrap();
        let other = in_thread(&engine, move |engine| give_back_and_take(engine, &second, hold));
        let mine = engine.commit(nothing, amount(2)).unwrap();
        match other.join().unwrap() {
            Ok(_) | Err(ReserveError::Contended) => assert_eq!(mine.unfunded(), Amount::ZERO, "{mine:?}"),
            Err(error) => panic!("{error}"),
        }
        "all"
    });
}

/// What is moved between stripes is never missed, nor counted twice.
#[test]
fn loom_a_reading_meets_a_move_between_stripes() {
    explore(&["before", "after"], || {
        let (engine, [first, _], _hold) = two_stripes();
        let other = in_thread(&engine, |engine| engine.read(AccountId(0)).unwrap());
        let mine = engine.reserve(&first, amount(1)).unwrap();
        let reading = other.join().unwrap();
        engine.release(mine).unwrap();
        conserved(&reading);
        assert_eq!(reading.granted_micros, 4);
        match (reading.available_micros, reading.reserved_micros) {
            (2, 2) => "before",
            (1, 3) => "after",
            _ => panic!("{reading:?}"),
        }
    });
}

/// What is given back was booked by then, in whichever stripe.
#[test]
fn loom_a_refund_meets_a_commit_on_another_stripe() {
    explore(&["too early", "given back"], || {
        let (engine, [_, second], hold) = two_stripes();
        let other = in_thread(&engine, move |engine| engine.commit(hold, amount(2)).unwrap());
        let mine = engine.adjust(&second, -2);
        let _ = other.join().unwrap();
        match mine {
            Ok(adjusted) => {
                assert_eq!(adjusted.refunded, amount(2));
                at_rest(&engine, AccountId(0), [4, 4, 0, 0, 0]);
                "given back"
            }
            Err(AdjustError::AboveCommitted { committed_micros: 0, .. }) => {
                at_rest(&engine, AccountId(0), [4, 2, 0, 2, 0]);
                "too early"
            }
            Err(error) => panic!("{error}"),
        }
    });
}
