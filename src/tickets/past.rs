//! Tickets of the past as they came in, with how they stand now, in the order of their coming: for looking back. Read only.

use std::{collections::HashMap, time::Duration};

use super::{Selection, Sight, Ticket, change::came, store_list};
use crate::{
    app::App,
    ctx::Ctx,
    error::{Error, Result},
    events,
    filter::Expr,
    ids::Id,
    time::Time,
};

/// A ticket then and now.
#[derive(Clone, Debug)]
pub struct Past {
    /// As it came in, in its first queue.
    pub came: Ticket,
    /// The rule by which it came there; empty: none, as for imported ones.
    pub rule: String,
    /// Whether that rule's floor raised the priority that it came in with.
    pub raised: bool,
    pub now: Ticket,
}

/// How much a selection has.
#[derive(Clone, Copy, Debug, sqlx::FromRow)]
pub struct Extent {
    pub count: i64,
    /// When the first of them came in.
    pub first: Option<Time>,
    /// When the last of them came in.
    pub last: Option<Time>,
}

/// Which tickets to look back at.
#[derive(Clone, Debug, Default)]
pub struct Window {
    pub sight: Sight,
    pub filter: Option<Expr>,
    pub from: Option<Time>,
    /// `None`: now.
    pub until: Option<Time>,
}

impl Window {
    pub fn selection<'a>(&self, ctx: &'a Ctx) -> Selection<'a> {
        let until = Some(self.until.unwrap_or(ctx.now.after(Duration::from_micros(1))));
        Selection { ctx, sight: self.sight.clone(), filter: self.filter.clone(), from: self.from, until }
    }
}

pub async fn extent(app: &App, selection: &Selection<'_>) -> Result<Extent> {
    let mut tx = app.db.read(&selection.ctx.tenant).await?;
    store_list::extent(&mut tx, selection).await
}

/// The next of the selection behind one. A transaction for each batch: a long look back keeps no snapshot that the
/// database could not clean behind.
pub async fn past(
    app: &App,
    selection: &Selection<'_>,
    after: Option<(Time, Id)>,
    limit: i64,
) -> Result<Vec<Past>> {
    let mut tx = app.db.read(&selection.ctx.tenant).await?;
    let tickets = store_list::in_order(&mut tx, selection, after, limit).await?;
    let ids: Vec<Id> = tickets.iter().map(|ticket| ticket.id).collect();
    let created = events::created_in(&mut tx, &ids).await?;
    let mut created: HashMap<Id, events::Created> =
        created.into_iter().map(|created| (created.ticket_id, created)).collect();
    let of = |now: Ticket| {
        let created =
            created.remove(&now.id).ok_or_else(|| Error::internal("a ticket without its first event"))?;
        let came = came(&now, &created.changes).map_err(Error::internal)?;
        Ok(Past { came, rule: created.rule, raised: created.raised, now })
    };
    tickets.into_iter().map(of).collect()
}
