//! Forgetting tickets that have been over for as long as their tenant keeps them: they, their log, and what belongs to them.

use super::{store, store_links};
use crate::{
    app::App,
    attachments, comments, configuration,
    error::Result,
    escalation, events, feedback,
    ids::TenantId,
    jobs::{Report, Tally},
    knowledge, reports,
    search::{self, Corpus},
    sla,
    time::Time,
    webhooks, worklogs,
};

/// One tick: at most `limit` tickets of all tenants together.
pub async fn run_once(app: &App, limit: usize) -> Result<Report> {
    let now = app.clock.now();
    let mut tally = Tally::default();
    let mut room = limit;
    for (tenant, configured) in configuration::store::list_tenants(app.db.across()).await? {
        let Some(tenant) = TenantId::parse(&tenant).filter(|_| configured && room > 0) else { continue };
        let gone = retire(app, &tenant, now, room).await;
        room -= gone.as_ref().map_or(0, |gone| *gone);
        tally.add(gone.map(|gone| Report::of(gone, gone, limit)));
    }
    let report = tally.finish()?;
    Ok(Report { full: room == 0, ..report })
}

/// Forgets tickets of a tenant, at most `limit`; says how many.
async fn retire(app: &App, tenant: &TenantId, now: Time, limit: usize) -> Result<usize> {
    let kept = app.configurations.get(tenant).await?.document.lifecycle.retention_duration;
    if kept.is_zero() {
        return Ok(0);
    }
    let mut tx = app.db.begin(tenant).await?;
    let mut tickets = store::lock_over_since(&mut tx, now.before(kept), limit as i64).await?;
    // What was imported may have been over for years, and is told all the same.
    let waiting = events::waiting_in(&mut tx, &tickets).await?;
    tickets.retain(|id| !waiting.contains(id));
    if tickets.is_empty() {
        return Ok(0);
    }
    webhooks::forget_in(&mut tx, &tickets).await?;
    escalation::forget_in(&mut tx, &tickets).await?;
    sla::forget_in(&mut tx, &tickets).await?;
    comments::forget_in(&mut tx, &tickets).await?;
    search::forget_in(&mut tx, Corpus::Tickets, &tickets).await?;
    attachments::forget_in(&mut tx, &tickets, now).await?;
    reports::forget_in(&mut tx, &tickets).await?;
    store_links::forget(&mut tx, &tickets).await?;
    knowledge::forget_in(&mut tx, &tickets, now).await?;
    worklogs::forget_in(&mut tx, &tickets).await?;
    feedback::forget_in(&mut tx, &tickets).await?;
    events::forget_in(&mut tx, &tickets).await?;
    store::forget(&mut tx, &tickets).await?;
    tx.commit().await?;
    Ok(tickets.len())
}
