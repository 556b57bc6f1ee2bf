//! The job that gives entries their places: tenant by tenant, the oldest first, each linked to the one before. Nobody who
//! calls waits for a chain, and two replicas at once never extend one chain both: its head is locked.

use super::{chain::Head, model::Entry, store, store_lag};
use crate::{
    app::App,
    error::Result,
    ids::TenantId,
    jobs::{Report, Tally},
    metrics::Backlog,
};

/// The rule: entries in their order, with places and links, and where the chain ends then.
fn decide(head: Head, entries: Vec<Entry>) -> (Vec<Entry>, Head) {
    let mut head = head;
    let linked = entries.into_iter().map(|entry| {
        let entry = Entry { position: Some(head.position + 1), ..entry };
        head = head.extended(&entry);
        Entry { link: Some(head.link.clone()), ..entry }
    });
    (linked.collect(), head)
}

/// How many that wait are counted of a tenant.
const COUNTED: i64 = 1000;

/// What waits for its place.
pub async fn unchained(app: &App) -> Result<Backlog> {
    store_lag::unchained(app.db.across(), COUNTED).await
}

/// One tick: at most `limit` entries of each tenant that has some among the first `limit`. Looks across tenants.
pub async fn run_once(app: &App, limit: usize) -> Result<Report> {
    let mut tally = Tally::default();
    for tenant in store::waiting_tenants(app.db.across(), limit as i64).await? {
        tally.add(extend(app, &tenant, limit).await);
    }
    tally.finish()
}

async fn extend(app: &App, tenant: &TenantId, limit: usize) -> Result<Report> {
    let mut tx = app.db.begin(tenant).await?;
    let Some(head) = store::lock_head(&mut tx).await? else { return Ok(Report::default()) };
    let waiting = store::waiting(&mut tx, limit as i64).await?;
    let found = waiting.len();
    if found > 0 {
        let (entries, head) = decide(head, waiting);
        store::extend(&mut tx, &entries, &head).await?;
        tx.commit().await?;
    }
    Ok(Report::of(found, found, limit))
}
