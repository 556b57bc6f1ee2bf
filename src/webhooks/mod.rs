//! Webhooks: a tenant's events, carried to addresses that it names. Signed, in order for each ticket, at least once.
//!
//! Verbs: create, update, delete, pause, resume, replay, rotate, redeliver. `docs/webhooks.md` says what arrives.

mod create;
mod delete;
mod erase;
pub mod fan_out;
pub mod forget;
mod model;
mod pause;
mod post;
mod read;
mod redeliver;
mod replay;
mod resume;
mod rotate;
pub mod rpc;
mod schedule;
pub mod send;
mod settle;
mod sign;
mod store;
mod store_lag;
mod target;
mod update;
mod wire;
mod write;

pub use erase::erase_in;
pub use model::*;
pub use post::{Answer, Bounds, Poster};
pub use schedule::PAUSES;
pub use send::overdue;
pub use store::forget_of as forget_in;
pub use target::{Reach, may_reach};
