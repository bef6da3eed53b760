//! Logs that the key's holder wrote: `tests/fuzzed/log_remaced.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _reached = assize_fuzz::fuzzed::log_remaced::check(bytes);
});
