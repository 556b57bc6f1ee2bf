//! Ending a live ticket without a solution: nobody has it, and it waits nowhere.

use super::{
    Change, Ticket, Verb, Written, enter,
    status::advance_settled,
    write::{Target, write},
};
use crate::{app::App, ctx::Ctx, error::Result, events::EventType};

/// The rule.
pub fn decide(ctx: &Ctx, ticket: Ticket, target: &Target) -> Result<Change> {
    let state = advance_settled(&ticket, Verb::Cancel)?;
    Ok(Change::of(ticket).step(ctx, EventType::TicketCancelled, |ticket, event| {
        enter(ticket, state);
        ticket.assignee = None;
        ticket.assign_time = None;
        ticket.queue_time = None;
        ticket.close_time = Some(ctx.now);
        target.tell(event);
    }))
}

pub async fn cancel(app: &App, ctx: &Ctx, target: Target) -> Result<Written> {
    write(app, ctx, &target, |_, ticket| decide(ctx, ticket, &target)).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ctx::Role,
        tickets::{
            State,
            fixture::{self, outcome},
        },
    };

    fn decided(ticket: Ticket) -> Result<Change> {
        decide(&fixture::ctx(Role::Manager), ticket, &fixture::target())
    }

    #[test]
    fn only_live_tickets_are_cancelled() {
        for state in State::ALL {
            let expected = if state.is_live() { "ticket.cancelled" } else { "TICKET_STATE_CONFLICT" };
            assert_eq!(outcome(&decided(fixture::ticket(*state))), expected, "{state:?}");
        }
        let asked = Ticket { pending_escalation: Some(fixture::id(9)), ..fixture::ticket(State::Open) };
        assert_eq!(outcome(&decided(asked)), "ESCALATION_PENDING");
    }

    #[test]
    fn what_is_over_waits_nowhere_and_nobody_has_it() {
        let mut held = fixture::ticket(State::OnHold);
        held.hold_until_time = Some(fixture::start());
        for mut ticket in [held.clone(), held] {
            ticket.assign("bert", fixture::start());
            let next = decided(ticket).expect("cancelled").next;
            assert_eq!((next.state, next.close_time), (State::Cancelled, Some(fixture::start())));
            assert_eq!((next.assignee, next.assign_time, next.queue_time), (None, None, None));
            assert_eq!(next.hold_until_time, None);
        }
    }
}
