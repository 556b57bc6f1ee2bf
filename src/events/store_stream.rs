//! The SQL of the stream: events get their place here, and are read in its order.

use std::time::Duration;

use sqlx::{PgConnection, PgExecutor, PgPool};

use super::{Event, EventType};
use crate::{
    db::Tx,
    error::Result,
    ids::{Id, TenantId},
    time::Time,
};

/// How long after it was recorded an event may get its place: longer than the longest call takes.
const STRAGGLE: Duration = Duration::from_mins(5);

/// How far the stream of each bucket has come.
pub async fn heads(pool: &PgPool) -> Result<Vec<(i16, i64)>> {
    let heads =
        sqlx::query!("select bucket, position from stream_heads where position > 0").fetch_all(pool).await?;
    Ok(heads.into_iter().map(|head| (head.bucket, head.position)).collect())
}

/// The buckets in which committed events wait for a place above these lowest `seq`s: one look into the index for each.
pub async fn waiting(pool: &PgPool, above: &[i64]) -> Result<Vec<i16>> {
    let waiting = sqlx::query_scalar!(
        r#"select (n - 1)::smallint as "bucket!" from unnest($1::bigint[]) with ordinality as above (seq, n)
           where exists (select from outbox o where o.bucket = n - 1 and o.seq > above.seq)"#,
        above,
    )
    .fetch_all(pool)
    .await?;
    Ok(waiting)
}

/// What a pass did in a bucket.
#[derive(Clone, Copy, Debug)]
pub struct Pass {
    pub bucket: i16,
    /// Events that got a place.
    pub placed: i64,
    /// The bucket's last position.
    pub head: i64,
    /// The highest `seq` that was taken.
    pub seq: i64,
}

/// Gives the oldest events in the outbox of each of these buckets, at most `limit` above the `seq` at the same place, the
/// next positions. One statement: no process holds a head longer than Postgres works, not even one that is stopped.
pub async fn place(pool: &PgPool, buckets: &[i16], above: &[i64], limit: i64) -> Result<Vec<Pass>> {
    let passes = sqlx::query_as!(
        Pass,
        r#"with head as (
               select h.bucket, h.position, above.seq as above
               from unnest($1::smallint[], $2::bigint[]) above (bucket, seq) join stream_heads h using (bucket)
               order by h.bucket for update of h
           ), due as (
               select next.bucket, next.seq from head cross join lateral (
                   select o.bucket, o.seq from outbox o
                   where o.bucket = head.bucket and o.seq > head.above order by o.seq limit $3) next
           ), taken as (
               delete from outbox o using due where o.bucket = due.bucket and o.seq = due.seq
               returning o.bucket, o.seq, o.tenant_id, o.ticket_id, o.version
           ), placed as (
               insert into stream (tenant_id, position, bucket, ticket_id, version, record_time)
               select t.tenant_id, head.position + row_number() over (partition by t.bucket order by t.seq), t.bucket,
                      t.ticket_id, t.version, e.record_time
               from taken t join head using (bucket) join events e using (tenant_id, ticket_id, version)
           )
           update stream_heads h set position = h.position + n.placed
           from (select bucket, count(*) as placed, max(seq) as seq from taken group by bucket) n
           where h.bucket = n.bucket
           returning h.bucket, n.placed as "placed!", h.position as head, n.seq as "seq!""#,
        buckets,
        above,
        limit,
    )
    .fetch_all(pool)
    .await?;
    Ok(passes)
}

/// What is kept of a bucket's stream.
#[derive(Clone, Copy, Debug)]
pub struct Kept {
    /// The last position that is gone; 0: all are there.
    pub dropped: i64,
    pub head: i64,
}

pub async fn kept(db: &mut PgConnection, tenant: &TenantId) -> Result<Kept> {
    let kept = sqlx::query_as!(
        Kept,
        "select dropped, position as head from stream_heads where bucket = $1",
        tenant.bucket()
    )
    .fetch_one(db)
    .await?;
    Ok(kept)
}

/// The position of the tenant's first event recorded at this time or later.
///
/// Positions follow commits, and calls that were recorded in one order commit in another, within [`STRAGGLE`].
pub async fn first_since(db: &mut PgConnection, tenant: &TenantId, time: Time) -> Result<Option<i64>> {
    let earliest = sqlx::query_scalar!(
        "select min(record_time) from stream where tenant_id = $1 and record_time >= $2",
        tenant.as_str(),
        time as _,
    )
    .fetch_one(&mut *db)
    .await?;
    let Some(earliest) = earliest else { return Ok(None) };
    let first = sqlx::query_scalar!(
        "select min(position) from stream where tenant_id = $1 and record_time between $2 and $3",
        tenant.as_str(),
        earliest as _,
        earliest.after(STRAGGLE) as _,
    )
    .fetch_one(&mut *db)
    .await?;
    Ok(first)
}

/// A place in the stream, and what is known of it without the event.
#[derive(Clone, Debug)]
pub struct Step {
    pub position: i64,
    pub ticket_id: Id,
    /// Whether its event is of one of the kinds that were asked for.
    pub wanted: bool,
}

/// The tenant's next places behind one.
pub async fn steps_in(tx: &mut Tx, after: i64, kinds: &[EventType], limit: i64) -> Result<Vec<Step>> {
    let tenant = tx.tenant().clone();
    let kinds: Vec<String> = kinds.iter().map(|kind| kind.name().to_owned()).collect();
    let steps = sqlx::query_as!(
        Step,
        r#"select s.position, s.ticket_id, e.type = any($3) as "wanted!"
           from stream s join events e using (tenant_id, ticket_id, version)
           where s.tenant_id = $1 and s.position > $2 order by s.position limit $4"#,
        tenant.as_str(),
        after,
        &kinds,
        limit,
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(steps)
}

/// The tickets of which an event of these kinds has come since a place in the stream, also of what has no place yet (behind
/// `passed`, see the sequencer). Of the stream and of what waits, the newest `limit` events are looked at; says whether there
/// are more.
pub async fn since_in(
    tx: &mut Tx,
    after: i64,
    passed: i64,
    kinds: &[EventType],
    limit: i64,
) -> Result<(Vec<Id>, bool)> {
    let tenant = tx.tenant().clone();
    let kinds: Vec<String> = kinds.iter().map(|kind| kind.name().to_owned()).collect();
    // One statement, so that what gets its place meanwhile is in one of both.
    let found = sqlx::query!(
        r#"with placed as (
               select ticket_id, version from stream where tenant_id = $1 and position > $2
               order by position desc limit $6
           ), waiting as (
               select ticket_id, version from outbox where bucket = $3 and tenant_id = $1 and seq > $4
               order by seq desc limit $6
           )
           select (select coalesce(array_agg(distinct e.ticket_id), '{}')
                   from (select * from placed union all select * from waiting) it
                   join events e on e.tenant_id = $1 and e.ticket_id = it.ticket_id and e.version = it.version
                   where e.type = any($5)) as "ids!: Vec<Id>",
                  (select count(*) from placed) >= $6 or (select count(*) from waiting) >= $6 as "more!""#,
        tenant.as_str(),
        after,
        tenant.bucket(),
        passed,
        &kinds,
        limit,
    )
    .fetch_one(&mut **tx)
    .await?;
    Ok((found.ids, found.more))
}

/// An event with its place.
#[derive(Clone, Debug)]
pub struct Placed {
    pub position: i64,
    pub event: Event,
}

/// An event with its place, out of a row that has all columns of both.
macro_rules! placed {
    ($row:ident) => {
        Placed {
            position: $row.position,
            event: Event {
                tenant_id: $row.tenant_id,
                ticket_id: $row.ticket_id,
                version: $row.version,
                kind: $row.kind,
                actor_kind: $row.actor_kind,
                actor_id: $row.actor_id,
                request_id: $row.request_id,
                rule: $row.rule,
                configuration_revision: $row.configuration_revision,
                occur_time: $row.occur_time,
                record_time: $row.record_time,
                traceparent: $row.traceparent,
                changes: $row.changes,
                note: $row.note,
                reason: $row.reason,
                details: $row.details,
                facts: $row.facts,
                imported: $row.imported,
            },
        }
    };
}

/// The tenant's events behind a position, in order.
pub async fn read(
    db: impl PgExecutor<'_>,
    tenant: &TenantId,
    position: i64,
    limit: i64,
) -> Result<Vec<Placed>> {
    let rows = sqlx::query!(
        r#"select s.position, e.tenant_id, e.ticket_id, e.version, e.type as kind, e.actor_kind, e.actor_id,
                  e.request_id, e.rule, e.configuration_revision, e.occur_time, e.record_time, e.traceparent, e.changes,
                  e.note, e.reason, e.details, e.facts, e.imported
           from stream s join events e using (tenant_id, ticket_id, version)
           where s.tenant_id = $1 and s.position > $2 order by s.position limit $3"#,
        tenant.as_str(),
        position,
        limit,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| placed!(row)).collect())
}

/// A part of a bucket.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    pub bucket: i16,
    /// Behind this position …
    pub after: i64,
    /// … through this one.
    pub through: i64,
}

/// The first events of each of these spans, of whichever tenants, bucket by bucket and in order.
pub async fn read_spans(pool: &PgPool, spans: &[Span], each: i64) -> Result<Vec<Placed>> {
    let buckets: Vec<i16> = spans.iter().map(|span| span.bucket).collect();
    let (after, through): (Vec<i64>, Vec<i64>) = spans.iter().map(|span| (span.after, span.through)).unzip();
    // `limit 1` keeps the planner from reading all events for the sake of a few.
    let rows = sqlx::query!(
        r#"select s.position, e.tenant_id, e.ticket_id, e.version, e.type as kind, e.actor_kind, e.actor_id,
                  e.request_id, e.rule, e.configuration_revision, e.occur_time, e.record_time, e.traceparent, e.changes,
                  e.note, e.reason, e.details, e.facts, e.imported
           from unnest($1::smallint[], $2::bigint[], $3::bigint[]) span (bucket, after, through)
           cross join lateral (
               select * from stream s
               where s.bucket = span.bucket and s.position > span.after and s.position <= span.through
               order by s.position limit $4
           ) s
           cross join lateral (
               select * from events e
               where e.tenant_id = s.tenant_id and e.ticket_id = s.ticket_id and e.version = s.version limit 1
           ) e
           order by s.bucket, s.position"#,
        &buckets,
        &after,
        &through,
        each,
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(|row| placed!(row)).collect())
}

/// What an event is called, where it stands, and since when.
#[derive(Clone, Copy, Debug)]
pub struct Listed {
    pub position: i64,
    pub ticket_id: Id,
    pub version: i64,
    pub record_time: Time,
}

/// The first events of a span, in order, by their names alone.
pub async fn list_span(pool: &PgPool, span: Span, limit: i64) -> Result<Vec<Listed>> {
    let listed = sqlx::query_as!(
        Listed,
        "select position, ticket_id, version, record_time from stream
         where bucket = $1 and position > $2 and position <= $3 order by position limit $4",
        span.bucket,
        span.after,
        span.through,
        limit,
    )
    .fetch_all(pool)
    .await?;
    Ok(listed)
}
