//! Ending a subscription. What was on its way is forgotten with it.

use super::{
    store,
    write::{Target, missing},
};
use crate::{app::App, audit, call::retrying, ctx::Ctx, error::Result, idempotency, ids::Id};

/// Answers whether an earlier call with the same request_id did it.
pub async fn delete(app: &App, ctx: &Ctx, target: Target) -> Result<bool> {
    retrying(|| attempt(app, ctx, target)).await
}

async fn attempt(app: &App, ctx: &Ctx, target: Target) -> Result<bool> {
    let mut tx = app.db.begin(&ctx.tenant).await?;
    let found = store::lock(&mut tx, target.id).await?;
    if idempotency::recall::<Id>(&mut tx, ctx).await?.is_some() {
        return Ok(true);
    }
    let subscription = found.ok_or_else(|| missing(ctx, target.id))?;
    subscription.require(target.version)?;
    store::delete(&mut tx, target.id).await?;
    let name = audit::Target::Named(subscription.name());
    audit::act_in(app, &mut tx, ctx, name, [Some(&subscription), None]).await?;
    idempotency::keep(&mut tx, ctx, &target.id).await?;
    tx.commit().await?;
    Ok(false)
}
