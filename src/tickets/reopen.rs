//! Opening a resolved ticket again, inside the reopen window: it goes back to its queue, and nobody has it.

use super::{
    Change, Ticket, Verb, Written, advance, enter,
    write::{Target, write},
};
use crate::{
    app::App,
    configuration::Configuration,
    ctx::Ctx,
    error::{Reason, Refusal, Result},
    events::EventType,
};

/// The rule.
pub fn decide(ctx: &Ctx, configuration: &Configuration, ticket: Ticket, target: &Target) -> Result<Change> {
    let state = advance(ticket.state, Verb::Reopen)?;
    let window = configuration.document.lifecycle.reopen_window_duration;
    if let Some(end) = ticket.resolve_time.map(|time| time.after(window))
        && ctx.now >= end
    {
        let text = format!("the reopen window ended at {end}; open a follow-up");
        return Err(Refusal::new(Reason::ReopenWindowOver, text).with("end_time", end).into());
    }
    Ok(Change::of(ticket).step(ctx, EventType::TicketReopened, |ticket, event| {
        enter(ticket, state);
        ticket.resolution = None;
        ticket.resolve_time = None;
        ticket.auto_close_time = None;
        ticket.reopen_count += 1;
        ticket.release(ctx.now);
        event.configuration_revision = configuration.revision;
        target.tell(event);
    }))
}

pub async fn reopen(app: &App, ctx: &Ctx, target: Target) -> Result<Written> {
    write(app, ctx, &target, |configuration, ticket| decide(ctx, configuration, ticket, &target)).await
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        ctx::Role,
        tickets::{
            Json, Resolution, State,
            fixture::{self, outcome},
        },
    };

    const WINDOW: Duration = Duration::from_hours(14 * 24);

    fn resolved() -> Ticket {
        let mut ticket = fixture::ticket(State::Resolved);
        ticket.assign("bert", fixture::start());
        ticket.resolution = Some(Json(Resolution::default()));
        ticket.resolve_time = Some(fixture::start());
        ticket.auto_close_time = Some(fixture::start().after(WINDOW));
        ticket
    }

    fn decided(ticket: Ticket, after: Duration) -> Result<Change> {
        let ctx = fixture::ctx(Role::Agent);
        let ctx = ctx.at(ctx.now.after(after));
        decide(&ctx, fixture::configuration(), ticket, &fixture::target())
    }

    #[test]
    fn the_window_is_open_up_to_its_end() {
        let cases = [
            (Duration::ZERO, "ticket.reopened"),
            (WINDOW.saturating_sub(Duration::from_micros(1)), "ticket.reopened"),
            (WINDOW, "REOPEN_WINDOW_OVER"),
            (WINDOW * 2, "REOPEN_WINDOW_OVER"),
        ];
        for (after, expected) in cases {
            assert_eq!(outcome(&decided(resolved(), after)), expected, "{after:?}");
        }
    }

    #[test]
    fn only_resolved_tickets_are_reopened() {
        for state in State::ALL.iter().filter(|state| **state != State::Resolved) {
            let ticket = Ticket { state: *state, ..resolved() };
            assert_eq!(outcome(&decided(ticket, Duration::ZERO)), "TICKET_STATE_CONFLICT", "{state:?}");
        }
    }

    #[test]
    fn it_goes_back_to_its_queue_as_if_it_had_not_been_solved() {
        let hour = Duration::from_hours(1);
        let before = resolved();
        let next = decided(before.clone(), hour).expect("reopened").next;
        assert_eq!((next.state, next.reopen_count), (State::Open, 1));
        assert_eq!((next.resolution, next.resolve_time, next.auto_close_time), (None, None, None));
        assert_eq!((next.assignee, next.assign_time), (None, None));
        assert_eq!((next.queue, next.queue_time), (before.queue, Some(fixture::start().after(hour))));
    }
}
