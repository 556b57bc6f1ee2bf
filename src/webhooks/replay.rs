//! Sending everything again from a place in the stream on. Deliveries that are there are made due again with the bytes and
//! the id that they have; what was forgotten is made anew.

use super::{
    model::Subscription,
    write::{Target, Waiting, Written, write},
};
use crate::{
    app::App,
    ctx::Ctx,
    error::Result,
    events::{self, Start},
};

pub async fn replay(app: &App, ctx: &Ctx, target: Target, start: Start) -> Result<Written> {
    let position = events::position(app, &ctx.tenant, &start).await?;
    let decide = |before: &Subscription| Subscription {
        // Never ahead: that would lead past what has no delivery yet.
        position: position.min(before.position),
        ..before.clone()
    };
    write(app, ctx, target, decide, Waiting::Again { position }).await
}
