//! Whole tests: real gRPC over loopback, a real Postgres, a database per test, a clock that stands until it is moved.
//! The folders mirror `src`.

mod configuration;
mod contract;
mod documents;
mod events;
mod jobs;
mod smoke;
mod support;
mod tickets;
mod tidy;
