//! Which buckets this process tells the broker about. A bucket's lease is a row; its owner has it renewed long before it
//! ends, and by its own clock stops to believe in it before anybody else may take it.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use sqlx::PgPool;
use tokio::time::Instant;
use uuid::Uuid;

use super::store;
use crate::{app::App, error::Result, jobs::Report};

/// How long a lease is believed in, as a share of how long it lasts: what is left is for whoever was stopped between a look
/// at the clock and the next step.
const TRUST: f64 = 0.6;

/// The lease of a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    pub bucket: i16,
    /// What the broker has confirmed.
    pub position: i64,
    pub token: i64,
    until: Instant,
}

impl Lease {
    /// Whether nobody else can have the bucket yet.
    pub fn is_trusted(&self) -> bool {
        Instant::now() < self.until
    }
}

/// The leases of this process.
#[derive(Debug)]
pub struct Leases {
    owner: Uuid,
    lasts: Duration,
    held: Mutex<Held>,
}

#[derive(Debug)]
struct Held {
    leases: HashMap<i16, Lease>,
    /// When they are to be renewed.
    renew: Instant,
}

impl Leases {
    pub fn new(lasts: Duration) -> Self {
        let held = Held { leases: HashMap::new(), renew: Instant::now() };
        Self { owner: Uuid::from_u128(fastrand::u128(..)), lasts, held: Mutex::new(held) }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Those that are still believed in.
    pub fn trusted(&self) -> Vec<Lease> {
        self.held().leases.values().filter(|lease| lease.is_trusted()).copied().collect()
    }

    /// Notes how far the broker has come in a bucket.
    pub fn advance(&self, bucket: i16, token: i64, position: i64) {
        if let Some(lease) = self.held().leases.get_mut(&bucket).filter(|lease| lease.token == token) {
            lease.position = lease.position.max(position);
        }
    }

    /// Somebody else has it.
    pub fn lose(&self, bucket: i16, token: i64) {
        let mut held = self.held();
        if held.leases.get(&bucket).is_some_and(|lease| lease.token == token) {
            held.leases.remove(&bucket);
        }
    }
}

/// One tick of the job that keeps the leases: renews them when a third of their time is over.
pub async fn keep(app: &App) -> Result<Report> {
    match &app.relay {
        Some(relay) if relay.leases.held().renew <= Instant::now() => renew(app).await,
        _ => Ok(Report::default()),
    }
}

/// Renews a fair share of the leases, and takes what nobody has.
pub async fn renew(app: &App) -> Result<Report> {
    let Some(relay) = &app.relay else { return Ok(Report::default()) };
    let leases = &relay.leases;
    // From before the question: the row's time begins later, so it ends later.
    let now = Instant::now();
    let rows = store::renew(app.db.across(), leases.owner, leases.lasts).await?;
    let until = now + leases.lasts.mul_f64(TRUST);
    let mut held = leases.held();
    held.renew = now + leases.lasts / 3;
    let before = std::mem::take(&mut held.leases);
    let taken =
        rows.iter().filter(|row| before.get(&row.bucket).is_none_or(|lease| lease.token != row.token));
    app.metrics.relay.leases(rows.len(), taken.count());
    held.leases.extend(rows.into_iter().map(|row| {
        // What was confirmed here may be ahead of the row that the renewal saw.
        let known = before.get(&row.bucket).filter(|lease| lease.token == row.token);
        let position = known.map_or(row.position, |lease| lease.position.max(row.position));
        (row.bucket, Lease { bucket: row.bucket, position, token: row.token, until })
    }));
    Ok(Report::default())
}

/// Gives all leases back, for others to take at once.
pub async fn release(pool: &PgPool, leases: &Leases) -> Result<()> {
    leases.held().leases.clear();
    store::release(pool, leases.owner).await
}
