//! The recipe of a verb on several tickets: lock them in the order of their ids, recall, decide, apply, keep, commit. The
//! first of them answers.

use std::collections::HashMap;

use super::{
    Change, Ticket,
    create::{Receipt, Written},
    read,
    restricted::{self, visible},
    room::Before,
    store,
    write::{Target, apply_in, check_version, keep_in},
};
use crate::{
    app::App,
    audit,
    call::retrying,
    configuration::Configuration,
    ctx::Ctx,
    db::Tx,
    error::{Error, Result},
    idempotency,
    ids::Id,
    routing::dispatch,
};

/// A verb on several tickets.
pub trait ActTogether: Sync {
    /// Locks what has to be locked before the tickets are.
    fn enter(&self, _: &mut Tx) -> impl Future<Output = Result<()>> + Send {
        std::future::ready(Ok(()))
    }

    /// Called with the tickets locked, in the order of the targets; decides what happens to each, to the first one first.
    fn act(
        &self,
        tx: &mut Tx,
        ctx: &Ctx,
        configuration: &Configuration,
        tickets: Vec<Ticket>,
    ) -> impl Future<Output = Result<Vec<Change>>> + Send;
}

/// Runs a verb on tickets that are all different. A refusal and `validate_only` of the first target leave no trace.
pub async fn write_together<A: ActTogether>(
    app: &App,
    ctx: &Ctx,
    targets: &[Target],
    act: &A,
) -> Result<Written> {
    let configuration = app.configurations.get(&ctx.tenant).await?;
    retrying(|| attempt(app, ctx, targets, &configuration, act)).await
}

async fn attempt<A: ActTogether>(
    app: &App,
    ctx: &Ctx,
    targets: &[Target],
    configuration: &Configuration,
    act: &A,
) -> Result<Written> {
    let mut tx = app.db.begin(&ctx.tenant).await?;
    act.enter(&mut tx).await?;
    let tickets = lock_in(&mut tx, ctx, targets).await?;
    if let Some(receipt) = idempotency::recall::<Receipt>(&mut tx, ctx).await? {
        drop(tx);
        let ticket = read::at_version(app, ctx, receipt).await?;
        return Ok(Written { ticket, replayed: true, existing: false });
    }
    for (target, ticket) in targets.iter().zip(&tickets) {
        check_version(target, ticket)?;
    }
    let before: HashMap<Id, Before> = tickets.iter().map(|it| (it.id, Before::of(it))).collect();
    let version = tickets[0].version;
    let changes = act.act(&mut tx, ctx, configuration, tickets).await?;
    if targets[0].validate_only {
        drop(tx);
        let ticket = Ticket { version, ..changes.into_iter().next().expect("the first").next };
        restricted::note(app, ctx, std::slice::from_ref(&ticket)).await?;
        return Ok(Written { ticket, replayed: false, existing: false });
    }
    let mut changes = apply_in(&mut tx, &app.configurations, changes).await?;
    let name = changes[0].next.name();
    audit::act_in(app, &mut tx, ctx, audit::Target::Named(name), audit::UNSEEN).await?;
    keep_in(&mut tx, ctx, &changes[0].next).await?;
    tx.commit().await?;
    for Change { next, .. } in &changes {
        let freed = before.get(&next.id).is_some_and(|before| before.frees(configuration, next));
        dispatch::wake(app, configuration, next, freed);
    }
    Ok(Written { ticket: changes.swap_remove(0).next, replayed: false, existing: false })
}

/// The tickets in the order of the targets, locked in that of their ids.
async fn lock_in(tx: &mut Tx, ctx: &Ctx, targets: &[Target]) -> Result<Vec<Ticket>> {
    let ids: Vec<Id> = targets.iter().map(|target| target.id).collect();
    let found = store::lock_all(tx, &ids).await?;
    let mut found: HashMap<Id, Ticket> = found.into_iter().map(|ticket| (ticket.id, ticket)).collect();
    let mut tickets = Vec::with_capacity(ids.len());
    for id in ids {
        match found.remove(&id) {
            Some(ticket) if visible(tx, ctx, &ticket).await? => tickets.push(ticket),
            _ => return Err(Error::not_found("ticket", format!("tenants/{}/tickets/{id}", ctx.tenant))),
        }
    }
    Ok(tickets)
}
