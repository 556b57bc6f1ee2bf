//! The SQL of waiting: tickets in the order in which their queues are served, for whoever looks, pulls or gives away.

use std::collections::HashMap;

use sqlx::{PgConnection, PgPool, types::Json};

use super::{Need, Ticket, Turn, queue::Depth};
use crate::{
    db::Tx,
    error::{Error, Result},
    ids::{Id, TenantId},
    time::Time,
};

/// The queues in which tickets wait for an agent, of all tenants: one step of the index for each, however long it is.
pub async fn find_waiting_queues(pool: &PgPool) -> Result<Vec<(TenantId, String)>> {
    let rows = sqlx::query!(
        r#"with recursive waiting as (
               (select tenant_id, queue from tickets where queue_time is not null
                order by tenant_id, queue limit 1)
               union all
               select next.tenant_id, next.queue from waiting cross join lateral (
                   select tenant_id, queue from tickets
                   where queue_time is not null and (tenant_id, queue) > (waiting.tenant_id, waiting.queue)
                   order by tenant_id, queue limit 1) next)
           select tenant_id as "tenant!: TenantId", queue as "queue!" from waiting"#
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(|row| (row.tenant, row.queue)).collect())
}

/// The tickets that wait for an agent in any of these queues, behind a place in the order of service.
pub async fn find_waiting(
    db: impl sqlx::PgExecutor<'_>,
    tenant: &TenantId,
    queues: &[String],
    after: Option<&Turn>,
    limit: i64,
) -> Result<Vec<Ticket>> {
    let tickets = sqlx::query_as!(
        Ticket,
        "select t.* from unnest($2::text[]) q (queue) cross join lateral (
             select * from tickets
             where tenant_id = $1 and queue = q.queue and queue_time is not null and state in ('NEW', 'OPEN')
               and ($3::bool is null or escalated < $3
                    or escalated = $3 and (priority_rank, queue_time, id) > ($4::int, $5::timestamptz, $6::uuid))
             order by escalated desc, priority_rank, queue_time, id limit $7) t
         order by t.escalated desc, t.priority_rank, t.queue_time, t.id limit $7",
        tenant.as_str(),
        queues,
        after.map(|turn| turn.escalated),
        after.map(|turn| turn.priority_rank),
        after.map(|turn| turn.queue_time) as Option<Time>,
        after.map(|turn| turn.id) as Option<Id>,
        limit,
    )
    .fetch_all(db)
    .await?;
    Ok(tickets)
}

/// Of the tickets that wait in these queues, those that nobody is asked to take, behind a place in the order of service.
/// Leaves out the `closed` lines: what waits in a queue and asks for just these skills.
pub async fn find_unserved(
    tx: &mut Tx,
    queues: &[String],
    closed: &[(String, Vec<Need>)],
    after: Option<&Turn>,
    limit: i64,
) -> Result<Vec<Ticket>> {
    let tenant = tx.tenant().clone();
    let (closed_queues, closed_skills) = lines(closed)?;
    let tickets = sqlx::query_as!(
        Ticket,
        "select t.* from unnest($2::text[]) q (queue) cross join lateral (
             select * from tickets
             where tenant_id = $1 and queue = q.queue and queue_time is not null and state in ('NEW', 'OPEN')
               and offered_to is null
               and (cardinality($3::text[]) = 0
                    or not exists (select from unnest($3, $4::text[]) closed (queue, skills)
                                   where closed.queue = q.queue and closed.skills::jsonb = tickets.skills))
               and ($5::bool is null or escalated < $5
                    or escalated = $5 and (priority_rank, queue_time, id) > ($6::int, $7::timestamptz, $8::uuid))
             order by escalated desc, priority_rank, queue_time, id limit $9) t
         order by t.escalated desc, t.priority_rank, t.queue_time, t.id limit $9",
        tenant.as_str(),
        queues,
        &closed_queues,
        &closed_skills,
        after.map(|turn| turn.escalated),
        after.map(|turn| turn.priority_rank),
        after.map(|turn| turn.queue_time) as Option<Time>,
        after.map(|turn| turn.id) as Option<Id>,
        limit,
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(tickets)
}

/// Of one line, those that have stood in the queue since `due` and of which nobody has said yet that nobody can take them.
pub async fn find_overdue(
    tx: &mut Tx,
    queue: &str,
    skills: &[Need],
    due: Time,
    limit: i64,
) -> Result<Vec<Ticket>> {
    let tenant = tx.tenant().clone();
    let skills = serde_json::to_value(skills).map_err(Error::internal)?;
    let tickets = sqlx::query_as!(
        Ticket,
        "select * from tickets
         where tenant_id = $1 and queue = $2 and queue_time is not null and state in ('NEW', 'OPEN')
           and offered_to is null and skills = $3 and queue_time <= $4 and not routing_exhausted
         order by escalated desc, priority_rank, queue_time, id limit $5",
        tenant.as_str(),
        queue,
        skills as _,
        due as Time,
        limit,
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(tickets)
}

/// The ticket whose turn it is in the queue for somebody with these skills, locked until the transaction ends. What others
/// hold, they are taking; what is offered, somebody is asked to take.
pub async fn lock_next(
    tx: &mut Tx,
    queue: &str,
    skills: &serde_json::Value,
    now: Time,
) -> Result<Option<Ticket>> {
    let tenant = tx.tenant().clone();
    // As `routing::needs` has it; a page that Rust looks through would have to be locked whole.
    let ticket = sqlx::query_as!(
        Ticket,
        "select * from tickets
         where tenant_id = $1 and queue = $2 and queue_time is not null and state in ('NEW', 'OPEN')
           and offered_to is null
           and not exists (
               select from jsonb_to_recordset(skills) need (skill text, min_level int, drop_after bigint)
               where coalesce(($3::jsonb ->> need.skill)::int, 0) < need.min_level
                 and (need.drop_after is null or $4 < queue_time + need.drop_after * interval '1 second'))
         order by escalated desc, priority_rank, queue_time, id limit 1 for update skip locked",
        tenant.as_str(),
        queue,
        skills,
        now as Time,
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(ticket)
}

/// Offers that have lapsed, the longest due first. Looks across tenants.
pub async fn list_lapsed_offers(pool: &PgPool, now: Time, limit: usize) -> Result<Vec<(TenantId, Id)>> {
    let rows = sqlx::query!(
        r#"select tenant_id as "tenant_id: TenantId", id from tickets
           where offer_expire_time <= $1 order by offer_expire_time, id limit $2"#,
        now as Time,
        limit as i64,
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(|row| (row.tenant_id, row.id)).collect())
}

/// How many wait in a queue, and since when.
pub async fn measure(db: &mut PgConnection, tenant: &TenantId, queue: &str, now: Time) -> Result<Depth> {
    let depth = sqlx::query_as!(
        Depth,
        r#"select count(*) as "waiting!", count(offered_to) as "offered!",
                  count(*) filter (where escalated) as "escalated!",
                  count(*) filter (where routing_exhausted) as "exhausted!", min(queue_time) as oldest,
                  percentile_disc(array[0.5, 0.9, 0.99]) within group
                      (order by extract(epoch from $3 - queue_time)::float8) as waits
           from tickets
           where tenant_id = $1 and queue = $2 and queue_time is not null and state in ('NEW', 'OPEN')"#,
        tenant.as_str(),
        queue,
        now as Time,
    )
    .fetch_one(db)
    .await?;
    Ok(depth)
}

/// As [`measure`], for all queues in which tickets wait; with how many have each priority.
pub async fn measure_all(
    db: &mut PgConnection,
    tenant: &TenantId,
    now: Time,
) -> Result<HashMap<String, (Depth, Vec<(String, i64)>)>> {
    let rows = sqlx::query!(
        r#"with waiting as (
               select * from tickets where tenant_id = $1 and queue_time is not null and state in ('NEW', 'OPEN')
           ), pressing as (
               select queue, json_agg(json_build_array(priority, n) order by rank, priority) as priorities
               from (select queue, priority, min(priority_rank) as rank, count(*) as n from waiting group by 1, 2) p
               group by queue
           )
           select queue, count(*) as "waiting!", count(offered_to) as "offered!",
                  count(*) filter (where escalated) as "escalated!",
                  count(*) filter (where routing_exhausted) as "exhausted!", min(queue_time) as "oldest: Time",
                  percentile_disc(array[0.5, 0.9, 0.99]) within group
                      (order by extract(epoch from $2 - queue_time)::float8) as waits,
                  (select priorities from pressing p where p.queue = w.queue)
                      as "priorities!: Json<Vec<(String, i64)>>"
           from waiting w group by queue"#,
        tenant.as_str(),
        now as Time,
    )
    .fetch_all(db)
    .await?;
    let depths = rows.into_iter().map(|row| {
        let depth = Depth {
            waiting: row.waiting,
            offered: row.offered,
            escalated: row.escalated,
            exhausted: row.exhausted,
            oldest: row.oldest,
            waits: row.waits,
        };
        (row.queue, (depth, row.priorities.0))
    });
    Ok(depths.collect())
}

fn lines(lines: &[(String, Vec<Need>)]) -> Result<(Vec<String>, Vec<String>)> {
    let texts = lines
        .iter()
        .map(|(queue, skills)| Ok((queue.clone(), serde_json::to_string(skills).map_err(Error::internal)?)));
    texts.collect()
}
