//! Agents: the people who work on tickets; their teams, skills, room and availability.
//!
//! Verbs: upsert, delete, set availability.

mod delete;
#[cfg(test)]
pub mod fixture;
mod model;
mod read;
pub mod rpc;
mod set_availability;
mod shift;
mod store;
mod upsert;
mod wire;

pub use model::*;
pub use read::{
    capacities_in, cool_down_in, get_in, lock_in, members, memberships_in, names, note_assigned_in, of_in,
    teams_of,
};
