//! Ending a resolved ticket for good, by hand or when its quiet time is over.

use super::{
    Change, Ticket, Verb, Written, advance, enter,
    write::{Target, write},
};
use crate::{app::App, ctx::Ctx, error::Result, events::EventType};

/// The rule.
pub fn decide(ctx: &Ctx, ticket: Ticket, target: &Target) -> Result<Change> {
    let state = advance(ticket.state, Verb::Close)?;
    Ok(Change::of(ticket).step(ctx, EventType::TicketClosed, |ticket, event| {
        enter(ticket, state);
        ticket.close_time = Some(ctx.now);
        ticket.auto_close_time = None;
        target.tell(event);
    }))
}

pub async fn close(app: &App, ctx: &Ctx, target: Target) -> Result<Written> {
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

    #[test]
    fn only_resolved_tickets_are_closed() {
        for state in State::ALL {
            let said = decide(&fixture::ctx(Role::Agent), fixture::ticket(*state), &fixture::target());
            let expected = if *state == State::Resolved { "ticket.closed" } else { "TICKET_STATE_CONFLICT" };
            assert_eq!(outcome(&said), expected, "{state:?}");
        }
    }

    #[test]
    fn what_is_closed_counts_down_no_longer() {
        let resolved = Ticket { auto_close_time: Some(fixture::start()), ..fixture::ticket(State::Resolved) };
        let change = decide(&fixture::ctx(Role::Agent), resolved, &fixture::target()).expect("closed");
        assert_eq!((change.next.auto_close_time, change.next.close_time), (None, Some(fixture::start())));
        assert_eq!((change.events[0].note.as_str(), change.events[0].reason.as_str()), ("so be it", "R1"));
    }
}
