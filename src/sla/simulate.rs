//! What other promises would have made of the tickets of the past: each ticket's log is read again by other terms, and the
//! clocks that come of it are counted against those that ran. Nothing is written, and nothing but counts is kept.

mod fold;
mod rewrite;
pub mod wire;

use std::{collections::HashMap, sync::Arc, time::Duration};

use futures_util::stream::BoxStream;
use tokio::{task::yield_now, time::Instant};

pub use self::fold::{Difference, Summary};
use self::{fold::Fold, rewrite::rewrite};
use super::{Book, Clock, Revisions, store};
use crate::{
    app::App,
    configuration::Configuration,
    ctx::Ctx,
    error::{Error, Result},
    events::{self, Event},
    filter::Expr,
    ids::Id,
    parts::{self, End, Parts, SILENCE, send},
    tickets::{self, Past, Selection},
    time::Time,
};

/// Tickets that are read together.
const BATCH: i64 = 200;
/// Differences in one part at most.
const DIFFERENCES: usize = 200;
/// How long the fold may have a thread to itself.
const TURN: Duration = Duration::from_millis(5);

/// What to simulate.
#[derive(Debug)]
pub struct Simulation {
    pub configuration: Arc<Configuration>,
    pub filter: Option<Expr>,
    pub from: Option<Time>,
    pub until: Option<Time>,
}

/// A part of the answer.
#[derive(Debug)]
pub enum Part {
    Progress { done: i64, total: i64 },
    Differences(Vec<Difference>),
    Summary(Summary),
}

/// The clocks that a ticket would have had. Its own terms are replaced, whatever they were.
pub fn clocks(configuration: &Configuration, past: &Past, log: &[Event]) -> Result<Vec<Clock>> {
    let log = rewrite(configuration, &past.came, log).map_err(Error::internal)?;
    let revisions = Revisions::from([(configuration.revision, configuration)]);
    Ok(Book::recomputed(&revisions, &log).clocks)
}

/// Starts a simulation. Its parts come from a task that ends with the stream.
pub async fn simulate(
    app: &Arc<App>,
    ctx: &Ctx,
    wanted: Simulation,
) -> Result<BoxStream<'static, Result<Part>>> {
    let total = tickets::extent(app, &wanted.selection(ctx)).await?.count;
    let (task, ctx) = (Arc::clone(app), ctx.clone());
    Ok(parts::stream(app, |out| async move { run(&task, &ctx, &wanted, total, &out).await }))
}

impl Simulation {
    fn selection<'a>(&self, ctx: &'a Ctx) -> Selection<'a> {
        let until = Some(self.until.unwrap_or(ctx.now.after(Duration::from_micros(1))));
        Selection { ctx, filter: self.filter.clone(), from: self.from, until }
    }
}

async fn run(
    app: &App,
    ctx: &Ctx,
    wanted: &Simulation,
    mut total: i64,
    out: &Parts<Part>,
) -> Result<(), End> {
    let selection = wanted.selection(ctx);
    let mut fold = Fold::new(&wanted.configuration, ctx.now);
    let (mut done, mut after) = (0, None);
    let (mut turn, mut told) = (Instant::now(), Instant::now());
    send(out, Part::Progress { done, total }).await?;
    loop {
        let batch = tickets::past(app, &selection, after, BATCH).await?;
        let Some(last) = batch.last() else { break };
        after = Some((last.now.create_time, last.now.id));
        let (logs, ran) = history(app, ctx, &batch).await?;
        let mut differences = Vec::new();
        for past in &batch {
            let id = past.now.id;
            let log = logs.get(&id).map(Vec::as_slice).unwrap_or_default();
            let ran = ran.get(&id).map(Vec::as_slice).unwrap_or_default();
            differences.extend(fold.see(past, &clocks(&wanted.configuration, past, log)?, ran));
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
    send(out, Part::Summary(fold.finish())).await
}

/// What happened to these tickets, and the clocks that ran.
async fn history(
    app: &App,
    ctx: &Ctx,
    batch: &[Past],
) -> Result<(HashMap<Id, Vec<Event>>, HashMap<Id, Vec<Clock>>)> {
    let ids: Vec<Id> = batch.iter().map(|past| past.now.id).collect();
    let mut tx = app.db.begin_read_only(&ctx.tenant).await?;
    let logs = events::logs_in(&mut tx, &ids).await?;
    let mut ran: HashMap<Id, Vec<Clock>> = HashMap::new();
    for clock in store::of_tickets(&mut tx, &ids).await? {
        ran.entry(clock.ticket_id).or_default().push(clock);
    }
    Ok((logs, ran))
}
