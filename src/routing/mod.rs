//! Where tickets go, and who gets them.
//!
//! Verbs: route, transfer, pull, accept and decline offers; the jobs dispatch and expire offers. `decide` says where,
//! `roster` who; decisions are kept with their reasons.

mod accept_offer;
mod bounds;
mod candidates;
mod condition;
mod cost;
mod decide;
mod decisions;
mod decline_offer;
pub mod dispatch;
pub mod expire_offers;
mod functions;
mod hints;
mod levels;
mod list_queue;
mod needs;
mod offers;
mod pattern;
mod place;
mod preview;
mod pull;
pub mod queue_stats;
mod roster;
mod route;
pub mod rpc;
mod simulate;
mod transfer;
mod typing;
mod view;
pub mod wire;

pub use candidates::{Candidate, Rejection};
pub use condition::{Conditions, compile as compile_condition};
pub use decide::{Decision, Trial, decide};
pub use decline_offer::DeclineReason;
pub use roster::{Fate, Roster};
pub use view::FIELDS as CONDITION_FIELDS;
pub use wire::of_draft;
