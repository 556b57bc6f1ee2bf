//! The tickets that wait for an agent, in the order in which they are served ([`Turn`]), and who takes them.

use super::{Ticket, Turn, store};
use crate::{app::App, db::Tx, error::Result, ids::TenantId};

/// The queues in which tickets wait, of all tenants.
pub async fn waiting_queues(app: &App) -> Result<Vec<(TenantId, String)>> {
    store::find_waiting_queues(app.db.pool()).await
}

/// A page of the tickets that wait in a queue.
pub async fn waiting(
    app: &App,
    tenant: &TenantId,
    queue: &str,
    after: Option<&Turn>,
    limit: i64,
) -> Result<Vec<Ticket>> {
    store::find_waiting(app.db.pool(), tenant, &[queue.to_owned()], after, limit).await
}

/// As [`waiting`], over several queues together.
pub async fn waiting_in(
    tx: &mut Tx,
    queues: &[String],
    after: Option<&Turn>,
    limit: i64,
) -> Result<Vec<Ticket>> {
    let tenant = tx.tenant().clone();
    store::find_waiting(&mut **tx, &tenant, queues, after, limit).await
}

/// The ticket whose turn it is, locked; what others hold, they are taking.
pub async fn lock_next_in(tx: &mut Tx, queue: &str) -> Result<Option<Ticket>> {
    store::lock_next(tx, queue).await
}
