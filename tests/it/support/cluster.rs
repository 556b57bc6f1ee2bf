//! One Postgres for the test binary, one database per test, cloned from a migrated template in milliseconds.

use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::{AssertSqlSafe, Connection, PgConnection};
use ticketing::db::{
    Db,
    embedded::{Embedded, Options},
};
use tokio::sync::OnceCell;

const TEMPLATE: &str = "ticketing_template";

/// The cluster lives as long as the test binary; its folder goes when the operating system cleans up, the server with
/// the process.
struct Cluster {
    server: Embedded,
    _folder: tempfile::TempDir,
}

static CLUSTER: OnceCell<Cluster> = OnceCell::const_new();
static COUNT: AtomicU32 = AtomicU32::new(0);

/// The URL of a fresh database with the whole schema.
pub async fn fresh_database() -> String {
    let cluster = CLUSTER.get_or_init(start).await;
    let name = format!("test_{}", COUNT.fetch_add(1, Ordering::Relaxed));
    admin(cluster, &format!("create database {name} template {TEMPLATE} strategy file_copy")).await;
    url(cluster, &name)
}

async fn start() -> Cluster {
    let folder = tempfile::tempdir().expect("a folder for the test cluster");
    let options =
        Options { dir: folder.path().join("pg"), durable: false, max_connections: 400, bin_dir: None };
    let server = tokio::task::spawn_blocking(move || Embedded::start(&options))
        .await
        .expect("starting does not panic")
        .expect("PostgreSQL starts; its message says what is missing");
    let cluster = Cluster { server, _folder: folder };
    admin(&cluster, &format!("create database {TEMPLATE}")).await;
    let db = Db::connect(&url(&cluster, TEMPLATE), 1).await.expect("the template takes connections");
    db.migrate().await.expect("the schema applies to an empty database");
    db.close().await;
    cluster
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
