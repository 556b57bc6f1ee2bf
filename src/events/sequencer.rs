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

use super::store_stream as store;
use crate::{app::App, error::Result, jobs::Report};

/// One pass over all buckets: whatever was committed before is in the stream afterwards, up to `limit` events of each.
pub async fn run_once(app: &App, limit: usize) -> Result<Report> {
    let mut report = Report::default();
    for bucket in store::waiting(app.db.pool()).await? {
        let mut tx = app.db.begin_across().await?;
        let before = store::lock_head(&mut tx, bucket).await?;
        let head = store::place(&mut tx, bucket, before, limit as i64).await?;
        tx.commit().await?;
        app.heads.tell(bucket, head);
        let placed = (head - before) as usize;
        report.done += placed;
        report.full |= placed >= limit;
    }
    // What another process wrote may be work for the agents; the events are how this one learns of it.
    if report.done > 0 {
        app.dispatch_due.notify_one();
    }
    Ok(report)
}
