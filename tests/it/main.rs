//! Whole tests: real gRPC over loopback, a real Postgres, a database per test, a clock that stands until it is moved.
//! The folders mirror `src`.

mod bad_input;
mod cli;
mod comments;
mod configuration;
mod contract;
mod crash;
mod customers;
mod documents;
mod events;
mod import;
mod jobs;
mod smoke;
mod support;
mod system;
mod tickets;
mod tidy;
