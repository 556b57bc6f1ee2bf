//! The SQL of `events` and `outbox`; `store_stream.rs` has that of the stream.

use serde_json::Value;
use sqlx::PgConnection;

use super::Event;
use crate::{
    db::Tx,
    error::{Error, Result},
    ids::{Id, TenantId},
    time::Time,
};

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
    db: &mut PgConnection,
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
    .fetch_all(db)
    .await?;
    Ok(events)
}

/// A ticket's events behind a version, newest first.
pub async fn list_after(
    db: &mut PgConnection,
    tenant: &TenantId,
    ticket: Id,
    version: i64,
) -> Result<Vec<Event>> {
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
    .fetch_all(db)
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
    db: &mut PgConnection,
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
    .fetch_all(db)
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
