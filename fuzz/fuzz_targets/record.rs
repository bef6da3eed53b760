//! Payloads of records: `tests/fuzzed/record.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _reached = assize_fuzz::fuzzed::record::check(bytes);
});
