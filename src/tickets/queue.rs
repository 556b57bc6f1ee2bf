//! The tickets that wait for an agent, in the order in which they are served ([`Turn`]), and who takes them.

use super::{Json, Need, Ticket, Turn, store_queue as store};
use crate::{
    app::App,
    db::Tx,
    error::{Error, Result},
    ids::{Id, TenantId},
    time::Time,
};
use std::collections::{BTreeMap, HashMap};

/// What waits in a queue.
#[derive(Clone, Debug, Default)]
pub struct Depth {
    pub waiting: i64,
    pub offered: i64,
    pub escalated: i64,
    pub exhausted: i64,
    /// Since when the one that has waited longest waits.
    pub oldest: Option<Time>,
    /// Seconds that half, nine of ten, and ninety-nine of a hundred have waited at most.
    pub waits: Option<Vec<f64>>,
}

/// The queues in which tickets wait, of all tenants.
pub async fn waiting_queues(app: &App) -> Result<Vec<(TenantId, String)>> {
    store::find_waiting_queues(app.db.across()).await
}

/// A page of the tickets that wait in a queue.
pub async fn waiting(
    app: &App,
    tenant: &TenantId,
    queue: &str,
    after: Option<&Turn>,
    limit: i64,
) -> Result<Vec<Ticket>> {
    store::find_waiting(&mut *app.db.read(tenant).await?, tenant, &[queue.to_owned()], after, limit).await
}

/// What waits in a queue and asks for the same skills: it finds the same agents.
pub type Line = (String, Vec<Need>);

/// A page of those that wait in any of these queues and that nobody is asked to take, but for the closed lines.
pub async fn unserved_in(
    tx: &mut Tx,
    queues: &[String],
    closed: &[Line],
    after: Option<&Turn>,
    limit: i64,
) -> Result<Vec<Ticket>> {
    store::find_unserved(tx, queues, closed, after, limit).await
}

/// Of one line, those that came by `due` and are not known to be exhausted.
pub async fn overdue_in(tx: &mut Tx, line: &Line, due: Time, limit: i64) -> Result<Vec<Ticket>> {
    store::find_overdue(tx, &line.0, &line.1, due, limit).await
}

/// The ticket whose turn it is for somebody with these skills, locked; what others hold, they are taking.
pub async fn lock_next_in(
    tx: &mut Tx,
    queue: &str,
    skills: &Json<BTreeMap<String, i32>>,
    now: Time,
) -> Result<Option<Ticket>> {
    let skills = serde_json::to_value(skills).map_err(Error::internal)?;
    store::lock_next(tx, queue, &skills, now).await
}

/// Tickets whose offer has lapsed, of all tenants.
pub async fn lapsed_offers(app: &App, now: Time, limit: usize) -> Result<Vec<(TenantId, Id)>> {
    store::list_lapsed_offers(app.db.across(), now, limit).await
}

/// How many wait in each queue in which any do, and since when; and how many of them have each priority, the most pressing first.
pub async fn depths(
    app: &App,
    tenant: &TenantId,
    now: Time,
) -> Result<HashMap<String, (Depth, Vec<(String, i64)>)>> {
    store::measure_all(&mut *app.db.read(tenant).await?, tenant, now).await
}

/// How many wait in a queue, and since when.
pub async fn depth(app: &App, tenant: &TenantId, queue: &str, now: Time) -> Result<Depth> {
    store::measure(&mut *app.db.read(tenant).await?, tenant, queue, now).await
}
