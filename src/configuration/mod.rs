//! Everything that a tenant decides about its support: one document, immutable revisions. Others read the revision in
//! force through [`Configurations`]; what they decide by it keeps its number.
//!
//! Verbs: apply, rollback.

mod in_force;
mod model;
pub mod store;

pub use in_force::Configurations;
pub use model::*;
