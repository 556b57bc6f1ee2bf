//! Reading what was asked and answered.

use super::{
    Feedback,
    model::{FIELDS, missing},
    store::{self, List},
    summarize::{Summary, summarize},
};
use crate::{
    app::App,
    ctx::Ctx,
    error::{Error, Result},
    filter::{self, Expr, Scope},
    ids::Id,
    seal::Page,
    tickets,
    time::Time,
};

pub async fn get(app: &App, ctx: &Ctx, ticket: Id, id: Id) -> Result<Feedback> {
    let missing = || missing(&ctx.tenant, ticket, id);
    match tickets::get(app, ctx, ticket).await {
        Err(Error::NotFound { .. }) => return Err(missing()),
        seen => _ = seen?,
    }
    let found = store::find(&mut *app.db.read(&ctx.tenant).await?, &ctx.tenant, id).await?;
    found.filter(|it| it.ticket_id == ticket).ok_or_else(missing)
}

/// A page of a ticket's feedback, or of all (`None`), the newest question first, and where the next one begins.
pub async fn list(
    app: &App,
    ctx: &Ctx,
    ticket: Option<Id>,
    filter: &str,
    size: i32,
    token: &str,
) -> Result<(Vec<Feedback>, String)> {
    if let Some(ticket) = ticket {
        tickets::get(app, ctx, ticket).await?;
    }
    let filter = filter::parse(filter, &FIELDS)?;
    let canonical = filter.as_ref().map(Expr::to_string).unwrap_or_default();
    let purpose = format!("{} ListFeedback {ticket:?} {canonical}", ctx.tenant);
    let page = Page::<(Time, Id)>::parse(&app.sealer, &purpose, size, token)?;
    let wanted = List {
        ticket,
        filter: filter.as_ref(),
        scope: Scope { now: *ctx.now, me: &ctx.actor.id },
        after: page.after,
        limit: page.limit(),
    };
    let mut db = app.db.read(&ctx.tenant).await?;
    let found = store::list(&mut db, &ctx.tenant, wanted).await?;
    let place = |it: &Feedback| (it.request_time, it.id);
    let bytes = |it: &Feedback| 600 + it.comment.len();
    let (mut found, next) = page.finish_within(&app.sealer, &purpose, found, place, bytes)?;
    let of: Vec<Id> = found.iter().map(|it| it.ticket_id).collect();
    let hidden = tickets::hidden(&mut db, ctx, &of).await?;
    found.retain(|it| !hidden.contains(&it.ticket_id));
    Ok((found, next))
}

/// Whose answers are summed up.
#[derive(Clone, Debug)]
pub struct Wanted {
    pub survey: String,
    pub from: Option<Time>,
    pub until: Option<Time>,
    pub filter: String,
}

/// Of the scale that the survey has, or had last; answers of another one cannot be added to it.
pub async fn sum_up(app: &App, ctx: &Ctx, wanted: &Wanted) -> Result<Summary> {
    let filter = filter::parse(&wanted.filter, &FIELDS)?;
    let scope = Scope { now: *ctx.now, me: &ctx.actor.id };
    let mut db = app.db.read(&ctx.tenant).await?;
    let counts = store::count(&mut db, &ctx.tenant, wanted, filter.as_ref(), &scope).await?;
    drop(db);
    let configured = app.configurations.get(&ctx.tenant).await.ok();
    let configured = configured.and_then(|it| it.survey(&wanted.survey).map(|it| it.scale));
    let last = || counts.iter().max_by_key(|it| it.last_time).map(|it| it.scale);
    let scale = configured.or_else(last).ok_or_else(|| {
        Error::field("survey", "is no survey of the configuration, and nobody was asked it")
    })?;
    let counts: Vec<(Option<i32>, i64)> =
        counts.iter().filter(|it| it.scale == scale).map(|it| (it.score, it.count)).collect();
    Ok(summarize(scale, &counts))
}
