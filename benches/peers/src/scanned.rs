//! `prescribe` beside a full scan, found equal to it first: what the peer has no policy for.

use std::hint::black_box;

use assize::{
    kernel::{Disabled, Request, prescribe, trace},
    policy::Policy,
};

use crate::{
    measure,
    scan::{Leaders, scan},
    table::Row,
};

/// The row of that name. The scan takes the peer's place in the times and their ratio.
pub fn row(name: &str, policy: &Policy, requests: &[Request]) -> Row {
    let disabled = Disabled::none();
    let ask = |request| prescribe(policy, &disabled, request).expect("requests are drawn valid");
    let mut eligible = 0;
    for request in requests {
        let decision = ask(request);
        let leaders = Leaders { first: decision.selected, second: decision.runner_up };
        assert_eq!(leaders, scan(policy, request), "{name}: prescribe and a full scan differ on {request:?}");
        let traced = trace(policy, &disabled, request).expect("requests are drawn valid");
        assert_eq!(traced.decision, decision, "{name}: prescribe and trace differ on {request:?}");
        eligible += u64::from(traced.counts.eligible);
    }
    let beside = measure::beside(
        requests.len(),
        |rounds| {
            for request in (0..rounds).flat_map(|_| requests) {
                black_box(scan(policy, black_box(request)));
            }
        },
        |rounds| {
            for request in (0..rounds).flat_map(|_| requests) {
                let _ = black_box(ask(black_box(request)));
            }
        },
    );
    let asked = requests.len() * policy.candidates().len();
    Row::beside_scan(name, beside)
        .with("candidates", policy.candidates().len())
        .with("pass_rate", eligible as f64 / asked as f64)
        .with("requests", requests.len())
}
