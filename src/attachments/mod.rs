//! Files on tickets. What is known of them lies here; their bytes lie in an object store, and whoever may see a file is told
//! where to put them or get them.
//!
//! Verbs: create, complete, delete. `docs/attachments.md` says how a file gets there.

mod complete;
mod create;
mod delete;
pub mod lapse;
mod model;
pub mod objects;
mod read;
pub mod remove;
pub mod rpc;
mod store;
pub mod wire;

pub use model::{Attachment, State};
pub use store::{erase as erase_in, forget as forget_in, waiting};
