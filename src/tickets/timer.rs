//! The timers of tickets: whatever is due rings once, whichever replica comes first. A ticket that is being written to
//! just then rings at the next tick, if it is still due.

use super::{
    Change, Ticket, apply_in,
    room::{self, Before},
    store,
};
use crate::{
    app::App,
    ctx::Ctx,
    error::Result,
    ids::{Id, TenantId},
    jobs::{Report, Tally, by_tenant},
    routing::dispatch,
};

/// Writes the change that `decide` has for each of the `due` tickets, in one transaction for each tenant; counts them.
pub async fn ring(
    app: &App,
    ctx: impl Fn(TenantId) -> Ctx,
    due: &[(TenantId, Id)],
    decide: impl Fn(&Ctx, Ticket) -> Result<Option<Change>>,
) -> Result<usize> {
    let mut tally = Tally::default();
    for (tenant, ids) in by_tenant(due.iter().cloned()) {
        tally.add(ring_in(app, &ctx(tenant), &ids, &decide).await);
    }
    Ok(tally.finish()?.done)
}

async fn ring_in(
    app: &App,
    ctx: &Ctx,
    ids: &[Id],
    decide: impl Fn(&Ctx, Ticket) -> Result<Option<Change>>,
) -> Result<Report> {
    let configuration = app.configurations.get(&ctx.tenant).await?;
    let mut tx = app.db.begin(&ctx.tenant).await?;
    let tickets = store::lock_free(&mut tx, ids).await?;
    let mut changes = Vec::new();
    for ticket in tickets {
        let before = Before::of(&ticket);
        changes.extend(decide(ctx, ticket)?.map(|change| (before, change)));
    }
    let changes = room::keep_in(&mut tx, ctx, &configuration, changes).await?;
    let changes = apply_in(&mut tx, &app.configurations, changes).await?;
    tx.commit().await?;
    for change in &changes {
        dispatch::wake(app, &configuration, &change.next, false);
    }
    Ok(Report::done(changes.len()))
}
