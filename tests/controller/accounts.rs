//! Accounts: opened once, granted to, closed for good. SEMANTICS 9.10, 9.12 and 9.13.

use std::num::NonZeroI64;

use assize::{
    budget::{AccountError, AccountState, AccountTerms, GrantError, PathError},
    caps::Caps,
    controller::{Fault, NotAdmitted},
    id::AccountId,
    ledger::{Account, Snapshot},
    overrun::Overrun::{self, Debt, Deny, IfAvailable},
    record::{Record, Spend},
};

use crate::scene::{Money, Scene, at, call, micros, name};

fn terms(text: &str, parent: Option<AccountId>, overrun: Overrun) -> AccountTerms {
    AccountTerms { name: name(text), parent, overrun, caps: Caps::default() }
}

fn change(micros: i64) -> NonZeroI64 {
    NonZeroI64::new(micros).unwrap()
}

#[test]
fn the_same_terms_are_the_same_account_and_leave_no_record() {
    let scene = Scene::new();
    let root = scene.account("root", IfAvailable, 0);
    let leaf = terms("leaf", Some(root), Debt);
    let account = scene.controller.ensure_account(&leaf, call(1)).unwrap();
    assert_eq!((root, account), (AccountId(0), AccountId(1)));
    assert_eq!(scene.controller.account(&name("leaf")), Some(account));
    assert_eq!(scene.controller.account(&name("lea")), None);
    assert!(
        matches!(scene.records().last().unwrap().1, Record::Account(ref seen) if seen.name == name("leaf"))
    );
    let before = scene.state();
    assert_eq!(scene.controller.ensure_account(&leaf, call(2)), Ok(account));
    let differ = Fault::Account(AccountError::TermsDiffer { account });
    for other in [terms("leaf", None, Debt), terms("leaf", Some(root), Deny)] {
        assert_eq!(scene.controller.ensure_account(&other, call(2)), Err(differ));
    }
    assert_eq!(scene.state(), before);
    let (scene, _) = scene.reopen();
    assert_eq!(scene.controller.ensure_account(&leaf, call(3)), Ok(account));
    assert_eq!(scene.controller.ensure_account(&terms("leaf", None, Debt), call(3)), Err(differ));
    scene.finish();
}

#[test]
fn a_tree_has_eight_levels() {
    let scene = Scene::new();
    let mut parent = None;
    for level in 1..=8 {
        parent = Some(scene.account_under(parent, &format!("level {level}"), Deny, 1_000));
    }
    let before = scene.state();
    let fault = scene.controller.ensure_account(&terms("level 9", parent, Deny), call(1)).unwrap_err();
    assert_eq!(fault, Fault::Account(AccountError::TooDeep { parent: parent.unwrap() }));
    let fault = scene.controller.ensure_account(&terms("x", Some(AccountId(8)), Deny), call(1)).unwrap_err();
    assert_eq!(fault, Fault::Account(AccountError::Unknown { account: AccountId(8) }));
    assert_eq!(scene.state(), before);
    let permit = scene.admit(&[parent.unwrap()], &scene.ask(10), call(2)).unwrap();
    for level in 0..8 {
        assert_eq!(scene.money(AccountId(level)).reserved, 100);
    }
    let _settlement = scene.controller.commit(permit, Spend::Amount(micros(90)), call(2)).unwrap();
    scene.finish();
}

#[test]
fn a_grant_goes_up_to_the_largest_amount_and_down_to_what_is_available() {
    let scene = Scene::new();
    let account = scene.account("a", Debt, 1_000);
    let held = scene.admit(&[account], &scene.ask(40), call(0)).unwrap();
    // 600 are available, 400 are held. The change, and what is granted and available after it.
    let rows: [(i64, Result<(u64, i64), GrantError>); 10] = [
        (200, Ok((1_200, 800))),
        (-200, Ok((1_000, 600))),
        (-601, Err(GrantError::AboveAvailable { available_micros: 600, delta_micros: -601 })),
        (i64::MIN, Err(GrantError::AboveAvailable { available_micros: 600, delta_micros: i64::MIN })),
        (-i64::MAX, Err(GrantError::AboveAvailable { available_micros: 600, delta_micros: -i64::MAX })),
        (-600, Ok((400, 0))),
        (-1, Err(GrantError::AboveAvailable { available_micros: 0, delta_micros: -1 })),
        (i64::MAX, Err(GrantError::AboveMaximum { granted_micros: 400, delta_micros: i64::MAX })),
        (i64::MAX - 400, Ok((i64::MAX.unsigned_abs(), i64::MAX - 400))),
        (1, Err(GrantError::AboveMaximum { granted_micros: i64::MAX, delta_micros: 1 })),
    ];
    for (micros, expected) in rows {
        let before = scene.state();
        match (scene.controller.grant(account, change(micros), call(1)), expected) {
            (Ok(sequence), Ok((granted, available))) => {
                let expected = Money { granted, available, reserved: 400, ..Money::default() };
                assert_eq!((scene.money(account), sequence.0), (expected, scene.head()), "{micros}");
            }
            (Err(fault), Err(error)) => {
                assert_eq!((fault, scene.state()), (Fault::Grant { account, error }, before), "{micros}");
            }
            (seen, _) => panic!("{micros}: {seen:?}"),
        }
    }
    let _settlement = scene.controller.release(held, call(2)).unwrap();
    scene.finish();
}

#[test]
fn a_grant_pays_a_debt_before_it_can_be_held() {
    let scene = Scene::new();
    let account = scene.account("a", Debt, 100);
    let permit = scene.admit(&[account], &scene.ask(10), call(0)).unwrap();
    let _settlement = scene.controller.commit(permit, Spend::Amount(micros(600)), call(0)).unwrap();
    for (granted, admits) in [(499, false), (1, false), (99, false), (1, true)] {
        let _sequence = scene.controller.grant(account, change(granted), call(1)).unwrap();
        let admitted = scene.admit(&[account], &scene.ask(10), call(1));
        assert_eq!(admitted.is_ok(), admits, "{:?}", scene.money(account));
    }
    scene.finish();
}

#[test]
fn an_account_closes_when_nothing_is_held_and_nobody_is_below() {
    let scene = Scene::new();
    let root = scene.account("root", Deny, 1_000);
    let leaf = scene.account_under(Some(root), "leaf", Deny, 1_000);
    let fault = |account, error: AccountError| {
        let before = scene.state();
        assert_eq!(scene.controller.close_account(account, call(1)), Err(Fault::Account(error)));
        assert_eq!(scene.state(), before);
    };
    fault(AccountId(2), AccountError::Unknown { account: AccountId(2) });
    fault(root, AccountError::ChildrenOpen { account: root, children: 1 });
    let some = scene.admit(&[leaf], &scene.ask(3), call(1)).unwrap();
    fault(leaf, AccountError::HoldsOpen { account: leaf, reserved_micros: 30 });
    // A hold of nothing is a hold.
    let nothing = scene.admit(&[leaf], &scene.ask(0), call(1)).unwrap();
    let _settlement = scene.controller.release(some, call(1)).unwrap();
    fault(leaf, AccountError::HoldsOpen { account: leaf, reserved_micros: 0 });
    let _settlement = scene.controller.commit(nothing, Spend::Amount(micros(0)), call(1)).unwrap();

    let sequence = scene.controller.close_account(leaf, call(1)).unwrap();
    assert_eq!(
        (sequence.0, scene.controller.read(leaf).unwrap().state),
        (scene.head(), AccountState::Closed)
    );
    let (scene, _) = scene.reopen();
    let closed = |account| {
        let before = scene.state();
        let error = AccountError::Closed { account };
        assert_eq!(scene.controller.close_account(account, call(2)), Err(Fault::Account(error)));
        let reopened = terms("leaf", Some(root), Deny);
        assert_eq!(scene.controller.ensure_account(&reopened, call(2)), Err(Fault::Account(error)));
        let fault = Fault::Grant { account, error: GrantError::Closed { account } };
        assert_eq!(scene.controller.grant(account, change(1), call(2)), Err(fault));
        let admitted = scene.admit(&[account], &scene.ask(0), call(2));
        assert_eq!(admitted, Err(NotAdmitted::Faulted(Fault::Path(PathError::Closed { account }))));
        assert_eq!(scene.state(), before);
    };
    closed(leaf);
    // The root goes on without it, and closes after it.
    let permit = scene.admit(&[root], &scene.ask(1), call(2)).unwrap();
    let _settlement = scene.controller.release(permit, call(2)).unwrap();
    let _sequence = scene.controller.close_account(root, call(2)).unwrap();
    let below = scene.controller.ensure_account(&terms("late", Some(root), Deny), call(3)).unwrap_err();
    assert_eq!(below, Fault::Account(AccountError::Closed { account: root }));
    scene.finish();
}

#[test]
fn a_path_is_one_to_four_accounts_with_at_most_24_cells() {
    let scene = Scene::new();
    let mut deep = Vec::new();
    for tree in 0..4 {
        let mut parent = None;
        for level in 1..=7 {
            parent = Some(scene.account_under(parent, &format!("{tree}.{level}"), Deny, 1_000));
        }
        deep.push(parent.unwrap());
    }
    let one = deep[0];
    let [a, b, c, d] = deep[..] else { panic!("four trees") };
    let unknown = AccountId(28);
    let rows: [(&[AccountId], Result<usize, PathError>); 8] = [
        (&[], Err(PathError::Empty)),
        (&[one], Ok(7)),
        (&[a, b, c], Ok(21)),
        (&[a, b, c, d], Err(PathError::TooManyCells)),
        (&[one, one], Err(PathError::Repeated { account: one })),
        (&[a, b, c, d, unknown], Err(PathError::TooManyAccounts { seen: 5 })),
        (&[one, unknown], Err(PathError::Unknown { account: unknown })),
        // Four of one tree share their cells.
        (&[a, AccountId(5), AccountId(4), AccountId(3)], Ok(7)),
    ];
    for (path, expected) in rows {
        let before = scene.state();
        match (scene.admit(path, &scene.ask(1), call(1)), expected) {
            (Ok(permit), Ok(cells)) => {
                let holding = (0..28).filter(|account| scene.money(AccountId(*account)).reserved == 10);
                assert_eq!(holding.count(), cells, "{path:?}");
                let _settlement = scene.controller.release(permit, call(1)).unwrap();
            }
            (Err(NotAdmitted::Faulted(fault)), Err(error)) => {
                assert_eq!((fault, scene.state()), (Fault::Path(error), before));
            }
            (seen, _) => panic!("{path:?}: {seen:?}"),
        }
    }
    assert_eq!(scene.controller.stats().unwrap().log_time, at(1));
    scene.finish();
}

/// What a snapshot has stays, whatever is done after it; and a ledger that comes to the same has the same digest.
#[test]
fn a_snapshot_is_of_one_moment() {
    let scene = Scene::new();
    let accounts: Vec<_> =
        (0..40).map(|number| scene.account(&format!("account {number}"), IfAvailable, 100)).collect();
    let taken = scene.controller.snapshot().unwrap();
    let (sequence, digest) = (taken.sequence(), taken.digest());
    assert_eq!(scene.controller.with_ledger(|ledger| ledger.sequence()).unwrap(), sequence);
    for account in &accounts {
        scene.controller.grant(*account, change(7), call(2)).unwrap();
    }
    scene.controller.close_account(accounts[3], call(2)).unwrap();
    let _more = scene.account("more", Deny, 1);
    let granted = |snapshot: &Snapshot| -> Vec<_> {
        let of = |(_, account): (_, &Account)| account.limits.current(0).unwrap().1.granted_micros;
        snapshot.accounts().map(of).collect()
    };
    assert_eq!(granted(&taken), [100; 40]);
    assert_eq!((taken.digest(), taken.account(AccountId(40))), (digest, None));
    let later = scene.controller.snapshot().unwrap();
    assert_eq!(granted(&later)[..40], [107; 40]);
    assert_ne!(later.digest(), digest);
    assert_eq!(scene.controller.with_ledger(|ledger| ledger.snapshot().digest()).unwrap(), later.digest());
    scene.finish();
}
