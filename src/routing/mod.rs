//! Where tickets go, and who gets them.
//!
//! Verbs: route, transfer, pull. `decide` is the rule; the decision is kept with its reasons.

mod condition;
mod decide;

pub use condition::Conditions;
pub use decide::{Decision, Trial, decide};
