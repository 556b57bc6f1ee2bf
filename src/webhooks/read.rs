//! Reading subscriptions, how they are doing, and their deliveries.

use super::{
    model::{Delivery, DeliveryState, Subscription},
    store::{self, Backlog},
    write::missing,
};
use crate::{
    app::App,
    ctx::Ctx,
    error::Result,
    filter::{self, Expr, Field, Kind, Schema, Scope},
    ids::Id,
    seal::Page,
};

/// What a filter of deliveries may name.
pub const FIELDS: Schema = Schema(&[
    Field { name: "state", column: "state", kind: Kind::Enum(DeliveryState::NAMES) },
    Field { name: "type", column: "type", kind: Kind::Text },
    Field { name: "create_time", column: "create_time", kind: Kind::Time },
    Field { name: "due_time", column: "due_time", kind: Kind::Time },
]);

pub async fn get(app: &App, ctx: &Ctx, id: Id) -> Result<Subscription> {
    store::find(&mut *app.db.read(&ctx.tenant).await?, &ctx.tenant, id).await?.ok_or_else(|| missing(ctx, id))
}

/// What waits for each of these subscribers, in their order.
pub async fn backlogs(app: &App, ctx: &Ctx, of: &[Subscription]) -> Result<Vec<Backlog>> {
    let ids: Vec<Id> = of.iter().map(|it| it.id).collect();
    store::backlogs(&mut *app.db.read(&ctx.tenant).await?, &ctx.tenant, &ids).await
}

/// A page of subscriptions, and where the next one begins.
pub async fn list(app: &App, ctx: &Ctx, size: i32, token: &str) -> Result<(Vec<Subscription>, String)> {
    let purpose = format!("{} ListSubscriptions", ctx.tenant);
    let page = Page::<Id>::parse(&app.sealer, &purpose, size, token)?;
    let found =
        store::list(&mut *app.db.read(&ctx.tenant).await?, &ctx.tenant, page.after, page.limit()).await?;
    page.finish(&app.sealer, &purpose, found, |it| it.id)
}

/// A page of a subscription's deliveries, and where the next one begins.
pub async fn list_deliveries(
    app: &App,
    ctx: &Ctx,
    id: Id,
    filter: &str,
    (size, token): (i32, &str),
) -> Result<(Vec<Delivery>, String)> {
    let filter = filter::parse(filter, &FIELDS)?;
    let canonical = filter.as_ref().map(Expr::to_string).unwrap_or_default();
    let purpose = format!("{} ListDeliveries {id} {canonical}", ctx.tenant);
    let page = Page::<i64>::parse(&app.sealer, &purpose, size, token)?;
    get(app, ctx, id).await?;
    let scope = Scope { now: *ctx.now, me: &ctx.actor.id };
    let found = store::list_deliveries(
        &mut *app.db.read(&ctx.tenant).await?,
        &ctx.tenant,
        id,
        page.after,
        filter.as_ref(),
        &scope,
        page.limit(),
    )
    .await?;
    page.finish(&app.sealer, &purpose, found, |it| it.position)
}
