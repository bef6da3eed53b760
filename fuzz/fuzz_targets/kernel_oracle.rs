//! Decisions against the naive model: `tests/fuzzed/kernel_oracle.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _reached = assize_fuzz::fuzzed::kernel_oracle::check(bytes);
});
