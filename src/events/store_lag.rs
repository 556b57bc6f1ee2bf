//! The SQL that counts what waits: for a place in the stream, and for the broker.

use sqlx::PgPool;

use crate::{error::Result, metrics::Backlog, time::Time};

/// What waits for a place above these lowest `seq`s, counted up to `limit`. The first of each bucket is looked at.
pub async fn unplaced(pool: &PgPool, above: &[i64], limit: i64) -> Result<Backlog> {
    let backlog = sqlx::query_as!(
        Backlog,
        r#"with above as (
               select (n - 1)::smallint as bucket, seq from unnest($1::bigint[]) with ordinality as above (seq, n)
           ), waiting as (
               select from above cross join lateral (
                   select from outbox o where o.bucket = above.bucket and o.seq > above.seq limit $2) each
               limit $2
           ), first as (
               select e.record_time from above cross join lateral (
                   select o.tenant_id, o.ticket_id, o.version from outbox o
                   where o.bucket = above.bucket and o.seq > above.seq order by o.seq limit 1) next
               join events e using (tenant_id, ticket_id, version)
           )
           select (select count(*) from waiting) as "count!",
                  (select min(record_time) from first) as "oldest: Time""#,
        above,
        limit,
    )
    .fetch_one(pool)
    .await?;
    Ok(backlog)
}

/// Rows of the outbox that are gone and still lie there, by PostgreSQL's own statistics.
pub async fn dead_rows(pool: &PgPool) -> Result<i64> {
    let dead = sqlx::query_scalar!(r#"select pg_stat_get_dead_tuples('outbox'::regclass) as "dead!""#)
        .fetch_one(pool)
        .await?;
    Ok(dead)
}

/// What the broker has not confirmed. The first of each bucket is looked at.
pub async fn unconfirmed(pool: &PgPool) -> Result<Backlog> {
    let backlog = sqlx::query_as!(
        Backlog,
        r#"select coalesce(sum(h.position - r.position), 0)::bigint as "count!",
                  min(next.record_time) as "oldest: Time"
           from stream_heads h join relay_heads r using (bucket) left join lateral (
               select s.record_time from stream s where s.bucket = h.bucket and s.position > r.position
               order by s.position limit 1) next on h.position > r.position"#,
    )
    .fetch_one(pool)
    .await?;
    Ok(backlog)
}
