//! The SQL that reads a ticket's history back: its timeline, and how it stood before.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;
use sqlx::{PgConnection, PgExecutor, types::Json};

use super::Event;
use crate::{
    db::Tx,
    error::{Error, Result},
    ids::{Id, TenantId},
    time::Time,
};

/// Which events of a ticket a reader is shown.
#[derive(Clone, Copy, Debug)]
pub enum Audience<'a> {
    All,
    /// The creation, what bears `"visibility": "PUBLIC"` in its details, and the changes of these fields that were
    /// made by events of these types.
    Public {
        types: &'a [&'a str],
        fields: &'a [&'a str],
    },
}

/// Events of some tickets, of each behind a version, oldest first; those of one ticket always in the order of its versions.
pub async fn list_page(
    db: &mut PgConnection,
    tenant: &TenantId,
    (tickets, after): (&[Id], &[i64]),
    audience: Audience<'_>,
    limit: i64,
) -> Result<Vec<Event>> {
    let (all, types, fields) = match audience {
        Audience::All => (true, &[] as &[&str], &[] as &[&str]),
        Audience::Public { types, fields } => (false, types, fields),
    };
    let events = sqlx::query_as!(
        Event,
        // Clocks of servers differ: in time, none of a ticket's events comes before the one before it.
        r#"select e.tenant_id, e.ticket_id, e.version, e.type as kind, e.actor_kind, e.actor_id, e.request_id, e.rule,
                  e.configuration_revision, e.occur_time, e.record_time, e.traceparent, e.changes, e.note, e.reason,
                  e.details, e.facts, e.imported
           from unnest($2::uuid[], $3::bigint[]) as behind (ticket, version)
           cross join lateral (
               select o.ticket_id, o.version, max(o.occur_time) over (order by o.version) as reached
               from (
                   select ticket_id, version, occur_time from events
                   where tenant_id = $1 and ticket_id = behind.ticket and version > behind.version
                     and ($4 or type = 'ticket.created' or details ->> 'visibility' = 'PUBLIC'
                          or (type = any($5) and changes ?| $6))
                   order by version limit $7) o) own
           join events e on e.tenant_id = $1 and e.ticket_id = own.ticket_id and e.version = own.version
           order by own.reached, e.ticket_id, e.version limit $7"#,
        tenant.as_str(),
        tickets as &[Id],
        after,
        all,
        types as &[&str],
        fields as &[&str],
        limit,
    )
    .fetch_all(db)
    .await?;
    Ok(events)
}

/// A ticket's events from the last one that was known at a time, newest first; none when all are.
///
/// Calls wait for each other, so record times may run backwards by a little: known is what comes before the first
/// event that was not.
pub async fn list_since(
    db: &mut PgConnection,
    tenant: &TenantId,
    ticket: Id,
    time: Time,
) -> Result<Vec<Event>> {
    let events = sqlx::query_as!(
        Event,
        r#"select tenant_id, ticket_id, version, type as kind, actor_kind, actor_id, request_id, rule,
                  configuration_revision, occur_time, record_time, traceparent, changes, note, reason, details, facts,
                  imported
           from events
           where tenant_id = $1 and ticket_id = $2
             and version >= (select min(version) - 1 from events
                             where tenant_id = $1 and ticket_id = $2 and record_time > $3)
           order by version desc"#,
        tenant.as_str(),
        ticket as Id,
        time as Time,
    )
    .fetch_all(db)
    .await?;
    Ok(events)
}

/// How a ticket stood at a time.
#[derive(Clone, Debug)]
pub struct Stood {
    pub ticket_id: Id,
    /// When it had last changed by then.
    pub occur_time: Time,
    /// What the field was, if it is something else now.
    pub value: Option<Value>,
}

/// How these tickets stood at a time, or at first if they are younger; only those that changed since.
pub async fn stood(
    db: impl PgExecutor<'_>,
    tenant: &TenantId,
    tickets: &[Id],
    time: Time,
    field: &str,
) -> Result<Vec<Stood>> {
    let stood = sqlx::query_as!(
        Stood,
        r#"select last.ticket_id, last.occur_time, moved.value as "value?: Value"
           from unnest($2::uuid[]) as t (id)
           cross join lateral (
               select min(version) as version from events
               where tenant_id = $1 and ticket_id = t.id and record_time > $3) first
           join events last on last.tenant_id = $1 and last.ticket_id = t.id
               and last.version = greatest(first.version - 1, 1)
           left join lateral (
               select changes -> $4 -> (case version when 1 then 1 else 0 end) as value from events
               where tenant_id = $1 and ticket_id = t.id and version >= first.version and changes ? $4
               order by version limit 1) moved on true"#,
        tenant.as_str(),
        tickets as &[Id],
        time as Time,
        field,
    )
    .fetch_all(db)
    .await?;
    Ok(stood)
}

/// All events of these tickets, by ticket, the oldest first.
pub async fn logs_in(tx: &mut Tx, tickets: &[Id]) -> Result<HashMap<Id, Vec<Event>>> {
    let tenant = tx.tenant().clone();
    let events = sqlx::query_as!(
        Event,
        r#"select tenant_id, ticket_id, version, type as kind, actor_kind, actor_id, request_id, rule,
                  configuration_revision, occur_time, record_time, traceparent, changes, note, reason, details, facts,
                  imported
           from events where tenant_id = $1 and ticket_id = any($2) order by ticket_id, version"#,
        tenant.as_str(),
        tickets as &[Id],
    )
    .fetch_all(&mut **tx)
    .await?;
    let mut logs: HashMap<Id, Vec<Event>> = HashMap::new();
    for event in events {
        logs.entry(event.ticket_id).or_default().push(event);
    }
    Ok(logs)
}

/// What happened to these tickets behind a version of each: ticket by ticket, in order.
pub async fn behind_versions_in(tx: &mut Tx, from: &[(Id, i64)]) -> Result<Vec<Event>> {
    let tenant = tx.tenant().clone();
    let (tickets, versions): (Vec<Id>, Vec<i64>) = from.iter().copied().unzip();
    let events = sqlx::query_as!(
        Event,
        r#"select e.tenant_id, e.ticket_id, e.version, e.type as kind, e.actor_kind, e.actor_id, e.request_id, e.rule,
                  e.configuration_revision, e.occur_time, e.record_time, e.traceparent, e.changes, e.note, e.reason,
                  e.details, e.facts, e.imported
           from unnest($2::uuid[], $3::bigint[]) seen (ticket_id, version)
           cross join lateral (
               select * from events e
               where e.tenant_id = $1 and e.ticket_id = seen.ticket_id and e.version > seen.version
               order by e.version
           ) e
           order by e.ticket_id, e.version"#,
        tenant.as_str(),
        &tickets as &[Id],
        &versions,
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(events)
}

/// How a ticket came in.
#[derive(Clone, Debug)]
pub struct Created {
    pub ticket_id: Id,
    pub changes: Json<BTreeMap<String, (Value, Value)>>,
    pub rule: String,
    /// Whether the rule's floor raised the priority.
    pub raised: bool,
}

/// How these tickets came in.
pub async fn created_in(tx: &mut Tx, tickets: &[Id]) -> Result<Vec<Created>> {
    let tenant = tx.tenant().clone();
    let created = sqlx::query_as!(
        Created,
        r#"select ticket_id, changes, rule,
                  coalesce(details -> 'decision' ->> 'priority', '') <> '' as "raised!"
           from events where tenant_id = $1 and ticket_id = any($2) and version = 1"#,
        tenant.as_str(),
        tickets as &[Id],
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(created)
}

/// At most `limit` tickets that were asked in this contact's name before they went to somebody else.
pub async fn formerly_asked_by_in(tx: &mut Tx, contact: &str, limit: i64) -> Result<Vec<Id>> {
    let tenant = tx.tenant().clone();
    let ids = sqlx::query_scalar!(
        // First all of them, by the index; for a few in their order the planner would look at every event. Row-level
        // security lets the index serve by tenant alone; requesters seldom change, and the index has nothing else.
        r#"with former as materialized (
               select ticket_id from events
               where tenant_id = $1 and changes -> 'requester' ->> 0 = $2 and changes -> 'requester' ->> 0 <> '')
           select distinct ticket_id as "ticket_id!: Id" from former limit $3"#,
        tenant.as_str(),
        contact,
        limit,
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(ids)
}

/// Writes over what was erased from events. The caller holds the locks of their tickets.
pub async fn overwrite_in(tx: &mut Tx, events: &[Event]) -> Result<()> {
    let tenant = tx.tenant().clone();
    let rows = serde_json::to_string(events).map_err(Error::internal)?;
    sqlx::query!(
        "update events e set
             actor_id = n.actor_id, request_id = n.request_id, traceparent = n.traceparent, changes = n.changes,
             note = n.note, reason = n.reason
         from json_populate_recordset(null::events, $2::text::json) n
         where e.tenant_id = $1 and n.tenant_id = $1 and e.ticket_id = n.ticket_id and e.version = n.version",
        tenant.as_str(),
        rows,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Removes the text of an event for good. The caller holds the lock of its ticket.
pub async fn redact_note_in(tx: &mut Tx, ticket: Id, version: i64) -> Result<()> {
    let tenant = tx.tenant().clone();
    sqlx::query!(
        "update events set note = '' where tenant_id = $1 and ticket_id = $2 and version = $3",
        tenant.as_str(),
        ticket as Id,
        version,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Those of these tickets of which an event still waits for its place in the stream.
pub async fn waiting_in(tx: &mut Tx, tickets: &[Id]) -> Result<Vec<Id>> {
    let tenant = tx.tenant().clone();
    let waiting = sqlx::query_scalar!(
        r#"select distinct ticket_id as "ticket_id: Id" from outbox
           where bucket = $1 and tenant_id = $2 and ticket_id = any($3)"#,
        tenant.bucket(),
        tenant.as_str(),
        tickets as &[Id],
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(waiting)
}

/// The log of these tickets, and its places in the stream: whoever reads on finds what is left.
pub async fn forget(tx: &mut Tx, tickets: &[Id]) -> Result<()> {
    let tenant = tx.tenant().clone();
    sqlx::query!(
        "with gone as (
             delete from events where tenant_id = $1 and ticket_id = any($2) returning ticket_id, version, record_time
         )
         delete from stream s using gone
         where s.tenant_id = $1 and s.record_time = gone.record_time and s.ticket_id = gone.ticket_id
           and s.version = gone.version",
        tenant.as_str(),
        tickets as &[Id],
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}
