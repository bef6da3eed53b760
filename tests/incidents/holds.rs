//! Money that stayed held, vanished, or was taken from the wrong account.

use assize::{
    controller::{DenialClass, NotAdmitted},
    overrun::Overrun::{Debt, Deny, IfAvailable},
    record::{Settled, Spend},
};

use crate::scene::{Money, SECOND, Scene, at, call, micros};

#[test]
fn holds_of_cancelled_streams_leaked() {
    let restart: [fn(Scene) -> Scene; 2] = [|scene| scene, |scene| scene.crash().0];
    for between in restart {
        let scene = Scene::new();
        let account = scene.account("a", Deny, 1_000);
        let request = scene.ask(90);
        let mut stream = scene.admit_until(&[account], &request, at(SECOND), call(1)).unwrap();
        assert!(scene.controller.part_commit(&mut stream, Spend::Amount(micros(40)), call(2)).is_ok());
        // The client hangs up; nobody settles.
        drop(stream);
        let scene = between(scene);
        let held = Money { granted: 1_000, available: 100, reserved: 860, committed: 40, unfunded: 0 };
        assert_eq!(scene.money(account), held);
        assert!(scene.admit(&[account], &request, call(SECOND - 1)).is_err());
        // At its deadline the next request finds the money, and nobody had to sweep.
        let next = scene.admit(&[account], &request, call(SECOND)).unwrap();
        let held = Money { granted: 1_000, available: 60, reserved: 900, committed: 40, unfunded: 0 };
        assert_eq!(scene.money(account), held);
        assert!(scene.controller.release(next, call(SECOND)).is_ok());
        let back = Money { granted: 1_000, available: 960, committed: 40, ..Money::default() };
        assert_eq!(scene.money(account), back);
        scene.finish();
    }
}

#[test]
fn overruns_vanished() {
    // Of 150 µ granted, 100 are held and 190 are spent. What each mode books, and what it says is not paid.
    for (overrun, available, committed, unfunded) in
        [(Deny, 50, 100, 90), (IfAvailable, 0, 150, 40), (Debt, -40, 190, 0)]
    {
        let scene = Scene::new();
        let account = scene.account("a", overrun, 150);
        let permit = scene.admit(&[account], &scene.ask(10), call(1)).unwrap();
        let settled = scene.controller.commit(permit, Spend::Amount(micros(190)), call(2)).unwrap();
        assert_eq!(settled.outcome.unfunded, micros(unfunded));
        let after = Money { granted: 150, available, reserved: 0, committed, unfunded };
        assert_eq!(scene.money(account), after, "{overrun:?}");
        let (scene, _) = scene.crash();
        assert_eq!(scene.money(account), after, "{overrun:?}: it is remembered");
        scene.finish();
    }
    // What comes in after the deadline finds no hold to pay it, and is told all the same.
    let scene = Scene::new();
    let account = scene.account("a", Debt, 150);
    let permit = scene.admit_until(&[account], &scene.ask(10), at(SECOND), call(1)).unwrap();
    let settled = scene.controller.commit(permit, Spend::Amount(micros(80)), call(SECOND)).unwrap();
    assert_eq!((settled.outcome.settled, settled.outcome.unfunded), (Settled::Expired, micros(80)));
    assert_eq!(
        scene.money(account),
        Money { granted: 150, available: 150, unfunded: 80, ..Money::default() }
    );
    scene.finish();
}

#[test]
fn a_team_key_bypassed_its_users_budget() {
    let scene = Scene::new();
    let team = scene.account("team", Deny, 10_000);
    let team_key = scene.account_under(Some(team), "team key", Deny, 10_000);
    let user = scene.account("user", Deny, 150);
    let request = scene.ask(10);
    let both = [team_key, user];
    let permit = scene.admit(&both, &request, call(1)).unwrap();
    for account in [team, team_key, user] {
        assert_eq!(scene.money(account).reserved, 100, "each of them and all above hold it");
    }
    let settled = scene.controller.commit(permit, Spend::Amount(micros(100)), call(1)).unwrap();
    assert_eq!(settled.outcome.actual, micros(100));
    for (account, available) in [(team, 9_900), (team_key, 9_900), (user, 50)] {
        let money = scene.money(account);
        assert_eq!((money.committed, money.available), (100, available));
    }
    // The team could go on for long: the user cannot.
    let Err(NotAdmitted::Denied(denial)) = scene.admit(&both, &request, call(2)) else {
        panic!("the team's key pays for the user");
    };
    assert_eq!((denial.class(), denial.audited_reason().binding), (DenialClass::Budget, Some(user.into())));
    for account in [team, team_key, user] {
        assert_eq!(scene.money(account).reserved, 0, "a denied path holds nothing anywhere");
    }
    scene.finish();
}
