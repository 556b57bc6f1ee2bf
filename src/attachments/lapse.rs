//! The job that forgets files that were announced and never completed. Nothing had happened to their tickets, so nothing is told.

use super::{model::LONGEST_UPLOAD, store};
use crate::{
    app::App,
    error::Result,
    ids::{Id, TenantId},
    jobs::{Report, Tally, by_tenant},
    time::Time,
};

/// One tick.
pub async fn run_once(app: &App, limit: usize) -> Result<Report> {
    let now = app.clock.now();
    let due = store::lapsed(app.db.across(), now, limit as i64).await?;
    let found = due.len();
    let mut tally = Tally::default();
    for (tenant, ids) in by_tenant(due) {
        tally.add(lapse(app, &tenant, &ids, now).await.map(Report::done));
    }
    let report = tally.finish()?;
    Ok(Report::of(report.done, found, limit))
}

async fn lapse(app: &App, tenant: &TenantId, ids: &[Id], now: Time) -> Result<usize> {
    let mut tx = app.db.begin(tenant).await?;
    // One that somebody completes at this moment is not PENDING any more when its lock is free.
    let gone = store::delete_pending(&mut tx, ids, now).await?;
    store::remove(&mut tx, &gone, now, now.after(LONGEST_UPLOAD)).await?;
    tx.commit().await?;
    Ok(gone.len())
}
