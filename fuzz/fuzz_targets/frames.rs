//! Torn tails: `tests/fuzzed/frames.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _reached = assize_fuzz::fuzzed::frames::check(bytes);
});
