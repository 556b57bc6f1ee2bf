//! Taking an escalation back, as the side that asked.

use super::{
    Escalation, State,
    come_back::{give_back, place_back},
    history::History,
    settle::settle,
    staff::Staff,
    store,
};
use crate::{
    app::App,
    configuration::Configuration,
    ctx::Ctx,
    db::Tx,
    error::Result,
    events::EventType,
    ids::Id,
    tickets::{Act, Change, Done, Target, Ticket, write_with},
};

#[derive(Clone, Debug)]
pub struct Withdraw {
    pub target: Target,
    pub id: Id,
}

/// The rule.
pub fn decide(
    ctx: &Ctx,
    configuration: &Configuration,
    ticket: Ticket,
    history: &History,
    staff: &mut Staff,
    withdraw: &Withdraw,
) -> Result<(Change, Escalation)> {
    let escalation =
        settle(ctx, history.find(&ticket, withdraw.id)?, State::Withdrawn, &withdraw.target.note)?;
    let author = escalation.author_kind == ctx.actor.kind && escalation.author_id == ctx.actor.id;
    if !author {
        staff.require_side(ctx, &escalation.from_team)?;
    }
    let change = Change::of(ticket).step(ctx, EventType::TicketEscalationWithdrawn, |ticket, event| {
        place_back(ctx, configuration, ticket, &escalation, history);
        withdraw.target.tell(event);
        escalation.tell(event);
    });
    Ok((give_back(ctx, configuration, change, &escalation, staff), escalation))
}

impl Act for Withdraw {
    type Extra = Escalation;

    async fn act(
        &self,
        tx: &mut Tx,
        ctx: &Ctx,
        configuration: &Configuration,
        ticket: Ticket,
    ) -> Result<(Change, Escalation)> {
        let history = store::history(tx, ticket.id).await?;
        let mut staff = Staff::lock_in(tx, ctx, configuration, [&history]).await?;
        let (change, escalation) = decide(ctx, configuration, ticket, &history, &mut staff, self)?;
        store::put(tx, std::slice::from_ref(&escalation)).await?;
        Ok((change, escalation))
    }
}

pub async fn withdraw(app: &App, ctx: &Ctx, withdraw: Withdraw) -> Result<Done<Escalation>> {
    write_with(app, ctx, &withdraw.target, &withdraw).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ctx::Role,
        escalation::fixture::{by, consulted, handed_over, member, staff},
        tickets::fixture,
    };

    fn withdraw(ctx: &Ctx, (ticket, history): (Ticket, History)) -> Result<(Change, Escalation)> {
        let agents = [
            member("anna", "desk-de", true),
            member("adam", "desk-de", true),
            member("bea", "applications", true),
        ];
        let withdraw = Withdraw { target: fixture::target(), id: fixture::id(9) };
        decide(ctx, fixture::configuration(), ticket, &history, &mut staff(&agents), &withdraw)
    }

    #[test]
    fn the_side_that_asked_takes_it_back() {
        for who in ["anna", "adam"] {
            let (change, escalation) = withdraw(&by(who, Role::Agent), handed_over(9)).expect("withdrawn");
            assert_eq!((escalation.state, change.next.assignee.as_deref()), (State::Withdrawn, Some("anna")));
        }
        let (change, _) = withdraw(&by("anna", Role::Agent), consulted(9)).expect("withdrawn");
        assert_eq!((change.next.pending_escalation, change.events.len()), (None, 1));
    }

    #[test]
    fn the_side_that_was_asked_does_not() {
        let refused = withdraw(&by("bea", Role::Agent), handed_over(9)).map(|(change, _)| change);
        assert_eq!(fixture::outcome(&refused), "AGENT_NOT_IN_TEAM");
    }
}
