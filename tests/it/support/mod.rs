//! What every whole test stands on: [`Desk`], a service of its own with a database of its own.

mod cluster;
mod desk;
mod nats;
mod process;
mod raw;
mod s3;
mod status;
mod wire;

pub use cluster::{empty_database, fresh_database};
pub use desk::{Client, Desk, START, broken_laws, caller, put_in_force, root, sample};
pub use nats::Broker;
pub use process::Process;
pub use raw::Raw;
pub use s3::S3;
pub use status::{facts, fields, reason};
pub use wire::{Trip, When, Wire};
