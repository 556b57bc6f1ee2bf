//! Everything that a tenant decides about its support: one document, immutable revisions. Others read the revision in
//! force through [`Configurations`]; what they decide by it keeps its number.
//!
//! Verbs: apply, rollback.

mod apply;
pub mod holidays;
mod in_force;
mod model;
mod model_billing;
mod model_calendar;
mod model_knowledge;
mod model_routing;
mod model_services;
mod model_sla;
mod model_surveys;
mod path;
pub mod plan;
mod reach;
mod read;
mod rollback;
pub mod rpc;
mod span;
pub mod store;
#[cfg(test)]
mod tests;
mod validate;
pub mod wire;

pub use apply::{Applied, Apply, apply};
pub use in_force::Configurations;
pub use model::*;
pub use model_billing::*;
pub use model_calendar::*;
pub use model_knowledge::*;
pub use model_routing::*;
pub use model_services::*;
pub use model_sla::*;
pub use model_surveys::*;
pub use path::is_key;
pub use plan::{Change, Plan};
pub use rollback::{Rollback, rollback};
pub use validate::validate;
