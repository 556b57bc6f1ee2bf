//! The SQL that counts the deliveries that are late.

use sqlx::PgPool;

use crate::{error::Result, metrics::Backlog, time::Time};

/// What is due that nobody is at, of the first `limit` of each subscription that is served. Events of a ticket that wait
/// for one before them are not due, whatever their row says.
pub async fn overdue(pool: &PgPool, now: Time, limit: i64) -> Result<Backlog> {
    let backlog = sqlx::query_as!(
        Backlog,
        r#"select count(due.due_time) as "count!", min(due.due_time) as "oldest: Time"
           from subscriptions s cross join lateral (
               select c.tenant_id, c.subscription_id, c.ticket_id, c.version, c.due_time from deliveries c
               where c.tenant_id = s.tenant_id and c.subscription_id = s.id and c.state = 'PENDING'
                 and c.due_time <= $1 and (c.claim_until_time is null or c.claim_until_time <= $1)
               order by c.due_time limit $2) due
           where s.state = 'ACTIVE' and not exists (
               select from deliveries o
               where o.tenant_id = due.tenant_id and o.subscription_id = due.subscription_id
                 and o.ticket_id = due.ticket_id and o.version < due.version and o.state = 'PENDING')"#,
        now as Time,
        limit,
    )
    .fetch_one(pool)
    .await?;
    Ok(backlog)
}
