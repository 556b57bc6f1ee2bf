//! Who logs in changes while the service runs, and nobody has to start it again.

use std::fs;

use sqlx::{Executor as _, PgPool};
use ticketing::db::{APP_ROLE, Db, JOBS_ROLE, Login};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::support::{fresh_database, root};

/// As whom a connection is made that is made now.
async fn enters(pool: &PgPool) -> String {
    sqlx::query_scalar("select session_user::text").fetch_one(pool).await.expect("a connection")
}

#[tokio::test]
async fn new_connections_are_made_as_the_files_say() {
    let url = fresh_database().await;
    let (_, name) = url.rsplit_once('/').expect("a URL ends with its database");
    let users = [format!("{name}_before"), format!("{name}_after")];
    for user in &users {
        let make = format!("create role {user} login; grant {APP_ROLE}, {JOBS_ROLE} to {user}");
        root(&url).execute(sqlx::AssertSqlSafe(make)).await.expect("an administrator may do this");
    }
    let folder = tempfile::tempdir().expect("a folder");
    let write = |file: &str, text: &str| fs::write(folder.path().join(file), text).expect("written");
    write("uri", &format!("{url}\n"));
    write("user", &users[0]);
    let login = Login { url: None, folder: Some(folder.path().to_owned()) };
    let db = Db::enter(login.options().expect("a login"), 20).await.expect("connected");
    let (tasks, drain) = (TaskTracker::new(), CancellationToken::new());
    tasks.spawn(login.follow(db.clone(), drain.clone()));
    assert_eq!(enters(db.across()).await, users[0]);

    write("user", &users[1]);
    let whoever = root(&url);
    let gone = format!(
        "select pg_terminate_backend(pid) from pg_stat_activity where usename = '{}' and datname = current_database()",
        users[0]
    );
    // Whoever holds one of before keeps it; without them, all are of now.
    while enters_anew(&db).await != users[1] {
        tokio::task::yield_now().await;
    }
    whoever.execute(sqlx::AssertSqlSafe(gone)).await.expect("an administrator may do this");
    _ = db.across().execute("select 1").await; // lost with its connection
    assert_eq!(enters(db.across()).await, users[1]);
    drain.cancel();
    tasks.close();
    tasks.wait().await;
}

async fn enters_anew(db: &Db) -> String {
    let mut login = db.login().await.expect("a connection");
    sqlx::query_scalar("select session_user::text").fetch_one(&mut login).await.expect("a user")
}
