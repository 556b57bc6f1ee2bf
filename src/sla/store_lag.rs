//! The SQL that counts the clocks that are late.

use sqlx::PgPool;

use crate::{error::Result, metrics::Backlog, time::Time};

/// The clocks of which something is due, counted up to `limit` for each tenant, and the first of them. Each tenant costs a
/// look into the index.
pub async fn overdue(pool: &PgPool, now: Time, limit: i64) -> Result<Backlog> {
    let backlog = sqlx::query_as!(
        Backlog,
        r#"with recursive tenant (id) as (
               (select tenant_id from sla_clocks where fire_time is not null order by tenant_id limit 1)
               union all
               select (select c.tenant_id from sla_clocks c
                       where c.fire_time is not null and c.tenant_id > tenant.id order by c.tenant_id limit 1)
               from tenant where tenant.id is not null
           )
           select count(due.fire_time) as "count!", min(due.fire_time) as "oldest: Time"
           from tenant cross join lateral (
               select c.fire_time from sla_clocks c
               where c.tenant_id = tenant.id and c.fire_time <= $1 order by c.fire_time limit $2) due"#,
        now as Time,
        limit,
    )
    .fetch_one(pool)
    .await?;
    Ok(backlog)
}
