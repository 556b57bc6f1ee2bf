//! The way to Postgres: a pool, transactions that belong to one tenant, migrations, the shared keys.

mod batch;
mod committed;
pub mod embedded;

use std::{
    ops::{Deref, DerefMut},
    str::FromStr,
    sync::Arc,
    time::Duration,
};

pub use batch::Batcher;
pub use committed::Committed;
use sqlx::{
    PgConnection, PgPool, Postgres, Transaction,
    pool::PoolConnection,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use crate::{
    ctx::Clock,
    error::{Error, Result},
    ids::TenantId,
    time::Time,
};

/// The schema, from first to last.
pub static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("./migrations");

/// The database.
#[derive(Clone, Debug)]
pub struct Db {
    pool: PgPool,
    committed: Arc<Committed>,
}

impl Db {
    /// Opens a pool of at most `connections`; waits at most 5 seconds for a free one.
    pub async fn connect(url: &str, connections: u32) -> Result<Self> {
        // Without this, sqlx reads ~/.pgpass for a socket that needs no password, and warns when it cannot.
        let options =
            PgConnectOptions::from_str(url)?.application_name("ticketing").statement_cache_capacity(500);
        let pool = PgPoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(Duration::from_secs(5))
            // One round trip less per call; a dead connection shows in the call itself and is retried.
            .test_before_acquire(false)
            .connect_with(options)
            .await?;
        Ok(Self { pool, committed: Arc::default() })
    }

    /// A transaction of one tenant. Rolls back unless it is committed.
    pub async fn begin(&self, tenant: &TenantId) -> Result<Tx> {
        // The tenant goes in with the BEGIN, in one trip; TenantId's alphabet needs no escaping.
        let begin = format!("begin; set local ticketing.tenant = '{tenant}'");
        let inner = self.pool.begin_with(sqlx::AssertSqlSafe(begin)).await?;
        Ok(Tx { inner, tenant: tenant.clone(), committed: Arc::clone(&self.committed) })
    }

    /// A transaction of one tenant in which PostgreSQL itself refuses to write.
    pub async fn begin_read_only(&self, tenant: &TenantId) -> Result<Tx> {
        let begin = format!("begin read only; set local ticketing.tenant = '{tenant}'");
        let inner = self.pool.begin_with(sqlx::AssertSqlSafe(begin)).await?;
        Ok(Tx { inner, tenant: tenant.clone(), committed: Arc::clone(&self.committed) })
    }

    /// A transaction of no tenant: for the job that works through what all of them left. Rolls back unless it is
    /// committed.
    #[allow(clippy::disallowed_methods)] // the one place that begins one without a tenant
    pub async fn begin_across(&self) -> Result<Transaction<'static, Postgres>> {
        Ok(self.pool.begin().await?)
    }

    /// What was committed here.
    pub fn committed(&self) -> &Committed {
        &self.committed
    }

    /// A connection for reads that follow one another. It is asked whether it is well each time that it comes back, so
    /// one for all of them saves a trip for each.
    pub async fn connection(&self) -> Result<PoolConnection<Postgres>> {
        Ok(self.pool.acquire().await?)
    }

    /// The database's time, for what must be the same time on all replicas; a clock that stands goes before.
    pub async fn now(&self, clock: &Clock) -> Result<Time> {
        match clock.standing() {
            Some(now) => Ok(now),
            None => Ok(sqlx::query_scalar("select clock_timestamp()").fetch_one(&self.pool).await?),
        }
    }

    /// For reads of one statement and for jobs that look across tenants.
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// Brings the schema up to date; does nothing when it is.
    pub async fn migrate(&self) -> Result<()> {
        MIGRATIONS.run(&self.pool).await.map_err(Error::internal)
    }

    /// The version that a database needs for this program.
    pub fn newest_schema_version() -> i64 {
        MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or(0)
    }

    /// The newest migration that the database has seen; 0: none.
    pub async fn schema_version(&self) -> Result<i64> {
        let seen: bool = sqlx::query_scalar("select to_regclass('_sqlx_migrations') is not null")
            .fetch_one(&self.pool)
            .await?;
        if !seen {
            return Ok(0);
        }
        let newest = "select coalesce(max(version), 0) from _sqlx_migrations where success";
        Ok(sqlx::query_scalar(newest).fetch_one(&self.pool).await?)
    }

    /// The key of this name that all replicas share; made by whoever asks first.
    pub async fn secret(&self, name: &str, fresh: &[u8]) -> Result<Vec<u8>> {
        sqlx::query!("insert into secrets (name, key) values ($1, $2) on conflict do nothing", name, fresh)
            .execute(&self.pool)
            .await?;
        Ok(sqlx::query_scalar!("select key from secrets where name = $1", name).fetch_one(&self.pool).await?)
    }

    pub async fn close(&self) {
        self.pool.close().await;
    }
}

/// A transaction of one tenant.
#[must_use = "a transaction that is not committed rolls back"]
#[derive(Debug)]
pub struct Tx {
    inner: Transaction<'static, Postgres>,
    tenant: TenantId,
    committed: Arc<Committed>,
}

impl Tx {
    pub fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    pub async fn commit(self) -> Result<()> {
        self.inner.commit().await?;
        self.committed.mark(self.tenant.bucket());
        Ok(())
    }
}

impl Deref for Tx {
    type Target = PgConnection;
    fn deref(&self) -> &PgConnection {
        &self.inner
    }
}

impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.inner
    }
}
