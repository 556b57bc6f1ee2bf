//! What a configuration would have done with the tickets of the past, as a stream: read in batches, decided one by one,
//! counted by `fold`. Nothing is written, and nothing but counts is kept.

mod fold;
mod load;
pub mod wire;

use std::{collections::HashMap, sync::Arc, time::Duration};

use futures_util::stream::BoxStream;
use tokio::{task::yield_now, time::Instant};

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
    filter::Expr,
    parts::{self, End, Parts, SILENCE, send},
    tickets::{self, Extent, Selection},
    time::Time,
};

/// Tickets that are read together.
const BATCH: i64 = 500;
/// Differences in one part at most.
const DIFFERENCES: usize = 200;
/// How long the fold may have a thread to itself.
const TURN: Duration = Duration::from_millis(5);
/// Teams with so many counts at most go out together.
const COUNTS: usize = 50_000;

/// What to simulate.
#[derive(Debug)]
pub struct Simulation {
    pub configuration: Arc<Configuration>,
    pub filter: Option<Expr>,
    pub from: Option<Time>,
    pub until: Option<Time>,
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
    let extent = tickets::extent(app, &wanted.selection(ctx)).await?;
    let buckets = wanted.buckets(&extent, ctx.now)?;
    let (task, ctx) = (Arc::clone(app), ctx.clone());
    Ok(parts::stream(app, |out| async move { run(&task, &ctx, &wanted, extent.count, buckets, &out).await }))
}

impl Simulation {
    fn selection<'a>(&self, ctx: &'a Ctx) -> Selection<'a> {
        let until = Some(self.until.unwrap_or(ctx.now.after(Duration::from_micros(1))));
        Selection { ctx, filter: self.filter.clone(), from: self.from, until }
    }

    /// The buckets of the load; none without a ticket. They end with the window, or now if that is earlier; in a window
    /// without an end with the last ticket.
    fn buckets(&self, extent: &Extent, now: Time) -> Result<Option<Buckets>> {
        let (Some(first), Some(last)) = (extent.first, extent.last) else { return Ok(None) };
        let behind_last = last.after(Duration::from_micros(1));
        let end = self.until.map_or(behind_last, |until| until.min(now).max(behind_last));
        Buckets::new(self.from, first, end, self.interval).map(Some).map_err(|count| {
            let text = format!("makes {count} buckets of the window; at most {MAX_BUCKETS} are told");
            Error::field("interval_duration", &text)
        })
    }
}

async fn run(
    app: &App,
    ctx: &Ctx,
    wanted: &Simulation,
    mut total: i64,
    buckets: Option<Buckets>,
    out: &Parts<Part>,
) -> Result<(), End> {
    let selection = wanted.selection(ctx);
    let mut fold = Fold::new(&wanted.configuration, buckets);
    let (mut done, mut after) = (0, None);
    let (mut turn, mut told) = (Instant::now(), Instant::now());
    send(out, Part::Progress { done, total }).await?;
    loop {
        let batch = tickets::past(app, &selection, after, BATCH).await?;
        let Some(last) = batch.last() else { break };
        after = Some((last.now.create_time, last.now.id));
        let mut differences = Vec::new();
        for past in &batch {
            differences.extend(fold.see(past));
            done += 1;
            // Those that came in since they were counted.
            total = total.max(done);
            if turn.elapsed() > TURN {
                yield_now().await;
                turn = Instant::now();
                if told.elapsed() > SILENCE {
                    send(out, Part::Progress { done, total }).await?;
                    told = Instant::now();
                }
            }
        }
        while !differences.is_empty() {
            let rest = differences.split_off(DIFFERENCES.min(differences.len()));
            send(out, Part::Differences(differences)).await?;
            differences = rest;
        }
        send(out, Part::Progress { done, total }).await?;
        told = Instant::now();
    }
    let (teams, summary) = fold.finish();
    let mut tx = app.db.begin_read_only(&ctx.tenant).await?;
    let capacities = agents::capacities_in(&mut tx).await?;
    drop(tx);
    for teams in together(teams, &capacities) {
        send(out, Part::Teams(teams)).await?;
    }
    send(out, Part::Summary(summary)).await
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
