//! The contract of ticketing as Rust: messages, clients (feature `client`) and server traits (feature `server`),
//! generated from `ticketing/v1/*.proto`. The comments in those files are the reference.

#![allow(clippy::all, clippy::pedantic, missing_docs, unused_qualifications)]

/// Package `ticketing.v1`.
pub mod v1 {
    tonic::include_proto!("ticketing.v1");
}

/// The encoded `FileDescriptorSet` of the contract, options and comments included: for reflection and for every table
/// that is read off the contract.
pub const DESCRIPTOR: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptor.binpb"));

/// The gRPC service config for clients: which calls are repeated when, by the contract, and how long they have. Clients in most
/// languages take it as it is; tonic's has no use for it.
pub const SERVICE_CONFIG: &str = include_str!("../service_config.json");
