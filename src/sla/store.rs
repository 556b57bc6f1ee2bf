//! The only SQL that names `sla_clocks`.

use std::collections::{HashMap, HashSet};

use sqlx::PgPool;

use super::{
    Clock,
    read::{After, Wanted},
};
use crate::{
    db::Tx,
    error::{Error, Result},
    ids::{Id, TenantId},
    time::Time,
};

/// Writes clocks of tickets that the transaction has locked, new ones and others.
pub async fn put(tx: &mut Tx, clocks: &[&Clock]) -> Result<()> {
    if clocks.is_empty() {
        return Ok(());
    }
    let rows = serde_json::to_string(clocks).map_err(Error::internal)?;
    sqlx::query!(
        "insert into sla_clocks select * from json_populate_recordset(null::sla_clocks, $1::text::json)
         on conflict (tenant_id, ticket_id, number) do update set
             state = excluded.state, signals = excluded.signals, elapsed_seconds = excluded.elapsed_seconds,
             due_time = excluded.due_time, end_time = excluded.end_time, breach_time = excluded.breach_time,
             detect_time = excluded.detect_time, told = excluded.told, fire_time = excluded.fire_time,
             start_time = excluded.start_time, time_zone_release = excluded.time_zone_release",
        rows
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// The clocks of these tickets, by ticket, in the order of their numbers.
pub async fn of_tickets(tx: &mut Tx, tickets: &[Id]) -> Result<HashMap<Id, Vec<Clock>>> {
    let tenant = tx.tenant().clone();
    let clocks = sqlx::query_as!(
        Clock,
        "select * from sla_clocks where tenant_id = $1 and ticket_id = any($2) order by ticket_id, number",
        tenant.as_str(),
        tickets as &[Id],
    )
    .fetch_all(&mut **tx)
    .await?;
    let mut by_ticket: HashMap<Id, Vec<Clock>> = HashMap::new();
    for clock in clocks {
        by_ticket.entry(clock.ticket_id).or_default().push(clock);
    }
    Ok(by_ticket)
}

/// The tenants of which something is due. Each costs one look into the index, however much it has.
pub async fn tenants_due(pool: &PgPool, now: Time) -> Result<Vec<TenantId>> {
    let tenants = sqlx::query_scalar!(
        r#"with recursive due (id) as (
               (select tenant_id from sla_clocks where fire_time is not null order by tenant_id limit 1)
               union all
               select (select c.tenant_id from sla_clocks c
                       where c.fire_time is not null and c.tenant_id > due.id order by c.tenant_id limit 1)
               from due where due.id is not null
           )
           select id as "id!: TenantId" from due
           where exists (select from sla_clocks c where c.tenant_id = due.id and c.fire_time <= $1)"#,
        now as Time,
    )
    .fetch_all(pool)
    .await?;
    Ok(tenants)
}

/// The tickets of clocks that are due, the longest due first.
pub async fn due(tx: &mut Tx, now: Time, limit: i64) -> Result<Vec<Id>> {
    let tenant = tx.tenant().clone();
    let ids = sqlx::query_scalar!(
        "select ticket_id from sla_clocks where tenant_id = $1 and fire_time <= $2 order by fire_time limit $3",
        tenant.as_str(),
        now as Time,
        limit,
    )
    .fetch_all(&mut **tx)
    .await?;
    let mut seen = HashSet::new();
    Ok(ids.into_iter().filter(|id| seen.insert(*id)).collect())
}

/// Tickets to which something was promised, in all tenants, behind one.
pub async fn promised_after(
    pool: &PgPool,
    after: Option<&(TenantId, Id)>,
    limit: i64,
) -> Result<Vec<(TenantId, Id)>> {
    let (tenant, ticket) = after.map_or((None, None), |(tenant, id)| (Some(tenant.as_str()), Some(*id)));
    let rows = sqlx::query!(
        r#"select distinct tenant_id as "tenant_id: TenantId", ticket_id from sla_clocks
           where $1::text is null or (tenant_id, ticket_id) > ($1, $2::uuid)
           order by tenant_id, ticket_id limit $3"#,
        tenant,
        ticket as Option<Id>,
        limit,
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(|row| (row.tenant_id, row.ticket_id)).collect())
}

/// Open clocks of the tenant, the next due first; those that stand still last.
pub async fn open(tx: &mut Tx, wanted: &Wanted, after: Option<&After>, limit: i64) -> Result<Vec<Clock>> {
    let tenant = tx.tenant().clone();
    let kinds: Vec<String> = wanted.kinds.iter().map(|kind| kind.name().to_owned()).collect();
    let (due, ticket, number) =
        after.map_or((None, None, None), |after| (after.due_time, Some(after.ticket_id), Some(after.number)));
    let clocks = sqlx::query_as!(
        Clock,
        "select * from sla_clocks
         where tenant_id = $1 and state in ('RUNNING', 'PAUSED', 'BREACHING')
           and ($2::timestamptz is null or due_time < $2)
           and (cardinality($3::text[]) = 0 or kind = any($3))
           and (cardinality($4::text[]) = 0 or policy = any($4))
           and ($5::uuid is null
                or (due_time, ticket_id, number) > ($6, $5, $7)
                or ($6 is not null and due_time is null)
                or ($6 is null and due_time is null and (ticket_id, number) > ($5, $7)))
         order by due_time, ticket_id, number limit $8",
        tenant.as_str(),
        wanted.due_before as Option<Time>,
        &kinds,
        &wanted.policies,
        ticket as Option<Id>,
        due as Option<Time>,
        number,
        limit,
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(clocks)
}

/// The clocks of these tickets.
pub async fn forget(tx: &mut Tx, tickets: &[Id]) -> Result<()> {
    let tenant = tx.tenant().clone();
    sqlx::query!(
        "delete from sla_clocks where tenant_id = $1 and ticket_id = any($2)",
        tenant.as_str(),
        tickets as &[Id],
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}
