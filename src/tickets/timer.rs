//! The timers of tickets: whatever is due rings once, whichever replica comes first. A ticket that is being written to
//! just then rings at the next tick, if it is still due.

use std::collections::BTreeMap;

use super::{Change, Ticket, apply_in, store};
use crate::{
    app::App,
    ctx::Ctx,
    error::Result,
    ids::{Id, TenantId},
};

/// Writes the change that `decide` has for each of the `due` tickets, in one transaction for each tenant; counts them.
pub async fn ring(
    app: &App,
    ctx: impl Fn(TenantId) -> Ctx,
    due: &[(TenantId, Id)],
    decide: impl Fn(&Ctx, Ticket) -> Result<Option<Change>>,
) -> Result<usize> {
    let mut tenants: BTreeMap<&TenantId, Vec<Id>> = BTreeMap::new();
    for (tenant, id) in due {
        tenants.entry(tenant).or_default().push(*id);
    }
    let mut done = 0;
    let mut fault = None;
    for (tenant, ids) in tenants {
        match ring_in(app, &ctx(tenant.clone()), &ids, &decide).await {
            Ok(count) => done += count,
            // One tenant's trouble keeps no other waiting.
            Err(error) => fault = Some(error),
        }
    }
    fault.map_or(Ok(done), Err)
}

async fn ring_in(
    app: &App,
    ctx: &Ctx,
    ids: &[Id],
    decide: impl Fn(&Ctx, Ticket) -> Result<Option<Change>>,
) -> Result<usize> {
    let mut tx = app.db.begin(&ctx.tenant).await?;
    let tickets = store::lock_free(&mut tx, ids).await?;
    let changes: Vec<Change> =
        tickets.into_iter().filter_map(|ticket| decide(ctx, ticket).transpose()).collect::<Result<_>>()?;
    apply_in(&mut tx, &changes).await?;
    tx.commit().await?;
    Ok(changes.len())
}
