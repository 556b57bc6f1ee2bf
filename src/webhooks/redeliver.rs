//! Sending one delivery again, whatever became of it: by hand, from the beginning of the schedule.

use super::{
    model::{self, Delivery, DeliveryState},
    store,
    write::missing,
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

/// Which delivery: of which subscription, of which event.
#[derive(Clone, Copy, Debug)]
pub struct Which {
    pub id: Id,
    pub ticket: Id,
    pub version: i64,
}

/// The rule. The new number makes the result of an attempt that is at work void.
fn decide(ctx: &Ctx, delivery: Delivery) -> Delivery {
    Delivery {
        state: DeliveryState::Pending,
        attempt: delivery.attempt + 1,
        tries: 0,
        due_time: ctx.now,
        claim_until_time: None,
        settle_time: None,
        ..delivery
    }
}

/// The delivery as it is now, and whether an earlier call with the same request_id did it.
pub async fn redeliver(app: &App, ctx: &Ctx, which: Which) -> Result<(Delivery, bool)> {
    retrying(|| attempt(app, ctx, which)).await
}

async fn attempt(app: &App, ctx: &Ctx, which: Which) -> Result<(Delivery, bool)> {
    let Which { id, ticket, version } = which;
    let mut tx = app.db.begin(&ctx.tenant).await?;
    store::lock(&mut tx, id).await?.ok_or_else(|| missing(ctx, id))?;
    let name = || format!("{}/deliveries/{ticket}-{version}", model::name(&ctx.tenant, id));
    let found = store::lock_delivery(&mut tx, id, ticket, version).await?;
    let delivery = found.ok_or_else(|| Error::not_found("delivery", name()))?;
    if idempotency::recall::<Id>(&mut tx, ctx).await?.is_some() {
        return Ok((delivery, true));
    }
    let delivery = decide(ctx, delivery);
    store::settle(&mut tx, &delivery).await?;
    audit::act_in(app, &mut tx, ctx, audit::Target::Named(name()), audit::UNSEEN).await?;
    idempotency::keep(&mut tx, ctx, &id).await?;
    tx.commit().await?;
    Ok((delivery, false))
}
