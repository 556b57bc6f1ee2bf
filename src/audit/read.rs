//! Reading the log: a list, the newest first, and where the chain ends.

use super::{
    chain::Head,
    model::{FIELDS, Shown},
    store::{self, Place},
    verify::MANY,
};
use crate::{app::App, ctx::Ctx, error::Result, filter, seal::Page};

/// A page of a list, as the caller asks for it.
#[derive(Clone, Copy, Debug)]
pub struct List<'a> {
    pub page_size: i32,
    pub page_token: &'a str,
    pub filter: &'a str,
}

/// A page of entries, the newest first, and where the next one begins.
pub async fn list(app: &App, ctx: &Ctx, list: List<'_>) -> Result<(Vec<Shown>, String)> {
    let filter = filter::parse(list.filter, &FIELDS)?;
    let canonical = filter.as_ref().map(ToString::to_string).unwrap_or_default();
    let purpose = format!("{} ListAuditEntries {}:{canonical}", ctx.tenant, ctx.actor.id);
    let page = Page::<Place>::parse(&app.sealer, &purpose, list.page_size, list.page_token)?;
    let mut tx = app.db.read(&ctx.tenant).await?;
    let rows = store::list(&mut tx, ctx, filter.as_ref(), &page).await?;
    page.finish(&app.sealer, &purpose, rows, |shown| (shown.entry.time, shown.entry.id))
}

/// The end of the chain, and how many entries wait for their place behind it.
pub async fn head(app: &App, ctx: &Ctx) -> Result<(Head, i64)> {
    let mut tx = app.db.read(&ctx.tenant).await?;
    Ok((store::head(&mut tx).await?, store::count_waiting(&mut tx, MANY).await?))
}
