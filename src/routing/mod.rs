//! Where tickets go, and who gets them.
//!
//! Verbs: route, transfer, pull. `decide` is the rule; the decision is kept with its reasons.

mod bounds;
mod condition;
mod decide;

pub use condition::{Conditions, compile as compile_condition};
pub use decide::{Decision, Trial, decide};
