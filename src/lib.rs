//! ticketing: records, routes and escalates support tickets. ARCHITECTURE.md has the map; the modules stand here in the
//! order in which a call meets them.

pub mod access;
pub mod app;
pub mod calendar;
pub mod call;
pub mod cli;
pub mod config;
pub mod ctx;
pub mod db;
pub mod error;
pub mod filter;
pub mod idempotency;
pub mod identity;
pub mod ids;
pub mod jobs;
pub mod knowledge;
pub mod metrics;
pub mod outbound;
pub mod parts;
pub mod seal;
pub mod serve;
pub mod telemetry;
pub mod time;
pub mod tokens;

pub mod agents;
pub mod attachments;
pub mod audit;
pub mod billing;
pub mod comments;
pub mod configuration;
pub mod customers;
pub mod demo;
pub mod entitlements;
pub mod escalation;
pub mod events;
pub mod feedback;
pub mod import;
pub mod reports;
pub mod routing;
pub mod search;
pub mod sla;
pub mod system;
pub mod tickets;
pub mod webhooks;
pub mod worklogs;
