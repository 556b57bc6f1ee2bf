//! Declining an escalation, with the reason. A ticket that was handed over goes back.

use super::{
    DeclineReason, Escalation, State,
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
pub struct Decline {
    pub target: Target,
    pub id: Id,
    pub reason: DeclineReason,
}

/// The rule.
pub fn decide(
    ctx: &Ctx,
    configuration: &Configuration,
    ticket: Ticket,
    history: &History,
    staff: &mut Staff,
    decline: &Decline,
) -> Result<(Change, Escalation)> {
    let settled = settle(ctx, history.find(&ticket, decline.id)?, State::Declined, &decline.target.note)?;
    staff.require_side(ctx, &settled.to_team)?;
    let escalation = Escalation { decline_reason: Some(decline.reason), ..settled };
    let change = Change::of(ticket).step(ctx, EventType::TicketEscalationDeclined, |ticket, event| {
        place_back(ctx, configuration, ticket, &escalation, history);
        decline.target.tell(event);
        escalation.tell(event);
        decline.reason.name().clone_into(&mut event.reason);
    });
    Ok((give_back(ctx, configuration, change, &escalation, staff), escalation))
}

impl Act for Decline {
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

pub async fn decline(app: &App, ctx: &Ctx, decline: Decline) -> Result<Done<Escalation>> {
    write_with(app, ctx, &decline.target, &decline).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ctx::Role,
        escalation::fixture::{by, by_service, handed_over, member, staff},
        tickets::fixture,
    };

    fn decline(ctx: &Ctx, (ticket, history): (Ticket, History)) -> Result<(Change, Escalation)> {
        let mut staff = staff(&[member("anna", "desk-de", true), member("bea", "applications", true)]);
        let decline =
            Decline { target: fixture::target(), id: fixture::id(9), reason: DeclineReason::InfoMissing };
        decide(ctx, fixture::configuration(), ticket, &history, &mut staff, &decline)
    }

    #[test]
    fn the_team_says_no_and_why_and_it_is_back_with_its_owner() {
        let (change, escalation) = decline(&by("bea", Role::Agent), handed_over(9)).expect("declined");
        assert_eq!(change.next.assignee.as_deref(), Some("anna"));
        assert_eq!(
            (escalation.state, escalation.decline_reason),
            (State::Declined, Some(DeclineReason::InfoMissing))
        );
        assert_eq!(change.events[0].reason, "INFO_MISSING");
        assert!(decline(&by_service(), handed_over(9)).is_ok());
        assert!(decline(&by("max", Role::Manager), handed_over(9)).is_ok());
    }

    #[test]
    fn refusals() {
        let outcome = |ctx, of| fixture::outcome(&decline(&ctx, of).map(|(change, _)| change));
        assert_eq!(outcome(by("anna", Role::Agent), handed_over(9)), "AGENT_NOT_IN_TEAM");
        let (ticket, mut history) = handed_over(9);
        history.0[0].state = State::Accepted;
        assert_eq!(outcome(by("bea", Role::Agent), (ticket, history)), "ESCALATION_NOT_PENDING");
    }
}
