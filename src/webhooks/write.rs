//! The way of every change of a subscription: lock, recall, check the etag, decide, write, keep.

use super::{
    model::{self, Subscription},
    store,
};
use crate::{
    app::App,
    audit,
    call::retrying,
    ctx::Ctx,
    error::{Error, Result},
    idempotency,
    ids::Id,
};

/// Which subscription, as the caller saw it.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    pub id: Id,
    /// `None`: whatever it is now.
    pub version: Option<i64>,
}

/// What a change means for the deliveries that wait.
#[derive(Clone, Copy, Debug)]
pub enum Waiting {
    /// Nothing.
    Stay,
    /// They are tried at once.
    Hurry,
    /// So is all behind this place in the stream, also what was taken or given up.
    Again { position: i64 },
}

/// What it is now, and whether an earlier call with the same request_id did it.
#[derive(Clone, Debug)]
pub struct Written {
    pub subscription: Subscription,
    pub replayed: bool,
}

/// Changes a subscription.
pub async fn write(
    app: &App,
    ctx: &Ctx,
    target: Target,
    decide: impl Fn(&Subscription) -> Subscription + Send + Sync,
    waiting: Waiting,
) -> Result<Written> {
    retrying(|| attempt(app, ctx, target, &decide, waiting)).await
}

async fn attempt(
    app: &App,
    ctx: &Ctx,
    target: Target,
    decide: &(impl Fn(&Subscription) -> Subscription + Send + Sync),
    waiting: Waiting,
) -> Result<Written> {
    let mut tx = app.db.begin(&ctx.tenant).await?;
    let found = store::lock(&mut tx, target.id).await?;
    let before = found.ok_or_else(|| missing(ctx, target.id))?;
    if idempotency::recall::<Id>(&mut tx, ctx).await?.is_some() {
        return Ok(Written { subscription: before, replayed: true });
    }
    before.require(target.version)?;
    let subscription = decide(&before).changed_from(&before, ctx.now);
    store::put(&mut tx, &subscription).await?;
    match waiting {
        Waiting::Stay => {}
        Waiting::Hurry => store::hurry(&mut tx, target.id, ctx.now).await?,
        Waiting::Again { position } => store::send_again(&mut tx, target.id, position, ctx.now).await?,
    }
    let name = audit::Target::Named(subscription.name());
    audit::act_in(app, &mut tx, ctx, name, [Some(&before), Some(&subscription)]).await?;
    idempotency::keep(&mut tx, ctx, &target.id).await?;
    tx.commit().await?;
    Ok(Written { subscription, replayed: false })
}

pub fn missing(ctx: &Ctx, id: Id) -> Error {
    Error::not_found("subscription", model::name(&ctx.tenant, id))
}
