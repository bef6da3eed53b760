//! Secrets, key files and states of evolving keys: `tests/fuzzed/key.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _reached = assize_fuzz::fuzzed::key::check(bytes);
});
