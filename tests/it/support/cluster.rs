//! One Postgres for the test binary, one database per test, cloned from a migrated template in milliseconds.

use std::{
    os::unix::process::CommandExt as _,
    path::Path,
    process::{ChildStdin, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
};

use sqlx::{AssertSqlSafe, Connection, PgConnection};
use ticketing::db::{
    Db,
    embedded::{Embedded, Options},
};
use tokio::sync::OnceCell;

const TEMPLATE: &str = "ticketing_template";

/// The cluster lives as long as the test binary, and its folder hardly longer.
struct Cluster {
    server: Embedded,
    _remover: ChildStdin,
}

/// Waits until the test binary has ended, in whatever way, then for the server, which ends with it, and clears up.
/// Statics are not dropped, and a killed process drops nothing.
const REMOVER: &str = r#"
cat
for _ in $(seq 100); do [ -e "$0/pg/data/postmaster.pid" ] || break; sleep 0.1; done
rm -rf "$0""#;

static CLUSTER: OnceCell<Cluster> = OnceCell::const_new();
static COUNT: AtomicU32 = AtomicU32::new(0);

/// The URL of a fresh database with the whole schema.
pub async fn fresh_database() -> String {
    let cluster = CLUSTER.get_or_init(start).await;
    let name = format!("test_{}", COUNT.fetch_add(1, Ordering::Relaxed));
    admin(cluster, &format!("create database {name} template {TEMPLATE} strategy file_copy")).await;
    url(cluster, &name)
}

/// The URL of a fresh database without a schema.
pub async fn empty_database() -> String {
    let cluster = CLUSTER.get_or_init(start).await;
    let name = format!("test_{}", COUNT.fetch_add(1, Ordering::Relaxed));
    admin(cluster, &format!("create database {name}")).await;
    url(cluster, &name)
}

async fn start() -> Cluster {
    let folder = tempfile::tempdir().expect("a folder for the test cluster").keep();
    let remover = remove_in_the_end(&folder);
    let options = Options { dir: folder.join("pg"), durable: false, max_connections: 400, bin_dir: None };
    let server = tokio::task::spawn_blocking(move || Embedded::start(&options))
        .await
        .expect("starting does not panic")
        .expect("PostgreSQL starts; its message says what is missing");
    let cluster = Cluster { server, _remover: remover };
    admin(&cluster, &format!("create database {TEMPLATE}")).await;
    let db = Db::connect(&url(&cluster, TEMPLATE), 1).await.expect("the template takes connections");
    db.migrate().await.expect("the schema applies to an empty database");
    db.close().await;
    cluster
}

/// The pipe closes with this process, and nobody else has it. A group of its own: Ctrl-C is for the tests.
fn remove_in_the_end(folder: &Path) -> ChildStdin {
    let mut command = Command::new("sh");
    command.args(["-c", REMOVER]).arg(folder).process_group(0);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().expect("a shell runs").stdin.take().expect("a pipe")
}

async fn admin(cluster: &Cluster, sql: &str) {
    let mut connection =
        PgConnection::connect(cluster.server.url()).await.expect("the cluster takes connections");
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
        .execute(&mut connection)
        .await
        .expect("an administrator may do this");
    connection.close().await.expect("closing works");
}

fn url(cluster: &Cluster, database: &str) -> String {
    let (server, _) = cluster.server.url().rsplit_once('/').expect("a URL ends with its database");
    format!("{server}/{database}")
}
