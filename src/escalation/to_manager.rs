//! Telling a manager of a ticket: a hierarchical escalation. The first of the team's managers who is on shift and available is
//! called; the owner stays, and so does everything else.

use super::{Audience, Why};
use crate::{
    agents::{self, Agent},
    app::App,
    configuration::Configuration,
    ctx::Ctx,
    db::Tx,
    error::{Error, Result},
    events::EventType,
    tickets::{Act, Change, Target, Ticket, Verb, Written, advance, write_with},
};

#[derive(Clone, Debug)]
pub struct ToManager {
    pub target: Target,
    pub reason: Why,
    pub justification: String,
}

/// The rule. `agents`: who may be called.
pub fn decide(
    ctx: &Ctx,
    configuration: &Configuration,
    ticket: Ticket,
    agents: &[Agent],
    escalate: &ToManager,
) -> Result<Change> {
    advance(ticket.state, Verb::Escalate)?;
    let audience = Audience::managers(configuration, &ticket);
    if audience.is_empty() {
        let text = format!("the team {} has no managers: name some in its configuration", ticket.team);
        return Err(Error::field("kind", &text));
    }
    let called = audience.call(ctx, configuration, &ticket.team, agents);
    Ok(Change::of(ticket).step(ctx, EventType::TicketEscalatedToManager, |_, event| {
        escalate.target.tell(event);
        let parts = [escalate.justification.as_str(), escalate.target.note.as_str()];
        event.note = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n\n");
        event.configuration_revision = configuration.revision;
        event.details.insert("escalation_reason".into(), escalate.reason.name().into());
        audience.tell(event);
        called.tell(event);
    }))
}

impl Act for ToManager {
    type Extra = ();

    async fn act(
        &self,
        tx: &mut Tx,
        ctx: &Ctx,
        configuration: &Configuration,
        ticket: Ticket,
    ) -> Result<(Change, ())> {
        let (keys, teams) = Audience::managers(configuration, &ticket).keys();
        let agents = agents::of_in(tx, &keys, &teams).await?;
        Ok((decide(ctx, configuration, ticket, &agents, self)?, ()))
    }
}

pub async fn to_manager(app: &App, ctx: &Ctx, escalate: ToManager) -> Result<Written> {
    Ok(write_with(app, ctx, &escalate.target, &escalate).await?.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        agents::fixture::loaded,
        ctx::Role,
        tickets::{
            State,
            fixture::{self, outcome},
        },
    };

    fn told(ticket: Ticket) -> Result<Change> {
        let escalate = ToManager {
            target: fixture::target(),
            reason: Why::BusinessImpact,
            justification: "the till is down".into(),
        };
        let agents = [loaded("ben", 5, 0).agent];
        decide(&fixture::ctx(Role::Agent), fixture::configuration(), ticket, &agents, &escalate)
    }

    #[test]
    fn a_manager_is_called_and_the_owner_stays() {
        let mut ticket = fixture::ticket(State::Open);
        ticket.assign("ada", fixture::start());
        let change = told(ticket.clone()).expect("told");
        let event = &change.events[0];
        assert_eq!(event.details["called"], "ben");
        assert_eq!(event.details["escalation_reason"], "BUSINESS_IMPACT");
        assert_eq!((event.note.as_str(), event.reason.as_str()), ("the till is down\n\nso be it", "R1"));
        assert!(event.changes.is_empty(), "{:?}", event.changes);
        assert_eq!(change.next.assignee, ticket.assignee);
    }

    #[test]
    fn what_is_over_or_has_no_managers_is_refused() {
        assert_eq!(outcome(&told(fixture::ticket(State::Closed))), "TICKET_STATE_CONFLICT");
        let ticket = Ticket { team: "engineering".into(), ..fixture::ticket(State::Open) };
        assert_eq!(fixture::faults(told(ticket)), ["kind"]);
    }
}
