//! When the jobs behind the stream have come as far as it has: what they make of one round is not to be in the next.

use std::time::Duration;

use sqlx::PgPool;
use tokio::time::sleep;

/// Waits until the words are indexed and the figures counted of all that has a place.
pub async fn followed(pool: &PgPool) -> anyhow::Result<()> {
    let behind = "select exists (
        select from (select tenant_id, position from search_corpora where corpus = 1
                     union all select tenant_id, position from report_heads) it
        join stream s on s.tenant_id = it.tenant_id and s.position > it.position)";
    while sqlx::query_scalar::<_, bool>(behind).fetch_one(pool).await? {
        sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}
