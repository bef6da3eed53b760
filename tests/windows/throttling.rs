//! Throttles: what passes, when, and what a denial consumes. SEMANTICS 19.

use assize::{
    budget::AccountTerms,
    caps::{Caps, CapsDraft},
    controller::{DenialClass, Fault, ThrottledBy},
    overrun::Overrun::Deny,
    throttle::{Counts, Throttle},
    window::Window,
};

use crate::scene::{SECOND, at, call, name};
use crate::{admit, denied, grant, open, scene, windows};

fn throttled(throttles: &[Throttle]) -> CapsDraft {
    CapsDraft { throttles: throttles.to_vec(), ..windows(&[Window::Lifetime]) }
}

/// So many in ten seconds, so many at once.
fn throttle(counts: Counts, rate: u64, burst: u64) -> Throttle {
    Throttle { counts, rate, period_ns: 10_000_000_000, burst }
}

#[test]
fn each_sort_counts_what_it_says_and_denials_consume_nothing() {
    // What is counted | rate | burst | units of requests, one a second | whether each passes.
    let cases: [(Counts, u64, u64, &[u64], &[bool]); 4] = [
        (Counts::Requests, 5, 2, &[1, 9, 1, 1, 1, 1], &[true, true, true, false, true, false]),
        (Counts::Cost, 100, 100, &[10, 1, 1, 3, 1], &[true, true, true, false, true]),
        (Counts::Units { quantities: 0b10 }, 10, 5, &[6, 5, 1, 1], &[false, true, true, true]),
        (Counts::Units { quantities: 0b01 }, 10, 5, &[9, 9, 9], &[true, true, true]),
    ];
    for (counts, rate, burst, units, expected) in cases {
        let scene = scene();
        let account = open(&scene, "a", None, Deny, throttled(&[throttle(counts, rate, burst)]));
        grant(&scene, account, 10_000, 0);
        for (second, (units, passes)) in (1..).zip(units.iter().zip(expected)) {
            let answer = scene.admit(&[account], &scene.ask(*units), call(second * SECOND));
            assert_eq!(answer.is_ok(), *passes, "{counts:?} at {second}");
        }
        let (scene, _) = scene.reopen();
        assert_eq!(scene.finish().denied_throttle, expected.iter().filter(|passes| !**passes).count() as u64);
    }
}

#[test]
fn a_denial_says_which_throttle_and_when_a_retry_passes() {
    let scene = scene();
    let two = [throttle(Counts::Requests, 1000, 1000), throttle(Counts::Cost, 30, 300)];
    let root = open(&scene, "root", None, Deny, throttled(&two));
    let leaf = open(&scene, "leaf", Some(root), Deny, throttled(&[]));
    for account in [root, leaf] {
        grant(&scene, account, 10_000, 0);
    }
    let _permit = admit(&scene, &[leaf], 30, 1);
    let denial = denied(&scene, &[leaf], 2, 1);
    assert_eq!(denial.class(), DenialClass::Throttle);
    let expected = ThrottledBy { account: root, throttle: 1, retry_at: None };
    // 20 µ at 3 µ a second: 6 2/3 s.
    let retry_at = at(SECOND + 6_666_666_667);
    assert_eq!(denial.audited_reason().throttled, Some(ThrottledBy { retry_at: Some(retry_at), ..expected }));
    let ask = scene.ask(2);
    let at_once = |ns: i64| assize::controller::Call::at(assize::num::Timestamp(retry_at.0 + ns));
    assert!(scene.admit(&[leaf], &ask, at_once(-1)).is_err());
    assert!(scene.admit(&[leaf], &ask, at_once(0)).is_ok());
    let never = denied(&scene, &[leaf], 31, 100);
    assert_eq!(never.audited_reason().throttled, Some(expected));
    assert_eq!(
        format!("{denial:?}").replace(&denial.sequence().0.to_string(), ""),
        format!("{never:?}").replace(&never.sequence().0.to_string(), "")
    );
    scene.finish();
}

#[test]
fn what_the_accounts_cannot_pay_consumes_no_throttle_and_a_throttle_no_money() {
    let scene = scene();
    let account = open(&scene, "a", None, Deny, throttled(&[throttle(Counts::Requests, 1, 1)]));
    grant(&scene, account, 25, 0);
    assert_eq!(denied(&scene, &[account], 3, 1).class(), DenialClass::Budget);
    let permit = admit(&scene, &[account], 1, 1);
    assert_eq!(denied(&scene, &[account], 1, 1).class(), DenialClass::Throttle);
    assert_eq!(scene.money(account).reserved, 10);
    let _ = scene.controller.release(permit, call(2 * SECOND)).unwrap();
    // Releasing does not give the request back.
    assert_eq!(denied(&scene, &[account], 1, 3).class(), DenialClass::Throttle);
    let _permit = admit(&scene, &[account], 1, 11);
    scene.finish();
}

#[test]
fn a_throttle_of_no_quantity_that_is_there_is_not_dropped_but_refused() {
    let scene = scene();
    let caps = Caps::new(throttled(&[throttle(Counts::Units { quantities: 0b100 }, 1, 1)])).unwrap();
    let terms = AccountTerms { caps, ..AccountTerms::new(name("a")) };
    let refused = scene.controller.ensure_account(&terms, call(1));
    assert_eq!(refused, Err(Fault::UnknownQuantity { throttle: 0, quantities: 2 }));
    assert_eq!(scene.controller.account(&name("a")), None);
    scene.finish();
}
