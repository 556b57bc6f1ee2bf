//! Work that no caller waits for. A job is a tick without input that does at most a batch of what is due: it may run at
//! any time, twice, and on any number of replicas at once. Tests call the tick; only this file has the loop.

mod schedule;
mod tenants;

use std::{
    pin::Pin,
    sync::Arc,
    time::{Duration, Instant},
};

pub use schedule::JOBS;
pub use tenants::{Tally, by_tenant};
use tokio::sync::Notify;

use crate::{
    app::App,
    error::{Error, Result, chain},
};

/// The longest pause after failures, before the jitter.
const MAX_PAUSE: Duration = Duration::from_mins(1);

/// A job.
#[derive(Debug)]
pub struct Job {
    pub name: &'static str,
    /// The pause between two ticks that found less than a batch.
    pub period: Duration,
    /// The pause after every tick, whatever there is to do: what comes in the meantime shares the next one.
    pub pace: Duration,
    /// What one tick does at most.
    pub batch: usize,
    /// Says that there is something to do before the period is over.
    pub wake: Option<fn(&App) -> &Notify>,
    pub run_once: fn(Arc<App>, usize) -> Tick,
}

/// A tick at work.
pub type Tick = Pin<Box<dyn Future<Output = Result<Report>> + Send>>;

/// What a tick did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    pub done: usize,
    /// Whether there is likely more to do at once.
    pub full: bool,
}

impl Report {
    /// So many, and there is no hurry.
    pub fn done(done: usize) -> Self {
        Self { done, full: false }
    }

    /// A tick that found `found` things due, did `done` of them, and looked for at most `limit`. What it found and left,
    /// because another replica is at it, is no reason to hurry.
    pub fn of(done: usize, found: usize, limit: usize) -> Self {
        Self { done, full: done > 0 && found >= limit }
    }
}

/// Runs a job until the service drains; the tick that is at work then is finished first.
pub async fn drive(app: Arc<App>, job: &'static Job) {
    let mut failures = 0;
    while !app.drain.is_cancelled() {
        let began = Instant::now();
        let ticked = tick(&app, job).await;
        let done = ticked.as_ref().ok().map(|report| report.done);
        app.metrics.jobs.tick(job.name, done, began.elapsed(), app.clock.now());
        let pause = match ticked {
            Ok(report) => {
                failures = 0;
                if report.full { Duration::ZERO } else { job.period }
            }
            Err(error) => {
                tracing::error!(job.name, error = chain(&error), "job failed");
                failures += 1;
                back_off(job.period, failures, fastrand::f64())
            }
        };
        let next = async {
            tokio::time::sleep(job.pace).await;
            tokio::select! {
                () = woken(&app, job) => {}
                () = tokio::time::sleep(pause) => {}
            }
        };
        app.drain.run_until_cancelled(next).await;
    }
}

/// One tick, in a task of its own: a panic is a failure like another.
async fn tick(app: &Arc<App>, job: &'static Job) -> Result<Report> {
    let tick = app.tasks.spawn((job.run_once)(Arc::clone(app), job.batch));
    let report = tick.await.map_err(Error::internal)??;
    if report.done > 0 {
        tracing::debug!(job.name, job.done = report.done, "job ran");
    }
    Ok(report)
}

async fn woken(app: &App, job: &Job) {
    match job.wake {
        Some(wake) => wake(app).notified().await,
        None => std::future::pending().await,
    }
}

/// Doubles the pause with every failure in a row. The jitter (0 to 1) keeps replicas from coming back all together.
fn back_off(period: Duration, failures: u32, jitter: f64) -> Duration {
    let pause = period.saturating_mul(1 << failures.min(16)).min(MAX_PAUSE.max(period));
    pause.mul_f64(0.5 + jitter / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_in_a_row_lengthen_the_pause_up_to_a_minute() {
        let pauses = |jitter| [1, 2, 3, 6, 40].map(|n| back_off(Duration::from_secs(1), n, jitter).as_secs());
        assert_eq!(pauses(1.0), [2, 4, 8, 60, 60]);
        assert_eq!(pauses(0.0), [1, 2, 4, 30, 30]);
        let hourly = Duration::from_hours(1);
        assert_eq!(back_off(hourly, 3, 1.0), hourly);
    }

    #[test]
    fn a_full_batch_that_did_nothing_is_in_other_hands() {
        assert!(Report::of(10, 10, 10).full);
        assert!(Report::of(1, 10, 10).full);
        assert!(!Report::of(0, 10, 10).full);
        assert!(!Report::of(9, 9, 10).full);
    }

    #[test]
    fn names_of_jobs_are_their_own() {
        let names: std::collections::BTreeSet<_> = JOBS.iter().map(|job| job.name).collect();
        assert_eq!(names.len(), JOBS.len());
    }
}
