//! Whole tests: real gRPC over loopback, a real Postgres, a database per test, a clock that stands until it is moved.
//! The folders mirror `src`.

mod agents;
mod attachments;
mod audit;
mod bad_input;
mod cli;
mod comments;
mod configuration;
mod contract;
mod crash;
mod customers;
mod db;
mod demo;
mod documents;
mod entitlements;
mod escalation;
mod events;
mod fuzz;
mod identity;
mod import;
mod jobs;
mod knowledge;
mod matrix;
mod measured;
mod quotas;
mod reports;
mod routing;
mod search;
mod sla;
mod smoke;
mod support;
mod system;
mod tickets;
mod tidy;
mod webhooks;
mod worklogs;
