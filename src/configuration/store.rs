//! The only SQL that names `configurations` and `tenants`.

use sqlx::{PgConnection, PgExecutor, PgPool, types::Json};

use super::{Document, Revision, Stamp};
use crate::{
    db::Tx,
    error::{Error, Result},
    ids::TenantId,
    time::Time,
};

/// The newest revision, if it is newer than the one that is known.
pub async fn newer_than(
    db: &mut PgConnection,
    tenant: &TenantId,
    known: i64,
) -> Result<Option<(i64, Document)>> {
    let found = sqlx::query!(
        r#"select revision, document as "document: Json<Document>" from configurations
           where tenant_id = $1 and revision > $2 order by revision desc limit 1"#,
        tenant.as_str(),
        known,
    )
    .fetch_optional(db)
    .await?;
    Ok(found.map(|row| (row.revision, row.document.0)))
}

/// A revision; `None`: the newest.
pub async fn find(
    executor: impl PgExecutor<'_>,
    tenant: &TenantId,
    revision: Option<i64>,
) -> Result<Option<Revision>> {
    let found = sqlx::query!(
        r#"select revision, document as "document: Json<Document>", author, comment, create_time
           from configurations where tenant_id = $1 and ($2::bigint is null or revision = $2)
           order by revision desc limit 1"#,
        tenant.as_str(),
        revision,
    )
    .fetch_optional(executor)
    .await?;
    Ok(found.map(|row| Revision {
        stamp: Stamp {
            revision: row.revision,
            author: row.author,
            comment: row.comment,
            create_time: row.create_time,
        },
        document: row.document.0,
    }))
}

/// Revisions before one, newest first.
pub async fn list_before(
    db: &mut PgConnection,
    tenant: &TenantId,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<Stamp>> {
    let stamps = sqlx::query_as!(
        Stamp,
        "select revision, author, comment, create_time from configurations
         where tenant_id = $1 and revision < coalesce($2, 9223372036854775807)
         order by revision desc limit $3",
        tenant.as_str(),
        before,
        limit,
    )
    .fetch_all(db)
    .await?;
    Ok(stamps)
}

/// Writes a new revision; the caller has locked the tenant.
pub async fn insert(tx: &mut Tx, revision: &Revision) -> Result<()> {
    let tenant = tx.tenant().clone();
    let Revision { stamp, document } = revision;
    sqlx::query!(
        "insert into configurations (tenant_id, revision, document, author, comment, create_time)
         values ($1, $2, $3, $4, $5, $6)",
        tenant.as_str(),
        stamp.revision,
        Json(document) as Json<&Document>,
        stamp.author,
        stamp.comment,
        stamp.create_time as Time,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Locks the tenant against other appliers until the transaction ends; false: there is no such tenant. Tickets go on
/// being created meanwhile.
pub async fn lock_tenant(tx: &mut Tx) -> Result<bool> {
    let tenant = tx.tenant().clone();
    let found =
        sqlx::query_scalar!("select id from tenants where id = $1 for no key update", tenant.as_str())
            .fetch_optional(&mut **tx)
            .await?;
    Ok(found.is_some())
}

/// Makes the tenant; waits for a concurrent twin, which then has made it.
pub async fn create_tenant(tx: &mut Tx, now: Time) -> Result<()> {
    let tenant = tx.tenant().clone();
    sqlx::query!(
        "insert into tenants (id, create_time) values ($1, $2) on conflict do nothing",
        tenant.as_str(),
        now as Time,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// The tenants, with whether each has a configuration. Looks across tenants.
pub async fn list_tenants(pool: &PgPool) -> Result<Vec<(String, bool)>> {
    let rows = sqlx::query!(
        r#"select id, exists (select from configurations c where c.tenant_id = t.id) as "configured!"
           from tenants t order by id"#
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.configured)).collect())
}

/// Takes a block of ticket numbers; answers the first.
pub async fn take_numbers(db: &mut PgConnection, tenant: &TenantId, size: i64) -> Result<i64> {
    let first = sqlx::query_scalar!(
        r#"update tenants set next_number = next_number + $2 where id = $1 returning next_number - $2 as "first!""#,
        tenant.as_str(),
        size,
    )
    .fetch_optional(db)
    .await?;
    first.ok_or_else(|| Error::not_found("tenant", format!("tenants/{tenant}")))
}
