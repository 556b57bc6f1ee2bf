//! How the schema comes up to date while servers work on it: one migrator at a time, under a lease that whoever waits can see
//! through, and nothing half-made is left by one that died.
//!
//! sqlx locks by `pg_advisory_lock`, which waits inside of a statement; `create index concurrently` waits for that statement,
//! and so both for each other, until PostgreSQL ends one and an invalid index stays. Here whoever waits asks again and again.

use std::{
    process,
    time::{Duration, Instant},
};

use sqlx::{
    AssertSqlSafe, Connection as _, PgConnection,
    migrate::{Migrate as _, MigrateError, Migration, Migrator},
};
use tokio::time::sleep;

use super::Db;
use crate::error::{Error, Result};

/// How long a migrator may be silent until another one ends its session and takes over.
const LEASE: Duration = Duration::from_secs(30);
/// How often it is heard of.
const RENEWAL: Duration = Duration::from_secs(10);
/// How often whoever waits asks again.
const POLL: Duration = Duration::from_millis(250);
/// How long a change waits for a table that somebody works on. Everybody else's work on that table waits behind it.
const LOCK_TIMEOUT: Duration = Duration::from_secs(2);
/// How long it lets them work until it tries again, and how often.
const AGAIN: Duration = Duration::from_secs(3);
const TRIES: u32 = 200;
/// PostgreSQL's `lock_not_available`.
const LOCKED: &str = "55P03";
/// `unique_violation`, `duplicate_table` and `duplicate_object`.
const THERE: [&str; 3] = ["23505", "42P07", "42710"];

/// What happens on the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Another one is at it.
    Waiting { holder: String },
    /// An index was left by one that died while it built it.
    Dropped { index: String },
    /// Somebody works on a table for so long that the change lets others go first.
    Yielded { version: i64 },
    /// The schema has this migration.
    Applied { version: i64, what: String, took: Duration },
}

impl Db {
    /// Brings the schema up to date; does nothing when it is, or when it is newer than this program. Only the owner of the
    /// schema can.
    pub async fn migrate(&self) -> Result<()> {
        self.migrate_by(&super::MIGRATIONS, |_| ()).await
    }

    /// Brings the schema to what these migrations say, and tells what happens.
    pub async fn migrate_by(&self, migrations: &Migrator, mut tell: impl FnMut(Step)) -> Result<()> {
        let mut owner = self.login().await?;
        // Where the server can look whether its client lives, a killed migrator's statement ends soon. Not everywhere.
        _ = sqlx::query("set client_connection_check_interval = '1s'").execute(&mut owner).await;
        take(&mut owner, &mut tell).await?;
        let mut keeper = self.login().await?;
        let pid: i32 = sqlx::query_scalar("select pg_backend_pid()").fetch_one(&mut owner).await?;
        let done = tokio::select! {
            done = run(&mut owner, migrations, &mut tell) => done,
            failed = renew(&mut keeper, pid) => failed,
        };
        if done.is_ok() {
            sqlx::query("delete from migration_lease where pid = pg_backend_pid()")
                .execute(&mut owner)
                .await?;
        }
        // What was to be kept is, whatever becomes of the sessions.
        _ = keeper.close().await;
        _ = owner.close().await;
        done
    }
}

/// Returns when the lease is this session's. It is somebody's for as long as their session lives; who has not been heard of
/// for the time of a lease is cut off, so that nothing of theirs goes on beside what comes now.
async fn take(owner: &mut PgConnection, tell: &mut impl FnMut(Step)) -> Result<()> {
    make_lease(owner).await?;
    let holder = format!("process {} as {}", process::id(), env!("CARGO_PKG_VERSION"));
    let mut told = String::new();
    loop {
        let taken = sqlx::query(
            "insert into migration_lease (holder, pid, session_time, expire_time)
             select $1, pid, backend_start, clock_timestamp() + make_interval(secs => $2)
             from pg_stat_activity where pid = pg_backend_pid()
             on conflict (one) do update set holder = excluded.holder, pid = excluded.pid,
                 session_time = excluded.session_time, expire_time = excluded.expire_time
             where not exists (select from pg_stat_activity as at
                 where at.pid = migration_lease.pid and at.backend_start = migration_lease.session_time)",
        )
        .bind(&holder)
        .bind(LEASE.as_secs_f64())
        .execute(&mut *owner)
        .await?;
        if taken.rows_affected() == 1 {
            return Ok(());
        }
        let other: Option<String> =
            sqlx::query_scalar("select holder from migration_lease").fetch_optional(&mut *owner).await?;
        if let Some(holder) = other.filter(|holder| *holder != told) {
            told.clone_from(&holder);
            tell(Step::Waiting { holder });
        }
        sqlx::query(
            "select pg_terminate_backend(at.pid) from migration_lease as lease
             join pg_stat_activity as at on at.pid = lease.pid and at.backend_start = lease.session_time
             where lease.expire_time < clock_timestamp()",
        )
        .execute(&mut *owner)
        .await?;
        sleep(POLL).await;
    }
}

/// `if not exists` looks first and makes then, so of two at once one may fail: by the name of the table or of its type, which may
/// be there already or in the other one's hands. It finds the table when it looks again.
async fn make_lease(owner: &mut PgConnection) -> Result<()> {
    let make = "create table if not exists migration_lease (
                    one          boolean primary key default true check (one),
                    holder       text        not null,
                    -- The session in the database, and when it began: numbers come again.
                    pid          integer     not null,
                    session_time timestamptz not null,
                    expire_time  timestamptz not null
                )";
    match sqlx::query(make).execute(&mut *owner).await {
        Err(error)
            if error.as_database_error().and_then(|it| it.code()).is_some_and(|it| THERE.contains(&&*it)) =>
        {
            sqlx::query(make).execute(owner).await?;
        }
        done => _ = done?,
    }
    Ok(())
}

/// Goes on until the lease is lost.
async fn renew(keeper: &mut PgConnection, pid: i32) -> Result<()> {
    loop {
        sleep(RENEWAL).await;
        let renewed =
            sqlx::query("update migration_lease set expire_time = clock_timestamp() + make_interval(secs => $2) where pid = $1")
                .bind(pid)
                .bind(LEASE.as_secs_f64())
                .execute(&mut *keeper)
                .await?;
        if renewed.rows_affected() == 0 {
            return Err(Error::internal(
                "another migrator took over, because this one was silent for too long",
            ));
        }
    }
}

async fn run(owner: &mut PgConnection, migrations: &Migrator, tell: &mut impl FnMut(Step)) -> Result<()> {
    let table = &*migrations.table_name;
    owner.ensure_migrations_table(table).await.map_err(Error::internal)?;
    let applied = owner.list_applied_migrations(table).await.map_err(Error::internal)?;
    for migration in migrations.iter() {
        match applied.iter().find(|it| it.version == migration.version) {
            None => {
                let begin = Instant::now();
                apply(owner, table, migration, tell).await?;
                let (version, what) = (migration.version, migration.description.to_string());
                tell(Step::Applied { version, what, took: begin.elapsed() });
            }
            Some(it) if it.checksum != migration.checksum => {
                return Err(Error::internal(MigrateError::VersionMismatch(migration.version)));
            }
            Some(_) => {}
        }
    }
    Ok(())
}

/// What is one transaction comes whole or not at all, and gives way to work on its table. What builds an index beside that work
/// holds nobody up, so it may wait; but of one that died the index stays, invalid, and has to go first.
async fn apply(
    owner: &mut PgConnection,
    table: &str,
    migration: &Migration,
    tell: &mut impl FnMut(Step),
) -> Result<()> {
    let patience = if migration.no_tx { Duration::ZERO } else { LOCK_TIMEOUT };
    sqlx::query("select set_config('lock_timeout', $1, false)")
        .bind(patience.as_millis().to_string())
        .execute(&mut *owner)
        .await?;
    if migration.no_tx {
        drop_invalid(owner, migration, tell).await?;
    }
    for _ in 1..TRIES {
        match owner.apply(table, migration).await {
            Err(MigrateError::ExecuteMigration(error, version)) if is_locked(&error) => {
                tell(Step::Yielded { version });
                sleep(AGAIN).await;
            }
            done => return done.map(drop).map_err(Error::internal),
        }
    }
    owner.apply(table, migration).await.map(drop).map_err(Error::internal)
}

fn is_locked(error: &sqlx::Error) -> bool {
    error.as_database_error().and_then(|it| it.code()).is_some_and(|code| code == LOCKED)
}

async fn drop_invalid(
    owner: &mut PgConnection,
    migration: &Migration,
    tell: &mut impl FnMut(Step),
) -> Result<()> {
    let invalid: Vec<String> = sqlx::query_scalar(
        "select c.relname::text from pg_index as i join pg_class as c on c.oid = i.indexrelid
         where not i.indisvalid and c.relnamespace = current_schema()::regnamespace",
    )
    .fetch_all(&mut *owner)
    .await?;
    let words: Vec<&str> = migration.sql.as_str().split_whitespace().collect();
    for index in invalid.into_iter().filter(|index| words.contains(&&**index)) {
        sqlx::query(AssertSqlSafe(format!("drop index concurrently {index}"))).execute(&mut *owner).await?;
        tell(Step::Dropped { index });
    }
    Ok(())
}
