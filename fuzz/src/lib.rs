//! What strangers send, read as the service reads it: no input breaks a reader, and what was read is written back the
//! same. Fuzzers make inputs up (`fuzz_targets/`); `tests/it/fuzz.rs` repeats those that are kept in `corpus/`.

mod configuration;
mod filter;
mod house;
mod names;
mod request;
mod tokens;

pub use request::methods;

/// What is done with an input; a panic is a finding.
pub type Target = fn(&[u8]);

/// Every target by its name.
pub const TARGETS: [(&str, Target); 6] = [
    ("configuration", configuration::read),
    ("cursor", tokens::cursor),
    ("filter", filter::read),
    ("name", names::read),
    ("page_token", tokens::page_token),
    ("request", request::send),
];

/// Runs one target.
pub fn run(name: &str, input: &[u8]) {
    let (_, target) = TARGETS.iter().find(|(known, _)| *known == name).expect("a target of this name");
    target(input);
}
