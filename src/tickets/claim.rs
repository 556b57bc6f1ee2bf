//! Taking a ticket oneself. The first of several wins; who is no agent of the ticket's team, a service for instance,
//! cannot take it.

use super::{
    Change, Target, Ticket, Verb,
    assign::give,
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
    error::{Reason, Refusal, Result},
    escalation,
};

#[derive(Clone, Debug)]
pub struct Claim {
    pub target: Target,
}

/// The rule. `begun`: by what giving the ticket away begins; `loaded`: the caller, if it is an agent.
pub fn decide(
    ctx: &Ctx,
    configuration: &Configuration,
    begun: Change,
    loaded: Option<&Loaded>,
    claim: &Claim,
) -> Result<Change> {
    let ticket = &begun.next;
    advance(ticket.state, Verb::Claim)?;
    let loaded = loaded.ok_or_else(|| agents::not_in_team(&ctx.actor.id, &ticket.team))?;
    match &ticket.assignee {
        Some(owner) if *owner == loaded.agent.key => return Ok(begun),
        Some(owner) => {
            let text = format!("{owner} has the ticket");
            return Err(Refusal::new(Reason::TicketAlreadyAssigned, text).with("assignee", owner).into());
        }
        None => {}
    }
    loaded.agent.require_team(&ticket.team)?;
    loaded.require_room(ticket.burden(configuration, &loaded.agent.key))?;
    Ok(give(begun, ctx, &loaded.agent.key, |event| claim.target.tell(event)))
}

impl Act for Claim {
    type Extra = ();

    async fn act(
        &self,
        tx: &mut Tx,
        ctx: &Ctx,
        configuration: &Configuration,
        ticket: Ticket,
    ) -> Result<(Change, ())> {
        let loaded = agents::lock_in(tx, configuration, ctx.actor.agent_key()).await?.pop();
        let begun = escalation::take_in(tx, ctx, ticket, &ctx.actor.id).await?;
        Ok((decide(ctx, configuration, begun, loaded.as_ref(), self)?, ()))
    }
}

pub async fn claim(app: &App, ctx: &Ctx, claim: Claim) -> Result<Written> {
    Ok(write_with(app, ctx, &claim.target, &claim).await?.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        agents::fixture::loaded,
        ctx::Role,
        tickets::{State, fixture},
    };

    #[test]
    fn the_first_wins_and_only_members_with_room() {
        let of = |owner: &str| Ticket { assignee: Some(owner.into()), ..fixture::ticket(State::New) };
        let elsewhere = Ticket { team: "field".into(), ..fixture::ticket(State::New) };
        let over = Ticket { state: State::Merged, ..fixture::ticket(State::New) };
        let ctx = fixture::ctx(Role::Agent);
        let claim = Claim { target: Target::of(fixture::id(1)) };
        let cases = [
            (fixture::ticket(State::New), Some(loaded("ada", 1, 0)), None),
            (of("ada"), Some(loaded("ada", 1, 1)), None),
            (of("bob"), Some(loaded("ada", 1, 0)), Some(Reason::TicketAlreadyAssigned)),
            (fixture::ticket(State::New), Some(loaded("ada", 1, 1)), Some(Reason::AgentAtCapacity)),
            (elsewhere, Some(loaded("ada", 1, 0)), Some(Reason::AgentNotInTeam)),
            (fixture::ticket(State::New), None, Some(Reason::AgentNotInTeam)),
            (over, Some(loaded("ada", 1, 0)), Some(Reason::TicketStateConflict)),
        ];
        for (ticket, to, expected) in cases {
            let done = decide(&ctx, fixture::configuration(), Change::of(ticket), to.as_ref(), &claim);
            assert_eq!(done.err().map(|error| error.reason()), expected, "{to:?}");
        }
    }
}
