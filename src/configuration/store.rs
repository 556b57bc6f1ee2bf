//! The only SQL that names `configurations` and `tenants`.

use sqlx::{PgPool, types::Json};

use super::Document;
use crate::{error::Result, ids::TenantId};

/// The newest revision, if it is newer than the one that is known.
pub async fn newer_than(pool: &PgPool, tenant: &TenantId, known: i64) -> Result<Option<(i64, Document)>> {
    let found = sqlx::query!(
        r#"select revision, document as "document: Json<Document>" from configurations
           where tenant_id = $1 and revision > $2 order by revision desc limit 1"#,
        tenant.as_str(),
        known,
    )
    .fetch_optional(pool)
    .await?;
    Ok(found.map(|row| (row.revision, row.document.0)))
}

/// Takes a block of ticket numbers; answers the first.
pub async fn take_numbers(pool: &PgPool, tenant: &TenantId, size: i64) -> Result<i64> {
    let first = sqlx::query_scalar!(
        r#"update tenants set next_number = next_number + $2 where id = $1 returning next_number - $2 as "first!""#,
        tenant.as_str(),
        size,
    )
    .fetch_optional(pool)
    .await?;
    first.ok_or_else(|| crate::error::Error::not_found("tenant", format!("tenants/{tenant}")))
}
