//! The only SQL that names `erasures`.

use super::Erasure;
use crate::{
    db::Tx,
    error::{Error, Result},
    ids::Id,
    tickets::Tally,
    time::Time,
};

/// A second one that is open for the same contact is a conflict.
pub async fn insert(tx: &mut Tx, erasure: &Erasure) -> Result<()> {
    let row = serde_json::to_string(erasure).map_err(Error::internal)?;
    sqlx::query!(
        "insert into erasures select * from json_populate_record(null::erasures, $1::text::json)",
        row
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// The one that is not done yet.
pub async fn find_open(tx: &mut Tx, contact: &str) -> Result<Option<Erasure>> {
    let tenant = tx.tenant().clone();
    let found = sqlx::query_as!(
        Erasure,
        "select * from erasures where tenant_id = $1 and contact = $2",
        tenant.as_str(),
        contact,
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(found)
}

/// The erasure, locked until the transaction ends.
pub async fn lock(tx: &mut Tx, id: Id) -> Result<Option<Erasure>> {
    let tenant = tx.tenant().clone();
    let found = sqlx::query_as!(
        Erasure,
        "select * from erasures where tenant_id = $1 and id = $2 for update",
        tenant.as_str(),
        id as Id,
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(found)
}

/// Adds what was done.
pub async fn add(tx: &mut Tx, id: Id, tally: &Tally) -> Result<()> {
    let tenant = tx.tenant().clone();
    sqlx::query!(
        "update erasures set tickets = tickets + $3, comments = comments + $4, events = events + $5,
             escalations = escalations + $6, deliveries = deliveries + $7, receipts = receipts + $8,
             attachments = coalesce(attachments, 0) + $9, articles = coalesce(articles, 0) + $10
         where tenant_id = $1 and id = $2",
        tenant.as_str(),
        id as Id,
        tally.tickets as i64,
        tally.comments as i64,
        tally.events as i64,
        tally.escalations as i64,
        tally.deliveries as i64,
        tally.receipts as i64,
        tally.attachments as i64,
        tally.articles as i64,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// It is done, and nobody knows any more who it was.
pub async fn complete(tx: &mut Tx, id: Id, now: Time) -> Result<()> {
    let tenant = tx.tenant().clone();
    sqlx::query!(
        "update erasures set contact = null, complete_time = $3 where tenant_id = $1 and id = $2",
        tenant.as_str(),
        id as Id,
        now as Time,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}
