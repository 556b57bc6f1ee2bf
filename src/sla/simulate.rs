//! What other promises would have made of the tickets of the past: each ticket's log is read again by other terms, and the
//! clocks that come of it are counted against those that ran. Nothing is written, and nothing but counts is kept.

mod fold;
mod rewrite;
pub mod wire;

use std::{collections::HashMap, sync::Arc};

use futures_util::stream::BoxStream;

pub use self::fold::{Difference, Summary};
use self::{fold::Fold, rewrite::rewrite};
use super::{Book, Clock, Revisions, store};
use crate::{
    app::App,
    configuration::Configuration,
    ctx::Ctx,
    error::{Error, Result},
    events::{self, Event},
    ids::Id,
    parts::{self, End, Parts, send},
    tickets::{self, Look, Past, Window},
};

/// What to simulate.
#[derive(Debug)]
pub struct Simulation {
    pub configuration: Arc<Configuration>,
    pub window: Window,
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
    let total = tickets::extent(app, &wanted.window.selection(ctx)).await?.count;
    let (task, ctx) = (Arc::clone(app), ctx.clone());
    Ok(parts::stream(app, |out| async move { run(&task, &ctx, &wanted, total, &out).await }))
}

async fn run(app: &App, ctx: &Ctx, wanted: &Simulation, total: i64, out: &Parts<Part>) -> Result<(), End> {
    let fold = Fold::new(&wanted.configuration, ctx.now);
    let mut again = Again { ctx, wanted, fold, logs: HashMap::new(), ran: HashMap::new() };
    tickets::look_back(app, &wanted.window.selection(ctx), total, &mut again, out).await?;
    send(out, Part::Summary(again.fold.finish())).await
}

/// Reads logs again.
struct Again<'a> {
    ctx: &'a Ctx,
    wanted: &'a Simulation,
    fold: Fold<'a>,
    /// Of the batch that is looked at: what happened, and the clocks that ran.
    logs: HashMap<Id, Vec<Event>>,
    ran: HashMap<Id, Vec<Clock>>,
}

impl Look for Again<'_> {
    type Part = Part;
    type Difference = Difference;

    fn progress(done: i64, total: i64) -> Part {
        Part::Progress { done, total }
    }

    fn differences(differences: Vec<Difference>) -> Part {
        Part::Differences(differences)
    }

    async fn read(&mut self, app: &App, batch: &[Past]) -> Result<()> {
        let ids: Vec<Id> = batch.iter().map(|past| past.now.id).collect();
        let mut tx = app.db.read(&self.ctx.tenant).await?;
        self.logs = events::logs_in(&mut tx, &ids).await?;
        self.ran = store::of_tickets(&mut tx, &ids).await?;
        Ok(())
    }

    fn at(&mut self, past: &Past) -> Result<Vec<Difference>> {
        let id = past.now.id;
        let log = self.logs.get(&id).map(Vec::as_slice).unwrap_or_default();
        let ran = self.ran.get(&id).map(Vec::as_slice).unwrap_or_default();
        Ok(self.fold.see(past, &clocks(&self.wanted.configuration, past, log)?, ran))
    }
}
