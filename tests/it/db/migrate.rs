//! Migrators that come at once, die, fall silent or find a table busy: the schema is whole, and nothing half-made stays.

use std::process::Stdio;

use sqlx::{Connection as _, Executor as _, PgConnection, PgPool, migrate::Migrator};
use ticketing::db::{Db, MIGRATIONS, Step};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader, Lines},
    process::{Child, ChildStderr, Command},
};

use crate::{
    cli,
    support::{empty_database, fresh_database, root},
};

/// The migration before the one that builds an index while tickets are written.
const BEFORE: i64 = 20;
const INVALID: &str = "select count(*) from pg_index where not indisvalid";

struct Migration {
    process: Child,
    log: Lines<BufReader<ChildStderr>>,
}

impl Migration {
    fn start(url: &str) -> Self {
        let mut command = cli::ticketing(&["migrate", "--database-url", url]);
        let mut process = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it runs");
        let log = BufReader::new(process.stderr.take().expect("a pipe")).lines();
        Self { process, log }
    }

    async fn says(&mut self, what: &str) {
        while let Some(line) = self.log.next_line().await.expect("a log") {
            if line.contains(what) {
                return;
            }
        }
        panic!("it ended without a word of {what}: {:?}", self.process.wait().await);
    }

    async fn ends(mut self) -> (Option<i32>, String) {
        let mut told = String::new();
        while let Some(line) = self.log.next_line().await.expect("a log") {
            told += &line;
        }
        (self.process.wait().await.expect("it ends").code(), told)
    }

    async fn signal(&self, name: &str) {
        let id = self.process.id().expect("it runs").to_string();
        let sent = Command::new("kill").args([name, &id]).status().await.expect("kill runs");
        assert!(sent.success());
    }
}

/// A database short of the index, in which somebody writes a ticket for long; an index that is built beside waits for that.
struct Amid {
    url: String,
    pool: PgPool,
    writer: PgConnection,
}

impl Amid {
    /// And the migrator that is at it.
    async fn building() -> (Self, Migration) {
        let url = empty_database().await;
        let pool = root(&url);
        let mut writer = PgConnection::connect(&url).await.expect("connected");
        MIGRATIONS.run_to(BEFORE, &mut writer).await.expect("the schema applies");
        writer.execute("begin; lock table tickets in row exclusive mode").await.expect("locked");
        let first = Migration::start(&url);
        until(&pool, "select count(*) = 1 from pg_index where not indisvalid").await;
        (Self { url, pool, writer }, first)
    }

    async fn written(&mut self) {
        self.writer.execute("commit").await.expect("committed");
    }

    async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&self.pool).await.expect("a count")
    }

    /// Whether the schema is what one migrator makes who is alone.
    async fn is_whole(&self) {
        let whole = root(&fresh_database().await);
        assert_eq!(schema(&self.pool).await, schema(&whole).await);
        assert_eq!(self.count(INVALID).await, 0);
        assert_eq!(self.count("select count(*) from migration_lease").await, 0);
    }
}

async fn schema(pool: &PgPool) -> Vec<String> {
    let sql = "select indexdef from pg_indexes where schemaname = 'public'
               union all
               select concat_ws(' ', table_name, column_name, data_type, is_nullable, column_default)
               from information_schema.columns where table_schema = 'public'
               union all
               select concat_ws(' ', version, success, encode(checksum, 'hex')) from _sqlx_migrations
               order by 1";
    sqlx::query_scalar(sql).fetch_all(pool).await.expect("a catalog")
}

async fn until(pool: &PgPool, sql: &'static str) {
    while !sqlx::query_scalar::<_, bool>(sql).fetch_one(pool).await.expect("an answer") {
        tokio::task::yield_now().await;
    }
}

const NOBODY_BUILDS: &str = "select count(*) = 0 from pg_stat_activity
                             where datname = current_database() and query like '%create index concurrently%'
                                 and application_name = 'ticketing'";

#[tokio::test]
async fn one_is_killed_while_it_builds_an_index_and_the_one_that_waits_builds_it_again() {
    let (mut amid, mut first) = Amid::building().await;
    let mut second = Migration::start(&amid.url);
    second.says("waiting for another migrator: process").await;
    first.process.kill().await.expect("killed");
    until(&amid.pool, NOBODY_BUILDS).await;
    assert_eq!(amid.count(INVALID).await, 1, "what it left is of no use");
    amid.written().await;
    second.says("dropped tickets_close_time").await;
    let (code, told) = second.ends().await;
    assert!(code == Some(0) && told.contains("21: tickets close time"), "{told}");
    amid.is_whole().await;
}

/// The same harness sees what goes wrong without a remedy.
#[tokio::test]
async fn who_only_looks_whether_there_is_an_index_leaves_an_invalid_one() {
    let (mut amid, mut first) = Amid::building().await;
    first.process.kill().await.expect("killed");
    until(&amid.pool, NOBODY_BUILDS).await;
    amid.written().await;
    MIGRATIONS.run(&mut amid.writer).await.expect("it finds nothing wrong");
    assert_eq!(amid.count(INVALID).await, 1);
}

#[tokio::test]
async fn one_that_falls_silent_is_cut_off_and_does_nothing_when_it_wakes() {
    let (mut amid, first) = Amid::building().await;
    first.signal("-STOP").await;
    let mut second = Migration::start(&amid.url);
    second.says("waiting for another migrator").await;
    // Its time passes.
    amid.pool
        .execute("create schema kept; create table kept.silent as select * from migration_lease")
        .await
        .expect("kept");
    let late = "update migration_lease set expire_time = clock_timestamp() - interval '1 second'";
    amid.pool.execute(late).await.expect("an administrator may do this");
    let its = "select count(*) = 0 from pg_stat_activity
               where pid = (select max(pid) from kept.silent) and backend_start = (select max(session_time) from kept.silent)";
    until(&amid.pool, its).await;
    amid.written().await;
    assert_eq!(second.ends().await.0, Some(0));
    amid.is_whole().await;
    first.signal("-CONT").await;
    assert_eq!(first.ends().await.0, Some(1), "its session is gone, and it says so");
    amid.is_whole().await;
}

#[tokio::test]
async fn many_at_once_make_one_schema() {
    let url = empty_database().await;
    let all: Vec<_> = (0..6).map(|_| Migration::start(&url)).collect();
    for one in all {
        let (code, told) = one.ends().await;
        assert_eq!(code, Some(0), "{told}");
    }
    assert_eq!(schema(&root(&url)).await, schema(&root(&fresh_database().await)).await);
}

/// A change that waits for a busy table would have everybody wait behind it.
#[tokio::test]
async fn a_change_lets_others_work_and_tries_again() {
    let url = fresh_database().await;
    let db = Db::connect(&url, 1).await.expect("connected");
    let mut worker = PgConnection::connect(&url).await.expect("connected");
    worker.execute("begin; lock table tickets in row exclusive mode").await.expect("locked");
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("9001_more.sql"), "alter table tickets add column more text")
        .expect("written");
    let migrations = Migrator::new(folder.path()).await.expect("a migration");
    let mut worker = Some(worker);
    let mut steps = Vec::new();
    db.migrate_by(&migrations, |step| {
        if let Step::Yielded { version } = step {
            worker.take(); // its session ends
            steps.push(format!("{version} yields"));
        } else if let Step::Applied { version, .. } = step {
            steps.push(format!("{version} is there"));
        }
    })
    .await
    .expect("applied in the end");
    assert_eq!(steps, ["9001 yields", "9001 is there"]);
}

/// So that a release can be rolled back: the program before comes to a schema that is newer than it.
#[tokio::test]
async fn a_newer_schema_is_left_as_it_is() {
    let url = fresh_database().await;
    let pool = root(&url);
    let newer = "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
                 values (9001, 'of the future', true, '', 0)";
    pool.execute(newer).await.expect("an administrator may do this");
    let (code, told, _) = cli::run(&["migrate", "--database-url", &url]).await;
    assert_eq!((code, told.as_str()), (Some(0), "The schema is up to date: version 9001.\n"));
    pool.execute("update _sqlx_migrations set checksum = '' where version = 1").await.expect("updated");
    let (code, _, told) = cli::run(&["migrate", "--database-url", &url]).await;
    assert!(
        code == Some(1) && told.contains("migration 1 was previously applied but has been modified"),
        "{told}"
    );
}
