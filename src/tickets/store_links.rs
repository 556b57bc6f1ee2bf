//! The only SQL that names `ticket_links`, and what it says about tickets that go on in others.

use sqlx::{PgConnection, PgPool};

use super::{
    Change, Ticket,
    link::{Known, MAX_WALK},
    relation::{LinkKind, Relation, Tie},
};
use crate::{
    db::Tx,
    error::Result,
    events::EventType,
    ids::{Id, TenantId},
    seal::Page,
    time::Time,
};

/// Whoever draws a link of which there may be no circle waits here for others of the tenant, before any ticket is locked.
pub async fn lock_trees(tx: &mut Tx) -> Result<()> {
    let tenant = tx.tenant().clone();
    sqlx::query!(
        "select pg_advisory_xact_lock(hashtextextended('ticket_links ' || $1::text, 0))",
        tenant.as_str()
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// What is known about a link of two tickets that the transaction has locked.
pub async fn known(tx: &mut Tx, kind: LinkKind, first: Id, second: Id) -> Result<Known> {
    let tenant = tx.tenant().clone();
    let known = sqlx::query_as!(
        Known,
        r#"with recursive ahead (id) as (
               select $3::uuid where $4 in ('PARENT', 'BLOCKS')
               union
               select l.other_id from ahead a
               join ticket_links l on l.tenant_id = $1 and l.ticket_id = a.id and l.type = $4),
           walked as (select id from ahead limit $5),
           own as (
               select ticket_id as id from ticket_links
               where tenant_id = $1 and ticket_id = any(array[$2, $3]::uuid[]) and type not in ('FOLLOW_UP', 'MERGED_INTO')
               union all
               select other_id from ticket_links
               where tenant_id = $1 and other_id = any(array[$2, $3]::uuid[]) and type not in ('FOLLOW_UP', 'MERGED_INTO'))
           select exists (select from ticket_links where tenant_id = $1 and ticket_id = $2 and type = $4 and other_id = $3)
                      as "there!",
                  (select coalesce(max(n), 0) from (select count(*) n from own group by id) counts) as "count!",
                  exists (select from walked where id = $2) as "leads_back!",
                  (select count(*) from walked) as "walked!""#,
        tenant.as_str(),
        first as Id,
        second as Id,
        kind.name(),
        MAX_WALK + 1,
    )
    .fetch_one(&mut **tx)
    .await?;
    Ok(known)
}

pub async fn insert(tx: &mut Tx, kind: LinkKind, first: Id, second: Id, now: Time) -> Result<()> {
    insert_all(tx, kind, &[first], &[second], &[now]).await
}

async fn insert_all(tx: &mut Tx, kind: LinkKind, first: &[Id], second: &[Id], times: &[Time]) -> Result<()> {
    let tenant = tx.tenant().clone();
    sqlx::query!(
        // What an incident is linked to may be solved already.
        "insert into ticket_links (tenant_id, ticket_id, type, other_id, create_time, offer_due_time)
         select $1, n.first, $2, n.second, n.time, case $2 when 'CAUSED_BY' then n.time end
         from unnest($3::uuid[], $4::uuid[], $5::timestamptz[]) n (first, second, time)",
        tenant.as_str(),
        kind.name(),
        first as &[Id],
        second as &[Id],
        times as &[Time],
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

pub async fn remove(tx: &mut Tx, kind: LinkKind, first: Id, second: Id) -> Result<()> {
    let tenant = tx.tenant().clone();
    sqlx::query!(
        "delete from ticket_links where tenant_id = $1 and ticket_id = $2 and type = $3 and other_id = $4",
        tenant.as_str(),
        first as Id,
        kind.name(),
        second as Id,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// These tickets go on in the survivor.
pub async fn merge(tx: &mut Tx, merged: &[Id], survivor: Id, now: Time) -> Result<()> {
    let (survivors, times) = (vec![survivor; merged.len()], vec![now; merged.len()]);
    insert_all(tx, LinkKind::MergedInto, merged, &survivors, &times).await
}

pub async fn unmerge(tx: &mut Tx, merged: Id, survivor: Id) -> Result<()> {
    remove(tx, LinkKind::MergedInto, merged, survivor).await
}

/// Links the new tickets that continue others to them.
pub async fn follow_up(tx: &mut Tx, changes: &[&Change]) -> Result<()> {
    let mut links = Vec::new();
    for Change { next, .. } in changes {
        links.extend(next.follow_up_of.filter(|of| *of != next.id).map(|of| (next.id, of, next.create_time)));
    }
    if links.is_empty() {
        return Ok(());
    }
    let first: Vec<Id> = links.iter().map(|link| link.0).collect();
    let second: Vec<Id> = links.iter().map(|link| link.1).collect();
    let times: Vec<Time> = links.iter().map(|link| link.2).collect();
    insert_all(tx, LinkKind::FollowUp, &first, &second, &times).await
}

/// For how many tickets these go on, by whatever way.
pub async fn count_merged(tx: &mut Tx, tickets: &[Id]) -> Result<usize> {
    let tenant = tx.tenant().clone();
    let count = sqlx::query_scalar!(
        r#"with recursive merged (id) as (
               select ticket_id from ticket_links where tenant_id = $1 and other_id = any($2) and type = 'MERGED_INTO'
               union
               select l.ticket_id from merged m
               join ticket_links l on l.tenant_id = $1 and l.other_id = m.id and l.type = 'MERGED_INTO')
           select count(*) as "count!" from merged"#,
        tenant.as_str(),
        tickets as &[Id],
    )
    .fetch_one(&mut **tx)
    .await?;
    Ok(count as usize)
}

/// The tickets for which this one goes on, by whatever way, in the order of their ids.
pub async fn merged_into(db: &mut PgConnection, tenant: &TenantId, survivor: Id) -> Result<Vec<Ticket>> {
    let tickets = sqlx::query_as!(
        Ticket,
        "with recursive merged (id) as (
             select ticket_id from ticket_links where tenant_id = $1 and other_id = $2 and type = 'MERGED_INTO'
             union
             select l.ticket_id from merged m
             join ticket_links l on l.tenant_id = $1 and l.other_id = m.id and l.type = 'MERGED_INTO')
         select * from tickets where tenant_id = $1 and id in (select id from merged) order by id",
        tenant.as_str(),
        survivor as Id,
    )
    .fetch_all(db)
    .await?;
    Ok(tickets)
}

/// The ticket in which this one goes on in the end; itself, if it is not merged.
pub async fn survivor(db: &mut PgConnection, tenant: &TenantId, ticket: Id) -> Result<Option<Ticket>> {
    let survivor = sqlx::query_as!(
        Ticket,
        "with recursive chain (id) as (
             select $2::uuid
             union
             select l.other_id from chain c
             join ticket_links l on l.tenant_id = $1 and l.ticket_id = c.id and l.type = 'MERGED_INTO')
         select * from tickets where tenant_id = $1 and id in (select id from chain) and merged_into is null",
        tenant.as_str(),
        ticket as Id,
    )
    .fetch_optional(db)
    .await?;
    Ok(survivor)
}

/// A link as it stands.
struct Row {
    kind: LinkKind,
    inverse: bool,
    other: Id,
    create_time: Time,
}

impl From<Row> for Tie {
    fn from(Row { kind, inverse, other, create_time }: Row) -> Self {
        Self { relation: Relation { kind, inverse }, other, create_time }
    }
}

/// What a ticket is tied to, by kind, end and ticket. `kinds`: which of them.
pub async fn list(
    db: &mut PgConnection,
    tenant: &TenantId,
    ticket: Id,
    kinds: &[&str],
    page: &Page<(String, bool, Id)>,
) -> Result<Vec<Tie>> {
    let (kind, inverse, other) = page
        .after
        .clone()
        .map_or((None, None, None), |(kind, inverse, other)| (Some(kind), Some(inverse), Some(other)));
    let rows = sqlx::query_as!(
        Row,
        r#"select type as "kind!: LinkKind", inverse as "inverse!", other as "other!: Id", create_time as "create_time!: Time"
           from (
               select type, false as inverse, other_id as other, create_time from ticket_links
               where tenant_id = $1 and ticket_id = $2
               union all
               select type, true, ticket_id, create_time from ticket_links where tenant_id = $1 and other_id = $2
               union all
               -- From before there were links.
               select 'FOLLOW_UP', false, t.follow_up_of, t.create_time from tickets t
               where t.tenant_id = $1 and t.id = $2 and t.follow_up_of is not null and not exists (
                   select from ticket_links l
                   where l.tenant_id = $1 and l.ticket_id = t.id and l.type = 'FOLLOW_UP' and l.other_id = t.follow_up_of)
           ) links
           where type = any($3) and ($4::text is null or (type, inverse, other) > ($4, $5::boolean, $6::uuid))
           order by type, inverse, other limit $7"#,
        tenant.as_str(),
        ticket as Id,
        kinds as &[&str],
        kind,
        inverse,
        other as Option<Id>,
        page.limit(),
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(Tie::from).collect())
}

/// The solved tickets by which this one is caused, the latest solved first, at most `limit`.
pub async fn solved_causes(
    db: &mut PgConnection,
    tenant: &TenantId,
    incident: Id,
    limit: i64,
) -> Result<Vec<Ticket>> {
    let tickets = sqlx::query_as!(
        Ticket,
        "select * from tickets
         where tenant_id = $1 and state in ('RESOLVED', 'CLOSED') and resolution is not null and id in (
             select other_id from ticket_links where tenant_id = $1 and ticket_id = $2 and type = 'CAUSED_BY')
         order by resolve_time desc, id limit $3",
        tenant.as_str(),
        incident as Id,
        limit,
    )
    .fetch_all(db)
    .await?;
    Ok(tickets)
}

/// Incidents that are to be told of a resolution, the longest due first. Looks across tenants.
pub async fn list_due(pool: &PgPool, limit: usize) -> Result<Vec<(TenantId, Id)>> {
    let rows = sqlx::query!(
        r#"select tenant_id as "tenant_id: TenantId", ticket_id from ticket_links
           where offer_due_time is not null order by offer_due_time limit $1"#,
        limit as i64,
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(|row| (row.tenant_id, row.ticket_id)).collect())
}

/// Takes off what these incidents, which the transaction has locked, were to be told; says of which problems that are solved.
pub async fn take_due(tx: &mut Tx, incidents: &[Id]) -> Result<Vec<(Id, Id)>> {
    let tenant = tx.tenant().clone();
    let rows = sqlx::query!(
        r#"with taken as (
               update ticket_links set offer_due_time = null
               where tenant_id = $1 and ticket_id = any($2) and offer_due_time is not null
               returning ticket_id, other_id)
           select t.ticket_id as "incident: Id", t.other_id as "problem: Id" from taken t
           join tickets p on p.tenant_id = $1 and p.id = t.other_id and p.state in ('RESOLVED', 'CLOSED')
               and p.resolution is not null
           order by 1, 2"#,
        tenant.as_str(),
        incidents as &[Id],
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(rows.into_iter().map(|row| (row.incident, row.problem)).collect())
}

/// The incidents of what was solved are to be told.
pub async fn solve(tx: &mut Tx, changes: &[Change]) -> Result<()> {
    let solves = |change: &&Change| {
        change.events.iter().any(|it| it.kind == EventType::TicketResolved && !it.imported)
    };
    let solved: Vec<&Change> = changes.iter().filter(solves).collect();
    let Some(last) = solved.last() else { return Ok(()) };
    let tenant = tx.tenant().clone();
    let problems: Vec<Id> = solved.iter().map(|change| change.next.id).collect();
    sqlx::query!(
        "update ticket_links set offer_due_time = $3 where tenant_id = $1 and other_id = any($2) and type = 'CAUSED_BY'",
        tenant.as_str(),
        &problems as &[Id],
        last.next.update_time as Time,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// What these tickets were tied to.
pub async fn forget(tx: &mut Tx, tickets: &[Id]) -> Result<()> {
    let tenant = tx.tenant().clone();
    sqlx::query!(
        "delete from ticket_links where tenant_id = $1 and (ticket_id = any($2) or other_id = any($2))",
        tenant.as_str(),
        tickets as &[Id],
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}
