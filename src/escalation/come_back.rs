//! How a ticket that was handed over comes back: into the queue that it came from, and from there to its former owner,
//! if that one still belongs to the team, is there and has room.

use super::{Escalation, Mode, history::History, staff::Staff};
use crate::{
    configuration::Configuration,
    ctx::Ctx,
    tickets::{self, Change, Ticket},
};

/// The escalation is over, and nothing of it is left. A consultation has moved nothing.
pub fn place_back(
    ctx: &Ctx,
    configuration: &Configuration,
    ticket: &mut Ticket,
    escalation: &Escalation,
    history: &History,
) {
    ticket.pending_escalation = None;
    if escalation.mode == Mode::Handover {
        ticket.place(configuration, landing(configuration, escalation), ctx.now);
        ticket.escalated = history.is_handed_over_without(escalation.id);
    }
}

/// The queue that it came from; if the configuration has it no longer, that of the team, or the default.
fn landing<'c>(configuration: &'c Configuration, escalation: &Escalation) -> &'c str {
    let team = || configuration.team(&escalation.from_team).and_then(|team| configuration.queue_of(team));
    let queue = configuration.queue(&escalation.from_queue).or_else(team);
    queue.map_or(&configuration.document.default_queue, |queue| &queue.key)
}

/// The former owner comes first, before everybody else in the queue.
pub fn give_back(
    ctx: &Ctx,
    configuration: &Configuration,
    change: Change,
    escalation: &Escalation,
    staff: &mut Staff,
) -> Change {
    match &escalation.from_agent {
        Some(owner)
            if escalation.mode == Mode::Handover && staff.seat(ctx, configuration, owner, &change.next) =>
        {
            tickets::give(change, ctx, owner, |event| escalation.tell(event))
        }
        _ => change,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        agents::{Availability, Loaded},
        configuration::Configuration,
        ctx::Role,
        escalation::fixture::{by, consulted, handed_over, member, staff},
        events::EventType,
        tickets::fixture,
    };

    fn back(
        configuration: &Configuration,
        (ticket, history): (Ticket, History),
        agents: &[Loaded],
    ) -> (Ticket, Vec<EventType>) {
        let ctx = by("bea", Role::Agent);
        let escalation = &history.0[0];
        let change = Change::of(ticket).step(&ctx, EventType::TicketEscalationDeclined, |ticket, _| {
            place_back(&ctx, configuration, ticket, escalation, &history);
        });
        let change = give_back(&ctx, configuration, change, escalation, &mut staff(agents));
        (change.next, change.events.iter().map(|event| event.kind).collect())
    }

    #[test]
    fn to_the_former_owner_who_has_room_else_into_the_queue() {
        let anna = member("anna", "desk-de", true);
        let mut away = anna.clone();
        away.agent.availability = Availability::Away;
        let cases = [
            (vec![anna.clone()], Some("anna")),
            (vec![member("anna", "desk-de", false)], None),
            (vec![member("anna", "desk-en", true)], None),
            (vec![away], None),
            (vec![], None),
        ];
        for (agents, owner) in cases {
            let (ticket, events) = back(fixture::configuration(), handed_over(9), &agents);
            assert_eq!(ticket.assignee.as_deref(), owner, "{agents:?}");
            assert_eq!((ticket.queue.as_str(), ticket.level.as_str()), ("desk-de", "L1"));
            assert_eq!((ticket.escalated, ticket.pending_escalation), (false, None));
            assert_eq!((ticket.transfer_count, ticket.return_count), (2, 1));
            assert_eq!(ticket.queue_time.is_some(), owner.is_none());
            assert_eq!(events.len(), if owner.is_some() { 2 } else { 1 });
        }
    }

    #[test]
    fn a_seat_is_taken_once() {
        let ctx = by("bea", Role::Agent);
        let (configuration, ticket) = (fixture::configuration(), fixture::ticket(tickets::State::New));
        let mut staff = staff(&[member("anna", "desk-de", true)]);
        assert!(staff.seat(&ctx, configuration, "anna", &ticket));
        assert!(!staff.seat(&ctx, configuration, "anna", &ticket));
    }

    #[test]
    fn a_queue_that_is_gone_is_replaced() {
        let mut document = fixture::document();
        document.queues.retain(|queue| queue.key != "desk-de");
        document.default_queue = "desk-en".into();
        let (ticket, _) = back(&Configuration::new(8, document), handed_over(9), &[]);
        assert_eq!((ticket.queue.as_str(), ticket.team.as_str()), ("desk-en", "desk-en"));
    }

    #[test]
    fn the_end_of_a_consultation_moves_nothing() {
        let (before, history) = consulted(9);
        let (after, _) =
            back(fixture::configuration(), (before.clone(), history), &[member("anna", "desk-de", true)]);
        assert_eq!(after, Ticket { version: 3, pending_escalation: None, ..before });
    }
}
