//! Caps on what is held at once, and on how many holds. SEMANTICS 9.17.

use assize::{
    caps::{Binding, Bound, CapsDraft},
    controller::{DenialClass, NotExtended},
    overrun::Overrun::Debt,
    record::Spend,
    window::Window,
};

use crate::scene::{ALPHA, SECOND, at, call, micros};
use crate::{admit, commit, denied, grant, open, scene, windows};

#[test]
fn what_is_held_at_once_is_capped_and_settling_frees_it() {
    let scene = scene();
    let caps = CapsDraft { held_max: Some(micros(100)), ..windows(&[Window::Lifetime]) };
    let root = open(&scene, "root", None, Debt, caps);
    let leaf = open(&scene, "leaf", Some(root), Debt, windows(&[Window::Lifetime]));
    for account in [root, leaf] {
        grant(&scene, account, 10_000, 0);
    }
    let held = Some(Binding { account: root, bound: Bound::Held });
    let mut first = admit(&scene, &[leaf], 6, 1);
    let denial = denied(&scene, &[leaf], 5, 1);
    assert_eq!((denial.class(), denial.audited_reason().binding), (DenialClass::Budget, held));
    assert_eq!(denial.audited_reason().limit_applied.unwrap().0, 40);
    let second = admit(&scene, &[leaf], 3, 1);
    let Err(NotExtended::Denied(denial)) =
        scene.controller.extend(&mut first, micros(11), None, call(2 * SECOND))
    else {
        panic!("extended above the cap")
    };
    assert_eq!(denial.audited_reason().binding, held);
    let _ = scene.controller.extend(&mut first, micros(10), None, call(2 * SECOND)).unwrap();
    // A part that is booked is held no more; an overrun takes nothing of the cap.
    let _ = scene.controller.part_commit(&mut first, Spend::Amount(micros(45)), call(3 * SECOND)).unwrap();
    let third = admit(&scene, &[leaf], 4, 3);
    commit(&scene, first, 500, 4);
    let (scene, _) = scene.reopen();
    let _fourth = admit(&scene, &[leaf], 3, 4);
    assert_eq!(denied(&scene, &[leaf], 1, 4).audited_reason().binding, held);
    let _ = scene.controller.release(third, call(5 * SECOND)).unwrap();
    assert_eq!(scene.controller.expire(call(70 * SECOND)), Ok(2));
    let _ = scene.controller.release(second, call(70 * SECOND)).unwrap();
    let _all = admit(&scene, &[leaf], 10, 70);
    scene.finish();
}

#[test]
fn the_number_of_holds_is_capped() {
    let scene = scene();
    let caps = CapsDraft { holds_max: Some(2), ..windows(&[Window::Lifetime]) };
    let account = open(&scene, "a", None, Debt, caps);
    grant(&scene, account, 100, 0);
    let first = admit(&scene, &[account], 0, 1);
    let second = admit(&scene, &[account], 1, 1);
    let denial = denied(&scene, &[account], 1, 1);
    let holds = Some(Binding { account, bound: Bound::Holds });
    assert_eq!((denial.class(), denial.audited_reason().binding), (DenialClass::Budget, holds));
    assert!(denial.audited_reason().decision.unwrap().selected.is_some(), "the policy would");
    commit(&scene, first, 0, 2);
    let (scene, permits) = scene.reopen();
    assert_eq!(permits.len(), 1);
    let _third = admit(&scene, &[account], 1, 2);
    assert_eq!(denied(&scene, &[account], 0, 2).audited_reason().binding, holds);
    // A reroute gives its own back first.
    let reroute =
        assize::controller::Reroute { failed: ALPHA, request: &scene.ask(1), deadline: at(60 * SECOND) };
    let _rerouted = scene.controller.reroute(second, &reroute, call(3 * SECOND)).unwrap();
    scene.finish();
}
