//! All jobs: what runs how often, and how much of it at once.

use std::time::Duration;

use super::Job;
use crate::{
    attachments, audit, billing, escalation, events, feedback, idempotency, metrics, reports, routing, sla,
    tickets, webhooks,
};

/// The table.
pub const JOBS: &[Job] = &[
    Job {
        name: "sequence_events",
        // How long what another process wrote goes unnoticed at most.
        period: Duration::from_millis(25),
        pace: Duration::from_millis(10),
        batch: 1000,
        wake: Some(|app| app.db.committed().rung()),
        run_once: |app, limit| Box::pin(async move { events::sequencer::run_once(&app, limit).await }),
    },
    Job {
        name: "relay_events",
        // How long an event waits for others at most: they share a read and a note.
        period: Duration::from_millis(50),
        pace: Duration::ZERO,
        batch: 4000,
        wake: None,
        run_once: |app, limit| Box::pin(async move { events::relay::run_once(&app, limit).await }),
    },
    Job {
        name: "keep_leases",
        // How late a renewal may be; leases say when it is due.
        period: Duration::from_millis(250),
        pace: Duration::ZERO,
        batch: 1,
        wake: None,
        run_once: |app, _| Box::pin(async move { events::relay::keep(&app).await }),
    },
    Job {
        name: "reconcile_broker",
        period: Duration::from_secs(1),
        pace: Duration::ZERO,
        batch: 4,
        wake: None,
        run_once: |app, limit| Box::pin(async move { events::relay::reconcile::run_once(&app, limit).await }),
    },
    Job {
        name: "index_tickets",
        // How long a search has to look at what was written itself, when there is not too much of it. The pause leaves the
        // database to the callers while much is written.
        period: Duration::from_millis(250),
        pace: Duration::from_millis(100),
        batch: 200,
        wake: None,
        run_once: |app, limit| Box::pin(async move { tickets::index::run_once(&app, limit).await }),
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
        name: "request_feedback",
        period: Duration::from_secs(5),
        pace: Duration::ZERO,
        batch: 200,
        wake: None,
        run_once: |app, limit| Box::pin(async move { feedback::request::run_once(&app, limit).await }),
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
        name: "dispatch",
        // How long an absence that ended, or a shift that began, goes unnoticed at most. What is written is noticed by the
        // sequencer, in whichever process it happened.
        period: Duration::from_secs(1),
        pace: Duration::from_millis(20),
        batch: 200,
        wake: Some(|app| &app.dispatch_due),
        run_once: |app, limit| Box::pin(async move { routing::dispatch::run_once(&app, limit).await }),
    },
    Job {
        name: "fire_clocks",
        // How late what is due is told at most, when there is not too much of it.
        period: Duration::from_millis(250),
        pace: Duration::ZERO,
        batch: 500,
        wake: None,
        run_once: |app, limit| Box::pin(async move { sla::fire::run_once(&app, limit).await }),
    },
    Job {
        name: "expire_offers",
        period: Duration::from_secs(1),
        pace: Duration::ZERO,
        batch: 200,
        wake: None,
        run_once: |app, limit| Box::pin(async move { routing::expire_offers::run_once(&app, limit).await }),
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
        name: "rerate_tickets",
        // How late a bill is that changes because of other tickets' work, or of what was sold.
        period: Duration::from_secs(1),
        pace: Duration::ZERO,
        batch: 100,
        wake: None,
        run_once: |app, limit| Box::pin(async move { billing::run_once(&app, limit).await }),
    },
    Job {
        name: "retire_tickets",
        period: Duration::from_mins(10),
        pace: Duration::from_millis(100),
        batch: 200,
        wake: None,
        run_once: |app, limit| Box::pin(async move { tickets::retire::run_once(&app, limit).await }),
    },
    Job {
        name: "offer_resolutions",
        period: Duration::from_secs(5),
        pace: Duration::ZERO,
        batch: 200,
        wake: None,
        run_once: |app, limit| {
            Box::pin(async move { tickets::offer_resolution::run_once(&app, limit).await })
        },
    },
    Job {
        name: "lapse_attachments",
        period: Duration::from_mins(1),
        pace: Duration::ZERO,
        batch: 500,
        wake: None,
        run_once: |app, limit| Box::pin(async move { attachments::lapse::run_once(&app, limit).await }),
    },
    Job {
        name: "remove_objects",
        // How long the bytes of what was deleted or erased stay, when there is not too much of it.
        period: Duration::from_secs(10),
        pace: Duration::ZERO,
        batch: 200,
        wake: None,
        run_once: |app, limit| Box::pin(async move { attachments::remove::run_once(&app, limit).await }),
    },
    Job {
        name: "purge_receipts",
        period: Duration::from_mins(1),
        pace: Duration::ZERO,
        batch: 10_000,
        wake: None,
        run_once: |app, limit| Box::pin(async move { idempotency::purge(&app, limit).await }),
    },
    Job {
        name: "extend_audit_chains",
        // How long an entry stands outside of its chain at most, when there is not too much of it.
        period: Duration::from_secs(1),
        pace: Duration::ZERO,
        batch: 1000,
        wake: None,
        run_once: |app, limit| Box::pin(async move { audit::extend::run_once(&app, limit).await }),
    },
    Job {
        name: "count_figures",
        // How old the figures are at most, when there is not too much to count.
        period: Duration::from_millis(500),
        pace: Duration::from_millis(50),
        batch: 50,
        wake: None,
        run_once: |app, limit| Box::pin(async move { reports::follow::run_once(&app, limit).await }),
    },
    Job {
        name: "fan_out_webhooks",
        // How long an event waits for its deliveries at most, when there is not too much of it.
        period: Duration::from_millis(250),
        pace: Duration::ZERO,
        batch: 200,
        wake: None,
        run_once: |app, limit| Box::pin(async move { webhooks::fan_out::run_once(&app, limit).await }),
    },
    Job {
        name: "send_webhooks",
        period: Duration::from_millis(250),
        pace: Duration::from_millis(20),
        batch: 128,
        wake: None,
        run_once: |app, limit| Box::pin(async move { webhooks::send::run_once(&app, limit).await }),
    },
    Job {
        name: "forget_deliveries",
        period: Duration::from_mins(1),
        pace: Duration::ZERO,
        batch: 5_000,
        wake: None,
        run_once: |app, limit| Box::pin(async move { webhooks::forget::run_once(&app, limit).await }),
    },
    Job {
        name: "look",
        // How old what is measured in the database is at most.
        period: Duration::from_secs(10),
        pace: Duration::ZERO,
        batch: 1,
        wake: None,
        run_once: |app, _| Box::pin(async move { metrics::look::run_once(&app).await }),
    },
];
