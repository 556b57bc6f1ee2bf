//! The decisions about a ticket, as they were kept with the events that they led to.

use super::Decision;
use crate::{
    app::App,
    ctx::Ctx,
    error::{Error, Result},
    events,
    ids::Id,
    seal::Page,
    tickets,
    time::Time,
};

/// A decision that was taken.
#[derive(Clone, Debug)]
pub struct Taken {
    /// The ticket's version after it; names it.
    pub version: i64,
    pub create_time: Time,
    pub decision: Decision,
}

/// A page of the decisions about a ticket, newest first, and where the next one begins.
pub async fn list(app: &App, ctx: &Ctx, ticket: Id, size: i32, token: &str) -> Result<(Vec<Taken>, String)> {
    tickets::get(app, ctx, ticket).await?;
    let purpose = format!("{} ListRoutingDecisions {ticket}", ctx.tenant);
    let page = Page::<i64>::parse(&app.sealer, &purpose, size, token)?;
    let kept = events::store::list_details(
        &mut *app.db.read(&ctx.tenant).await?,
        &ctx.tenant,
        ticket,
        "decision",
        page.after,
        page.limit(),
    )
    .await?;
    let taken = kept.into_iter().map(|kept| {
        let decision = serde_json::from_value(kept.detail).map_err(Error::internal)?;
        Ok(Taken { version: kept.version, create_time: kept.occur_time, decision })
    });
    let taken = taken.collect::<Result<Vec<Taken>>>()?;
    page.finish(&app.sealer, &purpose, taken, |taken| taken.version)
}
