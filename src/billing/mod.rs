//! Money: what work costs, told as signed differences, handed over by periods that are locked.

mod credit;
pub mod deltas;
mod lock;
mod merge;
mod model;
pub mod rate;
mod read;
mod rerate;
pub mod rpc;
mod store;
#[cfg(test)]
mod tests;
pub mod wire;

pub use merge::count_in;
pub use model::Consented;
pub use rerate::{MAX_TOLD, Without, rerate_in, run_once, spread_in};
pub use store::lock_organization as lock_organization_in;
pub use store::{erase as erase_in, mark as mark_in};
