//! How holds end.

use assize::budget::{
    AdjustError, Adjusted, Engine, Hold, HoldState::Open, Path, PathError, Release, SettleError, Settlement,
};
use assize::id::AccountId;
use assize::num::Amount;
use assize::overrun::Overrun::{Debt, Deny, IfAvailable};

use super::{MAX, amount, engine, path, read};

#[test]
fn a_commit_books_what_was_spent() {
    // 0 ─ 1, with these grants and overruns | held, actual | booked extra, unfunded
    let rows = [
        ([10, 10], [Deny, Deny], 6, 6, 0, 0),
        ([10, 10], [Deny, Deny], 6, 2, 0, 0),
        ([10, 10], [Deny, Deny], 6, 0, 0, 0),
        ([10, 10], [Deny, Deny], 0, 0, 0, 0),
        ([10, 10], [Deny, Deny], 6, 9, 0, 3),
        ([10, 10], [Debt, Deny], 6, 9, 0, 3),
        ([10, 10], [Deny, Debt], 6, 9, 0, 3),
        ([10, 10], [IfAvailable, Debt], 6, 9, 3, 0),
        ([10, 10], [IfAvailable, IfAvailable], 6, 11, 4, 1),
        ([10, 7], [Debt, IfAvailable], 6, 11, 1, 4),
        ([7, 10], [Debt, IfAvailable], 6, 11, 1, 4),
        ([6, 10], [IfAvailable, IfAvailable], 6, 7, 0, 1),
        ([6, 10], [Debt, Debt], 6, 7, 1, 0),
        ([6, 10], [Debt, Debt], 6, MAX, MAX - 6, 0),
        ([0, MAX], [Debt, Debt], 0, MAX, MAX, 0),
        ([MAX, MAX], [Debt, Debt], MAX, MAX, 0, 0),
        ([MAX, MAX], [IfAvailable, Deny], 0, MAX, 0, MAX),
        ([MAX, MAX], [IfAvailable, Debt], 0, MAX, MAX, 0),
    ];
    for (grants, overruns, held, actual, booked_extra, unfunded) in rows {
        let engine = engine(&[(None, overruns[0], grants[0]), (Some(0), overruns[1], grants[1])]);
        let hold = engine.reserve(&path(&engine, &[1]), amount(held)).unwrap();
        let settled = engine.commit(hold, amount(actual)).unwrap();
        let place = format!("{grants:?} {overruns:?} {held} {actual}");
        let expected = Settlement::Committed {
            held: amount(held),
            actual: amount(actual),
            booked_extra: amount(booked_extra),
            unfunded: amount(unfunded),
        };
        assert_eq!(settled, expected, "{place}");
        let booked = i128::from(held.min(actual) + booked_extra);
        assert_eq!(i128::from(settled.booked_micros()), booked, "{place}");
        assert_eq!(settled.unfunded(), amount(unfunded), "{place}");
        for (account, grant) in (0..).zip(grants) {
            let grant = i128::from(grant);
            assert_eq!(
                read(&engine, account),
                [grant, grant - booked, 0, booked, unfunded.into()],
                "{place}, {account}"
            );
        }
    }
}

#[test]
fn a_part_commit_books_a_part_and_keeps_the_rest() {
    // 0 ─ 1, with these grants and overruns | held | each part, its booked extra and unfunded, and what is held then
    type Parts<'a> = &'a [(i64, i64, i64, i64)];
    let rows: [([i64; 2], [_; 2], i64, Parts<'_>); 13] = [
        ([10, 10], [Deny, Deny], 6, &[(0, 0, 0, 6)]),
        ([10, 10], [Deny, Deny], 6, &[(1, 0, 0, 5), (1, 0, 0, 4), (4, 0, 0, 0), (0, 0, 0, 0)]),
        ([10, 10], [Deny, Deny], 6, &[(6, 0, 0, 0), (1, 0, 1, 0)]),
        ([10, 10], [Deny, Deny], 6, &[(5, 0, 0, 1), (5, 0, 4, 0), (5, 0, 5, 0)]),
        ([10, 10], [Debt, Deny], 6, &[(9, 0, 3, 0)]),
        ([10, 10], [IfAvailable, Debt], 6, &[(5, 0, 0, 1), (3, 2, 0, 0), (3, 2, 1, 0), (3, 0, 3, 0)]),
        ([10, 7], [Debt, IfAvailable], 6, &[(11, 1, 4, 0)]),
        ([6, 10], [Debt, Debt], 6, &[(5, 0, 0, 1), (9, 8, 0, 0), (9, 9, 0, 0)]),
        ([6, 10], [Debt, Debt], 6, &[(MAX, MAX - 6, 0, 0), (MAX, 6, MAX - 6, 0), (MAX, 0, MAX, 0)]),
        ([0, 0], [Deny, Deny], 0, &[(0, 0, 0, 0), (1, 0, 1, 0), (MAX, 0, MAX, 0)]),
        ([MAX, MAX], [Debt, Debt], MAX, &[(1, 0, 0, MAX - 1), (MAX - 1, 0, 0, 0), (MAX, MAX, 0, 0)]),
        ([MAX, MAX], [Deny, Deny], MAX, &[(MAX, 0, 0, 0), (MAX, 0, MAX, 0)]),
        ([MAX, MAX], [IfAvailable, Debt], 0, &[(MAX, MAX, 0, 0), (1, 0, 1, 0)]),
    ];
    for (grants, overruns, held, parts) in rows {
        let engine = engine(&[(None, overruns[0], grants[0]), (Some(0), overruns[1], grants[1])]);
        let hold = engine.reserve(&path(&engine, &[1]), amount(held)).unwrap();
        let (mut before, mut committed, mut missed) = (held, 0, 0);
        for (place, &(part, booked_extra, unfunded, left)) in parts.iter().enumerate() {
            let at = format!("{grants:?} {overruns:?} {held} {parts:?} {place}");
            let settled = engine.part_commit(hold, amount(part)).unwrap();
            let expected = Settlement::Committed {
                held: amount(before.min(part)),
                actual: amount(part),
                booked_extra: amount(booked_extra),
                unfunded: amount(unfunded),
            };
            assert_eq!(settled, expected, "{at}");
            committed += i128::from(before.min(part)) + i128::from(booked_extra);
            missed += i128::from(unfunded);
            assert_eq!(engine.hold(hold).map(|seen| (seen.amount, seen.state)), Some((amount(left), Open)));
            for (account, grant) in (0..).zip(grants) {
                let available = i128::from(grant) - i128::from(left) - committed;
                let money = [grant.into(), available, left.into(), committed, missed];
                assert_eq!(read(&engine, account), money, "{at}, {account}");
            }
            before = left;
        }
        // What is left ends as any hold does, and once.
        assert_eq!(engine.release(hold), Ok(Release::Returned { held: amount(before) }));
        assert_eq!(engine.part_commit(hold, Amount::ZERO), Err(SettleError::AlreadySettled));
        for (account, grant) in (0..).zip(grants) {
            let money = [grant.into(), i128::from(grant) - committed, 0, committed, missed];
            assert_eq!(read(&engine, account), money, "{grants:?} {overruns:?} {held} {parts:?}");
        }
    }
}

#[test]
fn what_is_booked_is_adjusted_at_every_cell_or_at_none() {
    let engine = engine(&[(None, Debt, 10), (Some(0), IfAvailable, 20)]);
    let (above, below) = (path(&engine, &[0]), path(&engine, &[1]));
    let hold = engine.reserve(&below, amount(6)).unwrap();
    assert_eq!(engine.commit(hold, amount(6)).unwrap().booked_micros(), 6);
    // Change; booked, unfunded, refunded; available then, above and below.
    for (change, [booked, unfunded, refunded], available) in [
        (0, [0, 0, 0], [4, 14]),
        (1, [1, 0, 0], [3, 13]),
        (-2, [0, 0, 2], [5, 15]),
        (7, [5, 2, 0], [0, 10]),
        (1, [0, 1, 0], [0, 10]),
        (-10, [0, 0, 10], [10, 20]),
    ] {
        let adjusted = engine.adjust(&below, change).unwrap();
        let expected =
            Adjusted { booked: amount(booked), unfunded: amount(unfunded), refunded: amount(refunded) };
        assert_eq!(adjusted, expected, "{change}");
        assert_eq!([read(&engine, 0)[1], read(&engine, 1)[1]], available.map(i128::from), "{change}");
    }
    assert_eq!(engine.adjust(&above, 3).unwrap().booked, amount(3));
    let rest = [read(&engine, 0), read(&engine, 1)];
    for change in [-1, -4, i64::MIN] {
        let short = AdjustError::AboveCommitted { account: AccountId(1), committed_micros: 0 };
        assert_eq!(engine.adjust(&below, change), Err(short), "the one above has 3");
        assert_eq!([read(&engine, 0), read(&engine, 1)], rest);
    }
    engine.close_account(AccountId(1)).unwrap();
    for change in [1, 0, -1] {
        let closed = PathError::Closed { account: AccountId(1) };
        assert_eq!(engine.adjust(&below, change), Err(closed.into()));
    }
}

#[test]
fn debt_ends_above_the_smallest_number() {
    let engine = engine(&[(None, Debt, 0), (Some(0), Debt, 5)]);
    let (above, below) = (path(&engine, &[0]), path(&engine, &[1]));
    let spend = |path: &Path, micros: i64| {
        let hold = engine.reserve(path, Amount::ZERO).unwrap();
        engine.commit(hold, amount(micros)).unwrap().unfunded()
    };
    assert_eq!(spend(&above, MAX - 3), amount(0));
    // The account above has room for 3 only, and so the same 3 are booked at both.
    assert_eq!(spend(&below, 10), amount(7));
    assert_eq!(read(&engine, 0), [0, (-MAX).into(), 0, MAX.into(), 7]);
    assert_eq!(read(&engine, 1), [5, 2, 0, 3, 7]);
    assert_eq!(spend(&above, MAX), amount(MAX));
    assert_eq!(spend(&above, MAX), amount(MAX));
    assert_eq!(spend(&above, MAX), amount(MAX));
    // Unfunded counts up to `u64::MAX`, and stays there.
    assert_eq!(read(&engine, 0), [0, (-MAX).into(), 0, MAX.into(), u64::MAX.into()]);
    assert_eq!(read(&engine, 1), [5, 2, 0, 3, 7]);
    // Committed cannot pass what was granted and what was owed.
    engine.grant(AccountId(0), MAX).unwrap();
    assert_eq!(spend(&above, MAX), amount(0));
    assert_eq!(read(&engine, 0), [MAX.into(), (-MAX).into(), 0, 2 * i128::from(MAX), u64::MAX.into()]);
}

/// What can be done to a hold, and with what outcome in each state that it can be in.
#[test]
fn a_hold_ends_once() {
    type Act = fn(&Engine, Hold) -> String;
    let acts: [(&str, Act); 7] = [
        ("part", |engine, hold| match engine.part_commit(hold, amount(1)) {
            Ok(settled) => format!("Ok({})", settled.booked_micros()),
            Err(error) => format!("Err({error:?})"),
        }),
        ("extend", |engine, hold| format!("{:?}", engine.extend(hold, amount(1)))),
        ("commit", |engine, hold| match engine.commit(hold, amount(2)) {
            Ok(Settlement::Committed { .. }) => "Ok(Committed)".into(),
            Ok(Settlement::Late { held, actual }) => format!("Ok(Late({held}, {actual}))"),
            Err(error) => format!("Err({error:?})"),
        }),
        ("release", |engine, hold| match engine.release(hold) {
            Ok(Release::Returned { held }) => format!("Ok(Returned({held}))"),
            Ok(Release::Expired { held }) => format!("Ok(Expired({held}))"),
            Err(error) => format!("Err({error:?})"),
        }),
        ("expire", |engine, hold| format!("{:?}", engine.expire(hold).map(Amount::micros))),
        ("forget", |engine, hold| format!("{:?}", engine.forget(hold))),
        ("hold", |engine, hold| format!("{:?}", engine.hold(hold).map(|reading| reading.state))),
    ];
    let settled = ["Err(AlreadySettled)"; 6];
    let [part, extended, committed, released, expired, forgot] = settled;
    let ended = [part, extended, committed, released, expired, forgot, "None"];
    let rows: [(&[&str], [&str; 7]); 11] = [
        (
            &[],
            [
                "Ok(1)",
                "Ok(())",
                "Ok(Committed)",
                "Ok(Returned(3 µ))",
                "Ok(3)",
                "Err(StillOpen)",
                "Some(Open)",
            ],
        ),
        (
            &["extend"],
            [
                "Ok(1)",
                "Ok(())",
                "Ok(Committed)",
                "Ok(Returned(4 µ))",
                "Ok(4)",
                "Err(StillOpen)",
                "Some(Open)",
            ],
        ),
        (
            &["part"],
            [
                "Ok(1)",
                "Ok(())",
                "Ok(Committed)",
                "Ok(Returned(2 µ))",
                "Ok(2)",
                "Err(StillOpen)",
                "Some(Open)",
            ],
        ),
        (
            &["expire"],
            [
                "Err(AlreadyExpired)",
                "Err(Expired)",
                "Ok(Late(3 µ, 2 µ))",
                "Ok(Expired(3 µ))",
                "Err(AlreadyExpired)",
                "Ok(())",
                "Some(Expired)",
            ],
        ),
        (&["commit"], ended),
        (&["part", "commit"], ended),
        (&["part", "release"], ended),
        (&["release"], ended),
        (&["expire", "commit"], ended),
        (&["expire", "release"], ended),
        (&["expire", "forget"], ended),
    ];
    for (before, expected) in rows {
        for ((name, act), expected) in acts.into_iter().zip(expected) {
            let engine = engine(&[(None, Deny, 10)]);
            let hold = engine.reserve(&path(&engine, &[0]), amount(3)).unwrap();
            for &earlier in before {
                let (_, act) = acts.into_iter().find(|&(name, _)| name == earlier).unwrap();
                assert!(act(&engine, hold).starts_with("Ok"), "{before:?}");
            }
            let rest = read(&engine, 0);
            assert_eq!(act(&engine, hold), expected, "{name} after {before:?}");
            if expected.starts_with("Err") {
                assert_eq!(read(&engine, 0), rest, "an error changes nothing: {name} after {before:?}");
            }
            // Whoever uses the slot next is safe from the old handle.
            if expected == "Err(AlreadySettled)" {
                let next = engine.reserve(&path(&engine, &[0]), amount(5)).unwrap();
                assert_eq!(act(&engine, hold), expected, "{name} after {before:?}, slot in use again");
                assert_eq!(engine.hold(next).unwrap().amount, amount(5));
            }
        }
    }
}

#[test]
fn a_late_commit_is_told_and_not_booked() {
    let engine = engine(&[(None, Debt, 10), (Some(0), Debt, 10)]);
    let hold = engine.reserve(&path(&engine, &[1]), amount(4)).unwrap();
    assert_eq!(engine.expire(hold), Ok(amount(4)));
    assert_eq!(read(&engine, 0), [10, 10, 0, 0, 0]);
    let settled = engine.commit(hold, amount(9)).unwrap();
    assert_eq!(settled, Settlement::Late { held: amount(4), actual: amount(9) });
    assert_eq!((settled.booked_micros(), settled.unfunded()), (0, amount(9)));
    for account in [0, 1] {
        assert_eq!(read(&engine, account), [10, 10, 0, 0, 9]);
    }
}
