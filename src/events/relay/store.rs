//! The SQL of `relay_heads` and `relay_owners`: who tells the broker, and how far that has come.

use std::time::Duration;

use sqlx::PgPool;
use uuid::Uuid;

use super::Told;
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

/// Notes what the broker confirmed, bucket by bucket; answers those whose token still counts. Whoever asks is not kept
/// waiting for the disk: what a crash takes back is sent once more, and the broker knows it.
pub async fn advance(pool: &PgPool, told: &[Told]) -> Result<Vec<i16>> {
    let (mut buckets, mut tokens, mut positions) = (Vec::new(), Vec::new(), Vec::new());
    for Told { lease, position, .. } in told {
        buckets.push(lease.bucket);
        tokens.push(lease.token);
        positions.push(*position);
    }
    let noted = sqlx::query_scalar!(
        "update relay_heads h set position = greatest(h.position, told.position)
         from unnest($1::smallint[], $2::bigint[], $3::bigint[]) told (bucket, token, position),
              set_config('synchronous_commit', 'off', true)
         where h.bucket = told.bucket and h.token = told.token
         returning h.bucket",
        &buckets,
        &tokens,
        &positions,
    )
    .fetch_all(pool)
    .await?;
    Ok(noted)
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
