//! The way to Postgres: a pool, transactions that belong to one tenant, migrations, the shared keys.

mod batch;
mod begin;
mod committed;
pub mod embedded;
mod horizon;
mod login;
mod migrate;
mod readers;
mod schema;

use std::{
    ops::{Deref, DerefMut},
    str::FromStr,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

pub use batch::Batcher;
pub use committed::Committed;
pub use horizon::Horizon;
pub use login::Login;
pub use migrate::Step;
pub use schema::Fit;
use sqlx::{
    Connection as _, PgConnection, PgPool, Postgres, Transaction,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::time::Instant;

use self::readers::Readers;
use crate::{ctx::Clock, error::Result, ids::TenantId, metrics::Metrics, time::Time};

/// The schema, from first to last.
pub static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("./migrations");

/// Who works for one tenant: row-level security shows it nothing of any other (`migrations/0019_tenant_wall.sql`).
pub const APP_ROLE: &str = "ticketing_app";

/// Who looks across tenants for what is due, and may do little else.
pub const JOBS_ROLE: &str = "ticketing_jobs";

/// The database.
#[derive(Clone, Debug)]
pub struct Db {
    pool: PgPool,
    /// Whom the settings name.
    login: Arc<RwLock<PgConnectOptions>>,
    readers: Arc<Readers>,
    committed: Arc<Committed>,
    metrics: Arc<Metrics>,
}

impl Db {
    /// Looks whether the database takes connections, and keeps a pool of at most `connections`; a call waits at most 5
    /// seconds for a free one. What needs the schema fails until there is one.
    pub async fn connect(url: &str, connections: u32) -> Result<Self> {
        // Without this, sqlx reads ~/.pgpass for a socket that needs no password, and warns when it cannot.
        Self::enter(PgConnectOptions::from_str(url)?, connections).await
    }

    /// The same, where it is said in another form.
    pub async fn enter(login: PgConnectOptions, connections: u32) -> Result<Self> {
        let login = ours(login);
        PgConnection::connect_with(&login).await?.close().await?;
        let pool = PgPoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(Duration::from_secs(5))
            // One round trip less per call; a dead connection shows in the call itself and is retried.
            .test_before_acquire(false)
            .connect_lazy_with(as_jobs(&login));
        // A few: writers need connections, too.
        let readers = Arc::new(Readers::new(connections.div_ceil(8) as usize));
        let metrics = Arc::<Metrics>::default();
        metrics.database.follow(pool.clone());
        let login = Arc::new(RwLock::new(login));
        Ok(Self { pool, login, readers, committed: Arc::default(), metrics })
    }

    /// Connections that are made from now on are made so.
    pub fn enter_as(&self, login: PgConnectOptions) {
        let login = ours(login);
        self.pool.set_connect_options(as_jobs(&login));
        *self.login.write().unwrap_or_else(PoisonError::into_inner) = login;
    }

    /// A database that is never reached: whoever asks it is told so at once.
    pub async fn nowhere() -> Self {
        let login = PgConnectOptions::new_without_pgpass();
        let pool = PgPoolOptions::new().connect_lazy_with(login.clone());
        pool.close().await;
        Self {
            pool,
            login: Arc::new(RwLock::new(login)),
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

    /// One whose commit does not wait for the disk: for what a job makes of the stream, together with how far it has come. What
    /// a crash takes back is made again.
    pub async fn begin_derived(&self, tenant: &TenantId) -> Result<Tx> {
        let inner = self.begin_as(tenant, "begin; set local synchronous_commit = off").await?;
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
        let login = self.login.read().unwrap_or_else(PoisonError::into_inner).clone();
        Ok(PgConnection::connect_with(&login).await?)
    }

    /// The key of this name that all replicas share; made by whoever asks first.
    pub async fn secret(&self, name: &str, fresh: &[u8]) -> Result<Vec<u8>> {
        sqlx::query!("insert into secrets (name, key) values ($1, $2) on conflict do nothing", name, fresh)
            .execute(&self.pool)
            .await?;
        Ok(sqlx::query_scalar!("select key from secrets where name = $1", name).fetch_one(&self.pool).await?)
    }

    /// Puts another key in the place of the one that all replicas share; they take it when they start. Only the owner of the tables
    /// can.
    pub async fn replace_secret(&self, name: &str, key: &[u8]) -> Result<()> {
        let mut owner = self.login().await?;
        sqlx::query!("update secrets set key = $2 where name = $1", name, key).execute(&mut owner).await?;
        Ok(owner.close().await?)
    }

    pub async fn close(&self) {
        self.readers.clear();
        self.pool.close().await;
    }
}

fn ours(login: PgConnectOptions) -> PgConnectOptions {
    login.application_name("ticketing").statement_cache_capacity(500)
}

fn as_jobs(login: &PgConnectOptions) -> PgConnectOptions {
    login.clone().options([("role", JOBS_ROLE)])
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
