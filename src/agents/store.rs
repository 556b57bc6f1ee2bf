//! The only SQL that names `agents`.

use std::collections::HashMap;

use sqlx::{PgConnection, PgExecutor, QueryBuilder};

use super::{Agent, Member};
use crate::{
    db::Tx,
    error::{Error, Result},
    filter::{Expr, Scope},
    ids::TenantId,
    time::Time,
};

pub async fn find(db: impl PgExecutor<'_>, tenant: &TenantId, key: &str) -> Result<Option<Agent>> {
    let agent = sqlx::query_as!(
        Agent,
        "select * from agents where tenant_id = $1 and key = $2",
        tenant.as_str(),
        key
    )
    .fetch_optional(db)
    .await?;
    Ok(agent)
}

/// Agents, locked in the order of their keys until the transaction ends.
pub async fn lock(tx: &mut Tx, keys: &[String]) -> Result<Vec<Agent>> {
    let tenant = tx.tenant().clone();
    let agents = sqlx::query_as!(
        Agent,
        "select * from agents where tenant_id = $1 and key = any($2) order by key for update",
        tenant.as_str(),
        keys,
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(agents)
}

pub async fn find_by_teams(tx: &mut Tx, teams: &[String]) -> Result<Vec<Agent>> {
    let tenant = tx.tenant().clone();
    let agents = sqlx::query_as!(
        Agent,
        "select * from agents where tenant_id = $1 and teams && $2 order by key",
        tenant.as_str(),
        teams,
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(agents)
}

/// These agents, and those of these teams, by key.
pub async fn find_of(tx: &mut Tx, keys: &[String], teams: &[String]) -> Result<Vec<Agent>> {
    let tenant = tx.tenant().clone();
    let agents = sqlx::query_as!(
        Agent,
        "select * from agents where tenant_id = $1 and (key = any($2) or teams && $3) order by key",
        tenant.as_str(),
        keys,
        teams,
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(agents)
}

/// What every agent can do, and for whom.
pub async fn list_memberships(tx: &mut Tx) -> Result<Vec<Member>> {
    let tenant = tx.tenant().clone();
    let members = sqlx::query_as!(
        Member,
        "select teams, skills, capacity from agents where tenant_id = $1",
        tenant.as_str(),
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(members)
}

/// The capacity of the agents of each team.
pub async fn sum_capacities(tx: &mut Tx) -> Result<HashMap<String, i64>> {
    let tenant = tx.tenant().clone();
    let rows = sqlx::query!(
        r#"select team as "team!", sum(capacity) as "capacity!"
           from agents cross join unnest(teams) as team where tenant_id = $1 group by team"#,
        tenant.as_str(),
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(rows.into_iter().map(|row| (row.team, row.capacity)).collect())
}

pub async fn find_names(
    db: impl PgExecutor<'_>,
    tenant: &TenantId,
    keys: &[String],
) -> Result<HashMap<String, String>> {
    let rows = sqlx::query!(
        "select key, display_name from agents where tenant_id = $1 and key = any($2)",
        tenant.as_str(),
        keys,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.key, row.display_name)).collect())
}

/// Agents behind a key that pass the filter, by key. An absence that is over is none to the filter.
pub async fn list(
    db: &mut PgConnection,
    tenant: &TenantId,
    after: Option<&str>,
    filter: Option<&Expr>,
    scope: &Scope<'_>,
    limit: i64,
) -> Result<Vec<Agent>> {
    let mut query = QueryBuilder::new(
        "select * from (
             select tenant_id, key, version, display_name, teams, skills, capacity,
                    case when availability_until_time <= ",
    );
    query
        .push_bind(Time::new(scope.now))
        .push(
            " then 'AVAILABLE' else availability end as availability, availability_until_time,
                    calendar, create_time, update_time, last_assign_time, cool_down_until_time, array(select jsonb_object_keys(skills)) as skill_keys
             from agents where tenant_id = ",
        )
        .push_bind(tenant.as_str())
        .push(" and key > ")
        .push_bind(after.unwrap_or_default())
        .push(") agent where true");
    if let Some(filter) = filter {
        query.push(" and ");
        filter.push_sql(&mut query, scope);
    }
    query.push(" order by key limit ").push_bind(limit);
    Ok(query.build_query_as().fetch_all(db).await?)
}

/// Writes an agent that the transaction has locked, or a new one.
pub async fn put(tx: &mut Tx, agent: &Agent) -> Result<()> {
    let row = serde_json::to_string(agent).map_err(Error::internal)?;
    let done = sqlx::query!(
        "insert into agents select * from json_populate_record(null::agents, $1::text::json)
         on conflict (tenant_id, key) do update set
             version = excluded.version, display_name = excluded.display_name, teams = excluded.teams,
             skills = excluded.skills, capacity = excluded.capacity, availability = excluded.availability,
             availability_until_time = excluded.availability_until_time, calendar = excluded.calendar,
             update_time = excluded.update_time
         where agents.version < excluded.version",
        row,
    )
    .execute(&mut **tx)
    .await?;
    // Two calls recorded the same new agent; the second finds it when it runs again.
    if done.rows_affected() == 0 { Err(Error::Conflict) } else { Ok(()) }
}

/// Agents that the transaction has locked.
pub async fn set_last_assign_time(tx: &mut Tx, keys: &[String], time: Time) -> Result<()> {
    let tenant = tx.tenant().clone();
    sqlx::query!(
        "update agents set last_assign_time = greatest(last_assign_time, $3)
         where tenant_id = $1 and key = any($2)",
        tenant.as_str(),
        keys,
        time as Time,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

pub async fn set_cool_down(tx: &mut Tx, until: &[(String, Time)]) -> Result<()> {
    let tenant = tx.tenant().clone();
    let (keys, times): (Vec<String>, Vec<Time>) = until.iter().cloned().unzip();
    sqlx::query!(
        "update agents a set cool_down_until_time = greatest(a.cool_down_until_time, u.until)
         from unnest($2::text[], $3::timestamptz[]) u (key, until)
         where a.tenant_id = $1 and a.key = u.key",
        tenant.as_str(),
        &keys,
        &times as &[Time],
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

pub async fn delete(tx: &mut Tx, key: &str) -> Result<()> {
    let tenant = tx.tenant().clone();
    sqlx::query!("delete from agents where tenant_id = $1 and key = $2", tenant.as_str(), key)
        .execute(&mut **tx)
        .await?;
    Ok(())
}
