//! The only SQL that names `tickets`, and the one door through which they are written: with their events.

use sqlx::{PgConnection, PgExecutor, PgPool};

use super::{Change, Channel, Held, Standing, State, Ticket, store_links as links};
use crate::{
    db::Tx,
    error::{Error, Result},
    events,
    ids::{Id, TenantId},
    sla,
    time::Time,
};

/// Writes new tickets and the events that made them.
pub async fn insert(tx: &mut Tx, changes: impl IntoIterator<Item = &Change>) -> Result<()> {
    let changes: Vec<&Change> = changes.into_iter().collect();
    if changes.is_empty() {
        return Ok(());
    }
    let rows: Vec<&Ticket> = changes.iter().map(|change| &change.next).collect();
    let rows = serde_json::to_string(&rows).map_err(Error::internal)?;
    sqlx::query!(
        "insert into tickets select * from json_populate_recordset(null::tickets, $1::text::json)",
        rows
    )
    .execute(&mut **tx)
    .await?;
    links::follow_up(tx, &changes).await?;
    append(tx, changes).await
}

/// Writes what happened to tickets that the caller has locked.
pub async fn apply(tx: &mut Tx, changes: &[Change]) -> Result<()> {
    let happened = changes.iter().filter(|change| !change.is_empty());
    let (quiet, loud): (Vec<&Change>, Vec<&Change>) = happened.partition(|change| change.is_quiet());
    let [quiet, loud] =
        [quiet, loud].map(|changes| changes.iter().map(|change| &change.next).collect::<Vec<_>>());
    let all = (quiet.len() + loud.len()) as u64;
    if advance(tx, &quiet).await? + rewrite(tx, &loud).await? != all {
        return Err(Error::internal("a ticket was written without its lock"));
    }
    links::solve(tx, changes).await?;
    append(tx, changes).await
}

/// Counts on in tickets of which nothing else is different; a fraction of what a whole row costs. Says how many there were.
async fn advance(tx: &mut Tx, rows: &[&Ticket]) -> Result<u64> {
    if rows.is_empty() {
        return Ok(0);
    }
    let tenant = tx.tenant().clone();
    let ids: Vec<Id> = rows.iter().map(|ticket| ticket.id).collect();
    let versions: Vec<i64> = rows.iter().map(|ticket| ticket.version).collect();
    let revisions: Vec<i64> = rows.iter().map(|ticket| ticket.configuration_revision).collect();
    let times: Vec<Time> = rows.iter().map(|ticket| ticket.update_time).collect();
    let done = sqlx::query!(
        "update tickets t set version = n.version, configuration_revision = n.revision, update_time = n.time
         from unnest($2::uuid[], $3::bigint[], $4::bigint[], $5::timestamptz[]) n (id, version, revision, time)
         where t.tenant_id = $1 and t.id = n.id and t.version < n.version",
        tenant.as_str(),
        &ids as &[Id],
        &versions,
        &revisions,
        &times as &[Time],
    )
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected())
}

/// Writes tickets anew; says how many there were.
async fn rewrite(tx: &mut Tx, rows: &[&Ticket]) -> Result<u64> {
    if rows.is_empty() {
        return Ok(0);
    }
    let tenant = tx.tenant().clone();
    let json = serde_json::to_string(rows).map_err(Error::internal)?;
    // What is fixed at creation is not listed: number, channel, external key, follow_up_of, imported, create_time.
    let done = sqlx::query!(
        "update tickets t set
             version = n.version, state = n.state, kind = n.kind, title = n.title, description = n.description,
             requester = n.requester, organization = n.organization, category = n.category, product = n.product,
             language_code = n.language_code, impact = n.impact, urgency = n.urgency, priority = n.priority,
             priority_rank = n.priority_rank, custom_fields = n.custom_fields, tags = n.tags,
             annotations = n.annotations, level = n.level, queue = n.queue, team = n.team, assignee = n.assignee,
             followers = n.followers, escalated = n.escalated, pending_escalation = n.pending_escalation,
             vendor_reference = n.vendor_reference, hold_reason = n.hold_reason,
             hold_until_time = n.hold_until_time, resolution = n.resolution, first_level = n.first_level,
             highest_level = n.highest_level, teams = n.teams, transfer_count = n.transfer_count,
             return_count = n.return_count, reopen_count = n.reopen_count,
             configuration_revision = n.configuration_revision, update_time = n.update_time,
             queue_time = n.queue_time, assign_time = n.assign_time, resolve_time = n.resolve_time,
             close_time = n.close_time, auto_close_time = n.auto_close_time, routing_rule = n.routing_rule,
             skills = n.skills,
             offered_to = n.offered_to, offer_expire_time = n.offer_expire_time, cool_downs = n.cool_downs,
             former_assignee = n.former_assignee, routing_exhausted = n.routing_exhausted,
             sla_policies = n.sla_policies, sla_revision = n.sla_revision, plan = n.plan,
             restricted = n.restricted, merged_into = n.merged_into, entitlement = n.entitlement
         from json_populate_recordset(null::tickets, $2::text::json) n
         where t.tenant_id = $1 and n.tenant_id = $1 and t.id = n.id and t.version < n.version",
        tenant.as_str(),
        json,
    )
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected())
}

/// Writes over what was erased from tickets that the transaction has locked. Nothing happened to them: their log, which is
/// written over with them, says the same as they do, and they keep their versions.
pub async fn overwrite(tx: &mut Tx, rows: &[&Ticket]) -> Result<()> {
    let tenant = tx.tenant().clone();
    let json = serde_json::to_string(rows).map_err(Error::internal)?;
    sqlx::query!(
        "update tickets t set
             title = n.title, description = n.description, requester = n.requester, custom_fields = n.custom_fields,
             tags = n.tags, annotations = n.annotations, external_id = n.external_id,
             vendor_reference = n.vendor_reference, hold_reason = n.hold_reason, resolution = n.resolution
         from json_populate_recordset(null::tickets, $2::text::json) n
         where t.tenant_id = $1 and n.tenant_id = $1 and t.id = n.id",
        tenant.as_str(),
        json,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

async fn append(tx: &mut Tx, changes: impl IntoIterator<Item = &Change>) -> Result<()> {
    let changes: Vec<&Change> = changes.into_iter().collect();
    let events: Vec<_> = changes.iter().flat_map(|change| &change.events).collect();
    events::store::append(tx, &events).await?;
    let clocks: Vec<_> = changes.iter().flat_map(|change| &change.clocks).collect();
    sla::put_in(tx, &clocks).await
}

/// The ticket, locked until the transaction ends.
pub async fn lock(tx: &mut Tx, id: Id) -> Result<Option<Ticket>> {
    let tenant = tx.tenant().clone();
    let ticket = sqlx::query_as!(
        Ticket,
        "select * from tickets where tenant_id = $1 and id = $2 for update",
        tenant.as_str(),
        id as Id,
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(ticket)
}

/// These tickets, locked until the transaction ends, in the order of their ids.
pub async fn lock_all(tx: &mut Tx, ids: &[Id]) -> Result<Vec<Ticket>> {
    let tenant = tx.tenant().clone();
    let tickets = sqlx::query_as!(
        Ticket,
        "select * from tickets where tenant_id = $1 and id = any($2) order by id for update",
        tenant.as_str(),
        ids as &[Id],
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(tickets)
}

/// Tickets by id, in no order; for reads.
pub async fn find_all(db: impl PgExecutor<'_>, tenant: &TenantId, ids: &[Id]) -> Result<Vec<Ticket>> {
    let tickets = sqlx::query_as!(
        Ticket,
        "select * from tickets where tenant_id = $1 and id = any($2)",
        tenant.as_str(),
        ids as &[Id],
    )
    .fetch_all(db)
    .await?;
    Ok(tickets)
}

/// What is searched of a ticket.
#[derive(Clone, Debug)]
pub struct Texts {
    pub id: Id,
    pub title: String,
    pub description: String,
    pub language_code: String,
}

pub async fn find_texts(tx: &mut Tx, ids: &[Id]) -> Result<Vec<Texts>> {
    let tenant = tx.tenant().clone();
    let texts = sqlx::query_as!(
        Texts,
        "select id, title, description, language_code from tickets where tenant_id = $1 and id = any($2)",
        tenant.as_str(),
        ids as &[Id],
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(texts)
}

/// Whom a restricted ticket is for.
#[derive(Clone, Debug)]
pub struct Restricted {
    pub id: Id,
    /// Empty: nobody.
    pub assignee: String,
    pub team: String,
}

/// Those of the tickets that are restricted.
pub async fn find_restricted(
    db: impl PgExecutor<'_>,
    tenant: &TenantId,
    ids: &[Id],
) -> Result<Vec<Restricted>> {
    let found = sqlx::query_as!(
        Restricted,
        r#"select id, coalesce(assignee, '') as "assignee!", team from tickets
           where tenant_id = $1 and id = any($2) and restricted"#,
        tenant.as_str(),
        ids as &[Id],
    )
    .fetch_all(db)
    .await?;
    Ok(found)
}

/// Which live tickets to read: by id, queue and team; what is empty selects all.
#[derive(Clone, Copy, Debug)]
pub struct Live<'a> {
    pub ticket: Option<Id>,
    pub queues: &'a [String],
    pub teams: &'a [String],
}

/// Live tickets in the order of their ids, behind one.
pub async fn list_live(
    db: &mut PgConnection,
    tenant: &TenantId,
    live: Live<'_>,
    after: Option<Id>,
    limit: i64,
) -> Result<Vec<Ticket>> {
    let tickets = sqlx::query_as!(
        Ticket,
        "select * from tickets
         where tenant_id = $1 and state in ('NEW', 'OPEN', 'WAITING_ON_CUSTOMER', 'WAITING_ON_VENDOR', 'ON_HOLD')
           and ($2::uuid is null or id = $2) and (cardinality($3::text[]) = 0 or queue = any($3))
           and (cardinality($4::text[]) = 0 or team = any($4)) and ($5::uuid is null or id > $5)
         order by id limit $6",
        tenant.as_str(),
        live.ticket as Option<Id>,
        live.queues,
        live.teams,
        after as Option<Id>,
        limit,
    )
    .fetch_all(db)
    .await?;
    Ok(tickets)
}

/// At most `limit` tickets that are asked in this contact's name, the oldest first.
pub async fn list_asked_by(tx: &mut Tx, contact: &str, limit: i64) -> Result<Vec<Id>> {
    let tenant = tx.tenant().clone();
    let ids = sqlx::query_scalar!(
        r#"select id as "id: Id" from tickets where tenant_id = $1 and requester = $2 order by create_time, id limit $3"#,
        tenant.as_str(),
        contact,
        limit,
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(ids)
}

/// The id that a number stands for.
pub async fn find_id_by_number(db: &mut PgConnection, tenant: &TenantId, number: i64) -> Result<Option<Id>> {
    let id = sqlx::query_scalar!(
        "select id from tickets where tenant_id = $1 and number = $2",
        tenant.as_str(),
        number,
    )
    .fetch_optional(db)
    .await?;
    Ok(id)
}

/// The tickets that bear these external keys.
pub async fn find_by_external_keys(
    tx: &mut Tx,
    keys: &[(String, String)],
) -> Result<Vec<(String, String, Id)>> {
    let tenant = tx.tenant().clone();
    let (sources, ids): (Vec<String>, Vec<String>) = keys.iter().cloned().unzip();
    let rows = sqlx::query!(
        r#"select external_source as "source!", external_id as "external!", id from tickets
           where tenant_id = $1 and external_source is not null
             and (external_source, external_id) in (select * from unnest($2::text[], $3::text[]))"#,
        tenant.as_str(),
        &sources,
        &ids,
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(rows.into_iter().map(|row| (row.source, row.external, row.id)).collect())
}

/// The tickets that bear these external keys, locked until the transaction ends, in the order of their ids.
pub async fn lock_by_external_keys(tx: &mut Tx, keys: &[(String, String)]) -> Result<Vec<Ticket>> {
    let tenant = tx.tenant().clone();
    let (sources, ids): (Vec<String>, Vec<String>) = keys.iter().cloned().unzip();
    let tickets = sqlx::query_as!(
        Ticket,
        "select * from tickets
         where tenant_id = $1 and external_source is not null
           and (external_source, external_id) in (select * from unnest($2::text[], $3::text[]))
         order by id for update",
        tenant.as_str(),
        &sources,
        &ids,
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(tickets)
}

/// Resolved tickets whose quiet time is over, the longest due first. Looks across tenants.
pub async fn list_due_to_close(pool: &PgPool, now: Time, limit: usize) -> Result<Vec<(TenantId, Id)>> {
    let rows = sqlx::query!(
        r#"select tenant_id as "tenant_id: TenantId", id from tickets
           where auto_close_time <= $1 and state = 'RESOLVED' order by auto_close_time, id limit $2"#,
        now as Time,
        limit as i64,
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(|row| (row.tenant_id, row.id)).collect())
}

/// Waiting tickets whose hold is over, the longest due first. Looks across tenants.
pub async fn list_due_to_wake(pool: &PgPool, now: Time, limit: usize) -> Result<Vec<(TenantId, Id)>> {
    let rows = sqlx::query!(
        r#"select tenant_id as "tenant_id: TenantId", id from tickets
           where hold_until_time <= $1 and state in ('WAITING_ON_CUSTOMER', 'WAITING_ON_VENDOR', 'ON_HOLD')
           order by hold_until_time, id limit $2"#,
        now as Time,
        limit as i64,
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(|row| (row.tenant_id, row.id)).collect())
}

/// Those of the tickets that nobody else has locked, locked until the transaction ends.
pub async fn lock_free(tx: &mut Tx, ids: &[Id]) -> Result<Vec<Ticket>> {
    let tenant = tx.tenant().clone();
    let tickets = sqlx::query_as!(
        Ticket,
        "select * from tickets where tenant_id = $1 and id = any($2) order by id for update skip locked",
        tenant.as_str(),
        ids as &[Id],
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(tickets)
}

/// The first of the tickets, at most `limit`, that nobody else has locked, locked until the transaction ends.
pub async fn lock_first(tx: &mut Tx, ids: &[Id], limit: i64) -> Result<Vec<Ticket>> {
    let tenant = tx.tenant().clone();
    let tickets = sqlx::query_as!(
        Ticket,
        "select t.* from unnest($2::uuid[]) with ordinality first (id, place)
         join tickets t on t.tenant_id = $1 and t.id = first.id
         order by place limit $3 for update of t skip locked",
        tenant.as_str(),
        ids as &[Id],
        limit,
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(tickets)
}

/// What each of these agents holds, owned or offered; told apart by these organizations only.
pub async fn count_held(
    db: impl PgExecutor<'_>,
    tenant: &TenantId,
    agents: &[String],
    organizations: &[String],
) -> Result<Vec<Held>> {
    let held = sqlx::query_as!(
        Held,
        r#"select assignee as "agent!", false as "offered!", channel as "channel!: Channel",
                  state as "state!: State", case when organization = any($3) then organization else '' end as "organization!", count(*) as "count!"
           from tickets
           where tenant_id = $1 and assignee = any($2)
             and state not in ('RESOLVED', 'CLOSED', 'CANCELLED', 'MERGED')
           group by 1, 3, 4, 5
           union all
           select offered_to, true, channel, state, case when organization = any($3) then organization else '' end,
                  count(*)
           from tickets where tenant_id = $1 and offered_to = any($2)
           group by 1, 3, 4, 5"#,
        tenant.as_str(),
        agents,
        organizations,
    )
    .fetch_all(db)
    .await?;
    Ok(held)
}

/// How many live tickets stand in these levels, teams or queues, by place.
pub async fn count_standing(
    tx: &mut Tx,
    levels: &[String],
    teams: &[String],
    queues: &[String],
) -> Result<Vec<Standing>> {
    let tenant = tx.tenant().clone();
    let standing = sqlx::query_as!(
        Standing,
        r#"select level, team, queue, count(*) as "count!" from tickets
           where tenant_id = $1 and state not in ('RESOLVED', 'CLOSED', 'CANCELLED', 'MERGED')
             and (level = any($2) or team = any($3) or queue = any($4))
           group by level, team, queue"#,
        tenant.as_str(),
        levels,
        teams,
        queues,
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(standing)
}

/// Locks tickets that were over before a time, the first first, unless somebody is at them. A merged one stays while the one
/// in which it goes on is there.
pub async fn lock_over_since(tx: &mut Tx, before: Time, limit: i64) -> Result<Vec<Id>> {
    let tenant = tx.tenant().clone();
    let ids = sqlx::query_scalar!(
        r#"select id as "id: Id" from tickets
           where tenant_id = $1 and close_time < $2 and state in ('CLOSED', 'CANCELLED', 'MERGED')
             and not exists (select from tickets s where s.tenant_id = $1 and s.id = tickets.merged_into)
           order by close_time limit $3 for update skip locked"#,
        tenant.as_str(),
        before as Time,
        limit,
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(ids)
}

/// These tickets, of which nothing else is left.
pub async fn forget(tx: &mut Tx, tickets: &[Id]) -> Result<()> {
    let tenant = tx.tenant().clone();
    sqlx::query!(
        "delete from tickets where tenant_id = $1 and id = any($2)",
        tenant.as_str(),
        tickets as &[Id],
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}
