//! Taking a ticket up again that was put aside.

use super::{
    Change, Ticket, Verb, Written, advance, enter,
    write::{Target, write},
};
use crate::{app::App, ctx::Ctx, error::Result, events::EventType};

/// The rule.
pub fn decide(ctx: &Ctx, ticket: Ticket, target: &Target) -> Result<Change> {
    let state = advance(ticket.state, Verb::Resume)?;
    Ok(Change::of(ticket).step(ctx, EventType::TicketResumed, |ticket, event| {
        enter(ticket, state);
        target.tell(event);
    }))
}

pub async fn resume(app: &App, ctx: &Ctx, target: Target) -> Result<Written> {
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
    fn only_waiting_tickets_are_resumed() {
        let waits = [State::WaitingOnCustomer, State::WaitingOnVendor, State::OnHold];
        for state in State::ALL {
            let said = decide(&fixture::ctx(Role::Agent), fixture::ticket(*state), &fixture::target());
            let expected = if waits.contains(state) { "ticket.resumed" } else { "TICKET_STATE_CONFLICT" };
            assert_eq!(outcome(&said), expected, "{state:?}");
        }
    }

    #[test]
    fn the_hold_is_over_and_all_else_stays() {
        let mut held = fixture::ticket(State::WaitingOnVendor);
        held.assign("bert", fixture::start());
        held.hold_reason = "asked".to_owned();
        held.hold_until_time = Some(fixture::start());
        held.vendor_reference = "V-1".to_owned();
        let next =
            decide(&fixture::ctx(Role::Agent), held.clone(), &fixture::target()).expect("resumed").next;
        let expected = Ticket {
            state: State::Open,
            version: 2,
            hold_reason: String::new(),
            hold_until_time: None,
            ..held
        };
        assert_eq!(next, expected);
    }
}
