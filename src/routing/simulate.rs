//! What a configuration would have done with the tickets of the past, as a stream: read in batches, decided one by one,
//! counted by `fold`. Nothing is written, and nothing but counts is kept.

mod fold;
mod load;
pub mod wire;

use std::{collections::HashMap, sync::Arc, time::Duration};

use futures_util::stream::BoxStream;

use self::{
    fold::{Difference, Fold, Summary, TeamLoad},
    load::{Buckets, MAX_BUCKETS},
};
use crate::{
    agents,
    app::App,
    configuration::Configuration,
    ctx::Ctx,
    error::{Error, Result},
    parts::{self, End, Parts, send},
    tickets::{self, Extent, Look, Past, Window},
    time::Time,
};

/// Teams with so many counts at most go out together.
const COUNTS: usize = 50_000;

/// What to simulate.
#[derive(Debug)]
pub struct Simulation {
    pub configuration: Arc<Configuration>,
    pub window: Window,
    pub interval: Option<Duration>,
}

/// A part of the answer.
#[derive(Debug)]
pub enum Part {
    Progress { done: i64, total: i64 },
    Differences(Vec<Difference>),
    Teams(Vec<(TeamLoad, i64)>),
    Summary(Summary),
}

/// Starts a simulation. Its parts come from a task that ends with the stream.
pub async fn simulate(
    app: &Arc<App>,
    ctx: &Ctx,
    wanted: Simulation,
) -> Result<BoxStream<'static, Result<Part>>> {
    let extent = tickets::extent(app, &wanted.window.selection(ctx)).await?;
    let buckets = wanted.buckets(&extent, ctx.now)?;
    let (task, ctx) = (Arc::clone(app), ctx.clone());
    Ok(parts::stream(app, |out| async move { run(&task, &ctx, &wanted, extent.count, buckets, &out).await }))
}

impl Simulation {
    /// The buckets of the load; none without a ticket. They end with the window, or now if that is earlier; in a window
    /// without an end with the last ticket.
    fn buckets(&self, extent: &Extent, now: Time) -> Result<Option<Buckets>> {
        let (Some(first), Some(last)) = (extent.first, extent.last) else { return Ok(None) };
        let behind_last = last.after(Duration::from_micros(1));
        let end = self.window.until.map_or(behind_last, |until| until.min(now).max(behind_last));
        Buckets::new(self.window.from, first, end, self.interval).map(Some).map_err(|count| {
            let text = format!("makes {count} buckets of the window; at most {MAX_BUCKETS} are told");
            Error::field("interval_duration", &text)
        })
    }
}

async fn run(
    app: &App,
    ctx: &Ctx,
    wanted: &Simulation,
    total: i64,
    buckets: Option<Buckets>,
    out: &Parts<Part>,
) -> Result<(), End> {
    let mut fold = Fold::new(&wanted.configuration, buckets);
    tickets::look_back(app, &wanted.window.selection(ctx), total, &mut fold, out).await?;
    let (teams, summary) = fold.finish();
    let mut tx = app.db.read(&ctx.tenant).await?;
    let capacities = agents::capacities_in(&mut tx).await?;
    drop(tx);
    for teams in together(teams, &capacities) {
        send(out, Part::Teams(teams)).await?;
    }
    send(out, Part::Summary(summary)).await
}

impl Look for Fold<'_> {
    type Part = Part;
    type Difference = Difference;

    fn progress(done: i64, total: i64) -> Part {
        Part::Progress { done, total }
    }

    fn differences(differences: Vec<Difference>) -> Part {
        Part::Differences(differences)
    }

    fn at(&mut self, past: &Past) -> Result<Vec<Difference>> {
        Ok(self.see(past).into_iter().collect())
    }
}

/// The teams with their capacities, as many in a part as it may carry.
fn together(teams: Vec<TeamLoad>, capacities: &HashMap<String, i64>) -> Vec<Vec<(TeamLoad, i64)>> {
    let counts = teams.first().map_or(1, |team| 4 * team.actual.arrivals.len());
    let capacity = |team: &str| capacities.get(team).copied().unwrap_or_default();
    let mut parts: Vec<Vec<(TeamLoad, i64)>> = Vec::new();
    for team in teams {
        if parts.last().is_none_or(|part| (part.len() + 1) * counts > COUNTS) {
            parts.push(Vec::new());
        }
        let capacity = capacity(&team.team);
        parts.last_mut().expect("just pushed").push((team, capacity));
    }
    parts
}
