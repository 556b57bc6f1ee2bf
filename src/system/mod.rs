//! What the server is, and who the caller is to it. Nothing is written here.

pub mod readiness;
pub mod rpc;
