//! Reading what is known of files, and where their bytes are to be had. A customer sees the public ones on own tickets.

use super::{
    Attachment, State,
    model::{missing, off},
    store,
};
use crate::{
    app::App,
    ctx::Ctx,
    error::{Reason, Result},
    ids::Id,
    seal::Page,
    tickets,
    time::Time,
};

pub async fn get(app: &App, ctx: &Ctx, ticket: Id, id: Id) -> Result<Attachment> {
    tickets::get(app, ctx, ticket).await?;
    let found = store::find(&mut *app.db.read(&ctx.tenant).await?, &ctx.tenant, ticket, id).await?;
    found.filter(|it| it.visibility.is_shown_to(&ctx.actor)).ok_or_else(|| missing(&ctx.tenant, ticket, id))
}

/// A page of the files on a ticket and on those that were merged into it, oldest first, and where the next one begins.
pub async fn list(
    app: &App,
    ctx: &Ctx,
    ticket: Id,
    size: i32,
    token: &str,
) -> Result<(Vec<Attachment>, String)> {
    let union = tickets::union(app, ctx, ticket).await?;
    let internal = !ctx.actor.is_customer();
    let purpose = format!("{} ListAttachments {ticket} {internal}", ctx.tenant);
    let page = Page::<Id>::parse(&app.sealer, &purpose, size, token)?;
    let found =
        store::list(&mut *app.db.read(&ctx.tenant).await?, &ctx.tenant, &union, internal, &page).await?;
    page.finish(&app.sealer, &purpose, found, |it| it.id)
}

/// Where the bytes are, and until when.
pub async fn download(app: &App, ctx: &Ctx, ticket: Id, id: Id) -> Result<(String, Time)> {
    let attachment = get(app, ctx, ticket, id).await?;
    let objects = app.objects.as_ref().ok_or_else(off)?;
    attachment.require_state(State::Available, Reason::AttachmentNotAvailable)?;
    objects.download(&app.sealer, &attachment, ctx.now)
}
