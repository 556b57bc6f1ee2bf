//! Running the rules for a ticket again. Where they send it elsewhere, it leaves its assignee; to another level they send
//! only what nobody has had yet.

use super::{Decision, decide as rules, levels::require_same_level};
use crate::{
    app::App,
    configuration::Configuration,
    ctx::Ctx,
    db::Tx,
    error::Result,
    events::EventType,
    tickets::{Act, Change, Done, State, Target, Ticket, Verb, advance_settled, write_with},
};

#[derive(Clone, Debug)]
pub struct Route {
    pub target: Target,
}

/// The rule.
pub fn decide(
    ctx: &Ctx,
    configuration: &Configuration,
    ticket: Ticket,
    route: &Route,
) -> Result<(Change, Decision)> {
    advance_settled(&ticket, Verb::Route)?;
    let decision = rules(configuration, &ticket);
    if ticket.state != State::New {
        require_same_level(&ticket, &decision.level)?;
    }
    let change = Change::of(ticket).step(ctx, EventType::TicketRouted, |ticket, event| {
        decision.settle(configuration, ticket, ctx.now);
        decision.explain(event);
        route.target.tell(event);
    });
    Ok((change, decision))
}

impl Act for Route {
    type Extra = Decision;

    async fn act(
        &self,
        _: &mut Tx,
        ctx: &Ctx,
        configuration: &Configuration,
        ticket: Ticket,
    ) -> Result<(Change, Decision)> {
        decide(ctx, configuration, ticket, self)
    }
}

pub async fn route(app: &App, ctx: &Ctx, route: Route) -> Result<Done<Decision>> {
    write_with(app, ctx, &route.target, &route).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ctx::Role,
        error::Reason,
        ids::Id,
        tickets::{Impact, fixture},
    };

    fn ctx() -> Ctx {
        fixture::ctx(Role::Agent)
    }

    fn route(ticket: Ticket) -> Result<(Change, Decision)> {
        decide(&ctx(), fixture::configuration(), ticket, &Route { target: Target::of(fixture::id(1)) })
    }

    /// The rules send it to infrastructure at L2, with priority P1 at least.
    fn outage() -> Ticket {
        Ticket { impact: Impact::Major, category: "network".into(), ..fixture::ticket(State::New) }
    }

    #[test]
    fn what_nobody_has_had_may_go_to_another_level() {
        let (change, decision) = route(outage()).expect("routed");
        let ticket = &change.next;
        assert_eq!((ticket.queue.as_str(), ticket.level.as_str()), ("infrastructure", "L2"));
        assert_eq!((ticket.priority.as_str(), ticket.priority_rank), ("P1", 0));
        assert_eq!((decision.rule.as_str(), decision.priority.as_str()), ("outage", "P1"));
        assert_eq!(change.events[0].rule, "outage");
        assert!(change.events[0].details.contains_key("decision"));
    }

    #[test]
    fn what_somebody_has_had_stays_at_its_level() {
        let refused = route(Ticket { state: State::Open, ..outage() }).expect_err("another level");
        assert_eq!(refused.reason(), Reason::LevelChangeNeedsEscalation);
    }

    #[test]
    fn it_leaves_its_assignee_only_where_it_moves() {
        let owned = |language: &str| Ticket {
            state: State::Open,
            language_code: language.into(),
            assignee: Some("ada".into()),
            queue_time: None,
            ..fixture::ticket(State::New)
        };
        let (stays, _) = route(owned("de")).expect("routed");
        assert_eq!((stays.next.queue.as_str(), stays.next.assignee.as_deref()), ("desk-de", Some("ada")));
        assert_eq!(stays.events.len(), 1, "the decision is kept all the same");
        let (moves, _) = route(owned("en")).expect("routed");
        assert_eq!((moves.next.queue.as_str(), moves.next.assignee.as_deref()), ("desk-en", None));
        assert_eq!(moves.next.queue_time, Some(ctx().now));
    }

    #[test]
    fn not_while_an_escalation_waits_or_at_its_end() {
        let pending =
            Ticket { pending_escalation: Some(Id(uuid::Uuid::from_u128(7))), ..fixture::ticket(State::New) };
        assert_eq!(route(pending).expect_err("pending").reason(), Reason::EscalationPending);
        let closed = Ticket { state: State::Closed, ..fixture::ticket(State::New) };
        assert_eq!(route(closed).expect_err("closed").reason(), Reason::TicketStateConflict);
    }
}
