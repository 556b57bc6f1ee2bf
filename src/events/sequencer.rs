//! When an event gets its place in its tenant's stream: after its commit, by whoever comes first, in one transaction
//! per bucket.
//!
//! A writer leaves its events in the outbox and goes. A pass locks the bucket's head, takes what it can see of the
//! outbox by the lowest `seq`, gives each row the next position, and commits. What this excludes, and why:
//!
//! - **A lost commit.** A position is given to what is committed already, so there is no reader that has passed the
//!   position of a slow transaction. Its rows are not visible yet and are taken by a later pass, at later positions.
//! - **Versions in the wrong order.** `seq` is drawn while the ticket is locked, so of two events of one ticket the
//!   earlier has the lower `seq`, and whoever sees the later one sees the earlier one too. The lowest go first.
//! - **Doubled and missing positions.** The head's row lock lets passes over a bucket follow one another, in whatever
//!   process, and the second statement of a pass sees all that the pass before it committed. A position becomes visible
//!   with all that are below it.
//! - **Stalls by strangers.** Nothing waits for the oldest transaction of the server, only for the head's row.

use std::{sync::Arc, time::Duration};

use super::store;
use crate::{
    app::App,
    error::{Result, chain},
};

/// Events that one pass places in one bucket at most.
const BATCH: i64 = 1000;
/// Between passes under load: what comes in the meantime shares a pass.
const PACE: Duration = Duration::from_millis(10);
/// How long what another process wrote, or placed, may go unnoticed when nothing happens here.
const IDLE: Duration = Duration::from_millis(100);

/// One pass over all buckets: whatever was committed before is in the stream afterwards, up to `limit` events of each
/// bucket. Returns how many were placed.
pub async fn run_once(app: &App, limit: i64) -> Result<u64> {
    let mut placed = 0;
    for bucket in store::buckets(app.db.pool()).await? {
        let mut head = bucket.position;
        if bucket.waiting {
            let mut tx = app.db.begin_across().await?;
            let before = store::lock_head(&mut tx, bucket.bucket).await?;
            head = store::place(&mut tx, bucket.bucket, before, limit).await?;
            tx.commit().await?;
            placed += (head - before) as u64;
        }
        app.heads.tell(bucket.bucket, head);
    }
    Ok(placed)
}

/// Passes until the service goes down: at once after a commit of this process, else often enough for those of others.
pub async fn run(app: Arc<App>) {
    let next = async || {
        tokio::time::sleep(PACE).await;
        _ = tokio::time::timeout(IDLE, app.db.committed()).await;
    };
    while app.drain.run_until_cancelled(next()).await.is_some() {
        while pass(&app).await {}
    }
}

/// Whether another pass should follow at once.
async fn pass(app: &App) -> bool {
    run_once(app, BATCH).await.map_or_else(
        |error| {
            tracing::warn!(error = chain(&error), "placing events failed; the next pass tries again");
            false
        },
        |placed| placed >= BATCH as u64,
    )
}
