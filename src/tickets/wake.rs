//! Resuming tickets that were put aside until a time which has come.

use super::{Change, State, Target, Ticket, resume, store, timer};
use crate::{app::App, ctx::Ctx, error::Result, jobs::Report};

/// The rule: nothing, unless the ticket is due.
pub fn decide(ctx: &Ctx, ticket: Ticket) -> Result<Option<Change>> {
    let waits = matches!(ticket.state, State::WaitingOnCustomer | State::WaitingOnVendor | State::OnHold);
    if !waits || ticket.hold_until_time.is_none_or(|time| time > ctx.now) {
        return Ok(None);
    }
    let target = Target::of(ticket.id);
    resume::decide(ctx, ticket, &target).map(Some)
}

/// One tick: at most `limit` tickets, the longest due first.
pub async fn run_once(app: &App, limit: usize) -> Result<Report> {
    let now = app.clock.now();
    let due = store::list_due_to_wake(app.db.across(), now, limit).await?;
    let done = timer::ring(app, |tenant| Ctx::system(tenant, "wake", now), &due, decide).await?;
    Ok(Report::of(done, due.len(), limit))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{ids::TenantId, tickets::fixture};

    #[test]
    fn it_wakes_what_is_due_and_nothing_else() {
        let tenant = TenantId::parse("acme").expect("a tenant");
        let ctx = Ctx::system(tenant, "wake", fixture::start());
        let wakes = |state, due| {
            let ticket = Ticket { hold_until_time: due, ..fixture::ticket(state) };
            decide(&ctx, ticket).expect("decided").map(|change| change.next.state)
        };
        for state in State::ALL {
            let waits = matches!(state, State::WaitingOnCustomer | State::WaitingOnVendor | State::OnHold);
            assert_eq!(wakes(*state, Some(ctx.now)), waits.then_some(State::Open), "{state:?}");
            assert_eq!(wakes(*state, Some(ctx.now.after(Duration::from_micros(1)))), None, "{state:?}");
            assert_eq!(wakes(*state, None), None, "{state:?}");
        }
    }
}
