//! Offers: an agent is asked to take a ticket, which takes its room meanwhile. At most one at a time for a ticket; whatever
//! else happens to the ticket in between ends it.

use crate::{
    configuration::{Configuration, Queue},
    ctx::Ctx,
    error::{Reason, Refusal},
    tickets::Ticket,
    time::Time,
};

/// Refuses unless the caller is asked to take the ticket, and in time.
pub fn require_pending(ctx: &Ctx, ticket: &Ticket) -> Result<(), Refusal> {
    let asked = ctx.actor.agent_key().first().is_some_and(|key| ticket.offered_to.as_ref() == Some(key));
    if asked && !has_lapsed(ticket, ctx.now) {
        return Ok(());
    }
    let text = format!("no offer of the ticket to {} waits for an answer", ctx.actor.id);
    Err(Refusal::new(Reason::OfferNotPending, text))
}

/// Whether the time to answer is over.
pub fn has_lapsed(ticket: &Ticket, now: Time) -> bool {
    ticket.offer_expire_time.is_some_and(|end| end <= now)
}

/// The agent did not take it: it is not offered again for a while; until when.
pub fn pass_over(configuration: &Configuration, ticket: &mut Ticket, now: Time) -> Time {
    let until = now.after(configuration.queue(&ticket.queue).map(Queue::cool_down).unwrap_or_default());
    // Those that are over say nothing any more.
    ticket.cool_downs.0.retain(|_, until| now < *until);
    if let Some(agent) = ticket.offered_to.clone() {
        ticket.cool_downs.0.insert(agent, until);
    }
    ticket.end_offer();
    until
}

/// Tickets and callers for the tests of the verbs.
#[cfg(test)]
pub mod fixture {
    use crate::{
        ctx::{Ctx, Role},
        tickets::{State, Ticket, fixture},
        time::Time,
    };

    /// A new ticket that is offered to anna for two minutes.
    pub fn offered() -> Ticket {
        let mut ticket = fixture::ticket(State::New);
        ticket.offer("anna", end());
        ticket
    }

    pub fn end() -> Time {
        fixture::start().after(std::time::Duration::from_mins(2))
    }

    /// A call of an agent at a time.
    pub fn by(agent: &str, at: Time) -> Ctx {
        let mut ctx = fixture::ctx(Role::Agent).at(at);
        agent.clone_into(&mut ctx.actor.id);
        ctx
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{
        fixture::{by, end, offered},
        *,
    };
    use crate::tickets::{State, enter, fixture};

    #[test]
    fn who_is_asked_answers_in_time() {
        let early = end().before(Duration::from_micros(1));
        let cases = [
            (by("anna", fixture::start()), offered(), true),
            (by("anna", early), offered(), true),
            (by("anna", end()), offered(), false),
            (by("bert", fixture::start()), offered(), false),
            (by("anna", fixture::start()), fixture::ticket(State::New), false),
        ];
        for (ctx, ticket, fine) in cases {
            assert_eq!(require_pending(&ctx, &ticket).is_ok(), fine, "{} at {}", ctx.actor.id, ctx.now);
        }
    }

    #[test]
    fn whatever_else_happens_ends_the_offer() {
        let ways: [fn(&mut Ticket); 5] = [
            |ticket| ticket.assign("bert", fixture::start()),
            |ticket| ticket.release(fixture::start()),
            |ticket| ticket.place(fixture::configuration(), "desk-en", fixture::start()),
            |ticket| enter(ticket, State::OnHold),
            |ticket| enter(ticket, State::Cancelled),
        ];
        for way in ways {
            let mut ticket = offered();
            way(&mut ticket);
            assert_eq!((ticket.offered_to, ticket.offer_expire_time), (None, None));
        }
    }

    #[test]
    fn cool_downs_that_are_over_are_forgotten() {
        let mut ticket = offered();
        ticket.cool_downs.0.insert("bert".into(), fixture::start());
        ticket.cool_downs.0.insert("carl".into(), end());
        let until = pass_over(fixture::configuration(), &mut ticket, fixture::start());
        assert_eq!(until, fixture::start().after(Duration::from_mins(5)));
        assert_eq!(ticket.cool_downs.keys().collect::<Vec<_>>(), ["anna", "carl"]);
        assert_eq!(ticket.offered_to, None);
    }
}
