//! The only SQL that names `entitlements`.

use sqlx::PgConnection;

use super::Entitlement;
use crate::{
    db::Tx,
    error::{Error, Result},
    ids::TenantId,
    seal::Page,
};

/// The newest version, locked until the transaction ends.
pub async fn lock(tx: &mut Tx, key: &str) -> Result<Option<Entitlement>> {
    let tenant = tx.tenant().clone();
    let found = sqlx::query_as!(
        Entitlement,
        "select * from entitlements where tenant_id = $1 and key = $2 order by version desc limit 1 for update",
        tenant.as_str(),
        key,
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(found)
}

/// A version; 0: the newest.
pub async fn find(
    db: &mut PgConnection,
    tenant: &TenantId,
    key: &str,
    version: i64,
) -> Result<Option<Entitlement>> {
    let found = sqlx::query_as!(
        Entitlement,
        "select * from entitlements where tenant_id = $1 and key = $2 and ($3::bigint = 0 or version = $3)
         order by version desc limit 1",
        tenant.as_str(),
        key,
        version,
    )
    .fetch_optional(db)
    .await?;
    Ok(found)
}

/// The newest version of each, by key; of an organization, or (empty) of all.
pub async fn list(
    db: &mut PgConnection,
    tenant: &TenantId,
    organization: &str,
    page: &Page<String>,
) -> Result<Vec<Entitlement>> {
    let found = sqlx::query_as!(
        Entitlement,
        "select * from entitlements e
         where tenant_id = $1 and ($2 = '' or organization = $2) and ($3::text is null or key > $3)
           and not exists (select from entitlements n
                           where n.tenant_id = e.tenant_id and n.key = e.key and n.version > e.version)
         order by key limit $4",
        tenant.as_str(),
        organization,
        page.after.as_deref(),
        page.limit(),
    )
    .fetch_all(db)
    .await?;
    Ok(found)
}

/// All versions of what was sold to these organizations.
pub async fn versions(
    db: &mut PgConnection,
    tenant: &TenantId,
    organizations: &[String],
) -> Result<Vec<Entitlement>> {
    let found = sqlx::query_as!(
        Entitlement,
        "select * from entitlements where tenant_id = $1 and organization = any($2) order by key, version",
        tenant.as_str(),
        organizations,
    )
    .fetch_all(db)
    .await?;
    Ok(found)
}

/// Writes a version. A concurrent twin that took its number is a conflict.
pub async fn insert(tx: &mut Tx, entitlement: &Entitlement) -> Result<()> {
    let row = serde_json::to_string(entitlement).map_err(Error::internal)?;
    sqlx::query!(
        "insert into entitlements select * from json_populate_record(null::entitlements, $1::text::json)",
        row
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// It was said again.
pub async fn confirm(tx: &mut Tx, entitlement: &Entitlement) -> Result<()> {
    sqlx::query!(
        "update entitlements set confirm_time = $4 where tenant_id = $1 and key = $2 and version = $3",
        entitlement.tenant_id.as_str(),
        entitlement.key,
        entitlement.version,
        entitlement.confirm_time as crate::time::Time,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}
