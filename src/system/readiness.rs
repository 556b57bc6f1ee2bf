//! Whether a server wants calls for its database's sake. A short outage is told to each call by itself; were it told to the load
//! balancer, every replica would go at once and all callers come back at once.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, sleep, timeout};

use crate::{
    app::App,
    db::{Db, Fit},
    error::chain,
    serve::Health,
};

/// How often the database is asked.
const INTERVAL: Duration = Duration::from_secs(5);
/// How long it may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);
/// For how long it may fail until calls had better go elsewhere.
const OUTAGE: Duration = Duration::from_secs(30);
/// How often a schema is looked at that does not fit yet.
const WAIT: Duration = Duration::from_secs(1);

/// What has been seen of the database.
#[derive(Debug, Default)]
struct Readiness {
    failing_since: Option<Instant>,
}

impl Readiness {
    /// Whether the server is ready after this, `None`: the database did not answer.
    fn after(&mut self, seen: Option<Fit>, now: Instant) -> bool {
        match seen {
            Some(fit) => {
                self.failing_since = None;
                fit == Fit::Good
            }
            None => now - *self.failing_since.get_or_insert(now) < OUTAGE,
        }
    }
}

/// Returns when the schema fits; told what is the matter once for each.
pub async fn wait_for_schema(db: &Db) {
    let mut told = None;
    loop {
        match db.fit().await {
            Ok(Fit::Good) => return,
            Ok(fit) if told == Some(fit) => {}
            Ok(fit) => {
                tracing::warn!("not ready: {}; it is looked at again every second", fit.advice());
                told = Some(fit);
            }
            Err(error) => tracing::error!(error = chain(&error), "not ready: the database does not answer"),
        }
        sleep(WAIT).await;
    }
}

/// Keeps `health` true until the server drains.
pub async fn follow(app: Arc<App>, health: Health) {
    let mut readiness = Readiness::default();
    let mut was = true;
    while app.drain.run_until_cancelled(sleep(INTERVAL)).await.is_some() {
        let seen = timeout(PATIENCE, app.db.fit_in_use()).await.ok().and_then(Result::ok);
        let ready = readiness.after(seen, Instant::now());
        if ready != was {
            let reason = seen.map_or_else(|| "the database does not answer".to_owned(), Fit::advice);
            tracing::warn!(ready, reason, "readiness changed");
            was = ready;
        }
        health.set_ready(ready).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_outage_leaves_the_server_ready_and_a_wrong_schema_does_not() {
        let begin = Instant::now();
        let mut readiness = Readiness::default();
        for (second, seen, ready) in [
            (0, Some(Fit::Good), true),
            (5, None, true),
            (34, None, true),
            (35, None, false),
            (60, None, false),
            (65, Some(Fit::Good), true),
            (70, None, true),
            (99, Some(Fit::Good), true),
            (100, None, true),
            (129, None, true),
            (130, None, false),
            (135, Some(Fit::Beyond(99)), false),
            (140, None, true),
            (145, Some(Fit::Behind(1)), false),
        ] {
            assert_eq!(readiness.after(seen, begin + Duration::from_secs(second)), ready, "after {second} s");
        }
    }
}
