//! The job that looks into the database for what waits there. Scrapes never do: they find what was seen last. Each look is
//! bounded, however much waits.

use super::Metrics;
use crate::{
    app::App,
    audit,
    error::Result,
    events,
    jobs::{Report, Tally},
    sla,
    time::Time,
    webhooks,
};

/// One tick. What cannot be seen keeps nothing else from being seen.
pub async fn run_once(app: &App) -> Result<Report> {
    let (metrics, now) = (&*app.metrics, app.db.now(&app.clock).await?);
    let mut tally = Tally::default();
    tally.add(schema(app, metrics).await);
    tally.add(horizon(app, metrics, now).await);
    tally.add(outbox(app, metrics, now).await);
    tally.add(relay(app, metrics, now).await);
    tally.add(timers(app, metrics, now).await);
    tally.add(deliveries(app, metrics, now).await);
    tally.add(entries(app, metrics, now).await);
    tally.finish()
}

async fn schema(app: &App, metrics: &Metrics) -> Result<Report> {
    metrics.database.schema(app.db.schema_in_use().await?);
    Ok(Report::done(1))
}

async fn horizon(app: &App, metrics: &Metrics, now: Time) -> Result<Report> {
    metrics.database.horizon(app.db.horizon().await?, now);
    Ok(Report::done(1))
}

async fn outbox(app: &App, metrics: &Metrics, now: Time) -> Result<Report> {
    metrics.jobs.outbox.set(events::unplaced(app).await?, now);
    metrics.jobs.outbox_dead.record(events::dead_rows(app).await? as f64, &[]);
    Ok(Report::done(1))
}

async fn relay(app: &App, metrics: &Metrics, now: Time) -> Result<Report> {
    let Some(relay) = &app.relay else { return Ok(Report::default()) };
    metrics.relay.connected.record(f64::from(u8::from(relay.is_connected())), &[]);
    metrics.relay.events.set(events::relay::unconfirmed(app).await?, now);
    Ok(Report::done(1))
}

async fn timers(app: &App, metrics: &Metrics, now: Time) -> Result<Report> {
    metrics.timers.due.set(sla::overdue(app, now).await?, now);
    Ok(Report::done(1))
}

async fn deliveries(app: &App, metrics: &Metrics, now: Time) -> Result<Report> {
    metrics.webhooks.due.set(webhooks::overdue(app, now).await?, now);
    Ok(Report::done(1))
}

async fn entries(app: &App, metrics: &Metrics, now: Time) -> Result<Report> {
    metrics.audit.waiting.set(audit::unchained(app).await?, now);
    Ok(Report::done(1))
}
