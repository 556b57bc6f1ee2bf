//! The SQL of `relay_heads` and `relay_owners`: who tells the broker, and how far that has come.

use std::time::Duration;

use sqlx::PgPool;
use uuid::Uuid;

use crate::error::Result;

/// A bucket that the asker has now.
#[derive(Clone, Copy, Debug)]
pub struct Owned {
    pub bucket: i16,
    pub position: i64,
    pub token: i64,
}

/// Renews what the owner has, and takes what nobody has, up to a fair share among those who ask. What is above the share
/// is not renewed, and goes to others when it ends.
pub async fn renew(pool: &PgPool, owner: Uuid, lasts: Duration) -> Result<Vec<Owned>> {
    let owned = sqlx::query_as!(
        Owned,
        "with present as (
             insert into relay_owners (owner, expire_time) values ($1, clock_timestamp() + make_interval(secs => $2))
             on conflict (owner) do update set expire_time = excluded.expire_time
         ), gone as (
             delete from relay_owners where owner <> $1 and expire_time <= clock_timestamp()
         ), others as (
             select count(*) as n from relay_owners where owner <> $1 and expire_time > clock_timestamp()
         ), wanted as (
             select bucket from relay_heads where owner = $1 or owner is null or expire_time <= clock_timestamp()
             order by owner = $1 desc nulls last, bucket
             limit (select ceil(256 / (n + 1.0)) from others)
         )
         update relay_heads h set owner = $1, token = token + (owner is distinct from $1)::int,
                                  expire_time = clock_timestamp() + make_interval(secs => $2)
         from wanted w
         where h.bucket = w.bucket and (h.owner = $1 or h.owner is null or h.expire_time <= clock_timestamp())
         returning h.bucket, h.position, h.token",
        owner as Uuid,
        lasts.as_secs_f64(),
    )
    .fetch_all(pool)
    .await?;
    Ok(owned)
}

/// Gives back what the owner has.
pub async fn release(pool: &PgPool, owner: Uuid) -> Result<()> {
    sqlx::query!(
        "with gone as (delete from relay_owners where owner = $1)
         update relay_heads set owner = null where owner = $1",
        owner as Uuid,
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Notes what the broker confirmed; says whether the token still counts.
pub async fn advance(pool: &PgPool, bucket: i16, token: i64, position: i64) -> Result<bool> {
    let done = sqlx::query!(
        "update relay_heads set position = greatest(position, $3) where bucket = $1 and token = $2",
        bucket,
        token,
        position,
    )
    .execute(pool)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// How many positions the broker is behind, all buckets together.
pub async fn waiting(pool: &PgPool) -> Result<i64> {
    let waiting = sqlx::query_scalar!(
        r#"select coalesce(sum(h.position - r.position), 0)::bigint as "waiting!"
           from stream_heads h join relay_heads r using (bucket)"#
    )
    .fetch_one(pool)
    .await?;
    Ok(waiting)
}
