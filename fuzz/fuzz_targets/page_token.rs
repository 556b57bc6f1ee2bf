//! Page tokens of lists, made up by libFuzzer; `src/lib.rs` says what must hold.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| ticketing_fuzz::run("page_token", input));
