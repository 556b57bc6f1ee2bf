//! The SQL of `events` and `outbox`; `store_stream.rs` has that of the stream.

use std::time::Duration;

use serde_json::Value;
use sqlx::{PgConnection, PgPool};

use super::Event;
use crate::{
    db::Tx,
    error::{Error, Result},
    ids::{Id, TenantId},
    time::Time,
};

/// How long after it was recorded an event may get its place: longer than the longest call takes.
const STRAGGLE: Duration = Duration::from_mins(5);

/// Appends events to the log and to the outbox. The caller holds the lock of every ticket they are about, so the order
/// of `seq` is the order of versions.
pub async fn append(tx: &mut Tx, events: &[&Event]) -> Result<()> {
    let bucket = tx.tenant().bucket();
    let rows = serde_json::to_string(events).map_err(Error::internal)?;
    sqlx::query!(
        "with appended as (
             insert into events select * from json_populate_recordset(null::events, $2::text::json)
             returning tenant_id, ticket_id, version
         )
         insert into outbox (bucket, tenant_id, ticket_id, version)
         select $1, tenant_id, ticket_id, version from appended order by ticket_id, version",
        bucket,
        rows,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// The events of each ticket behind the version at the same place, newest first.
pub async fn list_after_each(
    pool: &PgPool,
    tenant: &TenantId,
    tickets: &[Id],
    versions: &[i64],
) -> Result<Vec<Event>> {
    let events = sqlx::query_as!(
        Event,
        r#"select e.tenant_id, e.ticket_id, e.version, e.type as kind, e.actor_kind, e.actor_id, e.request_id, e.rule,
                  e.configuration_revision, e.occur_time, e.record_time, e.traceparent, e.changes, e.note, e.reason,
                  e.details, e.facts, e.imported
           from unnest($2::uuid[], $3::bigint[]) as after (ticket_id, version)
           join events e on e.tenant_id = $1 and e.ticket_id = after.ticket_id and e.version > after.version
           order by e.ticket_id, e.version desc"#,
        tenant.as_str(),
        tickets as &[Id],
        versions,
    )
    .fetch_all(pool)
    .await?;
    Ok(events)
}

/// A ticket's events behind a version, newest first.
pub async fn list_after(pool: &PgPool, tenant: &TenantId, ticket: Id, version: i64) -> Result<Vec<Event>> {
    let events = sqlx::query_as!(
        Event,
        r#"select tenant_id, ticket_id, version, type as kind, actor_kind, actor_id, request_id, rule,
                  configuration_revision, occur_time, record_time, traceparent, changes, note, reason, details, facts,
                  imported
           from events where tenant_id = $1 and ticket_id = $2 and version > $3 order by version desc"#,
        tenant.as_str(),
        ticket as Id,
        version,
    )
    .fetch_all(pool)
    .await?;
    Ok(events)
}

/// Something that was kept in the details of an event.
#[derive(Clone, Debug)]
pub struct Kept {
    pub version: i64,
    pub occur_time: Time,
    pub detail: Value,
}

/// What a ticket's events keep under this key, newest first, before a version.
pub async fn list_details(
    pool: &PgPool,
    tenant: &TenantId,
    ticket: Id,
    key: &str,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<Kept>> {
    let kept = sqlx::query_as!(
        Kept,
        r#"select version, occur_time, details -> $3 as "detail!: Value" from events
           where tenant_id = $1 and ticket_id = $2 and details ? $3 and ($4::bigint is null or version < $4)
           order by version desc limit $5"#,
        tenant.as_str(),
        ticket as Id,
        key,
        before,
        limit,
    )
    .fetch_all(pool)
    .await?;
    Ok(kept)
}

/// The last value that a field of a ticket had before it changed, as text; nothing if it never had one.
pub async fn find_last_value(tx: &mut Tx, ticket: Id, field: &str) -> Result<Option<String>> {
    let tenant = tx.tenant().clone();
    let value = sqlx::query_scalar!(
        r#"select changes -> $3 ->> 0 as "value!" from events
           where tenant_id = $1 and ticket_id = $2 and changes -> $3 ->> 0 is not null
           order by version desc limit 1"#,
        tenant.as_str(),
        ticket as Id,
        field,
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(value)
}

/// A bucket of the stream.
#[derive(Clone, Copy, Debug)]
pub struct Bucket {
    pub bucket: i16,
    /// Of its last event.
    pub position: i64,
    /// Whether committed events wait for a place.
    pub waiting: bool,
}

/// Every bucket that has or gets events.
pub async fn buckets(pool: &PgPool) -> Result<Vec<Bucket>> {
    let buckets = sqlx::query_as!(
        Bucket,
        r#"select bucket, position, waiting as "waiting!"
           from stream_heads h, lateral (select exists (select from outbox o where o.bucket = h.bucket) as waiting) w
           where waiting or position > 0"#,
    )
    .fetch_all(pool)
    .await?;
    Ok(buckets)
}

/// The bucket's last position, locked until the transaction ends.
pub async fn lock_head(tx: &mut PgConnection, bucket: i16) -> Result<i64> {
    let head = sqlx::query_scalar!("select position from stream_heads where bucket = $1 for update", bucket)
        .fetch_one(tx)
        .await?;
    Ok(head)
}

/// Gives the bucket's oldest events in the outbox, at most `limit`, the positions behind `head`; answers the new head.
pub async fn place(tx: &mut PgConnection, bucket: i16, head: i64, limit: i64) -> Result<i64> {
    let head = sqlx::query_scalar!(
        "with taken as (
             delete from outbox
             where bucket = $1 and seq in (select seq from outbox where bucket = $1 order by seq limit $3)
             returning seq, tenant_id, ticket_id, version
         ), placed as (
             insert into stream (tenant_id, position, ticket_id, version, record_time)
             select tenant_id, $2 + row_number() over (order by seq), ticket_id, version, record_time
             from taken join events using (tenant_id, ticket_id, version)
             returning position
         )
         update stream_heads set position = $2 + (select count(*) from placed) where bucket = $1
         returning position",
        bucket,
        head,
        limit,
    )
    .fetch_one(tx)
    .await?;
    Ok(head)
}

/// What is kept of a bucket's stream.
#[derive(Clone, Copy, Debug)]
pub struct Extent {
    /// The last position that is gone; 0: all are there.
    pub dropped: i64,
    pub head: i64,
}

pub async fn kept(pool: &PgPool, tenant: &TenantId) -> Result<Extent> {
    let kept = sqlx::query_as!(
        Extent,
        "select dropped, position as head from stream_heads where bucket = $1",
        tenant.bucket()
    )
    .fetch_one(pool)
    .await?;
    Ok(kept)
}

/// The position of the tenant's first event recorded at this time or later.
///
/// Positions follow commits, and calls that were recorded in one order commit in another, within [`STRAGGLE`].
pub async fn first_since(pool: &PgPool, tenant: &TenantId, time: Time) -> Result<Option<i64>> {
    let earliest = sqlx::query_scalar!(
        "select min(record_time) from stream where tenant_id = $1 and record_time >= $2",
        tenant.as_str(),
        time as _,
    )
    .fetch_one(pool)
    .await?;
    let Some(earliest) = earliest else { return Ok(None) };
    let first = sqlx::query_scalar!(
        "select min(position) from stream where tenant_id = $1 and record_time between $2 and $3",
        tenant.as_str(),
        earliest as _,
        earliest.after(STRAGGLE) as _,
    )
    .fetch_one(pool)
    .await?;
    Ok(first)
}

/// An event with its place.
#[derive(Clone, Debug)]
pub struct Placed {
    pub position: i64,
    pub event: Event,
}

/// The tenant's events behind a position, in order.
pub async fn read(pool: &PgPool, tenant: &TenantId, position: i64, limit: i64) -> Result<Vec<Placed>> {
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
    .fetch_all(pool)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Placed {
            position: row.position,
            event: Event {
                tenant_id: row.tenant_id,
                ticket_id: row.ticket_id,
                version: row.version,
                kind: row.kind,
                actor_kind: row.actor_kind,
                actor_id: row.actor_id,
                request_id: row.request_id,
                rule: row.rule,
                configuration_revision: row.configuration_revision,
                occur_time: row.occur_time,
                record_time: row.record_time,
                traceparent: row.traceparent,
                changes: row.changes,
                note: row.note,
                reason: row.reason,
                details: row.details,
                facts: row.facts,
                imported: row.imported,
            },
        })
        .collect())
}
