//! A ticket that grows heavier in its owner's hands: what waited for the customer weighs more when the customer answers.
//! Where there is no room for that, it goes back to its queue, so that nobody ever has more than fits. Who does it by hand is
//! told so instead.

use std::collections::HashMap;

use super::{Change, State, Ticket};
use crate::{
    agents::{self, Loaded},
    configuration::Configuration,
    ctx::{ActorKind, Ctx},
    db::Tx,
    error::{Error, Result},
    events::{self, EventType},
    ids::Id,
    time::Time,
};

/// Who had a ticket and what it weighed before something happened to it.
#[derive(Clone, Debug)]
pub struct Before {
    assignee: Option<String>,
    channel: super::Channel,
    state: State,
}

impl Before {
    pub fn of(ticket: &Ticket) -> Self {
        Self { assignee: ticket.assignee.clone(), channel: ticket.channel, state: ticket.state }
    }

    fn weight(&self, configuration: &Configuration) -> i64 {
        if self.state.is_live() { configuration.weight(self.channel, self.state) } else { 0 }
    }

    /// The owner that it had and has, and by how much it grew.
    pub fn growth<'a>(&self, configuration: &Configuration, after: &'a Ticket) -> Option<(&'a String, i64)> {
        let owner = after.assignee.as_ref().filter(|owner| self.assignee.as_ref() == Some(owner))?;
        let more = after.weight(configuration) - self.weight(configuration);
        (after.state.is_live() && more > 0).then_some((owner, more))
    }

    /// Whether an agent has room again.
    pub fn frees(&self, configuration: &Configuration, after: &Ticket) -> bool {
        self.assignee.is_some()
            && (after.assignee != self.assignee
                || !after.state.is_live()
                || after.weight(configuration) < self.weight(configuration))
    }
}

/// The rule for a ticket that grew by `more`. `since`: when it came into the queue that it was taken from.
pub fn decide(
    ctx: &Ctx,
    change: Change,
    owner: &mut Loaded,
    more: i64,
    since: Option<Time>,
) -> Result<Change> {
    match owner.require_room(more) {
        Ok(()) => {
            owner.used += more;
            Ok(change)
        }
        Err(refusal) if matches!(ctx.actor.kind, ActorKind::Agent | ActorKind::Service) => {
            Err(refusal.into())
        }
        Err(_) => Ok(change.step(ctx, EventType::TicketReleased, |ticket, event| {
            ticket.release(since.unwrap_or(ctx.now));
            "AT_CAPACITY".clone_into(&mut event.reason);
        })),
    }
}

/// Keeps every owner within its capacity, whatever happened to these locked tickets.
pub async fn keep_in(
    tx: &mut Tx,
    ctx: &Ctx,
    configuration: &Configuration,
    changes: Vec<(Before, Change)>,
) -> Result<Vec<Change>> {
    let grown = changes.iter().filter_map(|(before, change)| before.growth(configuration, &change.next));
    let owners: Vec<String> = grown.map(|(owner, _)| owner.clone()).collect();
    if owners.is_empty() {
        return Ok(changes.into_iter().map(|(_, change)| change).collect());
    }
    let locked = agents::lock_in(tx, configuration, &owners).await?;
    let mut locked: HashMap<String, Loaded> =
        locked.into_iter().map(|loaded| (loaded.agent.key.clone(), loaded)).collect();
    let mut kept = Vec::new();
    for (before, change) in changes {
        let growth = before.growth(configuration, &change.next);
        let growth = growth.and_then(|(owner, more)| Some((locked.get_mut(owner)?, more)));
        kept.push(match growth {
            Some((owner, more)) => {
                let since = queued_since(tx, change.next.id).await?;
                decide(ctx, change, owner, more, since)?
            }
            None => change,
        });
    }
    Ok(kept)
}

/// When the ticket came into the queue that it was taken from last.
pub async fn queued_since(tx: &mut Tx, id: Id) -> Result<Option<Time>> {
    let since = events::store::find_last_value(tx, id, "queue_time").await?;
    since.map(|time| time.parse()).transpose().map_err(Error::internal)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        agents::fixture::loaded,
        configuration::{Document, LoadWeight},
        ctx::Role,
        tickets::fixture::{self, outcome},
    };

    /// What waits for the customer takes nothing.
    fn configuration() -> Configuration {
        let waiting = LoadWeight { channel: String::new(), state: "WAITING_ON_CUSTOMER".into(), weight: 0 };
        Configuration::new(1, Document { load_weights: vec![waiting], ..fixture::document() })
    }

    fn owned(state: State) -> Ticket {
        let mut ticket = fixture::ticket(state);
        ticket.assign("ada", fixture::start());
        ticket
    }

    #[test]
    fn only_what_grows_in_the_same_hands_needs_room() {
        let grows = |before: &Ticket, after: &Ticket| {
            Before::of(before).growth(&configuration(), after).map(|(_, more)| more)
        };
        let (open, waiting) = (owned(State::Open), owned(State::WaitingOnCustomer));
        assert_eq!(grows(&waiting, &open), Some(1));
        assert_eq!(grows(&open, &waiting), None);
        assert_eq!(grows(&waiting, &Ticket { assignee: Some("bob".into()), ..open.clone() }), None);
        assert_eq!(grows(&waiting, &Ticket { assignee: None, ..open.clone() }), None);
        assert_eq!(grows(&waiting, &owned(State::Resolved)), None);
        assert!(Before::of(&open).frees(&configuration(), &waiting));
        assert!(!Before::of(&waiting).frees(&configuration(), &open));
    }

    #[test]
    fn without_room_it_goes_back_to_its_queue_unless_somebody_does_it_by_hand() {
        let said = |role, used| {
            let mut ada = loaded("ada", 2, used);
            let change = decide(&fixture::ctx(role), Change::of(owned(State::Open)), &mut ada, 1, None);
            (outcome(&change), ada.used)
        };
        assert_eq!(said(Role::Customer, 1), ("nothing".to_owned(), 2));
        assert_eq!(said(Role::Customer, 2), ("ticket.released".to_owned(), 2));
        assert_eq!(said(Role::Agent, 2), ("AGENT_AT_CAPACITY".to_owned(), 2));
        let since = fixture::start().before(std::time::Duration::from_hours(1));
        let mut full = loaded("ada", 1, 1);
        let ctx = fixture::ctx(Role::Customer);
        let back =
            decide(&ctx, Change::of(owned(State::Open)), &mut full, 1, Some(since)).expect("back").next;
        assert_eq!((back.assignee, back.queue_time), (None, Some(since)), "it keeps its place in time");
        assert_eq!(back.former_assignee.as_deref(), Some("ada"));
    }
}
