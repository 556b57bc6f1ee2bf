//! Taking a ticket that one was asked to take.

use super::offers::require_pending;
use crate::{
    agents::{self, Loaded, not_in_team},
    app::App,
    configuration::Configuration,
    ctx::Ctx,
    db::Tx,
    error::Result,
    escalation,
    tickets::{self, Act, Change, Target, Ticket, Verb, Written, advance, write_with},
};

#[derive(Clone, Debug)]
pub struct AcceptOffer {
    pub target: Target,
}

/// The rule. `begun`: by what giving the ticket away begins; `loaded`: the caller. There is room for it: it was counted
/// when it was offered.
pub fn decide(ctx: &Ctx, begun: Change, loaded: Option<&Loaded>, accept: &AcceptOffer) -> Result<Change> {
    let ticket = &begun.next;
    require_pending(ctx, ticket)?;
    advance(ticket.state, Verb::Claim)?;
    let loaded = loaded.ok_or_else(|| not_in_team(&ctx.actor.id, &ticket.team))?;
    loaded.agent.require_team(&ticket.team)?;
    Ok(tickets::give(begun, ctx, &loaded.agent.key, |event| accept.target.tell(event)))
}

impl Act for AcceptOffer {
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
        Ok((decide(ctx, begun, loaded.as_ref(), self)?, ()))
    }
}

pub async fn accept_offer(app: &App, ctx: &Ctx, accept: AcceptOffer) -> Result<Written> {
    Ok(write_with(app, ctx, &accept.target, &accept).await?.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        agents::fixture::loaded,
        routing::offers::fixture::{by, end, offered},
        tickets::{
            State,
            fixture::{self, outcome},
        },
    };

    #[test]
    fn who_was_asked_has_it_then() {
        let accept = AcceptOffer { target: fixture::target() };
        let said = |ctx: &Ctx, ticket, loaded: Option<Loaded>| {
            outcome(&decide(ctx, Change::of(ticket), loaded.as_ref(), &accept))
        };
        let anna = by("anna", fixture::start());
        // Full by what was offered: it takes no more room than before.
        let full = loaded("anna", 1, 1);
        assert_eq!(said(&anna, offered(), Some(full.clone())), "ticket.assigned");
        let ticket = decide(&anna, Change::of(offered()), Some(&full), &accept).expect("taken").next;
        assert_eq!((ticket.state, ticket.assignee.as_deref()), (State::Open, Some("anna")));
        assert_eq!((ticket.offered_to, ticket.queue_time), (None, None));
        assert_eq!(
            said(&by("bert", fixture::start()), offered(), Some(loaded("bert", 9, 0))),
            "OFFER_NOT_PENDING"
        );
        assert_eq!(said(&by("anna", end()), offered(), Some(full.clone())), "OFFER_NOT_PENDING");
        assert_eq!(said(&anna, fixture::ticket(State::New), Some(full.clone())), "OFFER_NOT_PENDING");
        assert_eq!(said(&anna, offered(), None), "AGENT_NOT_IN_TEAM");
        let elsewhere = Ticket { team: "field".into(), ..offered() };
        assert_eq!(said(&anna, elsewhere, Some(full)), "AGENT_NOT_IN_TEAM");
    }
}
