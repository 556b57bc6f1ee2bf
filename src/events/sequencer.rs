//! When an event gets its place in its tenant's stream: after its commit, by whoever comes first, in one statement.
//!
//! A writer leaves its events in the outbox and goes. A pass locks the heads of some buckets, takes what it can see of
//! their part of the outbox by the lowest `seq`, and gives each row the next position. What this excludes, and why:
//!
//! - **A lost commit.** A position is given to what is committed already, so there is no reader that has passed the
//!   position of a slow transaction. Its rows are not visible yet and are taken by a later pass, at later positions.
//! - **Versions in the wrong order.** `seq` is drawn while the ticket is locked, so of two events of one ticket the
//!   earlier has the lower `seq`, and whoever sees the later one sees the earlier one too, unless it was taken already.
//!   The lowest go first.
//! - **Doubled and missing positions.** The head's row lock lets passes over a bucket follow one another, in whatever
//!   process; a row that an earlier pass took is gone and is not taken again. A position becomes visible with all that
//!   are below it.
//! - **Stalls by strangers.** Nothing waits for the oldest transaction of the server, only for the head's row, and that
//!   is held by a statement, never by a process.
//! - **Slowness by strangers.** Rows that were taken stay in the index as long as any old snapshot could see them. A
//!   pass begins above them; see [`Passed`].

use std::{collections::BTreeSet, sync::PoisonError, time::Duration};

use tokio::time::Instant;

use super::{
    store_lag,
    store_stream::{self as store, Pass},
};
use crate::{app::App, error::Result, ids::BUCKETS, jobs::Report, metrics::Backlog};

/// How long what another process wrote goes unnoticed at most, besides the time a pass takes.
const LOOK: Duration = Duration::from_millis(25);
/// How long a transaction may take to commit what it wrote and still find its place at once.
const SLOW: Duration = Duration::from_mins(1);
/// How many that wait are counted.
const COUNTED: i64 = 100_000;

/// How far each bucket's outbox is known to be empty. It is a hint: what turns up below it waits for the next sweep.
#[derive(Debug)]
pub struct Passed {
    /// What was taken more than [`SLOW`] ago: passes begin above it.
    above: [i64; BUCKETS],
    /// What has been taken since.
    seen: [i64; BUCKETS],
    sweep: Instant,
    look: Instant,
}

impl Default for Passed {
    fn default() -> Self {
        let now = Instant::now();
        Self { above: [0; BUCKETS], seen: [0; BUCKETS], sweep: now + SLOW, look: now }
    }
}

impl Passed {
    /// Whether to look into all buckets, and above what. Every [`SLOW`], from the beginning.
    fn look(&mut self, now: Instant, forced: bool) -> Option<[i64; BUCKETS]> {
        if now < self.look && !forced {
            return None;
        }
        self.look = now + LOOK;
        if now < self.sweep {
            return Some(self.above);
        }
        self.sweep = now + SLOW;
        self.above = self.seen;
        Some([0; BUCKETS])
    }

    fn note(&mut self, passes: &[Pass]) {
        for pass in passes {
            let seen = &mut self.seen[pass.bucket as usize];
            *seen = pass.seq.max(*seen);
        }
    }
}

/// One pass: what was committed here, and from time to time what was committed anywhere, is in the stream afterwards, up
/// to `limit` events of each bucket.
pub async fn run_once(app: &App, limit: usize) -> Result<Report> {
    let mut buckets: BTreeSet<i16> = app.db.committed().take().collect();
    let (mut above, look) = {
        let mut passed = app.passed.lock().unwrap_or_else(PoisonError::into_inner);
        (passed.above, passed.look(Instant::now(), buckets.is_empty()))
    };
    if let Some(look) = look {
        above = look;
        buckets.extend(store::waiting(app.db.across(), &look).await?);
    }
    if buckets.is_empty() {
        return Ok(Report::default());
    }
    let buckets: Vec<i16> = buckets.into_iter().collect();
    let above: Vec<i64> = buckets.iter().map(|bucket| above[*bucket as usize]).collect();
    let passes = store::place(app.db.across(), &buckets, &above, limit as i64).await?;
    app.passed.lock().unwrap_or_else(PoisonError::into_inner).note(&passes);
    let mut report = Report::default();
    for pass in &passes {
        app.heads.tell(pass.bucket, pass.head);
        report.done += pass.placed as usize;
        report.full |= pass.placed as usize >= limit;
    }
    // What another process wrote may be work for the agents; the events are how this one learns of it.
    if report.done > 0 {
        app.dispatch_due.notify_one();
    }
    Ok(report)
}

/// What waits for its place, as far as passes would see it.
pub async fn unplaced(app: &App) -> Result<Backlog> {
    let above = app.passed.lock().unwrap_or_else(PoisonError::into_inner).above;
    store_lag::unplaced(app.db.across(), &above, COUNTED).await
}

/// Above which `seq` events of a bucket wait, as far as passes would see them.
pub fn passed(app: &App, bucket: i16) -> i64 {
    app.passed.lock().unwrap_or_else(PoisonError::into_inner).above[bucket as usize]
}

/// Rows of the outbox that were taken and not cleared up, about.
pub async fn dead_rows(app: &App) -> Result<i64> {
    store_lag::dead_rows(app.db.across()).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passes_begin_above_what_was_taken_a_while_ago_and_sweep_from_the_beginning() {
        let mut passed = Passed::default();
        let start = passed.look;
        assert_eq!(passed.look(start, false), Some([0; BUCKETS]), "the first look is due at once");
        assert_eq!(passed.look(start, false), None);
        assert!(passed.look(start, true).is_some(), "who has nothing else to do may look sooner");
        passed.seen[7] = 100;
        let soon = start + SLOW / 2;
        assert_eq!(passed.look(soon, false).map(|above| above[7]), Some(0), "it may still be slow, not lost");
        let sweep = start + SLOW * 2;
        assert_eq!(passed.look(sweep, false), Some([0; BUCKETS]), "a sweep");
        assert_eq!(passed.look(sweep + LOOK, false).map(|above| above[7]), Some(100));
    }
}
