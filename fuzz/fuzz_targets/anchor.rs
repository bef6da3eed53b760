//! Anchors: `tests/fuzzed/anchor.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _reached = assize_fuzz::fuzzed::anchor::check(bytes);
});
