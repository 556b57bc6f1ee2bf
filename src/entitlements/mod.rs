//! What was sold to organizations, and whether a piece of support is covered by it.

pub mod check;
mod model;
#[cfg(test)]
mod tests;

pub use check::{Used, answer, period};
pub use model::{Answer, Consent, Decision, Entitlement, Outcome, Subject, Terms, Why};
