//! All jobs: what runs how often, and how much of it at once.

use std::time::Duration;

use super::Job;
use crate::{escalation, events, idempotency, routing, tickets};

/// The table.
pub const JOBS: &[Job] = &[
    Job {
        name: "sequence_events",
        // How long what another process wrote, or placed, goes unnoticed at most.
        period: Duration::from_millis(100),
        pace: Duration::from_millis(10),
        batch: 1000,
        wake: Some(|app| app.db.committed()),
        run_once: |app, limit| Box::pin(async move { events::sequencer::run_once(&app, limit).await }),
    },
    Job {
        name: "auto_close",
        period: Duration::from_secs(5),
        pace: Duration::ZERO,
        batch: 500,
        wake: None,
        run_once: |app, limit| Box::pin(async move { tickets::auto_close::run_once(&app, limit).await }),
    },
    Job {
        name: "wake",
        period: Duration::from_secs(1),
        pace: Duration::ZERO,
        batch: 500,
        wake: None,
        run_once: |app, limit| Box::pin(async move { tickets::wake::run_once(&app, limit).await }),
    },
    Job {
        name: "push",
        // How long an absence that ended, or a ring in another replica, goes unnoticed at most.
        period: Duration::from_secs(5),
        pace: Duration::from_millis(20),
        batch: 100,
        wake: Some(|app| &app.push_due),
        run_once: |app, limit| Box::pin(async move { routing::push::run_once(&app, limit).await }),
    },
    Job {
        name: "expire_escalations",
        period: Duration::from_secs(5),
        pace: Duration::ZERO,
        batch: 200,
        wake: None,
        run_once: |app, limit| Box::pin(async move { escalation::expire::run_once(&app, limit).await }),
    },
    Job {
        name: "purge_receipts",
        period: Duration::from_mins(1),
        pace: Duration::ZERO,
        batch: 10_000,
        wake: None,
        run_once: |app, limit| Box::pin(async move { idempotency::purge(&app, limit).await }),
    },
];
