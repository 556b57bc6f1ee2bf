//! The SQL of the stream: events get their place here, and are read in its order.

use std::time::Duration;

use sqlx::{PgConnection, PgPool};

use super::Event;
use crate::{error::Result, ids::TenantId, time::Time};

/// How long after it was recorded an event may get its place: longer than the longest call takes.
const STRAGGLE: Duration = Duration::from_mins(5);

/// How far the stream of each bucket has come.
pub async fn heads(pool: &PgPool) -> Result<Vec<(i16, i64)>> {
    let heads =
        sqlx::query!("select bucket, position from stream_heads where position > 0").fetch_all(pool).await?;
    Ok(heads.into_iter().map(|head| (head.bucket, head.position)).collect())
}

/// The buckets in which committed events wait for a place: one step of the index for each.
pub async fn waiting(pool: &PgPool) -> Result<Vec<i16>> {
    let waiting = sqlx::query_scalar!(
        r#"with recursive waiting as (
               (select bucket from outbox order by bucket limit 1)
               union all
               select next.bucket from waiting cross join lateral (
                   select bucket from outbox where bucket > waiting.bucket order by bucket limit 1) next)
           select bucket as "bucket!" from waiting"#
    )
    .fetch_all(pool)
    .await?;
    Ok(waiting)
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
pub struct Kept {
    /// The last position that is gone; 0: all are there.
    pub dropped: i64,
    pub head: i64,
}

pub async fn kept(pool: &PgPool, tenant: &TenantId) -> Result<Kept> {
    let kept = sqlx::query_as!(
        Kept,
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
