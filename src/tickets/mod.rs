//! Tickets: requests for support, from intake to end.
//!
//! Verbs: create, update, assign, claim, release, hold, resume, resolve, close, reopen, cancel, tag, follow, import.

mod change;
mod create;
mod hold;
mod lines;
mod model;
mod numbers;
mod read;
pub mod rpc;
mod status;
mod store;
pub mod wire;
mod write;

pub use change::{Change, enter};
pub use create::{Create, OnConflict, Receipt, Written, create};
pub use lines::Lines;
pub use model::*;
pub use numbers::Numbers;
pub use read::list_live;
pub use status::{Verb, advance};
pub use store::Live;
pub use write::{Target, apply_in, check_version, keep_in, lock_in, write};
