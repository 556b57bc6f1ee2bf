//! Putting a ticket back into its queue, where it keeps its place in time.

use super::{
    Change, Target, Ticket, Verb,
    create::Written,
    room::queued_since,
    status::advance,
    write::{Act, write_with},
};
use crate::{
    app::App, configuration::Configuration, ctx::Ctx, db::Tx, error::Result, events::EventType, time::Time,
};

#[derive(Clone, Debug)]
pub struct Release {
    pub target: Target,
}

/// The rule. `since`: when it came into the queue that it was taken from.
pub fn decide(ctx: &Ctx, ticket: Ticket, since: Option<Time>, release: &Release) -> Result<Change> {
    advance(ticket.state, Verb::Release)?;
    if ticket.assignee.is_none() {
        return Ok(Change::of(ticket));
    }
    Ok(Change::of(ticket).step(ctx, EventType::TicketReleased, |ticket, event| {
        ticket.release(since.unwrap_or(ctx.now));
        release.target.tell(event);
    }))
}

impl Act for Release {
    type Extra = ();

    async fn act(&self, tx: &mut Tx, ctx: &Ctx, _: &Configuration, ticket: Ticket) -> Result<(Change, ())> {
        let since = queued_since(tx, ticket.id).await?;
        Ok((decide(ctx, ticket, since, self)?, ()))
    }
}

pub async fn release(app: &App, ctx: &Ctx, release: Release) -> Result<Written> {
    Ok(write_with(app, ctx, &release.target, &release).await?.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tickets::{State, fixture};

    #[test]
    fn a_released_ticket_keeps_its_place_in_time() {
        let recorded: Time = fixture::start();
        let ctx = Ctx::system(
            fixture::ticket(State::New).tenant_id,
            "test",
            fixture::start().after(std::time::Duration::from_mins(10)),
        );
        let release = Release { target: Target::of(fixture::id(1)) };
        let mut owned = Ticket { state: State::Open, ..fixture::ticket(State::New) };
        owned.assign("ada", recorded);
        let back = decide(&ctx, owned, Some(recorded), &release).expect("released").next;
        assert_eq!((back.assignee, back.queue_time), (None, Some(recorded)));
        let nobodys = Ticket { state: State::Open, ..fixture::ticket(State::New) };
        assert!(decide(&ctx, nobodys, Some(recorded), &release).expect("no change").is_empty());
        assert!(decide(&ctx, fixture::ticket(State::New), None, &release).is_err(), "nobody has taken it up");
    }
}
