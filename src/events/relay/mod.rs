//! From the stream to the broker: NATS JetStream is told every event, in order, until it says that it has it.
//!
//! A bucket is told by whoever holds its lease. What was confirmed is noted behind a fencing token, batch by batch; after
//! a crash the last ones are sent once more, and the broker drops what it has, by the event's id. A process that was
//! stopped and comes back does not believe in its leases any more, and what it had in its hands by then has an id that the
//! broker knows. `docs/events.md` says what a consumer does about the rest.

mod leases;
mod login;
mod nats;
mod publish;
pub mod reconcile;
mod store;

use std::{collections::HashMap, sync::Mutex, time::Duration};

use futures_util::future;
use leases::{Lease, Leases};
pub use leases::{keep, renew};
pub use nats::{Nats, Settings};
use reconcile::Due;

use super::{
    store_lag,
    store_stream::{self as stream_store, Placed, Span},
};
use crate::{app::App, db::Db, error::Result, jobs::Report, metrics::Backlog};

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

    /// Whether the broker can be reached.
    pub fn is_connected(&self) -> bool {
        self.nats.is_connected()
    }
}

/// Gives the leases back, when nothing of this process is on its way any more.
pub async fn close(app: &App) -> Result<()> {
    let Some(relay) = &app.relay else { return Ok(()) };
    relay.nats.close().await;
    leases::release(app.db.across(), &relay.leases).await
}

/// How many events have a place in the stream and were not confirmed yet.
pub async fn waiting(db: &Db) -> Result<i64> {
    store::waiting(db.across()).await
}

/// What the broker has not confirmed.
pub async fn unconfirmed(app: &App) -> Result<Backlog> {
    store_lag::unconfirmed(app.db.across()).await
}

/// One pass: the next events of the buckets of this process, at most `limit` and one of each. Read in one trip and noted in
/// one: a write each for every bucket that moves would cost those who create tickets as much as their own.
pub async fn run_once(app: &App, limit: usize) -> Result<Report> {
    let Some(relay) = &app.relay else { return Ok(Report::default()) };
    let heads = app.heads.positions();
    let behind = relay.leases.trusted().into_iter();
    let behind: HashMap<i16, Lease> = behind
        .filter(|lease| lease.position < heads[lease.bucket as usize])
        .map(|lease| (lease.bucket, lease))
        .collect();
    if behind.is_empty() || !relay.nats.is_ready().await? {
        return Ok(Report::default());
    }
    let spans: Vec<Span> = behind
        .values()
        .map(|lease| Span {
            bucket: lease.bucket,
            after: lease.position,
            through: heads[lease.bucket as usize],
        })
        .collect();
    let each = limit.div_ceil(spans.len());
    let events = stream_store::read_spans(app.db.across(), &spans, each as i64).await?;
    let mut batches: HashMap<i16, Vec<Placed>> = HashMap::new();
    for placed in events {
        batches.entry(placed.event.tenant_id.bucket()).or_default().push(placed);
    }
    let full = batches.values().any(|batch| batch.len() >= each);
    let tell = batches.into_iter().map(|(bucket, events)| tell(app, relay, behind[&bucket], events));
    let (mut told, mut failed) = (Vec::new(), None);
    for batch in future::join_all(tell).await {
        match batch {
            Ok(batch) => told.extend(batch),
            Err(error) => failed = Some(error),
        }
    }
    note(app, relay, &told).await?;
    let report = Report { done: told.iter().map(|told| told.events).sum(), full };
    failed.map_or(Ok(report), Err)
}

/// What the broker has of a bucket now.
#[derive(Clone, Copy, Debug)]
struct Told {
    lease: Lease,
    position: i64,
    events: usize,
}

/// Tells the next events of a bucket, in order; nothing when the lease ended on the way.
async fn tell(app: &App, relay: &Relay, lease: Lease, events: Vec<Placed>) -> Result<Option<Told>> {
    let (count, position) = (events.len(), events.last().map_or(lease.position, |last| last.position));
    let known = publish::publish(app, relay, lease, events).await?;
    Ok(known.map(|_| Told { lease, position, events: count }))
}

async fn note(app: &App, relay: &Relay, told: &[Told]) -> Result<()> {
    if told.is_empty() {
        return Ok(());
    }
    let noted = store::advance(app.db.across(), told).await?;
    for Told { lease, position, .. } in told {
        if noted.contains(&lease.bucket) {
            relay.leases.advance(lease.bucket, lease.token, *position);
        } else {
            relay.leases.lose(lease.bucket, lease.token);
            app.metrics.relay.lost(1);
        }
    }
    Ok(())
}
