//! The only SQL that names `escalations`.

use std::collections::HashMap;

use sqlx::{PgConnection, PgPool, QueryBuilder};

use super::{Escalation, history::History};
use crate::{
    ctx::{ActorKind, Ctx},
    db::Tx,
    error::{Error, Result},
    filter::{Expr, Scope},
    ids::{Id, TenantId},
    time::Time,
};

/// A ticket's escalations. The transaction holds the ticket's lock, so they stay as they are.
pub async fn history(tx: &mut Tx, ticket: Id) -> Result<History> {
    Ok(histories(tx, &[ticket]).await?.remove(&ticket).unwrap_or_default())
}

/// The escalations of tickets that the transaction has locked.
pub async fn histories(tx: &mut Tx, tickets: &[Id]) -> Result<HashMap<Id, History>> {
    let tenant = tx.tenant().clone();
    let rows = sqlx::query_as!(
        Escalation,
        "select * from escalations where tenant_id = $1 and ticket_id = any($2) order by create_time, id",
        tenant.as_str(),
        tickets as &[Id],
    )
    .fetch_all(&mut **tx)
    .await?;
    let mut histories: HashMap<Id, History> = HashMap::new();
    for row in rows {
        histories.entry(row.ticket_id).or_default().0.push(row);
    }
    Ok(histories)
}

/// Writes escalations of tickets that the transaction has locked: new ones, and what became of old ones.
pub async fn put(tx: &mut Tx, escalations: &[Escalation]) -> Result<()> {
    if escalations.is_empty() {
        return Ok(());
    }
    let rows = serde_json::to_string(escalations).map_err(Error::internal)?;
    sqlx::query!(
        "insert into escalations select * from json_populate_recordset(null::escalations, $1::text::json)
         on conflict (tenant_id, ticket_id, id) do update set
             state = excluded.state, to_agent = excluded.to_agent, settle_time = excluded.settle_time,
             settler_kind = excluded.settler_kind, settler_id = excluded.settler_id,
             decline_reason = excluded.decline_reason, settle_note = excluded.settle_note,
             hand_back_reason = excluded.hand_back_reason, hand_back_time = excluded.hand_back_time",
        rows,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Removes the texts of escalations for good. The transaction has locked their tickets.
pub async fn erase(tx: &mut Tx, tickets: &[Id]) -> Result<u64> {
    let tenant = tx.tenant().clone();
    let done = sqlx::query!(
        "update escalations set justification = '', settle_note = '' where tenant_id = $1 and ticket_id = any($2)",
        tenant.as_str(),
        tickets as &[Id],
    )
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected())
}

/// Accepts those of the escalations that are handovers and wait for an answer: their tickets are taken up by these
/// agents. Each is a ticket, the escalation, the agent; the transaction has locked the tickets.
pub async fn accept_handovers(tx: &mut Tx, ctx: &Ctx, taken: &[(Id, Id, String)]) -> Result<Vec<Escalation>> {
    let tickets: Vec<Id> = taken.iter().map(|(ticket, ..)| *ticket).collect();
    let ids: Vec<Id> = taken.iter().map(|(_, id, _)| *id).collect();
    let agents: Vec<String> = taken.iter().map(|(.., agent)| agent.clone()).collect();
    let accepted = sqlx::query_as!(
        Escalation,
        "update escalations e set state = 'ACCEPTED', settle_time = $5, settler_kind = $6, settler_id = $7,
             to_agent = t.agent
         from unnest($2::uuid[], $3::uuid[], $4::text[]) as t (ticket_id, id, agent)
         where e.tenant_id = $1 and e.ticket_id = t.ticket_id and e.id = t.id
           and e.state = 'PENDING' and e.mode = 'HANDOVER'
         returning e.*",
        ctx.tenant.as_str(),
        &tickets as &[Id],
        &ids as &[Id],
        &agents,
        ctx.now as Time,
        ctx.actor.kind as ActorKind,
        ctx.actor.id,
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(accepted)
}

/// The tickets whose escalations have waited too long, of all tenants, the longest due first.
pub async fn find_due(pool: &PgPool, now: Time, limit: i64) -> Result<Vec<(TenantId, Id)>> {
    let rows = sqlx::query!(
        "select tenant_id, ticket_id from escalations where state = 'PENDING' and expire_time <= $1
         order by expire_time limit $2",
        now as Time,
        limit,
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(|row| (row.tenant_id, row.ticket_id)).collect())
}

pub async fn find(
    db: &mut PgConnection,
    tenant: &TenantId,
    ticket: Id,
    id: Id,
) -> Result<Option<Escalation>> {
    let found = sqlx::query_as!(
        Escalation,
        "select * from escalations where tenant_id = $1 and ticket_id = $2 and id = $3",
        tenant.as_str(),
        ticket as Id,
        id as Id,
    )
    .fetch_optional(db)
    .await?;
    Ok(found)
}

/// What a list asks for.
#[derive(Debug)]
pub struct List<'a> {
    /// `None`: of all tickets.
    pub ticket: Option<Id>,
    pub filter: Option<&'a Expr>,
    pub scope: Scope<'a>,
    /// Behind this one.
    pub after: Option<(Time, Id)>,
    pub limit: i64,
}

/// Escalations that pass, newest first.
pub async fn list(db: &mut PgConnection, tenant: &TenantId, list: List<'_>) -> Result<Vec<Escalation>> {
    let mut query = QueryBuilder::new("select * from escalations where tenant_id = ");
    query.push_bind(tenant.as_str());
    if let Some(ticket) = list.ticket {
        query.push(" and ticket_id = ").push_bind(ticket);
    }
    if let Some((time, id)) = list.after {
        query.push(" and (create_time, id) < (").push_bind(time).push(", ").push_bind(id).push(")");
    }
    if let Some(filter) = list.filter {
        query.push(" and ");
        filter.push_sql(&mut query, &list.scope);
    }
    query.push(" order by create_time desc, id desc limit ").push_bind(list.limit);
    Ok(query.build_query_as().fetch_all(db).await?)
}

/// The escalations of these tickets.
pub async fn forget(tx: &mut Tx, tickets: &[Id]) -> Result<()> {
    let tenant = tx.tenant().clone();
    sqlx::query!(
        "delete from escalations where tenant_id = $1 and ticket_id = any($2)",
        tenant.as_str(),
        tickets as &[Id],
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}
