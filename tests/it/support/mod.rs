//! What every whole test stands on: [`Desk`], a service of its own with a database of its own.

mod cluster;
mod desk;

pub use desk::{Client, Desk, sample};
