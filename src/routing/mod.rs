//! Where tickets go, and who gets them.
//!
//! Verbs: route, transfer, pull; the job push. `decide` is the rule; the decision is kept with its reasons.

mod bounds;
mod candidates;
mod condition;
mod decide;
mod decisions;
mod levels;
mod list_queue;
mod preview;
mod pull;
pub mod push;
mod route;
pub mod rpc;
mod transfer;
mod wire;

pub use condition::{Conditions, compile as compile_condition};
pub use decide::{Decision, Trial, decide};
