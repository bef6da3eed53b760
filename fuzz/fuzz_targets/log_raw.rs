//! Bytes as a log: `tests/fuzzed/log_raw.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _reached = assize_fuzz::fuzzed::log_raw::check(bytes);
});
