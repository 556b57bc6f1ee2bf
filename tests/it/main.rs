//! Whole tests: real gRPC over loopback, a real Postgres, a database per test, a clock that stands until it is moved.
//! The folders mirror `src`.

mod contract;
mod jobs;
mod events;
mod configuration;
mod smoke;
mod support;
mod tickets;
mod tidy;
