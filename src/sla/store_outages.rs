//! The only SQL that names `outages`. Rows are added, never changed.

use sqlx::{PgConnection, PgExecutor, QueryBuilder};

use super::outages::{Outage, Span};
use crate::{
    ctx::ActorKind,
    db::Tx,
    error::Result,
    ids::{Id, TenantId},
    time::Time,
};

/// An outage as this version knows it, or the latest.
pub async fn find(
    db: impl PgExecutor<'_>,
    tenant: &TenantId,
    id: Id,
    version: Option<i64>,
) -> Result<Option<Outage>> {
    let found = sqlx::query_as!(
        Outage,
        "select * from outages where tenant_id = $1 and id = $2 and ($3::bigint is null or version = $3)
         order by version desc limit 1",
        tenant.as_str(),
        id as Id,
        version,
    )
    .fetch_optional(db)
    .await?;
    Ok(found)
}

pub async fn find_in(tx: &mut Tx, id: Id, version: Option<i64>) -> Result<Option<Outage>> {
    let tenant = tx.tenant().clone();
    find(&mut **tx, &tenant, id, version).await
}

/// Adds a version. Two at once are of the same number, and one of them is a conflict.
pub async fn insert(tx: &mut Tx, outage: &Outage) -> Result<()> {
    sqlx::query!(
        "insert into outages (tenant_id, id, version, service, start_time, end_time, severity_percent, planned,
             withdrawn, note, tickets, author_kind, author_id, create_time, record_time)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
        outage.tenant_id.as_str(),
        outage.id as Id,
        outage.version,
        outage.service,
        outage.start_time as Time,
        outage.end_time as Option<Time>,
        outage.severity_percent,
        outage.planned,
        outage.withdrawn,
        outage.note,
        &outage.tickets as &[Id],
        outage.author_kind as ActorKind,
        outage.author_id,
        outage.create_time as Time,
        outage.record_time as Time,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// What a list asks for.
#[derive(Debug)]
pub struct List<'a> {
    /// Empty: of all.
    pub service: &'a str,
    pub start: Option<Time>,
    pub end: Option<Time>,
    pub withdrawn: bool,
    /// Behind this one.
    pub after: Option<(Time, Id)>,
    pub limit: i64,
}

/// Outages as they are known now, the latest start first.
pub async fn list(db: &mut PgConnection, tenant: &TenantId, list: List<'_>) -> Result<Vec<Outage>> {
    let mut query = QueryBuilder::new("select * from outages o where tenant_id = ");
    query.push_bind(tenant.as_str());
    query.push(
        " and not exists (select 1 from outages n
              where n.tenant_id = o.tenant_id and n.id = o.id and n.version = o.version + 1)",
    );
    if !list.service.is_empty() {
        query.push(" and service = ").push_bind(list.service);
    }
    if let Some(start) = list.start {
        query.push(" and (end_time is null or end_time > ").push_bind(start).push(")");
    }
    if let Some(end) = list.end {
        query.push(" and start_time < ").push_bind(end);
    }
    if !list.withdrawn {
        query.push(" and not withdrawn");
    }
    if let Some((time, id)) = list.after {
        query.push(" and (start_time, id) < (").push_bind(time).push(", ").push_bind(id).push(")");
    }
    query.push(" order by start_time desc, id desc limit ").push_bind(list.limit);
    Ok(query.build_query_as().fetch_all(db).await?)
}

/// What of a service's outages touches a window, by what was recorded until a time; the earliest start first. A correction
/// may have been to another service, so the last version of each is found before it is asked for its service.
pub async fn spans(
    db: &mut PgConnection,
    tenant: &TenantId,
    service: &str,
    window: (Time, Time),
    as_of: Time,
) -> Result<Vec<Span>> {
    let spans = sqlx::query_as!(
        Span,
        "select id, version, start_time, end_time, severity_percent, planned from (
             select distinct on (id) * from outages
             where tenant_id = $1 and record_time <= $5
               and id in (select id from outages where tenant_id = $1 and service = $2)
             order by id, version desc) latest
         where service = $2 and not withdrawn and start_time < $4 and (end_time is null or end_time > $3)
         order by start_time, id",
        tenant.as_str(),
        service,
        window.0 as Time,
        window.1 as Time,
        as_of as Time,
    )
    .fetch_all(db)
    .await?;
    Ok(spans)
}
