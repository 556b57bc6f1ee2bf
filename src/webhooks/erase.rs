//! Erasing what went to subscribers, and is on its way to them: each body is made anew of the event as it reads now, and
//! what was answered is forgotten.

use std::collections::HashMap;

use super::{store, wire};
use crate::{
    app::App,
    db::Tx,
    error::Result,
    events::{self, Event, Placed},
    ids::Id,
};

/// Makes the deliveries of these events anew; says how many there were. The transaction has locked their tickets and
/// written the events.
pub async fn erase_in(app: &App, tx: &mut Tx, events: &[Event]) -> Result<u64> {
    // Whoever makes deliveries holds the lock while reading the events and until they are there: who came before is seen
    // here, who comes after sees what is written here.
    let subscriptions = store::lock_all(tx).await?;
    if subscriptions.is_empty() || events.is_empty() {
        return Ok(0);
    }
    let known: HashMap<(Id, i64), &Event> =
        events.iter().map(|event| ((event.ticket_id, event.version), event)).collect();
    let mut tickets: Vec<Id> = events.iter().map(|event| event.ticket_id).collect();
    tickets.dedup();
    let mut bodies = Vec::new();
    for carried in store::carried(tx, &subscriptions, &tickets).await? {
        let Some(event) = known.get(&(carried.ticket_id, carried.version)) else { continue };
        let notice = events::project(Placed { position: carried.position, event: (*event).clone() });
        let cursor = events::cursor(app, tx.tenant(), carried.position)?;
        bodies.push((carried, wire::body(&notice, cursor)?));
    }
    store::overwrite(tx, &bodies).await?;
    Ok(bodies.len() as u64)
}
