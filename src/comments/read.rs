//! Reading comments. A customer reads the public ones on own tickets.

use super::{Comment, model::missing, store};
use crate::{
    app::App,
    ctx::Ctx,
    error::Result,
    ids::Id,
    seal::Page,
    tickets::{self, Place},
};

pub async fn get(app: &App, ctx: &Ctx, ticket: Id, id: Id) -> Result<Comment> {
    tickets::get(app, ctx, ticket).await?;
    let found = store::find(&mut *app.db.read(&ctx.tenant).await?, &ctx.tenant, ticket, id).await?;
    found
        .filter(|comment| comment.visibility.is_shown_to(&ctx.actor))
        .ok_or_else(|| missing(&ctx.tenant, ticket, id))
}

/// A page of the comments on a ticket and on those that were merged into it, oldest first, and where the next one begins.
pub async fn list(
    app: &App,
    ctx: &Ctx,
    ticket: Id,
    size: i32,
    token: &str,
) -> Result<(Vec<Comment>, String)> {
    let union = tickets::union(app, ctx, ticket).await?;
    let internal = !ctx.actor.is_customer();
    let purpose = format!("{} ListComments {ticket} {internal}", ctx.tenant);
    let page = Page::<Place>::parse(&app.sealer, &purpose, size, token)?;
    let after = page.after.clone().unwrap_or_default();
    let behind = after.behind(&union);
    let comments = store::list(
        &mut *app.db.read(&ctx.tenant).await?,
        &ctx.tenant,
        (&union, &behind),
        internal,
        page.limit(),
    )
    .await?;
    let bytes = |comment: &Comment| 300 + comment.text.len();
    let rows: Vec<(Id, i64)> = comments.iter().map(|comment| (comment.ticket_id, comment.version)).collect();
    let place = |last: &Comment| after.through(&rows, (last.ticket_id, last.version));
    page.finish_within(&app.sealer, &purpose, comments, place, bytes)
}
