//! Work that was done on tickets: entries that never change, and are taken back by others.
//!
//! Verbs: create, reverse, correct.

mod create;
mod model;
mod read;
mod reverse;
pub mod rpc;
mod store;
pub mod wire;

pub use model::Worklog;
pub use store::{
    count_to as count_to_in, counted as counted_in, done_for as done_for_in, erase as erase_in,
    forget as forget_in, roots_since as roots_since_in,
};
