//! The SQL that counts what has no place in its chain.

use sqlx::PgPool;

use crate::{error::Result, metrics::Backlog, time::Time};

/// Entries that wait for their place, counted up to `limit` for each tenant, and the first of them. Each tenant costs a
/// look into the index.
pub async fn unchained(pool: &PgPool, limit: i64) -> Result<Backlog> {
    let backlog = sqlx::query_as!(
        Backlog,
        r#"with recursive tenant (id) as (
               (select tenant_id from audit where link is null order by tenant_id limit 1)
               union all
               select (select a.tenant_id from audit a
                       where a.link is null and a.tenant_id > tenant.id order by a.tenant_id limit 1)
               from tenant where tenant.id is not null
           )
           select count(waiting.time) as "count!", min(waiting.time) as "oldest: Time"
           from tenant cross join lateral (
               select a.time from audit a where a.tenant_id = tenant.id and a.link is null
               order by a.time limit $1) waiting"#,
        limit,
    )
    .fetch_one(pool)
    .await?;
    Ok(backlog)
}
