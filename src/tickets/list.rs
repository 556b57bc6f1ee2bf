//! Lists and counts of tickets. A list is paged as if it stood still: what comes next depends on how the tickets stood
//! when the first page was read, so that nothing is skipped or doubled while tickets change.
//!
//! `create_time` and `number` never change. `update_time` and `priority` do; the tickets that changed since the first
//! page keep the place that they had then, which their events tell. A write that is on its way while the first page is
//! read may count as one before it.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::{
    Shown, Ticket, View,
    fields::{FIELDS, GROUPS, PUBLIC_FIELDS},
    restricted::{self, Sight, visible},
    store, store_list,
};
use crate::{
    app::App,
    ctx::Ctx,
    error::{Error, Reason, Result, Violation},
    events,
    filter::{self, Expr, Schema},
    ids::Id,
    seal::Page,
    time::Time,
};

/// CountTickets counts no further.
pub const COUNT_CAP: i64 = 10_000;
/// Groups of one count.
pub const MAX_GROUPS: i64 = 200;
/// Tickets that may change while somebody pages; more, and the pages would cost more than starting again.
const MAX_MOVED: usize = 10_000;

/// By what a list is ordered; the id decides between equals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    CreateTime,
    UpdateTime,
    Priority,
    Number,
}

/// The order of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    pub by: By,
    pub descending: bool,
}

impl Default for Order {
    /// The newest first.
    fn default() -> Self {
        Self { by: By::CreateTime, descending: true }
    }
}

impl Order {
    /// Reads an `order_by`.
    pub fn parse(order_by: &str) -> Result<Self> {
        let words: Vec<&str> = order_by.split_whitespace().collect();
        let (by, descending) = match words.as_slice() {
            [] => return Ok(Self::default()),
            [by] => (*by, false),
            [by, "desc"] => (*by, true),
            _ => ("", false),
        };
        let by = match by {
            "create_time" => By::CreateTime,
            "update_time" => By::UpdateTime,
            "priority" => By::Priority,
            "number" => By::Number,
            _ => {
                let text = "must be create_time, update_time, priority or number, and may end in \" desc\"";
                return Err(Error::field("order_by", text));
            }
        };
        Ok(Self { by, descending })
    }

    /// Whether a ticket's place can change.
    fn moves(self) -> bool {
        matches!(self.by, By::UpdateTime | By::Priority)
    }

    /// Where a ticket stands now.
    fn place(self, ticket: &Ticket) -> Place {
        let key = match self.by {
            By::CreateTime => Key::Time(ticket.create_time),
            By::UpdateTime => Key::Time(ticket.update_time),
            By::Priority => Key::Number(ticket.priority_rank.into()),
            By::Number => Key::Number(ticket.number),
        };
        Place { key, id: ticket.id }
    }

    fn sort(self, rows: &mut [Row]) {
        rows.sort_unstable_by_key(|row| row.place);
        if self.descending {
            rows.reverse();
        }
    }

    /// Whether `place` comes behind `after`.
    fn is_behind(self, place: Place, after: Option<Place>) -> bool {
        after.is_none_or(|after| if self.descending { place < after } else { place > after })
    }
}

/// What a list is ordered by, as one ticket has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Key {
    Time(Time),
    Number(i64),
}

/// Where a ticket stands in a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    pub key: Key,
    pub id: Id,
}

/// A ticket of a list, as far as the view shows it.
#[derive(Clone, Debug)]
pub struct Weighed {
    pub ticket: Ticket,
    /// What it takes in an answer, about.
    pub bytes: usize,
}

/// A ticket of a list, before its content is read.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    pub place: Place,
    /// What it takes in an answer, about.
    pub bytes: usize,
}

/// Where a page ended.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Cursor {
    /// When the first page was read.
    since: Time,
    last: Place,
}

/// Which tickets: those that the filter selects among those that the caller may see and that came in within a window.
#[derive(Debug)]
pub struct Selection<'a> {
    pub ctx: &'a Ctx,
    /// What the caller sees of restricted ones.
    pub sight: Sight,
    pub filter: Option<Expr>,
    /// From when on; `None`: from the first on.
    pub from: Option<Time>,
    /// Before when; `None`: without an end.
    pub until: Option<Time>,
}

impl<'a> Selection<'a> {
    pub async fn parse(app: &App, ctx: &'a Ctx, filter: &str) -> Result<Self> {
        let filter = parse_filter(ctx, filter)?;
        Ok(Self { ctx, sight: Sight::of(app, ctx).await?, filter, from: None, until: None })
    }
}

/// A filter on tickets that this caller may ask.
pub fn parse_filter(ctx: &Ctx, filter: &str) -> Result<Option<Expr>> {
    Ok(filter::parse(filter, schema(ctx))?)
}

/// What the caller's filters may name.
fn schema(ctx: &Ctx) -> &'static Schema {
    if ctx.actor.is_customer() { &PUBLIC_FIELDS } else { &FIELDS }
}

/// What ListTickets asks for.
#[derive(Clone, Copy, Debug)]
pub struct List<'a> {
    pub page_size: i32,
    pub page_token: &'a str,
    pub filter: &'a str,
    pub order: Order,
    pub view: View,
}

/// A page of tickets, and where the next one begins.
pub async fn list(app: &App, ctx: &Ctx, list: List<'_>) -> Result<(Vec<Shown>, String)> {
    let selection = Selection::parse(app, ctx, list.filter).await?;
    let purpose = purpose(&selection, list.order);
    let page = Page::<Cursor>::parse(&app.sealer, &purpose, list.page_size, list.page_token)?;
    let since = page.after.map_or(ctx.now, |cursor| cursor.since);
    let after = page.after.map(|cursor| cursor.last);
    let mut db = app.db.read(&ctx.tenant).await?;
    let (tickets, next) = if list.order.moves() {
        let rows = rows(&mut db, &selection, list, since, after, page.limit()).await?;
        let cursor = |row: &Row| Cursor { since, last: row.place };
        let (rows, next) = page.finish_within(&app.sealer, &purpose, rows, cursor, |row| row.bytes)?;
        let ids: Vec<Id> = rows.iter().map(|row| row.place.id).collect();
        let mut tickets = find(&mut db, ctx, &ids).await?;
        (ids.iter().filter_map(|id| tickets.remove(id)).collect(), next)
    } else {
        // A place that cannot change needs no second look: the tickets themselves, in one trip.
        let rows = store_list::page(&mut db, &selection, list, after, page.limit()).await?;
        let cursor = |row: &Weighed| Cursor { since, last: list.order.place(&row.ticket) };
        let (rows, next) = page.finish_within(&app.sealer, &purpose, rows, cursor, |row| row.bytes)?;
        (rows.into_iter().map(|row| row.ticket).collect(), next)
    };
    let shown = app.names.put_on(&mut db, &ctx.tenant, tickets).await?;
    db.keep();
    restricted::note(app, ctx, &shown).await?;
    Ok((shown, next))
}

fn purpose(selection: &Selection, order: Order) -> String {
    purpose_of(selection, &format!("ListTickets {order:?}"))
}

/// What the page tokens of a list are bound to; `me()` makes the caller a part of the filter.
pub fn purpose_of(selection: &Selection, what: &str) -> String {
    let filter = selection.filter.as_ref().map(ToString::to_string).unwrap_or_default();
    let Ctx { tenant, actor, .. } = selection.ctx;
    format!("{tenant} {what} {:?}:{} {filter}", actor.kind, actor.id)
}

/// The next rows in an order that moves, as the list stood at `since`.
async fn rows(
    db: &mut PgConnection,
    selection: &Selection<'_>,
    list: List<'_>,
    since: Time,
    after: Option<Place>,
    limit: i64,
) -> Result<Vec<Row>> {
    let order = list.order;
    let mut rows = store_list::rows(db, selection, list, since, after, limit).await?;
    // Read second: what changes in between is in both, not in neither.
    let moved = store_list::moved(db, selection, list, since, MAX_MOVED as i64 + 1).await?;
    if moved.len() > MAX_MOVED {
        return Err(too_old());
    }
    let still: HashSet<Id> = rows.iter().map(|row| row.place.id).collect();
    let moved = stood(db, selection.ctx, order, since, moved).await?;
    rows.extend(
        moved.into_iter().filter(|row| order.is_behind(row.place, after) && !still.contains(&row.place.id)),
    );
    order.sort(&mut rows);
    rows.truncate(limit as usize);
    Ok(rows)
}

/// Rows of tickets that changed, with the place that each had at `since`, or at first if it is younger.
async fn stood(
    db: &mut PgConnection,
    ctx: &Ctx,
    order: Order,
    since: Time,
    mut moved: Vec<Row>,
) -> Result<Vec<Row>> {
    if moved.is_empty() {
        return Ok(moved);
    }
    let ids: Vec<Id> = moved.iter().map(|row| row.place.id).collect();
    let before = events::stood(db, &ctx.tenant, &ids, since, "priority_rank").await?;
    let before: HashMap<Id, events::Stood> =
        before.into_iter().map(|stood| (stood.ticket_id, stood)).collect();
    for row in &mut moved {
        let Some(stood) = before.get(&row.place.id) else { continue };
        match order.by {
            By::UpdateTime => row.place.key = Key::Time(stood.occur_time),
            By::Priority => {
                if let Some(rank) = stood.value.as_ref().and_then(serde_json::Value::as_i64) {
                    row.place.key = Key::Number(rank);
                }
            }
            By::CreateTime | By::Number => {}
        }
    }
    Ok(moved)
}

fn too_old() -> Error {
    let text =
        "too many tickets changed since the first page; start again, or order by create_time or number";
    Error::Invalid(
        Reason::PageTokenInvalid,
        vec![Violation { field: "page_token".into(), text: text.into() }],
    )
}

/// Up to 100 tickets in the order of the ids; the first that is missing is named.
pub async fn batch(app: &App, ctx: &Ctx, ids: &[Id]) -> Result<Vec<Shown>> {
    let mut db = app.db.read(&ctx.tenant).await?;
    let tickets = find(&mut db, ctx, ids).await?;
    let found = ids.iter().map(|id| {
        let name = || format!("tenants/{}/tickets/{id}", ctx.tenant);
        tickets.get(id).cloned().ok_or_else(|| Error::not_found("ticket", name()))
    });
    let shown = app.names.put_on(&mut db, &ctx.tenant, found.collect::<Result<_>>()?).await?;
    db.keep();
    restricted::note(app, ctx, &shown).await?;
    Ok(shown)
}

/// Those of the tickets that there are and the caller may see.
async fn find(db: &mut PgConnection, ctx: &Ctx, ids: &[Id]) -> Result<HashMap<Id, Ticket>> {
    let found = store::find_all(&mut *db, &ctx.tenant, ids).await?;
    let mut seen = HashMap::with_capacity(found.len());
    for ticket in found {
        if visible(db, ctx, &ticket).await? {
            seen.insert(ticket.id, ticket);
        }
    }
    Ok(seen)
}

/// A count, whole or by the values of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Count {
    /// At most [`COUNT_CAP`].
    pub total: i64,
    pub capped: bool,
    /// Value and count, the largest first.
    pub groups: Vec<(String, i64)>,
}

/// Counts what the filter selects. `group_by` may be empty.
pub async fn count(app: &App, ctx: &Ctx, filter: &str, group_by: &str) -> Result<Count> {
    let selection = Selection::parse(app, ctx, filter).await?;
    if group_by.is_empty() {
        let found =
            store_list::count(&mut *app.db.read(&ctx.tenant).await?, &selection, COUNT_CAP + 1).await?;
        return Ok(Count { total: found.min(COUNT_CAP), capped: found > COUNT_CAP, groups: Vec::new() });
    }
    let allowed: Vec<&str> = GROUPS
        .iter()
        .copied()
        .filter(|group| schema(ctx).0.iter().any(|field| field.name == *group))
        .collect();
    let Some(group) = allowed.iter().copied().find(|group| *group == group_by) else {
        return Err(Error::field("group_by", &format!("must be one of: {}", allowed.join(", "))));
    };
    let (total, groups) =
        store_list::count_groups(&mut *app.db.read(&ctx.tenant).await?, &selection, group, MAX_GROUPS)
            .await?;
    Ok(Count { total: total.min(COUNT_CAP), capped: total > COUNT_CAP, groups })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn an_order_is_a_field_and_perhaps_desc() {
        let order = |text| Order::parse(text).ok();
        assert_eq!(order(" "), Some(Order::default()));
        assert_eq!(order("create_time"), Some(Order { by: By::CreateTime, descending: false }));
        assert_eq!(order("priority  desc"), Some(Order { by: By::Priority, descending: true }));
        for bad in ["title", "number asc", "number desc desc", "desc", "number, priority", "NUMBER"] {
            assert_eq!(order(bad), None, "{bad}");
        }
    }

    proptest! {
        /// What is sorted in memory goes on exactly behind any of its rows, in both directions.
        #[test]
        fn behind_is_what_sorting_puts_behind(keys: Vec<(i8, u8)>, descending: bool, cut: prop::sample::Index) {
            let order = Order { by: By::Priority, descending };
            let mut rows: Vec<Row> = keys
                .iter()
                .map(|(key, id)| {
                    let id = Id(Uuid::from_u128((*id).into()));
                    Row { place: Place { key: Key::Number((*key).into()), id }, bytes: 0 }
                })
                .collect();
            prop_assume!(!rows.is_empty());
            order.sort(&mut rows);
            rows.dedup_by_key(|row| row.place);
            let cut = cut.index(rows.len());
            let after = Some(rows[cut].place);
            let behind: Vec<Place> =
                rows.iter().map(|row| row.place).filter(|place| order.is_behind(*place, after)).collect();
            prop_assert_eq!(behind, rows[cut + 1..].iter().map(|row| row.place).collect::<Vec<_>>());
        }
    }
}
