//! The SQL of lists and counts: the one place where a query is put together at run time, because filters are. What the
//! caller wrote is bound, never part of the text.

use futures_util::TryStreamExt as _;
use sqlx::{PgConnection, Postgres, QueryBuilder, Row as _};

use super::{
    Ticket, View,
    list::{By, Key, List, Order, Place, Row, Selection, Weighed},
    past::Extent,
    restricted::Sight,
    store_row::{columns, ticket},
};
use crate::{db::Tx, error::Result, filter::Scope, ids::Id, seal::PAGE_BYTES, time::Time};

/// What a row takes in an answer: its long texts, and its many short ones about.
const fn bytes(view: View) -> &'static str {
    match view {
        View::Basic => "600 + octet_length(title) + coalesce(octet_length(resolution::text), 0)",
        View::Full => {
            "600 + octet_length(title) + coalesce(octet_length(resolution::text), 0) + octet_length(description)
             + octet_length(custom_fields::text) + octet_length(annotations::text)"
        }
    }
}

impl Order {
    /// The column, and how to read it as a [`Key`].
    fn column(self) -> &'static str {
        match self.by {
            By::CreateTime => "create_time",
            By::UpdateTime => "update_time",
            By::Priority => "priority_rank",
            By::Number => "number",
        }
    }

    /// For `order by`.
    fn sorted(self) -> String {
        let (column, direction) = (self.column(), if self.descending { " desc" } else { "" });
        format!("{column}{direction}, id{direction}")
    }

    fn is_by_time(self) -> bool {
        matches!(self.by, By::CreateTime | By::UpdateTime)
    }
}

/// The next tickets behind `after` in the order, and none behind the one with which they outgrow a page: memory is
/// bounded here, whatever their texts.
pub async fn page(
    db: &mut PgConnection,
    selection: &Selection<'_>,
    list: List<'_>,
    after: Option<Place>,
    limit: i64,
) -> Result<Vec<Weighed>> {
    let List { order, view, .. } = list;
    let (columns, bytes, sorted) = (columns(view), bytes(view), order.sorted());
    // Long texts do not leave Postgres for nothing; a sum over short ones would cost more than it saves.
    let (begin, end) = match view {
        View::Basic => (format!("select {columns}, {bytes} as bytes from tickets"), String::new()),
        View::Full => (
            format!(
                "select {columns}, bytes from (
                     select *, sum(bytes) over (order by {sorted} rows unbounded preceding) - bytes as before
                     from (select *, {bytes} as bytes from tickets"
            ),
            format!(") weighed) page where before <= {PAGE_BYTES} order by {sorted}"),
        ),
    };
    let mut query = QueryBuilder::new(begin);
    selection.push(&mut query);
    push_behind(&mut query, order, after, limit);
    query.push(end);
    let mut rows = query.build().fetch(db);
    let (mut page, mut sum) = (Vec::with_capacity(limit as usize), 0);
    while sum <= PAGE_BYTES
        && let Some(row) = rows.try_next().await?
    {
        let bytes = row.try_get_unchecked::<i32, _>(row.len() - 1)? as usize;
        sum += bytes;
        page.push(Weighed { ticket: ticket(&row, view)?, bytes });
    }
    Ok(page)
}

/// The next rows behind `after` in the order, of what has not changed since `until`.
pub async fn rows(
    db: &mut PgConnection,
    selection: &Selection<'_>,
    list: List<'_>,
    until: Time,
    after: Option<Place>,
    limit: i64,
) -> Result<Vec<Row>> {
    let mut query = select_rows(list);
    selection.push(&mut query);
    query.push(" and update_time <= ").push_bind(until);
    push_behind(&mut query, list.order, after, limit);
    fetch_rows(db, list.order, query).await
}

fn push_behind(query: &mut QueryBuilder<Postgres>, order: Order, after: Option<Place>, limit: i64) {
    let column = order.column();
    if let Some(Place { key, id }) = after {
        let sign = if order.descending { "<" } else { ">" };
        query.push(format_args!(" and ({column}, id) {sign} ("));
        match key {
            Key::Time(time) => query.push_bind(time),
            Key::Number(number) => query.push_bind(number),
        };
        query.push(", ").push_bind(id).push(")");
    }
    // The limit stands in the text, where the planner sees it: bound, every page would be planned anew.
    query.push(format_args!(" order by {} limit {limit}", order.sorted()));
}

/// The rows of tickets that changed after `since`, in no order.
pub async fn moved(
    db: &mut PgConnection,
    selection: &Selection<'_>,
    list: List<'_>,
    since: Time,
    limit: i64,
) -> Result<Vec<Row>> {
    let mut query = select_rows(list);
    selection.push(&mut query);
    query.push(" and update_time > ").push_bind(since).push(" limit ").push_bind(limit);
    fetch_rows(db, list.order, query).await
}

fn select_rows(list: List<'_>) -> QueryBuilder<Postgres> {
    let cast = if list.order.is_by_time() { "" } else { "::bigint" };
    let (column, bytes) = (list.order.column(), bytes(list.view));
    QueryBuilder::new(format!("select id, {column}{cast}, ({bytes})::bigint from tickets"))
}

async fn fetch_rows(
    db: &mut PgConnection,
    order: Order,
    mut query: QueryBuilder<Postgres>,
) -> Result<Vec<Row>> {
    let row = |id: Id, key: Key, bytes: i64| Row { place: Place { key, id }, bytes: bytes as usize };
    Ok(if order.is_by_time() {
        let rows: Vec<(Id, Time, i64)> = query.build_query_as().fetch_all(db).await?;
        rows.into_iter().map(|(id, time, bytes)| row(id, Key::Time(time), bytes)).collect()
    } else {
        let rows: Vec<(Id, i64, i64)> = query.build_query_as().fetch_all(db).await?;
        rows.into_iter().map(|(id, number, bytes)| row(id, Key::Number(number), bytes)).collect()
    })
}

/// How many the selection has, up to `limit`.
pub async fn count(db: &mut PgConnection, selection: &Selection<'_>, limit: i64) -> Result<i64> {
    let mut query = QueryBuilder::new("select count(*) from (select from tickets");
    selection.push(&mut query);
    query.push(" limit ").push_bind(limit).push(") selected");
    Ok(query.build_query_scalar().fetch_one(db).await?)
}

/// How many the selection has in all and by the values of a column, the largest group first, at most `limit` groups.
pub async fn count_groups(
    db: &mut PgConnection,
    selection: &Selection<'_>,
    column: &'static str,
    limit: i64,
) -> Result<(i64, Vec<(String, i64)>)> {
    let mut query = QueryBuilder::new(format!(
        "select coalesce({column}, ''), count(*), (sum(count(*)) over ())::bigint from tickets"
    ));
    selection.push(&mut query);
    query.push(" group by 1 order by 2 desc, 1 limit ").push_bind(limit);
    let rows: Vec<(String, i64, i64)> = query.build_query_as().fetch_all(db).await?;
    let total = rows.first().map_or(0, |(.., total)| *total);
    Ok((total, rows.into_iter().map(|(value, count, _)| (value, count)).collect()))
}

/// How many tickets the selection has, and when the first and the last of them came in.
pub async fn extent(tx: &mut Tx, selection: &Selection<'_>) -> Result<Extent> {
    let mut query = QueryBuilder::new(
        "select count(*) as count, min(create_time) as first, max(create_time) as last from tickets",
    );
    selection.push(&mut query);
    Ok(query.build_query_as().fetch_one(&mut **tx).await?)
}

/// The next tickets behind one, whole, in the order in which they came in.
pub async fn in_order(
    tx: &mut Tx,
    selection: &Selection<'_>,
    after: Option<(Time, Id)>,
    limit: i64,
) -> Result<Vec<Ticket>> {
    let mut query = QueryBuilder::new(format!("select {} from tickets", columns(View::Full)));
    selection.push(&mut query);
    if let Some((time, id)) = after {
        query.push(" and (create_time, id) > (").push_bind(time).push(", ").push_bind(id).push(")");
    }
    query.push(" order by create_time, id limit ").push_bind(limit);
    Ok(query.build().try_map(|row| ticket(&row, View::Full)).fetch_all(&mut **tx).await?)
}

/// The newest of the selection, at most `limit`, by id alone.
pub async fn newest(tx: &mut Tx, selection: &Selection<'_>, limit: i64) -> Result<Vec<Id>> {
    let mut query = QueryBuilder::new("select id from tickets");
    selection.push(&mut query);
    query.push(format_args!(" order by create_time desc, id desc limit {limit}"));
    Ok(query.build_query_scalar().fetch_all(&mut **tx).await?)
}

/// Those of these tickets that the selection has, in no order.
pub async fn among(tx: &mut Tx, selection: &Selection<'_>, ids: &[Id]) -> Result<Vec<Ticket>> {
    let mut query = QueryBuilder::new(format!("select {} from tickets", columns(View::Basic)));
    selection.push(&mut query);
    query.push(" and id = any(").push_bind(ids).push(")");
    Ok(query.build().try_map(|row| ticket(&row, View::Basic)).fetch_all(&mut **tx).await?)
}

impl Selection<'_> {
    /// The tenant, what the caller may see (`restricted::visible`, as SQL), the window and the filter.
    fn push(&self, query: &mut QueryBuilder<Postgres>) {
        let Self { ctx, sight, filter, from, until } = self;
        query.push(" where tenant_id = ").push_bind(ctx.tenant.as_str().to_owned());
        if ctx.actor.is_customer() {
            query.push(" and requester = ").push_bind(ctx.actor.id.clone());
        }
        match sight {
            Sight::All => {}
            Sight::Own { agent, teams } => {
                query.push(" and (not restricted or assignee = ").push_bind(agent.clone());
                query.push(" or team = any(").push_bind(teams.clone()).push("))");
            }
            Sight::None => _ = query.push(" and not restricted"),
        }
        if let Some(from) = from {
            query.push(" and create_time >= ").push_bind(*from);
        }
        if let Some(until) = until {
            query.push(" and create_time < ").push_bind(*until);
        }
        if let Some(filter) = filter {
            query.push(" and ");
            filter.push_sql(query, &Scope { now: *ctx.now, me: &ctx.actor.id });
        }
    }
}
