//! Parts of a hold, whatever they meet. CONCURRENCY B4.6.

use super::*;

/// A part-commit meets a commit: both book, and the commit what the part left; or the commit was first, and ended it.
#[test]
fn loom_a_part_commit_meets_a_commit() {
    explore(&["part first", "commit first", "contended"], || {
        let (engine, account) = engine(&[("a", None, Overrun::Deny, 4)]);
        let path = engine.path(&[account]).unwrap();
        let hold = engine.reserve(&path, amount(3)).unwrap();
        let other = in_thread(&engine, move |engine| engine.part_commit(hold, amount(2)));
        let committed = engine.commit(hold, amount(2));
        match (committed, other.join().unwrap()) {
            (Ok(settled), Ok(part)) => {
                // Of 4 spent, 3 were held: no more than that has left the hold.
                assert_eq!((part.booked_micros(), settled.booked_micros()), (2, 1));
                assert_eq!(settled.unfunded(), amount(1));
                at_rest(&engine, account, [4, 1, 0, 3, 1]);
                "part first"
            }
            (Ok(settled), Err(SettleError::AlreadySettled)) => {
                assert_eq!((settled.booked_micros(), settled.unfunded()), (2, amount(0)));
                at_rest(&engine, account, [4, 2, 0, 2, 0]);
                "commit first"
            }
            (Err(SettleError::Contended), Ok(part)) => {
                assert_eq!(part.booked_micros(), 2);
                at_rest(&engine, account, [4, 1, 1, 2, 0]);
                "contended"
            }
            both => panic!("{both:?}"),
        }
    });
}

/// A part-commit meets an expiry: what was booked stays booked, the rest comes back once.
#[test]
fn loom_a_part_commit_meets_an_expiry() {
    explore(&["in time", "expired", "expiry contended", "part contended"], || {
        let (engine, account) = engine(&[("a", None, Overrun::Debt, 3)]);
        let path = engine.path(&[account]).unwrap();
        let hold = engine.reserve(&path, amount(2)).unwrap();
        let other = in_thread(&engine, move |engine| engine.expire(hold));
        let part = engine.part_commit(hold, amount(1));
        match (part, other.join().unwrap()) {
            (Ok(_), Ok(rest)) => {
                assert_eq!(rest, amount(1));
                at_rest(&engine, account, [3, 2, 0, 1, 0]);
                "in time"
            }
            (Err(SettleError::AlreadyExpired), Ok(rest)) => {
                assert_eq!(rest, amount(2));
                at_rest(&engine, account, [3, 3, 0, 0, 0]);
                "expired"
            }
            (Ok(_), Err(SettleError::Contended)) => {
                at_rest(&engine, account, [3, 1, 1, 1, 0]);
                "expiry contended"
            }
            (Err(SettleError::Contended), Ok(_)) => {
                at_rest(&engine, account, [3, 3, 0, 0, 0]);
                "part contended"
            }
            both => panic!("{both:?}"),
        }
    });
}

/// A part-commit meets a release: what the release gives back is what the part left.
#[test]
fn loom_a_part_commit_meets_a_release() {
    explore(&["part first", "release first", "contended"], || {
        let (engine, account) = engine(&[("a", None, Overrun::Deny, 3)]);
        let path = engine.path(&[account]).unwrap();
        let hold = engine.reserve(&path, amount(3)).unwrap();
        let other = in_thread(&engine, move |engine| engine.part_commit(hold, amount(1)));
        let released = engine.release(hold);
        match (released, other.join().unwrap()) {
            (Ok(Release::Returned { held }), Ok(_)) => {
                assert_eq!(held, amount(2));
                at_rest(&engine, account, [3, 2, 0, 1, 0]);
                "part first"
            }
            (Ok(Release::Returned { held }), Err(SettleError::AlreadySettled)) => {
                assert_eq!(held, amount(3));
                at_rest(&engine, account, [3, 3, 0, 0, 0]);
                "release first"
            }
            (Err(SettleError::Contended), Ok(_)) => {
                at_rest(&engine, account, [3, 0, 2, 1, 0]);
                "contended"
            }
            both => panic!("{both:?}"),
        }
    });
}

/// A part-commit above its hold meets an extend: the part uses what was added, or what was held before it; neither
/// change of the hold is lost.
#[test]
fn loom_a_part_commit_meets_an_extend() {
    explore(&["extended before", "extended after", "extend contended", "part contended"], || {
        let (engine, account) = engine(&[("a", None, Overrun::Deny, 4)]);
        let path = engine.path(&[account]).unwrap();
        let hold = engine.reserve(&path, amount(1)).unwrap();
        let other = in_thread(&engine, move |engine| engine.extend(hold, amount(2)));
        let part = engine.part_commit(hold, amount(2));
        let left = engine.hold(hold).unwrap().amount.micros();
        match (part, other.join().unwrap(), left) {
            (Ok(part), Ok(()), 1) => {
                assert_eq!((part.booked_micros(), part.unfunded()), (2, amount(0)));
                at_rest(&engine, account, [4, 1, 1, 2, 0]);
                "extended before"
            }
            (Ok(part), Ok(()), _) => {
                assert_eq!((part.booked_micros(), part.unfunded()), (1, amount(1)));
                assert_eq!(engine.hold(hold).unwrap().amount, amount(2));
                at_rest(&engine, account, [4, 1, 2, 1, 1]);
                "extended after"
            }
            (Ok(_), Err(ExtendError::Contended), 0) => {
                at_rest(&engine, account, [4, 3, 0, 1, 1]);
                "extend contended"
            }
            (Err(SettleError::Contended), Ok(()), _) => {
                at_rest(&engine, account, [4, 1, 3, 0, 0]);
                "part contended"
            }
            both => panic!("{both:?}"),
        }
    });
}

/// Two parts of one hold, together above it: each is booked once, and the second out of what the first has left.
#[test]
fn loom_two_part_commits_meet() {
    explore(&["both", "one contended"], || {
        let (engine, account) = engine(&[("a", None, Overrun::IfAvailable, 4)]);
        let path = engine.path(&[account]).unwrap();
        let hold = engine.reserve(&path, amount(3)).unwrap();
        let other = in_thread(&engine, move |engine| engine.part_commit(hold, amount(2)));
        let mine = engine.part_commit(hold, amount(2));
        match (mine, other.join().unwrap()) {
            (Ok(mine), Ok(theirs)) => {
                assert_eq!(mine.booked_micros() + theirs.booked_micros(), 4);
                assert_eq!(engine.hold(hold).unwrap().amount, amount(0));
                at_rest(&engine, account, [4, 0, 0, 4, 0]);
                "both"
            }
            (Ok(_), Err(SettleError::Contended)) | (Err(SettleError::Contended), Ok(_)) => {
                assert_eq!(engine.hold(hold).unwrap().amount, amount(1));
                at_rest(&engine, account, [4, 1, 1, 2, 0]);
                "one contended"
            }
            both => panic!("{both:?}"),
        }
    });
}

/// A part-commit above its hold, on two cells, meets a reserve at the upper one: what was available is given once.
#[test]
fn loom_a_part_commit_above_its_hold_meets_a_reserve() {
    explore(&["all booked", "less booked"], || {
        let (engine, _) =
            engine(&[("parent", None, Overrun::IfAvailable, 3), ("child", Some(0), Overrun::Debt, 5)]);
        let (parent, child) = (AccountId(0), AccountId(1));
        let (above, below) = (engine.path(&[parent]).unwrap(), engine.path(&[child]).unwrap());
        let hold = engine.reserve(&below, amount(1)).unwrap();
        let other = in_thread(&engine, move |engine| engine.reserve(&above, amount(1)));
        let part = engine.part_commit(hold, amount(4)).unwrap();
        let taken = i64::from(other.join().unwrap().is_ok());
        assert_eq!(part.booked_micros().cast_signed(), 3 - taken);
        assert_eq!(part.unfunded().signed_micros(), 1 + taken);
        assert_eq!(engine.hold(hold).unwrap().amount, amount(0));
        at_rest(&engine, parent, [3, 0, taken, 3 - taken, 1 + taken]);
        at_rest(&engine, child, [5, 2 + taken, 0, 3 - taken, 1 + taken]);
        if taken == 0 { "all booked" } else { "less booked" }
    });
}
