//! Closing resolved tickets whose quiet time is over.

use super::{Change, State, Target, Ticket, close, store, timer};
use crate::{app::App, ctx::Ctx, error::Result, jobs::Report};

/// The rule: nothing, unless the ticket is due.
pub fn decide(ctx: &Ctx, ticket: Ticket) -> Result<Option<Change>> {
    if ticket.state != State::Resolved || ticket.auto_close_time.is_none_or(|time| time > ctx.now) {
        return Ok(None);
    }
    let target = Target::of(ticket.id);
    close::decide(ctx, ticket, &target).map(Some)
}

/// One tick: at most `limit` tickets, the longest due first.
pub async fn run_once(app: &App, limit: usize) -> Result<Report> {
    let now = app.clock.now();
    let due = store::list_due_to_close(app.db.across(), now, limit).await?;
    let done = timer::ring(app, |tenant| Ctx::system(tenant, "auto_close", now), &due, decide).await?;
    Ok(Report::of(done, due.len(), limit))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{ids::TenantId, tickets::fixture};

    #[test]
    fn it_closes_what_is_due_and_nothing_else() {
        let tenant = TenantId::parse("acme").expect("a tenant");
        let ctx = Ctx::system(tenant, "auto_close", fixture::start());
        let closes = |state, due| {
            let ticket = Ticket { auto_close_time: due, ..fixture::ticket(state) };
            decide(&ctx, ticket).expect("decided").map(|change| change.events[0].actor_id.clone())
        };
        assert_eq!(closes(State::Resolved, Some(ctx.now)).as_deref(), Some("auto_close"));
        assert_eq!(closes(State::Resolved, Some(ctx.now.after(Duration::from_micros(1)))), None);
        assert_eq!(closes(State::Resolved, None), None);
        assert_eq!(closes(State::Open, Some(ctx.now)), None);
    }
}
