//! The SQL of when tickets came in: which came behind others, and how many before.

use sqlx::PgConnection;

use crate::{
    db::Tx,
    error::Result,
    ids::{Id, TenantId},
    time::Time,
};

/// The next tickets in the order of their ids, behind one.
pub async fn ids_behind(tx: &mut Tx, behind: Id, limit: i64) -> Result<Vec<Id>> {
    let tenant = tx.tenant().clone();
    let ids = sqlx::query_scalar!(
        r#"select id as "id: Id" from tickets where tenant_id = $1 and id > $2 order by id limit $3"#,
        tenant.as_str(),
        behind as Id,
        limit,
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(ids)
}

/// How many tickets of an organization came in since a time and before another; of those at the same instant, those with a
/// smaller id. What came to nothing does not count.
pub async fn count_before(
    db: &mut PgConnection,
    tenant: &TenantId,
    organization: &str,
    since: Time,
    (before, id): (Time, Option<Id>),
) -> Result<i64> {
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from tickets
           where tenant_id = $1 and organization = $2 and create_time >= $3 and state not in ('CANCELLED', 'MERGED')
             and (create_time < $4 or (create_time = $4 and ($5::uuid is null or id < $5)))"#,
        tenant.as_str(),
        organization,
        since as Time,
        before as Time,
        id as Option<Id>,
    )
    .fetch_one(db)
    .await?;
    Ok(count)
}

/// When a ticket came in; `None`: it is gone.
pub async fn came(tx: &mut Tx, ticket: Id) -> Result<Option<Time>> {
    let tenant = tx.tenant().clone();
    let came = sqlx::query_scalar!(
        r#"select create_time as "time: Time" from tickets where tenant_id = $1 and id = $2"#,
        tenant.as_str(),
        ticket as Id,
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(came)
}
