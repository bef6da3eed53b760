//! Policies as documents: `tests/fuzzed/policy_document.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _reached = assize_fuzz::fuzzed::policy_document::check(bytes);
});
