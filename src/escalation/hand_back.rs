//! Handing back: a ticket that was taken over goes to where it came from, or the advice that was asked for is given.

use super::{
    Escalation, HandBackReason, Mode,
    come_back::{give_back, place_back},
    history::History,
    staff::Staff,
    store,
};
use crate::{
    app::App,
    configuration::Configuration,
    ctx::Ctx,
    db::Tx,
    error::{Reason, Refusal, Result},
    events::EventType,
    tickets::{Act, Change, Done, Target, Ticket, Verb, advance_settled, write_with},
};

#[derive(Clone, Debug)]
pub struct HandBack {
    pub target: Target,
    pub reason: HandBackReason,
}

/// The rule.
pub fn decide(
    ctx: &Ctx,
    configuration: &Configuration,
    ticket: Ticket,
    history: &History,
    staff: &mut Staff,
    hand_back: &HandBack,
) -> Result<(Change, Escalation)> {
    advance_settled(&ticket, Verb::HandBack)?;
    let by_owner = ticket.assignee.is_some() && ticket.assignee.as_ref() == ctx.actor.agent_key().first();
    let Some(open) = history.to_hand_back(&ticket, by_owner) else {
        let text = "the ticket came by no escalation, and no advice was asked for";
        return Err(Refusal::new(Reason::NothingToHandBack, text).into());
    };
    let side = match open.mode {
        Mode::Handover => &ticket.team,
        Mode::Consult => &open.to_team,
    };
    staff.require_side(ctx, side)?;
    let escalation = Escalation {
        hand_back_reason: Some(hand_back.reason),
        hand_back_time: Some(ctx.now),
        ..open.clone()
    };
    let change = Change::of(ticket).step(ctx, EventType::TicketHandedBack, |ticket, event| {
        place_back(ctx, configuration, ticket, &escalation, history);
        hand_back.target.tell(event);
        escalation.tell(event);
        event.details.insert("hand_back_reason".into(), hand_back.reason.name().into());
        if event.reason.is_empty() {
            hand_back.reason.name().clone_into(&mut event.reason);
        }
    });
    Ok((give_back(ctx, configuration, change, &escalation, staff), escalation))
}

impl Act for HandBack {
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

pub async fn hand_back(app: &App, ctx: &Ctx, hand_back: HandBack) -> Result<Done<Escalation>> {
    write_with(app, ctx, &hand_back.target, &hand_back).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ctx::Role,
        escalation::{
            State,
            fixture::{by, consulted, handed_over, member, owned, staff},
        },
        tickets::fixture,
    };

    /// As it is when bea of the application support has accepted.
    fn accepted((mut ticket, mut history): (Ticket, History)) -> (Ticket, History) {
        ticket.pending_escalation = None;
        if history.0[0].mode == Mode::Handover {
            ticket.assign("bea", fixture::start());
        }
        history.0[0].state = State::Accepted;
        (ticket, history)
    }

    fn hand_back(ctx: &Ctx, (ticket, history): (Ticket, History)) -> Result<(Change, Escalation)> {
        let mut staff = staff(&[member("anna", "desk-de", true), member("bea", "applications", false)]);
        let hand_back = HandBack { target: fixture::target(), reason: HandBackReason::SolutionReady };
        decide(ctx, fixture::configuration(), ticket, &history, &mut staff, &hand_back)
    }

    #[test]
    fn the_ticket_goes_to_its_former_owner() {
        let (change, escalation) =
            hand_back(&by("bea", Role::Agent), accepted(handed_over(9))).expect("back");
        let ticket = &change.next;
        assert_eq!((ticket.assignee.as_deref(), ticket.team.as_str()), (Some("anna"), "desk-de"));
        assert!(!ticket.escalated);
        assert_eq!(
            (escalation.state, escalation.hand_back_reason),
            (State::Accepted, Some(HandBackReason::SolutionReady))
        );
        assert_eq!(escalation.hand_back_time, Some(fixture::start()));
    }

    #[test]
    fn advice_ends_the_consultation_and_moves_nothing() {
        let (change, escalation) =
            hand_back(&by("bea", Role::Agent), accepted(consulted(9))).expect("advised");
        assert_eq!(change.next.assignee.as_deref(), Some("anna"));
        assert!(escalation.hand_back_time.is_some());
    }

    #[test]
    fn refusals() {
        let outcome = |ctx, of| fixture::outcome(&hand_back(&ctx, of).map(|(change, _)| change));
        let bea = || by("bea", Role::Agent);
        assert_eq!(outcome(bea(), (owned(), History::default())), "NOTHING_TO_HAND_BACK");
        assert_eq!(outcome(bea(), handed_over(9)), "ESCALATION_PENDING");
        assert_eq!(outcome(by("anna", Role::Agent), accepted(handed_over(9))), "AGENT_NOT_IN_TEAM");
        assert_eq!(outcome(by("anna", Role::Agent), accepted(consulted(9))), "NOTHING_TO_HAND_BACK");
        let (ticket, history) = accepted(handed_over(9));
        let over = Ticket { state: crate::tickets::State::Closed, ..ticket };
        assert_eq!(outcome(bea(), (over, history)), "TICKET_STATE_CONFLICT");
    }
}
