//! The budget engine against the naive ledger: `tests/fuzzed/engine_model.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _reached = assize_fuzz::fuzzed::engine_model::check(bytes);
});
