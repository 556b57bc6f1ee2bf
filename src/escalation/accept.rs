//! Accepting an escalation. On a handover the caller owns the ticket, if it is an agent of the team; of others (whoever
//! dispatches, a service) it is only the word that the work is welcome, and the ticket waits in the queue.

use super::{Escalation, Mode, State, history::History, settle::settle, staff::Staff, store};
use crate::{
    app::App,
    configuration::Configuration,
    ctx::Ctx,
    db::Tx,
    error::Result,
    events::EventType,
    ids::Id,
    tickets::{self, Act, Change, Done, Target, Ticket, Verb, advance, write_with},
};

#[derive(Clone, Debug)]
pub struct Accept {
    pub target: Target,
    pub id: Id,
}

/// The rule.
pub fn decide(
    ctx: &Ctx,
    configuration: &Configuration,
    ticket: Ticket,
    history: &History,
    staff: &Staff,
    accept: &Accept,
) -> Result<(Change, Escalation)> {
    let mut escalation =
        settle(ctx, history.find(&ticket, accept.id)?, State::Accepted, &accept.target.note)?;
    advance(ticket.state, Verb::Assign)?;
    staff.require_side(ctx, &escalation.to_team)?;
    let member = staff.caller(ctx).filter(|loaded| loaded.agent.is_in(&escalation.to_team));
    escalation.to_agent = member.map(|loaded| loaded.agent.key.clone());
    let change = accepted(ctx, ticket, &escalation, &accept.target);
    match member.filter(|_| escalation.mode == Mode::Handover) {
        None => Ok((change, escalation)),
        Some(loaded) => {
            loaded.require_room(change.next.burden(configuration, &loaded.agent.key))?;
            let given = tickets::give(change, ctx, &loaded.agent.key, |event| escalation.tell(event));
            Ok((given, escalation))
        }
    }
}

/// The step by which nobody waits for the answer any more.
pub fn accepted(ctx: &Ctx, ticket: Ticket, escalation: &Escalation, target: &Target) -> Change {
    Change::of(ticket).step(ctx, EventType::TicketEscalationAccepted, |ticket, event| {
        ticket.pending_escalation = None;
        target.tell(event);
        escalation.tell(event);
    })
}

impl Act for Accept {
    type Extra = Escalation;

    async fn act(
        &self,
        tx: &mut Tx,
        ctx: &Ctx,
        configuration: &Configuration,
        ticket: Ticket,
    ) -> Result<(Change, Escalation)> {
        let history = store::history(tx, ticket.id).await?;
        let staff = Staff::lock_in(tx, ctx, configuration, []).await?;
        let (change, escalation) = decide(ctx, configuration, ticket, &history, &staff, self)?;
        store::put(tx, std::slice::from_ref(&escalation)).await?;
        Ok((change, escalation))
    }
}

pub async fn accept(app: &App, ctx: &Ctx, accept: Accept) -> Result<Done<Escalation>> {
    write_with(app, ctx, &accept.target, &accept).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        agents::Loaded,
        ctx::Role,
        escalation::fixture::{by, by_service, consulted, handed_over, member, staff},
        tickets::fixture,
    };

    fn accept(
        ctx: &Ctx,
        (ticket, history): (Ticket, History),
        agents: &[Loaded],
    ) -> Result<(Change, Escalation)> {
        let accept = Accept { target: fixture::target(), id: fixture::id(9) };
        decide(ctx, fixture::configuration(), ticket, &history, &staff(agents), &accept)
    }

    fn outcome(ctx: &Ctx, of: (Ticket, History), agents: &[Loaded]) -> String {
        fixture::outcome(&accept(ctx, of, agents).map(|(change, _)| change))
    }

    #[test]
    fn an_agent_of_the_team_owns_it_then() {
        let bea = [member("bea", "applications", true)];
        let (change, escalation) =
            accept(&by("bea", Role::Specialist), handed_over(9), &bea).expect("accepted");
        let ticket = &change.next;
        assert_eq!((ticket.assignee.as_deref(), ticket.pending_escalation), (Some("bea"), None));
        assert!(ticket.escalated, "it stays above until it is handed back");
        assert_eq!((escalation.state, escalation.to_agent.as_deref()), (State::Accepted, Some("bea")));
        assert_eq!(
            (escalation.settler_id.as_deref(), escalation.settle_note.as_str()),
            (Some("bea"), "so be it")
        );
        let events: Vec<_> = change.events.iter().map(|event| event.kind).collect();
        assert_eq!(events, [EventType::TicketEscalationAccepted, EventType::TicketAssigned]);
    }

    #[test]
    fn others_only_say_that_it_is_welcome() {
        for ctx in [by("max", Role::Manager), by_service()] {
            let (change, escalation) = accept(&ctx, handed_over(9), &[]).expect("accepted");
            assert_eq!((change.next.assignee, change.next.pending_escalation), (None, None));
            assert_eq!((escalation.to_agent, change.events.len()), (None, 1));
        }
    }

    #[test]
    fn advice_is_promised_without_taking_the_ticket() {
        let full = [member("bea", "applications", false)];
        let (change, escalation) = accept(&by("bea", Role::Agent), consulted(9), &full).expect("accepted");
        assert_eq!((change.next.assignee.as_deref(), change.next.pending_escalation), (Some("anna"), None));
        assert_eq!(escalation.to_agent.as_deref(), Some("bea"));
    }

    #[test]
    fn refusals() {
        let bea = by("bea", Role::Agent);
        assert_eq!(
            outcome(&bea, handed_over(9), &[member("bea", "applications", false)]),
            "AGENT_AT_CAPACITY"
        );
        assert_eq!(outcome(&bea, handed_over(9), &[member("bea", "desk-de", true)]), "AGENT_NOT_IN_TEAM");
        assert_eq!(outcome(&bea, handed_over(9), &[]), "AGENT_NOT_IN_TEAM");
        let (ticket, mut history) = handed_over(9);
        history.0[0].state = State::Expired;
        assert_eq!(outcome(&by_service(), (ticket, history), &[]), "ESCALATION_NOT_PENDING");
        assert_eq!(outcome(&by_service(), handed_over(8), &[]), "RESOURCE_NOT_FOUND");
    }
}
