//! What every whole test stands on: [`Desk`], a service of its own with a database of its own.

mod cluster;
mod desk;
mod status;

pub use desk::{Client, Desk, START, sample};
pub use status::{facts, fields, reason};
