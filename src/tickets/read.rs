//! Reading tickets: now, as of a time, by list. What a caller may see is one predicate, [`visible`], for all of them.

use std::{collections::HashMap, slice, sync::Arc, time::Duration};

use super::{
    Held, Live, Shown, Standing, Ticket,
    change::undo,
    create::Receipt,
    restricted::{self, visible},
    store,
};
use crate::{
    app::App,
    ctx::Ctx,
    db::Tx,
    error::{Error, Reason, Result},
    events,
    ids::{Id, TenantId},
    time::Time,
};

/// The half of it that needs no question: a customer sees what was asked in the customer's own name.
pub fn own(ctx: &Ctx, ticket: &Ticket) -> bool {
    !ctx.actor.is_customer() || ticket.requester == ctx.actor.id
}

/// A ticket that is known to exist.
pub async fn find(app: &App, tenant: &TenantId, id: Id) -> Result<Arc<Shown>> {
    app.lines.get(tenant.clone(), id).await?.ok_or_else(|| missing(tenant, id))
}

fn missing(tenant: &TenantId, id: Id) -> Error {
    Error::not_found("ticket", format!("tenants/{tenant}/tickets/{id}"))
}

/// A ticket, if the caller may see it.
pub async fn get(app: &App, ctx: &Ctx, id: Id) -> Result<Arc<Shown>> {
    let ticket = find(app, &ctx.tenant, id).await?;
    if !may_see(app, ctx, &ticket).await? {
        return Err(Error::not_found("ticket", ticket.name()));
    }
    restricted::note(app, ctx, slice::from_ref(&*ticket)).await?;
    Ok(ticket)
}

/// [`visible`], with a connection of its own if it takes one.
pub async fn may_see(app: &App, ctx: &Ctx, ticket: &Ticket) -> Result<bool> {
    if !ticket.restricted || !own(ctx, ticket) {
        return Ok(own(ctx, ticket));
    }
    visible(&mut *app.db.read(&ctx.tenant).await?, ctx, ticket).await
}

/// Live tickets in the order of their ids, behind one: for a snapshot.
pub async fn list_live(
    app: &App,
    ctx: &Ctx,
    live: Live<'_>,
    after: Option<Id>,
    limit: i64,
) -> Result<Vec<Ticket>> {
    store::list_live(&mut *app.db.read(&ctx.tenant).await?, &ctx.tenant, live, after, limit).await
}

/// The id that the last part of a ticket's name stands for: the id itself, or a number.
pub async fn resolve(app: &App, tenant: &TenantId, part: &str) -> Result<Id> {
    let missing = || Error::not_found("ticket", format!("tenants/{tenant}/tickets/{part}"));
    if let Ok(id) = part.parse::<Id>() {
        return Ok(id);
    }
    let number = part.parse::<i64>().map_err(|_| missing())?;
    store::find_id_by_number(&mut *app.db.read(tenant).await?, tenant, number).await?.ok_or_else(missing)
}

/// Refuses to answer from before a write that the caller knows of.
pub async fn await_revision(app: &App, ctx: &Ctx, revision: Option<Receipt>) -> Result<()> {
    let Some(Receipt { ticket, version }) = revision else { return Ok(()) };
    let found = app.lines.get(ctx.tenant.clone(), ticket).await?;
    match found.filter(|found| found.version >= version) {
        Some(found) if may_see(app, ctx, &found).await? => Ok(()),
        _ => Err(Error::Unavailable {
            reason: Reason::RevisionAhead,
            text: "the revision in min_revision has not arrived here yet; retry",
            retry_after: Duration::from_millis(100),
        }),
    }
}

/// The ticket as a write left it: the answer of a repeated call.
pub async fn at_version(app: &App, ctx: &Ctx, receipt: Receipt) -> Result<Ticket> {
    let ticket = find(app, &ctx.tenant, receipt.ticket).await?;
    let since = events::store::list_after(
        &mut *app.db.read(&ctx.tenant).await?,
        &ctx.tenant,
        receipt.ticket,
        receipt.version - 1,
    )
    .await?;
    rewind(&ticket, &since)
}

/// As [`at_version`], for what one call wrote together; in the order of the receipts.
pub async fn at_versions(app: &App, ctx: &Ctx, receipts: &[Receipt]) -> Result<Vec<Ticket>> {
    let (ids, before): (Vec<Id>, Vec<i64>) =
        receipts.iter().map(|receipt| (receipt.ticket, receipt.version - 1)).unzip();
    let found = store::find_all(&mut *app.db.read(&ctx.tenant).await?, &ctx.tenant, &ids).await?;
    let tickets: HashMap<Id, Ticket> = found.into_iter().map(|ticket| (ticket.id, ticket)).collect();
    let mut since: HashMap<Id, Vec<events::Event>> = HashMap::new();
    for event in
        events::store::list_after_each(&mut *app.db.read(&ctx.tenant).await?, &ctx.tenant, &ids, &before)
            .await?
    {
        since.entry(event.ticket_id).or_default().push(event);
    }
    let rewound = receipts.iter().map(|receipt| {
        let id = receipt.ticket;
        let ticket = tickets.get(&id).ok_or_else(|| missing(&ctx.tenant, id))?;
        rewind(ticket, since.get(&id).map_or(&[], Vec::as_slice))
    });
    rewound.collect()
}

/// The ticket as it was known at a time.
pub async fn at_time(app: &App, ctx: &Ctx, id: Id, time: Time) -> Result<Arc<Shown>> {
    let ticket = get(app, ctx, id).await?;
    let missing = || Error::not_found("ticket", ticket.name());
    let since = events::list_since(&mut *app.db.read(&ctx.tenant).await?, &ctx.tenant, id, time).await?;
    if since.last().is_some_and(|known| known.record_time > time) {
        return Err(missing());
    }
    let then = rewind(&ticket, &since)?;
    // It may have been somebody else's then.
    if !own(ctx, &then) {
        return Err(missing());
    }
    let mut db = app.db.read(&ctx.tenant).await?;
    let shown = app.names.put_on(&mut db, &ctx.tenant, vec![then]).await?.pop();
    shown.map(Arc::new).ok_or_else(missing)
}

/// How many live tickets stand in these levels, teams or queues, by place.
pub async fn count_standing_in(
    tx: &mut Tx,
    levels: &[String],
    teams: &[String],
    queues: &[String],
) -> Result<Vec<Standing>> {
    store::count_standing(tx, levels, teams, queues).await
}

/// The ticket as the last of `events` left it, which come newest first; as it is when there are none.
fn rewind(ticket: &Ticket, events: &[events::Event]) -> Result<Ticket> {
    let Some((left, undone)) = events.split_last() else { return Ok(ticket.clone()) };
    let mut ticket = undo(ticket, undone).map_err(Error::internal)?;
    // These are in no event's changes: they follow from the event.
    ticket.version = left.version;
    ticket.update_time = left.occur_time;
    Ok(ticket)
}

/// What these agents hold: the live tickets that they own, and those that are offered to them.
pub async fn held(db: &mut sqlx::PgConnection, tenant: &TenantId, agents: &[String]) -> Result<Vec<Held>> {
    store::count_held(db, tenant, agents, &[]).await
}
