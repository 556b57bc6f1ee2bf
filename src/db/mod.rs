//! The way to Postgres: a pool, transactions that belong to one tenant, migrations, the shared keys.

mod batch;
mod begin;
mod committed;
pub mod embedded;
mod horizon;
mod readers;

use std::{
    ops::{Deref, DerefMut},
    str::FromStr,
    sync::Arc,
    time::Duration,
};

pub use batch::Batcher;
pub use committed::Committed;
pub use horizon::Horizon;
use sqlx::{
    Connection as _, PgConnection, PgPool, Postgres, Transaction,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::time::Instant;

use self::readers::Readers;
use crate::{
    ctx::Clock,
    error::{Error, Result},
    ids::TenantId,
    metrics::Metrics,
    time::Time,
};

/// The schema, from first to last.
pub static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("./migrations");

/// Who works for one tenant: row-level security shows it nothing of any other (`migrations/0019_tenant_wall.sql`).
pub const APP_ROLE: &str = "ticketing_app";

/// Who looks across tenants for what is due, and may do little else.
pub const JOBS_ROLE: &str = "ticketing_jobs";

const NEWEST: &str = "select coalesce(max(version), 0) from _sqlx_migrations where success";

/// The database.
#[derive(Clone, Debug)]
pub struct Db {
    pool: PgPool,
    /// Whom the URL names.
    login: PgConnectOptions,
    readers: Arc<Readers>,
    committed: Arc<Committed>,
    metrics: Arc<Metrics>,
}

impl Db {
    /// Looks whether the database takes connections, and keeps a pool of at most `connections`; a call waits at most 5
    /// seconds for a free one. What needs the schema fails until there is one.
    pub async fn connect(url: &str, connections: u32) -> Result<Self> {
        // Without this, sqlx reads ~/.pgpass for a socket that needs no password, and warns when it cannot.
        let login =
            PgConnectOptions::from_str(url)?.application_name("ticketing").statement_cache_capacity(500);
        PgConnection::connect_with(&login).await?.close().await?;
        let pool = PgPoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(Duration::from_secs(5))
            // One round trip less per call; a dead connection shows in the call itself and is retried.
            .test_before_acquire(false)
            .connect_lazy_with(login.clone().options([("role", JOBS_ROLE)]));
        // A few: writers need connections, too.
        let readers = Arc::new(Readers::new(connections.div_ceil(8) as usize));
        let metrics = Arc::<Metrics>::default();
        metrics.database.follow(pool.clone());
        Ok(Self { pool, login, readers, committed: Arc::default(), metrics })
    }

    /// A database that is never reached: whoever asks it is told so at once.
    pub async fn nowhere() -> Self {
        let login = PgConnectOptions::new_without_pgpass();
        let pool = PgPoolOptions::new().connect_lazy_with(login.clone());
        pool.close().await;
        Self {
            pool,
            login,
            readers: Arc::new(Readers::new(0)),
            committed: Arc::default(),
            metrics: Arc::default(),
        }
    }

    /// A transaction of one tenant. Rolls back unless it is committed.
    pub async fn begin(&self, tenant: &TenantId) -> Result<Tx> {
        let inner = self.begin_as(tenant, "begin").await?;
        Ok(self.tx(inner, tenant, None))
    }

    fn tx(
        &self,
        inner: Transaction<'static, Postgres>,
        tenant: &TenantId,
        reads: Option<(Arc<Readers>, Instant)>,
    ) -> Tx {
        let (committed, metrics) = (Arc::clone(&self.committed), Arc::clone(&self.metrics));
        Tx { inner, tenant: tenant.clone(), reads, committed, metrics }
    }

    /// A transaction of one tenant in which PostgreSQL itself refuses to write. It ends when it is dropped, unless it is
    /// kept for the next reader.
    pub async fn read(&self, tenant: &TenantId) -> Result<Tx> {
        let (inner, begun) = match self.readers.take(tenant) {
            Some(reader) => reader,
            None => (self.begin_as(tenant, "begin read only").await?, Instant::now()),
        };
        Ok(self.tx(inner, tenant, Some((Arc::clone(&self.readers), begun))))
    }

    /// One that reads all of it as it stood when it began to.
    pub async fn snapshot(&self, tenant: &TenantId) -> Result<Tx> {
        let inner = self.begin_as(tenant, "begin isolation level repeatable read, read only").await?;
        Ok(self.tx(inner, tenant, None))
    }

    async fn begin_as(&self, tenant: &TenantId, begin: &str) -> Result<Transaction<'static, Postgres>> {
        // Role and tenant go in with the BEGIN, in one trip; TenantId's alphabet needs no escaping.
        let begin = format!("{begin}; set local role {APP_ROLE}; set local ticketing.tenant = '{tenant}'");
        Ok(begin::begin(&self.pool, begin, &self.metrics.database).await?)
    }

    /// For jobs that look across tenants, and for what belongs to none. A statement is a transaction.
    pub fn across(&self) -> &PgPool {
        &self.pool
    }

    /// What the process measures.
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    /// What keeps PostgreSQL from clearing up, if anything does.
    pub async fn horizon(&self) -> Result<Option<Horizon>> {
        horizon::find(&self.pool).await
    }

    /// What was committed here.
    pub fn committed(&self) -> &Committed {
        &self.committed
    }

    /// The database's time, for what must be the same time on all replicas; a clock that stands goes before.
    pub async fn now(&self, clock: &Clock) -> Result<Time> {
        match clock.standing() {
            Some(now) => Ok(now),
            None => Ok(sqlx::query_scalar("select clock_timestamp()").fetch_one(&self.pool).await?),
        }
    }

    /// A connection of its own as whom the URL names, in no role of ours: there may be none yet.
    pub async fn login(&self) -> Result<PgConnection> {
        Ok(PgConnection::connect_with(&self.login).await?)
    }

    /// Brings the schema up to date; does nothing when it is. Only the owner of the schema can.
    pub async fn migrate(&self) -> Result<()> {
        let mut owner = self.login().await?;
        MIGRATIONS.run(&mut owner).await.map_err(Error::internal)?;
        Ok(owner.close().await?)
    }

    /// The version that a database needs for this program.
    pub fn newest_schema_version() -> i64 {
        MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or(0)
    }

    /// The newest migration of the schema that is worked on.
    pub async fn schema_in_use(&self) -> Result<i64> {
        Ok(sqlx::query_scalar(NEWEST).fetch_one(&self.pool).await?)
    }

    /// The newest migration that the database has seen; 0: none. Takes a connection of its own: there may be no schema.
    pub async fn schema_version(&self) -> Result<i64> {
        let mut login = self.login().await?;
        let seen: bool = sqlx::query_scalar("select to_regclass('_sqlx_migrations') is not null")
            .fetch_one(&mut login)
            .await?;
        let version = if seen { sqlx::query_scalar(NEWEST).fetch_one(&mut login).await? } else { 0 };
        login.close().await?;
        Ok(version)
    }

    /// The key of this name that all replicas share; made by whoever asks first.
    pub async fn secret(&self, name: &str, fresh: &[u8]) -> Result<Vec<u8>> {
        sqlx::query!("insert into secrets (name, key) values ($1, $2) on conflict do nothing", name, fresh)
            .execute(&self.pool)
            .await?;
        Ok(sqlx::query_scalar!("select key from secrets where name = $1", name).fetch_one(&self.pool).await?)
    }

    pub async fn close(&self) {
        self.readers.clear();
        self.pool.close().await;
    }
}

/// A transaction of one tenant.
#[must_use = "a transaction that is not committed rolls back"]
#[derive(Debug)]
pub struct Tx {
    inner: Transaction<'static, Postgres>,
    tenant: TenantId,
    /// Of one that reads: where it may wait for others, and since when it goes on.
    reads: Option<(Arc<Readers>, Instant)>,
    committed: Arc<Committed>,
    metrics: Arc<Metrics>,
}

impl Tx {
    pub fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// Nothing failed, and the next reader of the tenant may go on here. One that writes rolls back.
    pub fn keep(self) {
        if let Some((readers, begun)) = self.reads {
            readers.keep(self.tenant, self.inner, begun);
        }
    }

    pub async fn commit(self) -> Result<()> {
        let since = std::time::Instant::now();
        let done = self.inner.commit().await;
        self.metrics.database.committed(since, &done);
        done?;
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
