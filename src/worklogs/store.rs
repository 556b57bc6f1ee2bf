//! The only SQL that names `worklogs`.

use sqlx::{PgConnection, QueryBuilder};

use super::{
    Worklog,
    model::Shown,
    read::{After, Wanted},
};
use crate::{
    db::Tx,
    error::{Error, Result},
    ids::{Id, TenantId},
    time::Time,
};

/// Writes entries of tickets that the transaction has locked.
pub async fn insert(tx: &mut Tx, worklogs: &[Worklog]) -> Result<()> {
    let rows = serde_json::to_string(worklogs).map_err(Error::internal)?;
    sqlx::query!(
        "insert into worklogs select * from json_populate_recordset(null::worklogs, $1::text::json)",
        rows
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// An entry, if the ticket has it, and whether it was taken back.
pub async fn find(tx: &mut Tx, ticket: Id, id: Id) -> Result<Option<(Worklog, bool)>> {
    let tenant = tx.tenant().clone();
    let found = sqlx::query_as!(
        Worklog,
        "select * from worklogs where tenant_id = $1 and ticket_id = $2 and id = $3",
        tenant.as_str(),
        ticket as Id,
        id as Id,
    )
    .fetch_optional(&mut **tx)
    .await?;
    let Some(worklog) = found else { return Ok(None) };
    let reversed = sqlx::query_scalar!(
        r#"select exists (select from worklogs where tenant_id = $1 and reverses = $2) as "reversed!""#,
        tenant.as_str(),
        id as Id,
    )
    .fetch_one(&mut **tx)
    .await?;
    Ok(Some((worklog, reversed)))
}

/// Entries by the time of the work, with what there is to say of each.
pub async fn list(
    db: &mut PgConnection,
    tenant: &TenantId,
    wanted: &Wanted,
    after: Option<&After>,
    limit: i64,
) -> Result<Vec<Shown>> {
    let mut query = QueryBuilder::new(
        "select w.*,
            exists (select from worklogs r where r.tenant_id = w.tenant_id and r.reverses = w.id) as reversed,
            w.seconds > 0 and exists (
                select from worklogs o
                where o.tenant_id = w.tenant_id and o.agent = w.agent and o.ticket_id <> w.ticket_id and o.seconds > 0
                  and o.start_time < w.start_time + make_interval(secs => w.seconds)
                  and o.start_time > w.start_time - interval '1 day'
                  and o.start_time + make_interval(secs => o.seconds) > w.start_time
                  and not exists (select from worklogs r where r.tenant_id = o.tenant_id and r.reverses = o.id))
            as overlaps
         from worklogs w where w.tenant_id = ",
    );
    query.push_bind(tenant.as_str().to_owned());
    if let Some(ticket) = wanted.ticket {
        query.push(" and w.ticket_id = ").push_bind(ticket);
    }
    if let Some(id) = wanted.id {
        query.push(" and w.id = ").push_bind(id);
    }
    if !wanted.agent.is_empty() {
        query.push(" and w.agent = ").push_bind(wanted.agent.clone());
    }
    if let Some(from) = wanted.from {
        query.push(" and w.start_time >= ").push_bind(from);
    }
    if let Some(until) = wanted.until {
        query.push(" and w.start_time < ").push_bind(until);
    }
    if let Some(after) = after {
        query.push(" and (w.start_time, w.id) > (").push_bind(after.start_time);
        query.push(", ").push_bind(after.id).push(")");
    }
    query.push(" order by w.start_time, w.id limit ").push_bind(limit);
    Ok(query.build_query_as().fetch_all(db).await?)
}

/// What counts to a ticket: entries that were not taken back.
pub async fn counted(tx: &mut Tx, root: Id) -> Result<Vec<Worklog>> {
    let tenant = tx.tenant().clone();
    let found = sqlx::query_as!(
        Worklog,
        "select * from worklogs w where tenant_id = $1 and root_ticket_id = $2 and seconds > 0
           and not exists (select from worklogs r where r.tenant_id = $1 and r.reverses = w.id)
         order by start_time, id",
        tenant.as_str(),
        root as Id,
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(found)
}

/// What was done for these organizations from one time to another, and counts.
pub async fn done_for(
    tx: &mut Tx,
    organizations: &[String],
    from: Time,
    until: Time,
) -> Result<Vec<Worklog>> {
    let tenant = tx.tenant().clone();
    let found = sqlx::query_as!(
        Worklog,
        "select * from worklogs w where tenant_id = $1 and organization = any($2) and start_time >= $3 and start_time < $4
           and seconds > 0 and billable
           and not exists (select from worklogs r where r.tenant_id = $1 and r.reverses = w.id)
         order by start_time, id",
        tenant.as_str(),
        organizations,
        from as Time,
        until as Time,
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(found)
}

/// The tickets to which work for an organization counts that reaches beyond a time.
pub async fn roots_since(tx: &mut Tx, organization: &str, since: Time) -> Result<Vec<Id>> {
    let tenant = tx.tenant().clone();
    let roots = sqlx::query_scalar!(
        r#"select distinct root_ticket_id as "root: Id" from worklogs
           where tenant_id = $1 and organization = $2 and start_time > $3::timestamptz - interval '1 day'"#,
        tenant.as_str(),
        organization,
        since as Time,
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(roots)
}

/// The work of these tickets counts to another from now on.
pub async fn count_to(tx: &mut Tx, tickets: &[Id], root: Id) -> Result<()> {
    let tenant = tx.tenant().clone();
    sqlx::query!(
        "update worklogs set root_ticket_id = $3 where tenant_id = $1 and ticket_id = any($2)",
        tenant.as_str(),
        tickets as &[Id],
        root as Id,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Empties the notes of these tickets for good. The transaction has locked them.
pub async fn erase(tx: &mut Tx, tickets: &[Id]) -> Result<()> {
    let tenant = tx.tenant().clone();
    sqlx::query!(
        "update worklogs set note = '' where tenant_id = $1 and ticket_id = any($2) and note <> ''",
        tenant.as_str(),
        tickets as &[Id],
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// The work of these tickets, which go.
pub async fn forget(tx: &mut Tx, tickets: &[Id]) -> Result<()> {
    let tenant = tx.tenant().clone();
    sqlx::query!(
        "delete from worklogs where tenant_id = $1 and ticket_id = any($2)",
        tenant.as_str(),
        tickets as &[Id],
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}
