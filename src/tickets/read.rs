//! Reading tickets: now, as of a time, by list. What a caller may see is one predicate, [`visible`], for all of them.

use std::{collections::HashMap, sync::Arc};

use super::{Live, State, Ticket, change::undo, create::Receipt, store};
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
    app.lines.get(tenant.clone(), id).await?.ok_or_else(|| missing(tenant, id))
}

fn missing(tenant: &TenantId, id: Id) -> Error {
    Error::not_found("ticket", format!("tenants/{tenant}/tickets/{id}"))
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

/// As [`at_version`], for what one call wrote together; in the order of the receipts.
pub async fn at_versions(app: &App, ctx: &Ctx, receipts: &[Receipt]) -> Result<Vec<Ticket>> {
    let (ids, versions): (Vec<Id>, Vec<i64>) =
        receipts.iter().map(|receipt| (receipt.ticket, receipt.version)).unzip();
    let found = store::find_all(app.db.pool(), &ctx.tenant, &ids).await?;
    let tickets: HashMap<Id, Ticket> = found.into_iter().map(|ticket| (ticket.id, ticket)).collect();
    let mut undone: HashMap<Id, Vec<events::Event>> = HashMap::new();
    for event in events::store::list_after_each(app.db.pool(), &ctx.tenant, &ids, &versions).await? {
        undone.entry(event.ticket_id).or_default().push(event);
    }
    let rewound = receipts.iter().map(|receipt| {
        let id = receipt.ticket;
        let ticket = tickets.get(&id).ok_or_else(|| missing(&ctx.tenant, id))?;
        rewind(ticket, undone.get(&id).map_or(&[], Vec::as_slice), receipt.version)
    });
    rewound.collect()
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

/// How many live tickets in which state an agent owns.
pub async fn owned_by_state(
    pool: &sqlx::PgPool,
    tenant: &TenantId,
    agent: &str,
) -> Result<Vec<(State, i64)>> {
    store::count_owned_by_state(pool, tenant, agent).await
}
