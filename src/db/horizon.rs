//! What keeps PostgreSQL from clearing up: the oldest snapshot that somebody may still want to see. Rows that are gone stay
//! as long as it could see them, and whoever looks for the first of what waits reads past them.

use sqlx::PgPool;

use crate::error::Result;

/// The oldest snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Horizon {
    /// The oldest transaction that may be running for it.
    pub xmin: String,
    /// Transactions that have begun since.
    pub transactions: i64,
}

/// The oldest in this database: of sessions, of standbys that give feedback, of replication slots and of prepared
/// transactions. Anybody may see these; who holds them, and since when, only who may see everything.
pub(super) async fn find(pool: &PgPool) -> Result<Option<Horizon>> {
    let found = sqlx::query_as!(
        Horizon,
        r#"select xmin::text as "xmin!", age(xmin)::bigint as "transactions!" from (
               select backend_xmin as xmin from pg_stat_activity
               where pid <> pg_backend_pid() and (datname = current_database() or datname is null)
               union all
               select xmin from pg_replication_slots
               union all
               select transaction from pg_prepared_xacts where database = current_database()
           ) held where xmin is not null order by age(xmin) desc limit 1"#,
    )
    .fetch_optional(pool)
    .await?;
    Ok(found)
}
