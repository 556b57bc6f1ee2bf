//! Not taking a ticket that one was asked to take. Somebody else is asked.

use super::offers::{pass_over, require_pending};
use crate::{
    app::App,
    configuration::Configuration,
    ctx::Ctx,
    error::Result,
    events::EventType,
    tickets::{Change, Target, Ticket, Written, codes, write},
};

codes! {
    /// Why an agent does not take a ticket.
    DeclineReason {
        Busy = "BUSY",
        MissingSkill = "MISSING_SKILL",
        ConflictOfInterest = "CONFLICT_OF_INTEREST",
        EndOfShift = "END_OF_SHIFT",
        Other = "OTHER",
    }
}

#[derive(Clone, Debug)]
pub struct DeclineOffer {
    pub target: Target,
    pub reason: DeclineReason,
}

/// The rule.
pub fn decide(
    ctx: &Ctx,
    configuration: &Configuration,
    ticket: Ticket,
    decline: &DeclineOffer,
) -> Result<Change> {
    require_pending(ctx, &ticket)?;
    Ok(Change::of(ticket).step(ctx, EventType::TicketOfferDeclined, |ticket, event| {
        pass_over(configuration, ticket, ctx.now);
        decline.target.tell(event);
        decline.reason.name().clone_into(&mut event.reason);
    }))
}

pub async fn decline_offer(app: &App, ctx: &Ctx, decline: DeclineOffer) -> Result<Written> {
    write(app, ctx, &decline.target, |configuration, ticket| decide(ctx, configuration, ticket, &decline))
        .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        routing::offers::fixture::{by, end, offered},
        tickets::fixture::{self, outcome},
    };

    #[test]
    fn it_waits_on_and_the_agent_is_left_alone() {
        let decline = DeclineOffer { target: fixture::target(), reason: DeclineReason::EndOfShift };
        let said = |ctx: &Ctx| decide(ctx, fixture::configuration(), offered(), &decline);
        let change = said(&by("anna", fixture::start())).expect("declined");
        assert_eq!(change.events[0].reason, "END_OF_SHIFT");
        let ticket = change.next;
        assert_eq!((ticket.offered_to.as_deref(), ticket.assignee.as_deref()), (None, None));
        assert_eq!(ticket.queue_time, offered().queue_time, "it keeps its place in the queue");
        assert!(ticket.cool_downs.contains_key("anna"));
        assert_eq!(outcome(&said(&by("bert", fixture::start()))), "OFFER_NOT_PENDING");
        assert_eq!(outcome(&said(&by("anna", end()))), "OFFER_NOT_PENDING");
    }
}
