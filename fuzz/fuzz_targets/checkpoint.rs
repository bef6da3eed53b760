//! Canonical forms of ledgers: `tests/fuzzed/checkpoint.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _reached = assize_fuzz::fuzzed::checkpoint::check(bytes);
});
