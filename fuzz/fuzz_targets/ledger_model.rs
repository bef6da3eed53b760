//! The log's ledger against the naive model of money: `tests/fuzzed/ledger_model.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _reached = assize_fuzz::fuzzed::ledger_model::check(bytes);
});
