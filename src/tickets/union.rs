//! What a survivor shows: its own and what was said and done on the tickets that were merged into it, as far as the caller is
//! shown those. And where a ticket goes on.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::{Ticket, read, restricted, store_links};
use crate::{
    app::App,
    ctx::Ctx,
    db::Tx,
    error::{Reason, Refusal, Result},
    ids::Id,
};

/// What is said or done on a merged ticket belongs elsewhere.
pub fn went_on(ticket: &Ticket) -> Refusal {
    let into = ticket.merged_into.map(|id| format!("tenants/{}/tickets/{id}", ticket.tenant_id));
    let text = "the ticket goes on in another one, which you are not shown";
    Refusal::new(Reason::TicketMerged, text).with("merged_into", into.unwrap_or_default())
}

/// A ticket and all for which it goes on, by whatever way: whoever has locked it knows that they stay so.
pub async fn group_in(tx: &mut Tx, id: Id) -> Result<Vec<Id>> {
    let tenant = tx.tenant().clone();
    let merged = store_links::merged_into(tx, &tenant, id).await?;
    Ok(std::iter::once(id).chain(merged.into_iter().map(|ticket| ticket.id)).collect())
}

/// The ticket, if the caller may see it, and those that were merged into it, as far as the caller sees them.
pub async fn union(app: &App, ctx: &Ctx, id: Id) -> Result<Vec<Id>> {
    read::get(app, ctx, id).await?;
    let merged = store_links::merged_into(&mut *app.db.read(&ctx.tenant).await?, &ctx.tenant, id).await?;
    let own = merged.into_iter().filter(|ticket| read::own(ctx, ticket)).collect();
    let seen = restricted::see(app, ctx, own).await?;
    Ok(std::iter::once(id).chain(seen.into_iter().map(|ticket| ticket.id)).collect())
}

/// The ticket in which this one goes on in the end, if the caller may see it; itself, if it is not merged.
pub async fn survivor(app: &App, ctx: &Ctx, id: Id) -> Result<Option<Ticket>> {
    let found = store_links::survivor(&mut *app.db.read(&ctx.tenant).await?, &ctx.tenant, id).await?;
    match found {
        Some(ticket) if read::may_see(app, ctx, &ticket).await? => Ok(Some(ticket)),
        _ => Ok(None),
    }
}

/// The same, whoever asks. Whoever has locked the survivor knows that it stays so: there is no way back without the lock.
pub async fn survivor_in(tx: &mut Tx, id: Id) -> Result<Option<Id>> {
    let tenant = tx.tenant().clone();
    let db: &mut PgConnection = &mut *tx;
    Ok(store_links::survivor(db, &tenant, id).await?.map(|ticket| ticket.id))
}

/// Where a page of a union ends: of each ticket, the version up to which it was shown. Each ticket's own list only grows at
/// its end, so nothing is skipped and nothing doubled, whatever is merged in between.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place(BTreeMap<Id, i64>);

impl Place {
    /// For each of the tickets, the version behind which it goes on.
    pub fn behind(&self, tickets: &[Id]) -> Vec<i64> {
        tickets.iter().map(|id| self.0.get(id).copied().unwrap_or_default()).collect()
    }

    /// The place behind the row `last` of these, which follow.
    #[must_use]
    pub fn through(&self, rows: &[(Id, i64)], last: (Id, i64)) -> Self {
        let mut place = self.clone();
        for (id, version) in rows {
            place.0.insert(*id, *version);
            if (*id, *version) == last {
                break;
            }
        }
        place
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tickets::fixture::id;

    #[test]
    fn a_place_is_behind_what_was_shown_of_each() {
        let rows = [(id(1), 2), (id(2), 5), (id(1), 3), (id(2), 6)];
        let first = Place::default().through(&rows, (id(1), 3));
        assert_eq!(first.behind(&[id(1), id(2), id(3)]), [3, 5, 0]);
        let next = first.through(&rows[3..], (id(2), 6));
        assert_eq!(next.behind(&[id(1), id(2)]), [3, 6]);
    }
}
