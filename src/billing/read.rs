//! Reading the books: what was posted, as of a place in them, and what was given back.

use serde::{Deserialize, Serialize};

use super::{
    model::{Billable, CreditNote},
    store::{self, Wanted},
};
use crate::{
    app::App,
    ctx::Ctx,
    error::{Error, Result},
    ids::Id,
    seal::Page,
    tickets,
};

/// What an organization owes of one currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Total {
    pub organization: String,
    pub currency: String,
    pub units: i64,
    pub amount: i64,
}

/// Where a page ended, and as of when the list is read.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct After {
    position: i64,
    snapshot: i64,
}

/// A page of what was posted, in the order of the commits; where the next one begins; and the place in the books up to which
/// the list goes, however much is posted meanwhile. What is of tickets that the caller may not see is left out.
pub async fn list(
    app: &App,
    ctx: &Ctx,
    wanted: Wanted,
    snapshot: Option<i64>,
    size: i32,
    token: &str,
) -> Result<(Vec<Billable>, String, i64)> {
    if let Some(ticket) = wanted.ticket {
        tickets::get(app, ctx, ticket).await?;
    }
    let purpose = format!("{} ListBillables {wanted:?} {snapshot:?}", ctx.tenant);
    let page = Page::<After>::parse(&app.sealer, &purpose, size, token)?;
    let mut db = app.db.read(&ctx.tenant).await?;
    let last = store::account(&mut db, &ctx.tenant).await?.last_position;
    if snapshot.is_some_and(|snapshot| snapshot > last) {
        return Err(Error::field("snapshot", "is no place in these books"));
    }
    let begun = page.after.as_ref().map(|after| after.snapshot);
    let snapshot = begun.or(snapshot).unwrap_or(last);
    let wanted = Wanted { snapshot, ..wanted };
    let after = page.after.as_ref().map_or(0, |after| after.position);
    let found = store::list(&mut db, &ctx.tenant, &wanted, after, page.limit()).await?;
    let place = |it: &Billable| After { position: it.position, snapshot };
    let (mut found, next) = page.finish(&app.sealer, &purpose, found, place)?;
    let of: Vec<Id> = found.iter().map(|it| it.ticket_id).collect();
    let hidden = tickets::hidden(&mut db, ctx, &of).await?;
    found.retain(|it| !hidden.contains(&it.ticket_id));
    Ok((found, next, snapshot))
}

/// A page of credit notes in their order, and where the next one begins.
pub async fn list_notes(
    app: &App,
    ctx: &Ctx,
    organization: &str,
    size: i32,
    token: &str,
) -> Result<(Vec<CreditNote>, String)> {
    let purpose = format!("{} ListCreditNotes {organization}", ctx.tenant);
    let page = Page::<Id>::parse(&app.sealer, &purpose, size, token)?;
    let mut db = app.db.read(&ctx.tenant).await?;
    let found = store::list_notes(&mut db, &ctx.tenant, organization, &page).await?;
    let (mut found, next) = page.finish(&app.sealer, &purpose, found, |it| it.id)?;
    let of: Vec<Id> = found.iter().map(|it| it.ticket_id).collect();
    let hidden = tickets::hidden(&mut db, ctx, &of).await?;
    found.retain(|it| !hidden.contains(&it.ticket_id));
    Ok((found, next))
}
