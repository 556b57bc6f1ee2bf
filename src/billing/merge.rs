//! Work of a merged ticket counts to the one that survives, and comes back when that is undone: entries keep their origin and
//! change the ticket to which they count; what that does to two bills is told as signed differences.

use super::rerate::{Without, rerate_in};
use crate::{app::App, ctx::Ctx, db::Tx, error::Result, ids::Id, tickets::Change, worklogs};

/// The work of these tickets, which counted to `from`, counts to `to` from now on: `from` was merged into `to`, or `to` is no
/// longer merged into `from`. The transaction has locked both; both come back with what is told of their bills.
pub async fn count_in(
    tx: &mut Tx,
    app: &App,
    ctx: &Ctx,
    tickets: &[Id],
    from: Change,
    to: Change,
) -> Result<(Change, Change)> {
    worklogs::count_to_in(tx, tickets, to.next.id).await?;
    let from = rerate_in(tx, app, ctx, from, Without::Marked).await?;
    let to = rerate_in(tx, app, ctx, to, Without::Marked).await?;
    Ok((from, to))
}
