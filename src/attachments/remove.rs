//! The job that removes objects that nobody needs. What made an object superfluous wrote a row in its own transaction, and the
//! row goes when the store has said that the object is gone: whoever dies in between leaves it to the next. To remove what
//! is not there is no fault, so two at once do no harm.

use std::time::Duration;

use futures_util::{StreamExt as _, stream};

use super::{
    objects::{Key, Objects},
    store,
};
use crate::{app::App, error::Result, jobs::Report};

/// Removals at once.
const AT_ONCE: usize = 8;
/// The pause behind the first attempt that failed, and the longest one.
const PAUSE: Duration = Duration::from_secs(30);
const MAX_PAUSE: Duration = Duration::from_hours(1);

/// One tick. Without a store the rows wait for one.
pub async fn run_once(app: &App, limit: usize) -> Result<Report> {
    let Some(objects) = &app.objects else { return Ok(Report::default()) };
    let due = store::removals_due(app.db.across(), app.clock.now(), limit as i64).await?;
    let found = due.len();
    let removals = due.into_iter().map(|(tenant, id)| remove(app, objects, Key { tenant, id }));
    let outcomes: Vec<Result<bool>> = stream::iter(removals).buffer_unordered(AT_ONCE).collect().await;
    let mut done = 0;
    for outcome in outcomes {
        done += usize::from(outcome?);
    }
    Ok(Report::of(done, found, limit))
}

/// Says whether the object is gone.
async fn remove(app: &App, objects: &Objects, key: Key) -> Result<bool> {
    let now = app.clock.now();
    let removed = objects.remove(&key).await;
    let mut tx = app.db.begin(&key.tenant).await?;
    match &removed {
        Ok(()) => store::removed(&mut tx, key.id, now).await?,
        Err(fault) => {
            tracing::warn!(object = %key, fault, "an object cannot be removed; it is tried again");
            let failures = store::failed(&mut tx, key.id).await?;
            store::put_off(&mut tx, key.id, now.after(pause(failures))).await?;
        }
    }
    tx.commit().await?;
    Ok(removed.is_ok())
}

/// Doubles with every failure in a row.
fn pause(failures: i32) -> Duration {
    PAUSE.saturating_mul(1 << (failures - 1).clamp(0, 16)).min(MAX_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_in_a_row_lengthen_the_pause_up_to_an_hour() {
        let seconds = [1, 2, 3, 8, 9, 99].map(|failures| pause(failures).as_secs());
        assert_eq!(seconds, [30, 60, 120, 3600, 3600, 3600]);
    }
}
