//! The job that makes deliveries of events: for each subscription, of what came behind its place in the stream. The
//! deliveries and the new place are one transaction under the subscription's lock, so each event is there once.

use std::collections::HashMap;

use super::{
    model::{State, Subscription, Wanted},
    store::{self, New},
    wire,
};
use crate::{
    app::App,
    ctx::Ctx,
    error::Result,
    events::{self, Filter, Notice, Pattern},
    ids::{Id, TenantId},
    jobs::{Report, Tally},
    tickets::Sight,
};

/// Events that a subscription's turn reads at most.
const BATCH: i64 = 500;

/// One tick: a turn for each active subscription that is behind, at most `limit` of them, those longest behind first.
pub async fn run_once(app: &App, limit: usize) -> Result<Report> {
    let now = app.db.now(&app.clock).await?;
    // Known before anything is read, so what is read is all up to here.
    let heads = events::stream_heads(app.db.across()).await?;
    let heads: HashMap<i16, i64> = heads.into_iter().collect();
    let head = |tenant: &TenantId| heads.get(&tenant.bucket()).copied().unwrap_or(0);
    let mut active = store::active(app.db.across()).await?;
    active.retain(|(tenant, _, position)| *position < head(tenant));
    active.sort_by_key(|(tenant, _, position)| *position - head(tenant));
    let found = active.len();
    let mut tally = Tally::default();
    for (tenant, id, _) in active.into_iter().take(limit) {
        let head = head(&tenant);
        tally.add(turn(app, &Ctx::system(tenant, "webhooks", now), id, head).await);
    }
    let report = tally.finish()?;
    Ok(Report { full: report.full || report.done > 0 && found > limit, ..report })
}

async fn turn(app: &App, ctx: &Ctx, id: Id, head: i64) -> Result<Report> {
    let mut tx = app.db.begin(&ctx.tenant).await?;
    let Some(subscription) = store::lock_free(&mut tx, id).await? else { return Ok(Report::default()) };
    if subscription.state != State::Active {
        return Ok(Report::default());
    }
    // By the connection that has the lock: one that waits for another may wait for itself.
    let placed = events::read_stream(&mut *tx, &ctx.tenant, subscription.position, BATCH).await?;
    let full = placed.len() as i64 >= BATCH;
    let last = placed.last().map_or(subscription.position, |it| it.position);
    let position = if full { last } else { last.max(head) };
    let filter = filter(&subscription.wanted);
    let mut new = Vec::new();
    for notice in placed.into_iter().map(events::project) {
        if wants(&subscription.wanted, &filter, &notice) {
            let cursor = events::cursor(app, &ctx.tenant, notice.position)?;
            new.push(New { body: wire::body(&notice, cursor)?, notice });
        }
    }
    store::add_deliveries(&mut tx, id, &new, ctx.now).await?;
    store::put(&mut tx, &Subscription { position, ..subscription }).await?;
    tx.commit().await?;
    Ok(Report { done: new.len(), full })
}

/// History of another system is told to nobody who does not ask for it.
fn wants(wanted: &Wanted, filter: &Filter, notice: &Notice) -> bool {
    (wanted.imported || !notice.imported) && filter.matches(notice)
}

/// What was checked when it came in.
fn filter(wanted: &Wanted) -> Filter {
    Filter {
        types: wanted.types.iter().filter_map(|it| Pattern::parse(it)).collect(),
        ticket: wanted.ticket,
        queues: wanted.queues.clone(),
        teams: wanted.teams.clone(),
        // Receivers are told of all tickets, without what was said.
        sight: Sight::All,
    }
}
