//! Accounts that are put below another parent. SEMANTICS 9.18.

use assize::{
    budget::AccountError, controller::Fault, id::AccountId, overrun::Overrun::Deny, window::Window,
};

use crate::scene::{SECOND, call, micros};
use crate::{TEN, admit, commit, current, denied, grant, open, scene, windows};

#[test]
fn open_holds_keep_their_accounts_and_later_ones_go_by_the_new_parent() {
    let scene = scene();
    let [old, new] = ["old", "new"].map(|text| open(&scene, text, None, Deny, windows(&[TEN])));
    let leaf = open(&scene, "leaf", Some(old), Deny, windows(&[Window::Lifetime]));
    for account in [old, new, leaf] {
        grant(&scene, account, 100, 0);
    }
    let before = admit(&scene, &[leaf], 4, 1);
    let hold = before.hold();
    scene.controller.reparent(leaf, Some(new), call(2 * SECOND)).unwrap();
    let after = admit(&scene, &[leaf], 5, 3);
    assert_eq!([old, new, leaf].map(|account| current(&scene, account)[2]), [40, 50, 90]);
    let (scene, _) = scene.reopen();
    commit(&scene, before, 30, 4);
    commit(&scene, after, 50, 4);
    let _ = scene.controller.adjust(hold, micros(20), call(5 * SECOND)).unwrap();
    assert_eq!([old, new, leaf].map(|account| current(&scene, account)[3]), [20, 50, 70]);
    assert_eq!(denied(&scene, &[leaf], 6, 6).audited_reason().binding, Some(leaf.into()));
    // A parent that was opened later, and none.
    let last = open(&scene, "last", None, Deny, windows(&[Window::Lifetime]));
    scene.controller.reparent(old, Some(last), call(7 * SECOND)).unwrap();
    scene.controller.reparent(leaf, None, call(7 * SECOND)).unwrap();
    let (scene, _) = scene.reopen();
    let _alone = admit(&scene, &[leaf], 3, 8);
    assert_eq!(denied(&scene, &[old], 1, 8).audited_reason().binding, Some(last.into()));
    scene.controller.close_account(new, call(9 * SECOND)).unwrap();
    scene.finish();
}

#[test]
fn no_account_comes_below_itself_or_too_deep() {
    let scene = scene();
    let mut chain: Vec<AccountId> = Vec::new();
    for level in 0..8 {
        let caps = windows(&[Window::Lifetime]);
        chain.push(open(&scene, &format!("level {level}"), chain.last().copied(), Deny, caps));
    }
    let top = open(&scene, "top", None, Deny, windows(&[Window::Lifetime]));
    let gone = open(&scene, "gone", None, Deny, windows(&[Window::Lifetime]));
    scene.controller.close_account(gone, call(1)).unwrap();
    let nobody = AccountId(77);
    let cases = [
        (chain[0], Some(chain[7]), AccountError::BelowItself { account: chain[0] }),
        (chain[3], Some(chain[3]), AccountError::BelowItself { account: chain[3] }),
        (chain[3], Some(chain[2]), AccountError::SameParent { account: chain[3] }),
        (top, None, AccountError::SameParent { account: top }),
        (chain[0], Some(top), AccountError::TooDeep { parent: top }),
        (top, Some(chain[7]), AccountError::TooDeep { parent: chain[7] }),
        (top, Some(gone), AccountError::Closed { account: gone }),
        (gone, Some(top), AccountError::Closed { account: gone }),
        (top, Some(nobody), AccountError::Unknown { account: nobody }),
        (nobody, Some(top), AccountError::Unknown { account: nobody }),
    ];
    let head = scene.head();
    for (account, parent, error) in cases {
        let refused = scene.controller.reparent(account, parent, call(2));
        assert_eq!(refused, Err(Fault::Account(error)), "{account} below {parent:?}");
    }
    assert_eq!(scene.head(), head, "what is refused leaves no record");
    scene.controller.reparent(chain[1], Some(top), call(3)).unwrap();
    scene.finish();
}
