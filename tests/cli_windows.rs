//! What commands show of windows, throttles and caps, on a log that has all of it.
#![cfg(feature = "cli")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::panic,
    reason = "a test stops at the first surprise"
)]

#[path = "cli/command.rs"]
#[allow(dead_code, reason = "this file reads what people read")]
mod command;

#[path = "cli/history.rs"]
mod history;

#[path = "cli/place.rs"]
#[allow(dead_code, reason = "this file runs no trace")]
mod place;

use place::Place;

/// The words of each line, one space between them.
fn lines(text: &str) -> Vec<String> {
    text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

/// What a command shows of the log, with every one of these lines.
fn shows(args: &[&str], expected: &[&str]) {
    let place = Place::new();
    history::write(&place, "log");
    let ran = place.on("log", args[0], &args[1..]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{args:?}");
    let seen = lines(&ran.out);
    for line in expected {
        assert!(seen.iter().any(|seen| seen == line), "{args:?} does not show {line:?}:\n{}", ran.out);
    }
}

/// Reckoned by hand: in October 250 and a part of 120; in November what hold 13 spent besides (280), a correction up (50),
/// a rerouted request (140), and 500 of the batch; a correction down (70), and 130 said too late.
#[test]
fn months_reconcile_with_what_was_spent() {
    let args = ["stat", "--by", "month", "--utc-offset", "+02:00", "--candidates"];
    shows(
        &args,
        &[
            "2026-10 (+02:00) in all, each hold once 500 370 0 0 0 0",
            "2026-11 (+02:00) in all, each hold once 1,850 970 50 70 130 130",
            "2026-11 (+02:00) team 850 470 50 70 130 130",
            "2026-11 (+02:00) batch 100 500 0 0 0 0",
            // 550 and 280 as days ended, and 400 released after theirs had; 70 refunded went to the day that had lent them.
            "2026-11 (+02:00) team day +02:00 0 1,230",
            "2026-11 (+02:00) org month +02:00 -10,000 49,550",
            "2026-11 (+02:00) batch given 0 200",
            "2026-10 (+02:00) alpha 1 370 0 0",
            "2026-11 (+02:00) alpha 3 830 70 130",
            "2026-11 (+02:00) beta 1 140 0 0",
            "team 770 770",
            "what was committed less what was refunded, over all months, is what the cells have committed",
        ],
    );
    // Two hours to the west the month ends later, and more is October's.
    let western = ["stat", "--by", "month", "--account", "team", "--utc-offset", "-02:00"];
    shows(
        &western,
        &["2026-10 (-02:00) team 650 700 50 0 130 130", "2026-11 (-02:00) team 700 140 0 70 0 0"],
    );
}

#[test]
fn accounts_are_shown_by_limit_and_window() {
    shows(
        &["stat", "--by", "account"],
        &[
            "org lifetime 100,000 100,000 99,230 0 770 0 130",
            "org month +02:00 2026-10-31 22:00:00 2026-11-30 22:00:00 40,000 39,820 39,680 0 140 0 130",
            "team day +02:00 2026-11-01 22:00:00 2026-11-02 22:00:00 1,000 1,000 930 70 0 0 0",
            "batch given 2026-10-31 20:00:00 300 300 -400 0 500 200 0",
            "batch given 2026-11-02 02:00:00 300 200 200 0 0 0 0",
            "team 70 600 1 3 10 3 1",
            "team 2 requests in 10 s, 2 at once 1 2",
        ],
    );
}

#[test]
fn a_record_tells_what_it_rolled_over_lent_and_throttled() {
    shows(
        &["explain", "--seq", "14"],
        &[
            "outcome denied (throttle): first",
            "throttle team: 2 requests in 10 s, 2 at once",
            "passes from 2026-10-31 20:00:05",
            "team: 2 requests in 10 s, 2 at once 0 2",
        ],
    );
    shows(
        &["explain", "--seq", "17"],
        &[
            "team: day +02:00 from 2026-10-30 22:00:00, ended 1,000 550 → -200 80 → 0 370 → 650 0 → 550 0",
            "team: day +02:00 from 2026-10-31 22:00:00, begun 0 → 800 0 → 800 0 0 0 0",
            "team: day +02:00 ended, the next is from 2026-10-31 22:00:00, 550 µ lapsed",
            "org: month +02:00 lent 200 µ to hold 13 of an earlier window",
        ],
    );
    shows(
        &["trail", "--cells"],
        &[
            "23 2026-11-01 02:00:00.000000000 adjust hold 13 spent 330 µ on the host's word, 70 µ refunded; org: month +02:00 has \
             back 70 µ that it was charged for an earlier window; team: day +02:00 has back 70 µ that it was charged for an earlier \
             window",
            "team: day +02:00 from 2026-10-30 22:00:00, closed: granted 1,000, available -250 → -180, reserved 0, committed \
             700 → 630, lapsed 550, unfunded 0",
        ],
    );
}
