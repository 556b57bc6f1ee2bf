//! Reading the configuration: what is in force, a revision of it, the list of revisions.

use super::{Revision, Stamp, apply::name, in_force::missing, store};
use crate::{
    app::App,
    ctx::Ctx,
    db::Tx,
    error::{Error, Result},
    seal::Page,
};

/// A revision; `None`: the one in force.
pub async fn get(app: &App, ctx: &Ctx, revision: Option<i64>) -> Result<Revision> {
    let found = store::find(&mut *app.db.read(&ctx.tenant).await?, &ctx.tenant, revision).await?;
    found.ok_or_else(|| match revision {
        Some(revision) => unknown(ctx, revision),
        None => missing(&ctx.tenant).into(),
    })
}

/// A revision that a transaction needs.
pub async fn revision_in(tx: &mut Tx, ctx: &Ctx, revision: i64) -> Result<Revision> {
    let found = store::find(&mut **tx, &ctx.tenant, Some(revision)).await?;
    found.ok_or_else(|| unknown(ctx, revision))
}

/// A page of revisions, newest first, and the token of the next.
pub async fn list(app: &App, ctx: &Ctx, page_size: i32, page_token: &str) -> Result<(Vec<Stamp>, String)> {
    let purpose = format!("{} ListConfigurationRevisions", ctx.tenant);
    let page = Page::<i64>::parse(&app.sealer, &purpose, page_size, page_token)?;
    let stamps =
        store::list_before(&mut *app.db.read(&ctx.tenant).await?, &ctx.tenant, page.after, page.limit())
            .await?;
    page.finish(&app.sealer, &purpose, stamps, |stamp| stamp.revision)
}

fn unknown(ctx: &Ctx, revision: i64) -> Error {
    Error::not_found("configuration revision", format!("{} {revision}", name(&ctx.tenant)))
}
