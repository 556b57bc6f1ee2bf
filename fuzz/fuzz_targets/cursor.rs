//! Cursors of the event stream, made up by libFuzzer; `src/lib.rs` says what must hold.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| ticketing_fuzz::run("cursor", input));
