//! The job that forgets deliveries that are done. Dead ones stay until somebody sends them again or ends the subscription.

use std::time::Duration;

use super::store;
use crate::{app::App, error::Result, jobs::Report};

/// How long what was delivered can still be looked at.
const KEPT: Duration = Duration::from_hours(7 * 24);

/// One tick.
pub async fn run_once(app: &App, limit: usize) -> Result<Report> {
    let now = app.db.now(&app.clock).await?;
    let done = store::forget(app.db.across(), now.before(KEPT), limit as i64).await? as usize;
    Ok(Report::of(done, done, limit))
}
