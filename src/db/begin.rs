//! Begins transactions so that whoever stops waiting leaves no connection inside of one. sqlx 0.9.0 forgets a BEGIN whose
//! caller goes before the answer comes, and lends the connection to the next as if nothing had begun:
//! <https://github.com/transact-rs/sqlx/issues/4393>. With a release that has the remedy, this is `pool.begin_with`.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Instant,
};

use sqlx::{AssertSqlSafe, PgPool, Postgres, SqlSafeStr as _, Transaction};
use tokio::runtime::Handle;

use crate::metrics::Database;

type Beginning = Pin<Box<dyn Future<Output = sqlx::Result<Transaction<'static, Postgres>>> + Send>>;

/// Goes on without whom it was for; what has begun and is nobody's rolls back.
struct ToTheEnd(Option<Beginning>);

/// Begins by this SQL. Nothing has happened to a connection as long as none is free.
pub(super) async fn begin(
    pool: &PgPool,
    sql: String,
    metrics: &Database,
) -> sqlx::Result<Transaction<'static, Postgres>> {
    let wait = metrics.wait();
    // Every call begins a transaction somewhere deep inside: what waits here would make each of them large.
    let connection = Box::pin(pool.acquire()).await;
    wait.end(&connection);
    let (sql, since) = (AssertSqlSafe(sql).into_sql_str(), Instant::now());
    let begun = ToTheEnd(Some(Transaction::begin(connection?, Some(sql)))).await;
    metrics.began(since, &begun);
    begun
}

impl Future for ToTheEnd {
    type Output = sqlx::Result<Transaction<'static, Postgres>>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let beginning = self.0.as_mut().expect("nobody asks again");
        let begun = ready!(beginning.as_mut().poll(context));
        self.0 = None;
        Poll::Ready(begun)
    }
}

impl Drop for ToTheEnd {
    fn drop(&mut self) {
        // Without a runtime there is no connection any more either.
        if let (Some(rest), Ok(runtime)) = (self.0.take(), Handle::try_current()) {
            runtime.spawn(rest);
        }
    }
}
