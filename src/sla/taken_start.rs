//! When the clocks of a survivor began: with its own events or, if its tenant wants that, as early as those of what was merged
//! into it. The events of the merge and of the way back say so, and the clocks follow them.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    model::{Clock, floor},
    store,
};
use crate::{
    configuration::{Agreement, ClockKind},
    db::Tx,
    error::{Error, Result},
    events::{Event, EventType},
    ids::Id,
    time::Time,
};

/// Where an event keeps them, in its details.
pub const CLOCK_STARTS: &str = "clock_starts";

/// When a clock of this kind began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Start {
    /// The ticket whose clock it was.
    of: Id,
    agreement: Agreement,
    kind: ClockKind,
    level: String,
    time: Time,
}

impl Start {
    fn of(clock: &Clock) -> Self {
        let Clock { agreement, kind, level, start_time, .. } = clock;
        Self {
            of: clock.ticket_id,
            agreement: *agreement,
            kind: *kind,
            level: level.clone(),
            time: *start_time,
        }
    }

    fn is_like(&self, clock: &Clock) -> bool {
        (self.agreement, self.kind, &self.level) == (clock.agreement, clock.kind, &clock.level)
    }
}

fn told(event: &Event) -> Vec<Start> {
    let starts = event.details.get(CLOCK_STARTS).cloned().map(serde_json::from_value);
    starts.and_then(Result::ok).unwrap_or_default()
}

/// When the clock began, by what the event says of it. One that stands in another one's place has its start from that.
pub fn taken(clock: &Clock, event: &Event) -> Option<Time> {
    let own = told(event).into_iter().filter(|start| start.is_like(clock) && clock.supersedes.is_none());
    own.map(|start| start.time).min()
}

/// The rule of a merge: every earlier start of an open clock of the same kind.
fn take(survivor: &[Clock], merged: &[Clock]) -> Vec<Start> {
    let open = survivor.iter().filter(|clock| clock.is_open());
    let earlier = |own: &Clock| {
        let like = merged.iter().filter(|it| it.is_open() && Start::of(it).is_like(own));
        like.filter(|it| it.start_time < own.start_time).map(Start::of).collect::<Vec<_>>()
    };
    open.flat_map(earlier).collect()
}

/// The rule of the way back: the earliest of what stays, or the clock's own start.
fn give_back(survivor: &[Clock], log: &[Event], leaving: Id) -> Vec<Start> {
    let mut staying: HashMap<Id, Vec<Start>> = HashMap::new();
    for event in log {
        match event.kind {
            EventType::TicketMerged => {
                for start in told(event) {
                    staying.entry(start.of).or_default().push(start);
                }
            }
            EventType::TicketUnmerged => staying.retain(|of, _| !left(event, *of)),
            _ => {}
        }
    }
    if staying.remove(&leaving).is_none() {
        return Vec::new();
    }
    let back = |clock: &Clock| {
        let first = clock.signals.first()?;
        let own = log.iter().find(|event| event.version == first.version)?;
        let others = staying.values().flatten().filter(|start| start.is_like(clock)).map(|start| start.time);
        let time = others.chain([floor(own.occur_time)]).min()?;
        Some(Start { time, ..Start::of(clock) })
    };
    survivor.iter().filter(|clock| clock.is_open()).filter_map(back).collect()
}

/// Whether the event says that this ticket left.
fn left(event: &Event, ticket: Id) -> bool {
    let name = ticket.to_string();
    let tickets = event.details.get("tickets").and_then(Value::as_array);
    tickets.is_some_and(|tickets| tickets.iter().any(|it| it.as_str() == Some(&name)))
}

/// What the event of a merge says of the survivor's clocks, if anything.
pub async fn take_in(tx: &mut Tx, survivor: Id, merged: &[Id]) -> Result<Option<Value>> {
    let ids: Vec<Id> = merged.iter().copied().chain([survivor]).collect();
    let mut clocks = store::of_tickets(tx, &ids).await?;
    let own = clocks.remove(&survivor).unwrap_or_default();
    let theirs: Vec<Clock> = clocks.into_values().flatten().collect();
    as_detail(&take(&own, &theirs))
}

/// What the event of the way back says of the survivor's clocks, if anything. `log`: the survivor's.
pub async fn give_back_in(tx: &mut Tx, survivor: Id, log: &[Event], leaving: Id) -> Result<Option<Value>> {
    let own = store::of_tickets(tx, &[survivor]).await?.remove(&survivor).unwrap_or_default();
    as_detail(&give_back(&own, log, leaving))
}

fn as_detail(starts: &[Start]) -> Result<Option<Value>> {
    if starts.is_empty() {
        return Ok(None);
    }
    serde_json::to_value(starts).map(Some).map_err(Error::internal)
}
