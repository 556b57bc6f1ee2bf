//! From the stream to the broker: NATS JetStream is told every event, in order, until it says that it has it.
//!
//! A bucket is told by whoever holds its lease. What was confirmed is noted behind a fencing token, batch by batch; after
//! a crash the last batch is sent once more, and the broker drops what it has, by the event's id. A process that was
//! stopped and comes back does not believe in its leases any more, and what it had in its hands by then has an id that the
//! broker knows. `docs/events.md` says what a consumer does about the rest.

mod leases;
mod nats;
mod publish;
pub mod reconcile;
mod store;

use std::{sync::Mutex, time::Duration};

use futures_util::{StreamExt as _, stream};
use leases::{Lease, Leases};
pub use leases::{keep, renew};
pub use nats::{Nats, Settings};
use reconcile::Due;

use super::store_stream::{self as stream_store, Span};
use crate::{app::App, db::Db, error::Result, jobs::Report};

/// Buckets that are told at once.
const BUCKETS_AT_ONCE: usize = 16;

/// The way to the broker.
#[derive(Debug)]
pub struct Relay {
    nats: Nats,
    leases: Leases,
    due: Mutex<Due>,
}

impl Relay {
    /// `lease`: how long a process may be silent until another one takes over.
    pub fn new(nats: Nats, lease: Duration) -> Self {
        Self { nats, leases: Leases::new(lease), due: Mutex::default() }
    }
}

/// Gives the leases back, when nothing of this process is on its way any more.
pub async fn close(app: &App) -> Result<()> {
    let Some(relay) = &app.relay else { return Ok(()) };
    relay.nats.close().await;
    leases::release(app.db.pool(), &relay.leases).await
}

/// How many events have a place in the stream and were not confirmed yet.
pub async fn waiting(db: &Db) -> Result<i64> {
    store::waiting(db.pool()).await
}

/// One pass: the next events of each bucket of this process, at most `limit` of each.
pub async fn run_once(app: &App, limit: usize) -> Result<Report> {
    let Some(relay) = &app.relay else { return Ok(Report::default()) };
    let heads = app.heads.positions();
    let behind =
        relay.leases.trusted().into_iter().filter(|lease| lease.position < heads[lease.bucket as usize]);
    let behind: Vec<(Lease, i64)> = behind.map(|lease| (lease, heads[lease.bucket as usize])).collect();
    if behind.is_empty() || !relay.nats.is_ready().await? {
        return Ok(Report::default());
    }
    let mut passes = stream::iter(behind)
        .map(|(lease, head)| forward(app, relay, lease, head, limit))
        .buffer_unordered(BUCKETS_AT_ONCE);
    let (mut report, mut failed) = (Report::default(), None);
    while let Some(pass) = passes.next().await {
        match pass {
            Ok(sent) => {
                report.done += sent;
                report.full |= sent >= limit;
            }
            Err(error) => failed = Some(error),
        }
    }
    failed.map_or(Ok(report), Err)
}

/// Tells the next events of a bucket; answers how many.
async fn forward(app: &App, relay: &Relay, lease: Lease, head: i64, limit: usize) -> Result<usize> {
    let span = Span { bucket: lease.bucket, after: lease.position, through: head };
    let events = stream_store::read_span(app.db.pool(), span, limit as i64).await?;
    let (sent, Some(last)) = (events.len(), events.last().map(|last| last.position)) else { return Ok(0) };
    if publish::publish(app, relay, lease, events).await?.is_none() {
        return Ok(0);
    }
    if store::advance(app.db.pool(), lease.bucket, lease.token, last).await? {
        relay.leases.advance(lease.bucket, lease.token, last);
    } else {
        relay.leases.lose(lease.bucket, lease.token);
    }
    Ok(sent)
}
