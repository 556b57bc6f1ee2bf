//! What was sold to organizations, and whether a piece of support is covered by it.
//!
//! Verbs: upsert, record consent.

pub mod check;
mod consent;
mod model;
mod read;
pub mod rpc;
mod store;
#[cfg(test)]
mod tests;
mod upsert;
pub mod wire;

pub use check::{Used, answer};
pub use model::{Answer, Consent, Decision, Entitlement, Outcome, Subject, Terms, Why};
pub use read::{entitle, entitle_one, sells, sold, used};
