//! Tickets: requests for support, from intake to end.
//!
//! Verbs: create, update, assign, claim, release, hold, resume, resolve, close, reopen, cancel, tag, follow, import.

mod actions;
pub mod assign;
pub mod auto_close;
mod batch_create;
mod cancel;
mod change;
mod claim;
mod close;
mod create;
#[cfg(test)]
pub mod fixture;
mod follow;
pub mod hold;
mod import;
pub mod intake;
mod lines;
mod model;
mod numbers;
pub mod queue;
mod read;
mod release;
pub mod reopen;
mod replay;
pub mod resolve;
pub mod resume;
pub mod rpc;
mod status;
mod store;
mod tag;
mod timer;
mod update;
pub mod wake;
pub mod wire;
mod write;

pub use assign::give;
pub use change::{Change, enter};
pub use create::{Create, OnConflict, Receipt, Written, create, draft};
pub use lines::Lines;
pub(crate) use model::codes;
pub use model::*;
pub use numbers::Numbers;
pub use read::{at_version, count_standing_in, get, list_live, owned_by_state, resolve};
pub use status::{Verb, advance};
pub use store::Live;
pub use write::{Act, Done, Target, apply_in, check_version, keep_in, lock_in, owned_in, write, write_with};
