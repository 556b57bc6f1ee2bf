//! Reading tickets: now, as of a time, by list. What a caller may see is one predicate, [`visible`], for all of them.

use std::sync::Arc;

use super::{Live, Ticket, change::undo, create::Receipt, store};
use crate::{
    app::App,
    ctx::Ctx,
    error::{Error, Result},
    events,
    ids::{Id, TenantId},
    time::Time,
};

/// Whether the caller may see the ticket: a customer sees what was asked in the customer's own name.
pub fn visible(ctx: &Ctx, ticket: &Ticket) -> bool {
    !ctx.actor.is_customer() || ticket.requester == ctx.actor.id
}

/// A ticket that is known to exist.
pub async fn find(app: &App, tenant: &TenantId, id: Id) -> Result<Arc<Ticket>> {
    let found = app.lines.get(tenant.clone(), id).await?;
    found.ok_or_else(|| Error::not_found("ticket", format!("tenants/{tenant}/tickets/{id}")))
}

/// A ticket, if the caller may see it.
pub async fn get(app: &App, ctx: &Ctx, id: Id) -> Result<Arc<Ticket>> {
    let ticket = find(app, &ctx.tenant, id).await?;
    if visible(ctx, &ticket) { Ok(ticket) } else { Err(Error::not_found("ticket", ticket.name())) }
}

/// Live tickets in the order of their ids, behind one: for a snapshot.
pub async fn list_live(
    app: &App,
    ctx: &Ctx,
    live: Live<'_>,
    after: Option<Id>,
    limit: i64,
) -> Result<Vec<Ticket>> {
    store::list_live(app.db.pool(), &ctx.tenant, live, after, limit).await
}

/// The id that the last part of a ticket's name stands for: the id itself, or a number.
pub async fn resolve(app: &App, tenant: &TenantId, part: &str) -> Result<Id> {
    let missing = || Error::not_found("ticket", format!("tenants/{tenant}/tickets/{part}"));
    if let Ok(id) = part.parse::<Id>() {
        return Ok(id);
    }
    let number = part.parse::<i64>().map_err(|_| missing())?;
    store::find_id_by_number(app.db.pool(), tenant, number).await?.ok_or_else(missing)
}

/// The ticket as a write left it: the answer of a repeated call.
pub async fn at_version(app: &App, ctx: &Ctx, receipt: Receipt) -> Result<Ticket> {
    let ticket = find(app, &ctx.tenant, receipt.ticket).await?;
    let undone =
        events::store::list_after(app.db.pool(), &ctx.tenant, receipt.ticket, receipt.version).await?;
    rewind(&ticket, &undone, receipt.version)
}

/// The ticket as it was known at a time.
pub async fn at_time(app: &App, ctx: &Ctx, id: Id, time: Time) -> Result<Ticket> {
    let ticket = get(app, ctx, id).await?;
    let all = events::store::list_after(app.db.pool(), &ctx.tenant, id, 0).await?;
    let undone: Vec<_> = all.into_iter().filter(|event| event.record_time > time).collect();
    match undone.last() {
        Some(first) if first.version == 1 => Err(Error::not_found("ticket", ticket.name())),
        Some(first) => rewind(&ticket, &undone, first.version - 1),
        None => Ok(Arc::unwrap_or_clone(ticket)),
    }
}

/// Undoes `events`, newest first, down to `version`.
fn rewind(ticket: &Ticket, events: &[events::Event], version: i64) -> Result<Ticket> {
    let mut ticket = undo(ticket, events).map_err(Error::internal)?;
    ticket.version = version;
    Ok(ticket)
}
