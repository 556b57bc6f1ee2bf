//! Giving a ticket to an agent of its team who has room for it.

use super::{
    Change, State, Target, Ticket, Verb,
    change::enter,
    create::Written,
    status::advance,
    write::{Act, write_with},
};
use crate::{
    agents::{self, Loaded},
    app::App,
    configuration::Configuration,
    ctx::Ctx,
    db::Tx,
    error::{Error, Result},
    escalation,
    events::{Event, EventType},
};

#[derive(Clone, Debug)]
pub struct Assign {
    pub target: Target,
    /// An agent's key.
    pub assignee: String,
    /// Give it even if the agent is full; the event says so.
    pub override_capacity: bool,
}

/// The one way in which a ticket gets an owner. Whoever calls it holds the agent's lock and has seen that there is room.
#[must_use]
pub fn give(change: Change, ctx: &Ctx, agent: &str, tell: impl FnOnce(&mut Event)) -> Change {
    change.step(ctx, EventType::TicketAssigned, |ticket, event| {
        if ticket.state == State::New {
            enter(ticket, State::Open);
        }
        ticket.assign(agent, ctx.now);
        tell(event);
    })
}

/// The rule. `begun`: by what giving the ticket away begins.
pub fn decide(
    ctx: &Ctx,
    configuration: &Configuration,
    begun: Change,
    loaded: Option<&Loaded>,
    assign: &Assign,
) -> Result<Change> {
    let ticket = &begun.next;
    advance(ticket.state, Verb::Assign)?;
    if ticket.assignee.as_ref() == Some(&assign.assignee) {
        return Ok(begun);
    }
    let loaded = loaded
        .ok_or_else(|| Error::field("assignee", &format!("no agent {:?} is recorded", assign.assignee)))?;
    loaded.agent.require_team(&ticket.team)?;
    let room = loaded.require_room(ticket.burden(configuration, &assign.assignee));
    let full = room.is_err();
    if !assign.override_capacity {
        room?;
    }
    Ok(give(begun, ctx, &assign.assignee, |event| {
        assign.target.tell(event);
        if full {
            event.details.insert("override_capacity".into(), true.into());
            event.details.insert("used".into(), loaded.used.into());
            event.details.insert("capacity".into(), loaded.agent.capacity.into());
        }
    }))
}

impl Act for Assign {
    type Extra = ();

    async fn act(
        &self,
        tx: &mut Tx,
        ctx: &Ctx,
        configuration: &Configuration,
        ticket: Ticket,
    ) -> Result<(Change, ())> {
        let loaded = agents::lock_in(tx, configuration, std::slice::from_ref(&self.assignee)).await?.pop();
        let begun = escalation::take_in(tx, ctx, ticket, &self.assignee).await?;
        Ok((decide(ctx, configuration, begun, loaded.as_ref(), self)?, ()))
    }
}

pub async fn assign(app: &App, ctx: &Ctx, assign: Assign) -> Result<Written> {
    Ok(write_with(app, ctx, &assign.target, &assign).await?.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{agents::fixture::loaded, ctx::Role, error::Reason, tickets::fixture};

    fn assign(assignee: &str) -> Assign {
        Assign { target: Target::of(fixture::id(1)), assignee: assignee.into(), override_capacity: false }
    }

    fn reason(ticket: Ticket, to: Option<&Loaded>, assign: &Assign) -> Option<Reason> {
        let ctx = fixture::ctx(Role::Agent);
        decide(&ctx, fixture::configuration(), Change::of(ticket), to, assign)
            .err()
            .map(|error| error.reason())
    }

    #[test]
    fn a_member_with_room_gets_it_and_the_ticket_is_open() {
        let ctx = fixture::ctx(Role::Agent);
        let change = decide(
            &ctx,
            fixture::configuration(),
            Change::of(fixture::ticket(State::New)),
            Some(&loaded("ada", 1, 0)),
            &assign("ada"),
        )
        .expect("given");
        let ticket = change.next;
        assert_eq!((ticket.state, ticket.assignee.as_deref()), (State::Open, Some("ada")));
        assert_eq!((ticket.assign_time, ticket.queue_time), (Some(ctx.now), None));
        let waiting = Ticket { state: State::WaitingOnCustomer, ..fixture::ticket(State::New) };
        let change = decide(
            &ctx,
            fixture::configuration(),
            Change::of(waiting),
            Some(&loaded("ada", 1, 0)),
            &assign("ada"),
        )
        .expect("given");
        assert_eq!(change.next.state, State::WaitingOnCustomer);
    }

    #[test]
    fn refusals() {
        let stranger = Loaded {
            agent: agents::Agent { teams: Vec::new(), ..loaded("ada", 9, 0).agent },
            ..loaded("ada", 9, 0)
        };
        let over = Ticket { state: State::Closed, ..fixture::ticket(State::New) };
        let cases = [
            (fixture::ticket(State::New), Some(loaded("ada", 2, 2)), Some(Reason::AgentAtCapacity)),
            (fixture::ticket(State::New), Some(loaded("ada", 0, 0)), Some(Reason::AgentAtCapacity)),
            (fixture::ticket(State::New), Some(stranger), Some(Reason::AgentNotInTeam)),
            (fixture::ticket(State::New), None, Some(Reason::FieldInvalid)),
            (over, Some(loaded("ada", 2, 0)), Some(Reason::TicketStateConflict)),
            (
                Ticket { assignee: Some("bob".into()), ..fixture::ticket(State::New) },
                Some(loaded("ada", 2, 1)),
                None,
            ),
        ];
        for (ticket, to, expected) in cases {
            assert_eq!(reason(ticket, to.as_ref(), &assign("ada")), expected, "{to:?}");
        }
    }

    #[test]
    fn the_owner_again_is_no_change_even_when_full() {
        let ctx = fixture::ctx(Role::Agent);
        let owned =
            Ticket { assignee: Some("ada".into()), state: State::Open, ..fixture::ticket(State::New) };
        let change = decide(
            &ctx,
            fixture::configuration(),
            Change::of(owned),
            Some(&loaded("ada", 1, 1)),
            &assign("ada"),
        )
        .expect("no change");
        assert!(change.is_empty());
    }

    #[test]
    fn an_override_is_recorded_only_where_it_was_needed() {
        let ctx = fixture::ctx(Role::Agent);
        let by_force = Assign { override_capacity: true, ..assign("ada") };
        let details = |used| {
            let change = decide(
                &ctx,
                fixture::configuration(),
                Change::of(fixture::ticket(State::New)),
                Some(&loaded("ada", 1, used)),
                &by_force,
            )
            .expect("given");
            change.events[0].details.0.keys().cloned().collect::<Vec<_>>()
        };
        assert!(details(0).is_empty());
        assert_eq!(details(1), ["capacity", "override_capacity", "used"]);
    }
}
