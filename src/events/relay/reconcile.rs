//! What the broker lost, although it had said that it had it: found by comparing the log with what is there, and sent
//! again. A broker that writes to its disk later than it answers may lose its last minutes with its power.

use std::{collections::HashSet, sync::PoisonError, time::Duration};

use tokio::time::Instant;

use super::{Relay, leases::Lease, nats::DUPLICATE_WINDOW, publish::publish};
use crate::{
    app::App,
    error::Result,
    events::store_stream::{self as store, Listed, Span},
    ids::BUCKETS,
    jobs::Report,
};

/// How far back it looks in each bucket.
const DEPTH: i64 = 100_000;
/// How often it looks while nothing seems wrong.
const PERIOD: Duration = Duration::from_hours(1);
/// How much later than we wrote an event down the broker's clock may have stamped it, at least: clocks differ.
const SKEW: Duration = Duration::from_mins(5);
/// Rows that one statement reads at most.
const BATCH: i64 = 1000;

/// When which bucket is compared next.
#[derive(Debug)]
pub struct Due {
    connection: u64,
    buckets: Vec<Instant>,
}

impl Default for Due {
    fn default() -> Self {
        Self { connection: 0, buckets: vec![Instant::now(); BUCKETS] }
    }
}

impl Due {
    /// A new connection may be one to a broker that has lost something: all are due.
    fn connected(&mut self, connection: u64) {
        if self.connection != connection {
            self.connection = connection;
            self.buckets.fill(Instant::now());
        }
    }
}

/// One tick: compares the buckets of this process that are due, at most `limit`; answers how many events were missing. It
/// is never in a hurry: a process that starts has everything to compare, and others have work to do meanwhile.
pub async fn run_once(app: &App, limit: usize) -> Result<Report> {
    let Some(relay) = &app.relay else { return Ok(Report::default()) };
    if !relay.nats.is_ready().await? {
        return Ok(Report::default());
    }
    let due: Vec<Lease> = {
        let mut due = relay.due.lock().unwrap_or_else(PoisonError::into_inner);
        due.connected(relay.nats.connections());
        let now = Instant::now();
        let leases = relay.leases.trusted().into_iter();
        leases
            .filter(|lease| lease.position > 0 && due.buckets[lease.bucket as usize] <= now)
            .take(limit)
            .collect()
    };
    let mut report = Report::default();
    for lease in due {
        let found = compare(app, relay, lease).await?;
        report.done += found.missing;
        let wait = if found.refused { DUPLICATE_WINDOW } else { PERIOD };
        relay.due.lock().unwrap_or_else(PoisonError::into_inner).buckets[lease.bucket as usize] =
            Instant::now() + wait;
    }
    Ok(report)
}

/// What a comparison found.
#[derive(Clone, Copy, Debug, Default)]
struct Found {
    missing: usize,
    /// Whether the broker said that it has what it has not: it remembers the id and not the message. Later, it takes it.
    refused: bool,
}

async fn compare(app: &App, relay: &Relay, lease: Lease) -> Result<Found> {
    let pool = app.db.across();
    let mut span = Span { bucket: lease.bucket, after: lease.position - DEPTH, through: lease.position };
    let mut listed = store::list_span(pool, span, BATCH).await?;
    let Some(first) = listed.first() else { return Ok(Found::default()) };
    let there = relay.nats.ids(lease.bucket, first.record_time.before(SKEW)).await?;
    let mut found = Found::default();
    while let Some(last) = listed.last() {
        let part = Span { through: last.position, ..span };
        let missing =
            listed.iter().filter(|listed| !there.contains(&id(listed))).map(|listed| listed.position);
        let missing: HashSet<i64> = missing.collect();
        if !missing.is_empty() {
            let mut events = store::read_spans(pool, &[part], BATCH).await?;
            events.retain(|placed| missing.contains(&placed.position));
            let Some(known) = publish(app, relay, lease, events).await? else { return Ok(found) };
            found.missing += missing.len();
            app.metrics.relay.restored(missing.len());
            found.refused |= known > 0;
        }
        span.after = part.through;
        listed = store::list_span(pool, span, BATCH).await?;
    }
    if found.missing > 0 {
        tracing::warn!(
            bucket = lease.bucket,
            count = found.missing,
            "the broker had lost events; they were sent again"
        );
    }
    Ok(found)
}

fn id(listed: &Listed) -> String {
    format!("{}-{}", listed.ticket_id, listed.version)
}
