//! All jobs: what runs how often, and how much of it at once.

use std::time::Duration;

use super::Job;
use crate::{idempotency, routing, tickets};

/// The table.
pub const JOBS: &[Job] = &[
    Job {
        name: "auto_close",
        period: Duration::from_secs(5),
        batch: 500,
        wake: None,
        run_once: |app, limit| Box::pin(async move { tickets::auto_close::run_once(&app, limit).await }),
    },
    Job {
        name: "wake",
        period: Duration::from_secs(1),
        batch: 500,
        wake: None,
        run_once: |app, limit| Box::pin(async move { tickets::wake::run_once(&app, limit).await }),
    },
    Job {
        name: "push",
        period: Duration::from_secs(5),
        batch: 100,
        wake: Some(|app| &app.push_due),
        run_once: |app, limit| Box::pin(async move { routing::push::run_once(&app, limit).await }),
    },
    Job {
        name: "purge_receipts",
        period: Duration::from_mins(1),
        batch: 10_000,
        wake: None,
        run_once: |app, limit| Box::pin(async move { idempotency::purge(&app, limit).await }),
    },
];
