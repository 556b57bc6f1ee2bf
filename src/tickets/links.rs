//! Reading what a ticket is tied to, as far as the caller sees it. A customer is told of follow-ups and merges among own
//! tickets; what the support makes of them else stays in the house.

use std::collections::HashSet;

use super::{LinkKind, Tie, read, store, store_links};
use crate::{app::App, ctx::Ctx, error::Result, ids::Id, seal::Page, tickets::hidden};

/// Solved problems that are shown at once.
const MAX_OFFERS: i64 = 20;

/// The kinds that a customer is told of.
const PUBLIC: &[LinkKind] = &[LinkKind::FollowUp, LinkKind::MergedInto];

/// A page of what a ticket is tied to, and where the next one begins.
pub async fn list(app: &App, ctx: &Ctx, id: Id, size: i32, token: &str) -> Result<(Vec<Tie>, String)> {
    read::get(app, ctx, id).await?;
    let customer = ctx.actor.is_customer();
    let purpose = format!("{} ListTicketLinks {id} {customer}", ctx.tenant);
    let page = Page::<(String, bool, Id)>::parse(&app.sealer, &purpose, size, token)?;
    let kinds: Vec<&str> =
        if customer { PUBLIC.iter().map(|kind| kind.name()).collect() } else { LinkKind::NAMES.to_vec() };
    let mut tx = app.db.read(&ctx.tenant).await?;
    let found = store_links::list(&mut tx, &ctx.tenant, id, &kinds, &page).await?;
    let key = |tie: &Tie| (tie.relation.kind.name().to_owned(), tie.relation.inverse, tie.other);
    let (mut ties, next) = page.finish(&app.sealer, &purpose, found, key)?;
    let others: Vec<Id> = ties.iter().map(|tie| tie.other).collect();
    let there = store::find_all(&mut *tx, &ctx.tenant, &others).await?;
    let own: HashSet<Id> = there.iter().filter(|it| read::own(ctx, it)).map(|it| it.id).collect();
    let hidden = hidden(&mut tx, ctx, &others).await?;
    ties.retain(|tie| own.contains(&tie.other) && !hidden.contains(&tie.other));
    Ok((ties, next))
}

/// The solved problems whose resolution an incident may take over, as far as the caller sees them.
pub async fn offers(app: &App, ctx: &Ctx, incident: Id) -> Result<Vec<Id>> {
    let mut tx = app.db.read(&ctx.tenant).await?;
    let solved = store_links::solved_causes(&mut tx, &ctx.tenant, incident, MAX_OFFERS).await?;
    let ids: Vec<Id> = solved.iter().map(|ticket| ticket.id).collect();
    let hidden = hidden(&mut tx, ctx, &ids).await?;
    Ok(ids.into_iter().filter(|id| !hidden.contains(id)).collect())
}
