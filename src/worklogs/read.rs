//! Reading work: of a ticket, of an agent, of a period.

use serde::{Deserialize, Serialize};

use super::{
    model::{Shown, missing},
    store,
};
use crate::{app::App, ctx::Ctx, error::Result, ids::Id, seal::Page, tickets, time::Time};

/// Which entries.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    pub ticket: Option<Id>,
    pub id: Option<Id>,
    /// Empty: of all.
    pub agent: String,
    pub from: Option<Time>,
    pub until: Option<Time>,
}

/// Where a page ended.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct After {
    pub start_time: Time,
    pub id: Id,
}

pub async fn get(app: &App, ctx: &Ctx, ticket: Id, id: Id) -> Result<Shown> {
    tickets::get(app, ctx, ticket).await?;
    let wanted = Wanted { ticket: Some(ticket), id: Some(id), ..Wanted::default() };
    let mut found = store::list(&mut *app.db.read(&ctx.tenant).await?, &ctx.tenant, &wanted, None, 1).await?;
    found.pop().ok_or_else(|| missing(&ctx.tenant, ticket, id))
}

/// A page of entries by the time of the work, and where the next one begins. What is on tickets that the caller may not see is
/// left out.
pub async fn list(
    app: &App,
    ctx: &Ctx,
    wanted: &Wanted,
    size: i32,
    token: &str,
) -> Result<(Vec<Shown>, String)> {
    if let Some(ticket) = wanted.ticket {
        tickets::get(app, ctx, ticket).await?;
    }
    let purpose = format!("{} ListWorklogs {wanted:?}", ctx.tenant);
    let page = Page::<After>::parse(&app.sealer, &purpose, size, token)?;
    let mut db = app.db.read(&ctx.tenant).await?;
    let found = store::list(&mut db, &ctx.tenant, wanted, page.after.as_ref(), page.limit()).await?;
    let after = |it: &Shown| After { start_time: it.worklog.start_time, id: it.worklog.id };
    let bytes = |it: &Shown| 400 + it.worklog.note.len();
    let (mut found, next) = page.finish_within(&app.sealer, &purpose, found, after, bytes)?;
    let of: Vec<Id> = found.iter().map(|it| it.worklog.ticket_id).collect();
    let hidden = tickets::hidden(&mut db, ctx, &of).await?;
    found.retain(|it| !hidden.contains(&it.worklog.ticket_id));
    Ok((found, next))
}
