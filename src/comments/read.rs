//! Reading comments. A customer reads the public ones on own tickets.

use super::{Comment, model::missing, store};
use crate::{app::App, ctx::Ctx, error::Result, ids::Id, seal::Page, tickets};

pub async fn get(app: &App, ctx: &Ctx, ticket: Id, id: Id) -> Result<Comment> {
    tickets::get(app, ctx, ticket).await?;
    let found = store::find(&mut *app.db.read(&ctx.tenant).await?, &ctx.tenant, ticket, id).await?;
    found
        .filter(|comment| comment.visibility.is_shown_to(&ctx.actor))
        .ok_or_else(|| missing(&ctx.tenant, ticket, id))
}

/// A page of a ticket's comments, oldest first, and where the next one begins.
pub async fn list(
    app: &App,
    ctx: &Ctx,
    ticket: Id,
    size: i32,
    token: &str,
) -> Result<(Vec<Comment>, String)> {
    tickets::get(app, ctx, ticket).await?;
    let internal = !ctx.actor.is_customer();
    let purpose = format!("{} ListComments {ticket} {internal}", ctx.tenant);
    let page = Page::<i64>::parse(&app.sealer, &purpose, size, token)?;
    let comments =
        store::list(&mut *app.db.read(&ctx.tenant).await?, &ctx.tenant, ticket, internal, &page).await?;
    let bytes = |comment: &Comment| 300 + comment.text.len();
    page.finish_within(&app.sealer, &purpose, comments, |comment| comment.version, bytes)
}
