//! Windows that end: what lapses, what is carried over, and what holds of an ended window do. SEMANTICS 18.

use assize::{
    budget::AccountError,
    caps::CapsDraft,
    controller::{DenialClass, Fault, NotExtended},
    id::{AccountId, Sequence},
    num::Amount,
    overrun::Overrun::{Debt, Deny, IfAvailable},
    record::Spend,
    window::Window,
};

use crate::scene::{NOBODY, SECOND, Scene, at, call, micros};
use crate::{TEN, admit, all, commit, current, denied, grant, open, scene, windows};

#[test]
fn what_is_unspent_lapses_and_the_next_window_begins_with_the_allowance() {
    let scene = scene();
    let day = open(&scene, "day", None, Deny, windows(&[TEN]));
    grant(&scene, day, 100, 0);
    commit(&scene, admit(&scene, &[day], 3, 1), 25, 2);
    assert_eq!(current(&scene, day), [100, 75, 0, 25, 0, 0]);
    assert_eq!(denied(&scene, &[day], 8, 9).class(), DenialClass::Budget);
    // The first instant after the window: all of the allowance again.
    // Settled holds can be adjusted, so that their window is kept.
    let permit = admit(&scene, &[day], 10, 10);
    assert_eq!(all(&scene, day), [[100, 0, 0, 25, 75, 0], [100, 0, 100, 0, 0, 0]]);
    commit(&scene, permit, 100, 11);
    grant(&scene, day, 20, 12);
    assert_eq!(current(&scene, day), [120, 20, 0, 100, 0, 0]);
    grant(&scene, day, 5, 25);
    assert_eq!(current(&scene, day), [125, 125, 0, 0, 0, 0]);
    grant(&scene, day, -125, 26);
    grant(&scene, day, 1, 38);
    assert_eq!(current(&scene, day), [1, 1, 0, 0, 0, 0]);
    scene.finish();
}

#[test]
fn a_hold_keeps_the_window_that_it_was_taken_from() {
    let scene = scene();
    let day = open(&scene, "day", None, Deny, windows(&[TEN]));
    grant(&scene, day, 100, 0);
    let [released, settled, expired] = [4, 3, 2].map(|units| admit(&scene, &[day], units, 1));
    let _next = admit(&scene, &[day], 1, 12);
    // 10 of 100 were left, and lapsed.
    assert_eq!(all(&scene, day), [[100, 0, 90, 0, 10, 0], [100, 90, 10, 0, 0, 0]]);
    let _ = scene.controller.release(released, call(13 * SECOND)).unwrap();
    commit(&scene, settled, 12, 14);
    assert_eq!(all(&scene, day), [[100, 0, 20, 12, 68, 0], [100, 90, 10, 0, 0, 0]]);
    assert_eq!(scene.controller.expire(call(61 * SECOND)), Ok(1));
    assert_eq!(all(&scene, day)[0], [100, 0, 0, 12, 88, 0]);
    // Late, and not booked; the ended window counts it as long as somebody names it: the settled hold does.
    commit(&scene, expired, 7, 62);
    assert_eq!(all(&scene, day)[0], [100, 0, 0, 12, 88, 7]);
    let (scene, _) = scene.reopen();
    assert_eq!(all(&scene, day)[0], [100, 0, 0, 12, 88, 7]);
    scene.finish();
}

#[test]
fn an_ended_window_borrows_what_its_hold_takes_more() {
    for (overrun, booked, unfunded) in [(Deny, 0, 30), (IfAvailable, 20, 10), (Debt, 30, 0)] {
        let scene = scene();
        let day = open(&scene, "day", None, overrun, windows(&[TEN]));
        grant(&scene, day, 100, 0);
        let mut permit = admit(&scene, &[day], 9, 1);
        let hold = permit.hold();
        let more =
            |permit: &mut _, more| scene.controller.extend(permit, micros(more), None, call(12 * SECOND));
        more(&mut permit, 30).unwrap();
        assert_eq!(all(&scene, day), [[100, -30, 120, 0, 10, 0], [70, 70, 0, 0, 0, 0]], "{overrun:?}");
        assert!(more(&mut permit, 71).is_err(), "{overrun:?}: more than the current window has");
        let _next = admit(&scene, &[day], 5, 13);
        commit(&scene, permit, 150, 14);
        let [ended, now] = all(&scene, day)[..] else { panic!() };
        assert_eq!(ended, [100, -30 - booked, 0, 120 + booked, 10, unfunded], "{overrun:?}");
        assert_eq!(now, [70 - booked, 20 - booked, 50, 0, 0, 0], "{overrun:?}");
        // A correction takes and gives back at the hold's own window, and what that had borrowed goes on to the lender.
        let _ = scene.controller.adjust(hold, micros(100), call(15 * SECOND)).unwrap();
        assert_eq!(
            all(&scene, day),
            [[100, -10, 0, 100, 10, unfunded], [90, 40, 50, 0, 0, 0]],
            "{overrun:?}"
        );
        let (scene, permits) = scene.reopen();
        assert_eq!(permits.len(), 1);
        let _ = scene.controller.adjust(hold, micros(160), call(16 * SECOND)).unwrap();
        scene.finish();
    }
}

/// Both name the earliest of those that have the least, whether they have nothing or can be lent nothing: else the
/// log would be poisoned.
#[test]
fn who_cannot_be_lent_more_binds_in_the_order_of_the_path() {
    let caps = |limits: &[Window], held_max| CapsDraft { held_max, ..windows(limits) };
    // Limits, each with its grant | a cap on what is held
    let most = i64::MAX;
    let rows: [(&[(Window, i64)], Option<Amount>); 2] =
        [(&[(TEN, most), (Window::Lifetime, most)], None), (&[(TEN, most)], Some(Amount::MAX))];
    for (limits, held_max) in rows {
        let scene = scene();
        let all: Vec<Window> = limits.iter().map(|(window, _)| *window).collect();
        let account = open(&scene, "account", None, Deny, caps(&all, held_max));
        for (number, (_, granted)) in (0..).zip(limits) {
            grant(&scene, account.limit(number), *granted, 0);
        }
        let [mut all_of_it, mut permit] = [0, 0].map(|units| admit(&scene, &[account], units, 1));
        let later = call(12 * SECOND);
        let _ = scene.controller.extend(&mut all_of_it, Amount::MAX, None, later).unwrap();
        let mut more = |scene: &Scene, seconds| {
            let extended = scene.controller.extend(&mut permit, micros(1), None, call(seconds * SECOND));
            match extended {
                Err(NotExtended::Denied(denial)) => denial.audited_reason().binding.unwrap().to_string(),
                other => panic!("{other:?}"),
            }
        };
        // The ended window owes all that there may be, and so can be lent nothing.
        assert_eq!(more(&scene, 22), "0", "{limits:?}");
        let (scene, _) = scene.reopen();
        assert_eq!(more(&scene, 23), "0", "{limits:?}");
        scene.finish();
    }
}

#[test]
fn debt_is_carried_over_and_paid_by_the_windows_between() {
    // Windows later | what the next one has, after a debt of 250 with an allowance of 100, of which 10 come back.
    for (later, begins) in [(1, -140), (2, -40), (3, 60), (4, 100), (9, 100)] {
        let scene = scene();
        let day = open(&scene, "day", None, Debt, windows(&[TEN]));
        grant(&scene, day, 100, 0);
        let permit = admit(&scene, &[day], 1, 1);
        let kept = scene.admit_until(&[day], &scene.ask(1), at(900 * SECOND), call(SECOND)).unwrap();
        commit(&scene, permit, 340, 2);
        assert_eq!(current(&scene, day), [100, -250, 10, 340, 0, 0]);
        let (scene, _) = scene.reopen();
        // Whatever touches it first finds the same.
        let _ = scene.controller.release(kept, call(later * 10 * SECOND)).unwrap();
        assert_eq!(current(&scene, day), [begins, begins, 0, 0, 0, 0], "{later} windows later");
        scene.finish();
    }
}

/// Whichever way it comes back, and whether before or after the boundary.
#[test]
fn what_comes_back_makes_up_for_a_debt_that_was_carried_over() {
    for way in ["release", "commit", "expiry", "adjustment"] {
        let scene = scene();
        let day = open(&scene, "day", None, Debt, windows(&[TEN]));
        grant(&scene, day, 100, 0);
        let first = scene.admit_until(&[day], &scene.ask(10), at(15 * SECOND), call(SECOND)).unwrap();
        let [hold, spent] = [first.hold(), commit_more(&scene, day, 50)];
        if way == "adjustment" {
            let _ = scene.controller.commit(first, Spend::Amount(micros(100)), call(3 * SECOND)).unwrap();
            let touch = admit(&scene, &[day], 0, 11);
            assert_eq!(all(&scene, day), [[100, -50, 0, 150, 0, 0], [50, 50, 0, 0, 0, 0]]);
            let _ = scene.controller.adjust(hold, micros(0), call(12 * SECOND)).unwrap();
            let _ = scene.controller.release(touch, call(12 * SECOND)).unwrap();
        } else {
            let touch = admit(&scene, &[day], 0, 11);
            assert_eq!(all(&scene, day), [[100, -50, 100, 50, 0, 0], [50, 50, 0, 0, 0, 0]], "{way}");
            let (reopened, _) = scene.reopen();
            // The permit of before the reopening is as good as the one that came back.
            match way {
                "release" => drop(reopened.controller.release(first, call(12 * SECOND)).unwrap()),
                "commit" => commit(&reopened, first, 0, 12),
                _ => assert_eq!(reopened.controller.expire(call(15 * SECOND)), Ok(1)),
            }
            let _ = reopened.controller.release(touch, call(16 * SECOND)).unwrap();
            assert_eq!(all(&reopened, day), [[100, 0, 0, 50, 50, 0], [100, 100, 0, 0, 0, 0]], "{way}");
            // What makes up for nothing lapses.
            let _ = reopened.controller.adjust(spent, micros(20), call(17 * SECOND)).unwrap();
            assert_eq!(all(&reopened, day), [[100, 0, 0, 20, 80, 0], [100, 100, 0, 0, 0, 0]], "{way}");
            reopened.finish();
            continue;
        }
        assert_eq!(all(&scene, day), [[100, 0, 0, 50, 50, 0], [100, 100, 0, 0, 0, 0]]);
        scene.finish();
    }
}

/// A hold of nothing, committed with so much at 2 s; its name.
fn commit_more(scene: &Scene, account: AccountId, spent: u64) -> Sequence {
    let permit = admit(scene, &[account], 0, 1);
    let hold = permit.hold();
    commit(scene, permit, spent, 2);
    hold
}

/// A window is charged for others until it ends: what comes back later is of no use to those after it, and none has
/// more than its allowance.
#[test]
fn what_windows_that_have_passed_have_paid_is_given_to_none() {
    // When it comes back | what the current window is granted before and after.
    for (seconds, before, after) in [(12, -20, 70), (22, 80, 100), (32, 100, 100)] {
        let scene = scene();
        let day = open(&scene, "day", None, Debt, windows(&[TEN]));
        grant(&scene, day, 100, 0);
        let hold = admit(&scene, &[day], 9, 1);
        commit_more(&scene, day, 130);
        for window in 1..=seconds / 10 {
            let touch = admit(&scene, &[day], 0, window * 10);
            let _ = scene.controller.release(touch, call(window * 10 * SECOND)).unwrap();
        }
        assert_eq!(current(&scene, day)[..2], [before; 2], "{seconds} s");
        let _ = scene.controller.release(hold, call(seconds * SECOND)).unwrap();
        assert_eq!(current(&scene, day)[..2], [after; 2], "{seconds} s");
        assert_eq!(all(&scene, day)[0], [100, -30, 0, 130, 0, 0], "{seconds} s");
        scene.finish();
    }
}

#[test]
fn an_allowance_of_all_there_may_be_lends() {
    let scene = scene();
    let day = open(&scene, "day", None, Debt, windows(&[TEN]));
    grant(&scene, day, i64::MAX, 0);
    let permit = admit(&scene, &[day], 1, 1);
    commit(&scene, permit, 15, 12);
    assert_eq!(all(&scene, day)[0], [i64::MAX, -5, 0, 15, i64::MAX - 10, 0]);
    assert_eq!(current(&scene, day), [i64::MAX - 5, i64::MAX - 5, 0, 0, 0, 0]);
    scene.finish();
}

#[test]
fn debt_does_not_depend_on_what_touched_the_windows_between() {
    let scene = scene();
    let [touched, untouched] =
        ["touched", "untouched"].map(|text| open(&scene, text, None, Debt, windows(&[TEN])));
    for account in [touched, untouched] {
        grant(&scene, account, 100, 0);
        commit(&scene, admit(&scene, &[account], 1, 1), 370, 2);
    }
    for window in 1..4 {
        commit(&scene, admit(&scene, &[touched], 0, window * 10 + 1), 0, window * 10 + 2);
    }
    for account in [touched, untouched] {
        commit(&scene, admit(&scene, &[account], 0, 41), 0, 41);
    }
    assert_eq!(current(&scene, touched), current(&scene, untouched));
    scene.finish();
}

#[test]
fn several_limits_bind_each_by_itself() {
    let scene = scene();
    let caps = windows(&[Window::Lifetime, TEN, Window::Month { utc_offset_s: 0 }]);
    let root = open(&scene, "root", None, Deny, caps);
    let leaf = open(&scene, "leaf", Some(root), Deny, windows(&[Window::Lifetime]));
    for (limit, granted) in
        [(root.limit(0), 300), (root.limit(1), 50), (root.limit(2), 120), (leaf.into(), 500)]
    {
        grant(&scene, limit, granted, 0);
    }
    commit(&scene, admit(&scene, &[leaf], 5, 1), 50, 2);
    let by_ten = denied(&scene, &[leaf], 1, 3);
    assert_eq!(by_ten.audited_reason().binding.unwrap().to_string(), "0 (limit 1)");
    commit(&scene, admit(&scene, &[leaf], 5, 11), 50, 12);
    let by_month = denied(&scene, &[leaf], 3, 21);
    assert_eq!(by_month.audited_reason().binding.unwrap().to_string(), "0 (limit 2)");
    let month = 31 * 86_400;
    for later in [month, month + 20] {
        commit(&scene, admit(&scene, &[leaf], 5, later), 50, later);
    }
    let by_month_again = denied(&scene, &[leaf], 5, month + 40);
    assert_eq!(by_month_again.audited_reason().binding.unwrap().to_string(), "0 (limit 2)");
    grant(&scene, root, -60, 2 * month);
    let by_life = denied(&scene, &[leaf], 5, 2 * month);
    assert_eq!(by_life.audited_reason().binding.unwrap().to_string(), "0");
    assert_eq!(current(&scene, root)[3], 200);
    assert_eq!(current(&scene, leaf)[3], 200);
    scene.finish();
}

#[test]
fn the_host_ends_a_window_whose_boundaries_it_gives() {
    let scene = scene();
    let trip = open(&scene, "trip", None, Debt, windows(&[Window::Given, TEN]));
    let plain = open(&scene, "plain", None, Deny, windows(&[Window::Lifetime]));
    grant(&scene, trip, 40, 0);
    grant(&scene, trip.limit(1), 1_000, 0);
    commit(&scene, admit(&scene, &[trip], 2, 100), 90, 101);
    assert_eq!(current(&scene, trip), [40, -50, 0, 90, 0, 0]);
    // Twice at one instant: the second begins 1 ns after the first.
    for _ in 0..2 {
        scene.controller.end_window(trip, call(200 * SECOND)).unwrap();
    }
    let read = scene.controller.read(trip).unwrap();
    assert_eq!((read.span.start, read.available_micros), (at(200 * SECOND + 1), 40 - 10));
    let refused = |account: AccountLimit| scene.controller.end_window(account, call(201 * SECOND));
    let fault = |error| Err(Fault::Account(error));
    assert_eq!(refused(trip.limit(1)), fault(AccountError::NotGiven { account: trip, limit: 1 }));
    assert_eq!(refused(trip.limit(2)), fault(AccountError::Limit { account: trip, limit: 2 }));
    assert_eq!(refused(plain.limit(0)), fault(AccountError::NotGiven { account: plain, limit: 0 }));
    scene.finish();
}

type AccountLimit = assize::id::LimitId;

#[test]
fn a_fault_ends_no_window() {
    let scene = scene();
    let day = open(&scene, "day", None, Deny, windows(&[TEN]));
    grant(&scene, day, 100, 0);
    let permit = admit(&scene, &[day], 5, 1);
    // Each of these is refused at a time in the next window.
    let later = call(15 * SECOND);
    let change = std::num::NonZeroI64::new(-101).unwrap();
    assert!(scene.controller.grant(day, change, later).is_err());
    assert!(scene.admit_until(&[day], &scene.ask(1), at(14 * SECOND), later).is_err());
    let spent = scene.controller.commit(
        permit,
        Spend::Usage { served: NOBODY, quantities: *scene.ask(1).quantities() },
        later,
    );
    let permit = spent.unwrap_err().permit;
    // The log's time is still in the first window, and so is its money.
    commit(&scene, permit, 50, 5);
    assert_eq!(all(&scene, day), [[100, 50, 0, 50, 0, 0]]);
    scene.finish();
}
