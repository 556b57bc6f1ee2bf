//! The recipe of every verb on one ticket: recall, lock, decide, apply, keep, commit.

use std::collections::HashMap;

use super::{
    Change, Ticket,
    create::{Receipt, Written},
    read, store,
};
use crate::{
    app::App,
    call::retrying,
    configuration::Configuration,
    ctx::Ctx,
    db::Tx,
    error::{Error, Result},
    idempotency,
    ids::Id,
};

/// Which ticket, as the caller saw it.
#[derive(Clone, Debug)]
pub struct Target {
    pub id: Id,
    /// The version that the caller saw; `None`: whatever it is now.
    pub version: Option<i64>,
    /// Run every check, change nothing.
    pub validate_only: bool,
    /// Goes to the timeline; stays in the house.
    pub note: String,
    /// A code for figures; goes out with the event.
    pub reason: String,
}

/// Runs a verb whose rule needs nothing but the ticket and the configuration.
pub async fn write(
    app: &App,
    ctx: &Ctx,
    target: &Target,
    decide: impl Fn(&Configuration, Ticket) -> Result<Change> + Sync,
) -> Result<Written> {
    let configuration = app.configurations.get(&ctx.tenant).await?;
    retrying(|| attempt(app, ctx, target, |ticket| decide(&configuration, ticket))).await
}

async fn attempt(
    app: &App,
    ctx: &Ctx,
    target: &Target,
    decide: impl FnOnce(Ticket) -> Result<Change>,
) -> Result<Written> {
    let mut tx = app.db.begin(&ctx.tenant).await?;
    // The lock comes first: concurrent twins of one call stand in line, and the second finds the receipt.
    let locked = lock_in(&mut tx, ctx, target.id).await?;
    if let Some(receipt) = idempotency::recall::<Receipt>(&mut tx, ctx).await? {
        drop(tx);
        return Ok(Written {
            ticket: read::at_version(app, ctx, receipt).await?,
            replayed: true,
            existing: false,
        });
    }
    check_version(target, &locked)?;
    let change = decide(locked)?;
    if !target.validate_only {
        apply_in(&mut tx, std::slice::from_ref(&change)).await?;
        keep_in(&mut tx, ctx, &change.next).await?;
        tx.commit().await?;
    }
    Ok(Written { ticket: change.next, replayed: false, existing: false })
}

/// The ticket, locked until the transaction ends.
pub async fn lock_in(tx: &mut Tx, ctx: &Ctx, id: Id) -> Result<Ticket> {
    let found = store::lock(tx, id).await?;
    let ticket = found.filter(|ticket| read::visible(ctx, ticket));
    ticket.ok_or_else(|| Error::not_found("ticket", format!("tenants/{}/tickets/{id}", ctx.tenant)))
}

/// Refuses when the ticket changed since the caller saw it.
pub fn check_version(target: &Target, ticket: &Ticket) -> Result<()> {
    match target.version {
        Some(version) if version != ticket.version => {
            Err(Error::Stale { kind: "ticket", name: ticket.name() })
        }
        _ => Ok(()),
    }
}

/// Writes what happened to tickets that the transaction has locked.
pub async fn apply_in(tx: &mut Tx, changes: &[Change]) -> Result<()> {
    store::apply(tx, changes).await
}

/// Keeps the receipt: this version of this ticket answers a repetition.
pub async fn keep_in(tx: &mut Tx, ctx: &Ctx, ticket: &Ticket) -> Result<()> {
    idempotency::keep(tx, ctx, &Receipt { ticket: ticket.id, version: ticket.version }).await
}

/// How many live tickets each of these agents owns; who owns none is not in it. What is decided by it must hold the
/// locks of the agents (`agents::lock_in`).
pub async fn owned_in(tx: &mut Tx, agents: &[String]) -> Result<HashMap<String, i64>> {
    store::count_owned(tx, agents).await
}
