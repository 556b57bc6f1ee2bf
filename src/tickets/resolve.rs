//! Saying that a ticket is solved, and how: completely recorded, by a configured code, and with what the level owes the
//! knowledge base.

use super::{
    Act, Change, Json, Relation, Resolution, Ticket, Verb, Written, enter, hidden, intake,
    link::MAX_LINKS,
    status::advance_settled,
    store_links,
    write::{Target, write, write_with},
};
use crate::{
    app::App,
    configuration::{Configuration, KnowledgeDuty},
    ctx::Ctx,
    db::Tx,
    error::{Error, Reason, Refusal, Result},
    events::EventType,
    ids::Id,
};

#[derive(Clone, Debug)]
pub struct Resolve {
    pub target: Target,
    pub resolution: Resolution,
}

/// Solving an incident as its problem was solved.
#[derive(Clone, Debug)]
pub struct ResolveAs {
    pub target: Target,
    pub problem: Id,
}

#[derive(Clone, Debug)]
pub enum How {
    By(Resolve),
    As(ResolveAs),
}

/// The rule.
pub fn decide(ctx: &Ctx, configuration: &Configuration, ticket: Ticket, resolve: &Resolve) -> Result<Change> {
    let state = advance_settled(&ticket, Verb::Resolve)?;
    if configuration.resolution_code(&resolve.resolution.code).is_none() {
        let codes = &configuration.document.resolution_codes;
        let codes: Vec<&str> = codes.iter().map(|code| code.key.as_str()).collect();
        return Err(Error::field("resolution.code", &format!("must be one of: {}", codes.join(", "))));
    }
    intake::complete(configuration, &ticket)?;
    pay_knowledge_duty(configuration, &ticket, &resolve.resolution)?;
    let quiet = configuration.document.lifecycle.auto_close_duration;
    Ok(Change::of(ticket).step(ctx, EventType::TicketResolved, |ticket, event| {
        enter(ticket, state);
        ticket.resolution = Some(Json(resolve.resolution.clone()));
        ticket.resolve_time = Some(ctx.now);
        ticket.auto_close_time = (!quiet.is_zero()).then(|| ctx.now.after(quiet));
        ticket.queue_time = None;
        event.configuration_revision = configuration.revision;
        if !resolve.resolution.article.is_empty() {
            event.details.insert("article".into(), resolve.resolution.article.clone().into());
        }
        resolve.target.tell(event);
    }))
}

/// A level with a duty names the article, or says why none is reusable.
fn pay_knowledge_duty(
    configuration: &Configuration,
    ticket: &Ticket,
    resolution: &Resolution,
) -> Result<(), Refusal> {
    let duty = configuration.level(&ticket.level).map_or(KnowledgeDuty::None, |level| level.knowledge_duty);
    let paid = !resolution.article.is_empty() || !resolution.no_article_reason.trim().is_empty();
    if duty == KnowledgeDuty::None || paid {
        return Ok(());
    }
    let what = match duty {
        KnowledgeDuty::CreateOrLink => "names the article that was used or written",
        _ => "names the article that was used",
    };
    let text = format!("level {} {what}, or says why none is reusable", ticket.level);
    Err(Refusal::new(Reason::KnowledgeDutyOpen, text).with("level", &ticket.level))
}

/// The rule for an incident: its problem's resolution, if it is offered, and then as for any.
fn decide_as(
    ctx: &Ctx,
    configuration: &Configuration,
    incident: Ticket,
    solved: &[Ticket],
    resolve: &ResolveAs,
) -> Result<Change> {
    let offered = solved.iter().find(|problem| problem.id == resolve.problem);
    let Some(resolution) = offered.and_then(|problem| problem.resolution.clone()) else {
        let text = "the ticket is no incident of that problem, or the problem is not solved";
        let problem = format!("tenants/{}/tickets/{}", ctx.tenant, resolve.problem);
        return Err(Refusal::new(Reason::ResolutionNotOffered, text).with("problem", problem).into());
    };
    let resolve = Resolve { target: resolve.target.clone(), resolution: resolution.0 };
    let mut change = decide(ctx, configuration, incident, &resolve)?;
    if let (Some(event), Some(problem)) = (change.events.last_mut(), offered) {
        Relation::CAUSED_BY.tell(event, &[problem.id]);
    }
    Ok(change)
}

impl Act for ResolveAs {
    type Extra = ();

    async fn act(
        &self,
        tx: &mut Tx,
        ctx: &Ctx,
        configuration: &Configuration,
        incident: Ticket,
    ) -> Result<(Change, ())> {
        let solved = store_links::solved_causes(tx, &ctx.tenant, incident.id, MAX_LINKS).await?;
        let hidden = hidden(tx, ctx, &solved.iter().map(|it| it.id).collect::<Vec<_>>()).await?;
        let solved: Vec<Ticket> = solved.into_iter().filter(|it| !hidden.contains(&it.id)).collect();
        Ok((decide_as(ctx, configuration, incident, &solved, self)?, ()))
    }
}

pub async fn resolve(app: &App, ctx: &Ctx, how: How) -> Result<Written> {
    match how {
        How::By(resolve) => {
            let rule = |configuration: &Configuration, ticket| decide(ctx, configuration, ticket, &resolve);
            write(app, ctx, &resolve.target, rule).await
        }
        How::As(resolve) => Ok(write_with(app, ctx, &resolve.target, &resolve).await?.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        ctx::Role,
        tickets::{
            State,
            fixture::{self, outcome},
        },
    };

    fn resolve(code: &str, article: &str, no_article_reason: &str) -> Resolve {
        let resolution = Resolution {
            code: code.to_owned(),
            summary: "Toner".to_owned(),
            article: article.to_owned(),
            no_article_reason: no_article_reason.to_owned(),
        };
        Resolve { target: fixture::target(), resolution }
    }

    fn decided(ticket: Ticket, resolve: &Resolve) -> Result<Change> {
        decide(&fixture::ctx(Role::Agent), fixture::configuration(), ticket, resolve)
    }

    #[test]
    fn only_live_tickets_are_resolved() {
        for state in State::ALL {
            let said = outcome(&decided(fixture::ticket(*state), &resolve("fixed", "", "")));
            let expected = if state.is_live() { "ticket.resolved" } else { "TICKET_STATE_CONFLICT" };
            assert_eq!(said, expected, "{state:?}");
        }
    }

    #[test]
    fn what_is_owed_comes_first() {
        let at = |level: &str, category: &str, resolve: Resolve| {
            let ticket = fixture::ticket(State::Open);
            let ticket = Ticket { level: level.to_owned(), category: category.to_owned(), ..ticket };
            outcome(&decided(ticket, &resolve))
        };
        let cases = [
            ("L1", "", resolve("fixed", "", ""), "ticket.resolved"),
            ("L1", "", resolve("", "", ""), "FIELD_INVALID"),
            ("L1", "", resolve("magic", "", ""), "FIELD_INVALID"),
            ("L1", "software", resolve("fixed", "", ""), "INTAKE_INCOMPLETE"),
            ("L2", "", resolve("fixed", "", ""), "KNOWLEDGE_DUTY_OPEN"),
            ("L2", "", resolve("fixed", "kb-1", ""), "ticket.resolved"),
            ("L3", "", resolve("fixed", "", " "), "KNOWLEDGE_DUTY_OPEN"),
            ("L3", "", resolve("fixed", "", "one of a kind"), "ticket.resolved"),
            ("gone", "", resolve("fixed", "", ""), "ticket.resolved"),
        ];
        for (level, category, resolve, expected) in cases {
            assert_eq!(at(level, category, resolve.clone()), expected, "{level} {category} {resolve:?}");
        }
    }

    #[test]
    fn whoever_was_asked_to_take_over_answers_first() {
        let asked = Ticket { pending_escalation: Some(fixture::id(9)), ..fixture::ticket(State::Open) };
        assert_eq!(outcome(&decided(asked, &resolve("fixed", "", ""))), "ESCALATION_PENDING");
    }

    #[test]
    fn a_resolved_ticket_waits_nowhere_and_counts_down_to_its_end() {
        let mut held = fixture::ticket(State::WaitingOnCustomer);
        held.assign("bert", fixture::start());
        held.hold_reason = "asked".to_owned();
        held.hold_until_time = Some(fixture::start().after(Duration::from_hours(1)));
        let change = decided(held, &resolve("fixed", "kb-1", "")).expect("resolved");
        let next = &change.next;
        assert_eq!((next.state, next.queue_time, next.hold_until_time), (State::Resolved, None, None));
        assert_eq!((next.hold_reason.as_str(), next.assignee.as_deref()), ("", Some("bert")));
        assert_eq!(next.resolve_time, Some(fixture::start()));
        assert_eq!(next.auto_close_time, Some(fixture::start().after(Duration::from_hours(7 * 24))));
        let event = &change.events[0];
        assert_eq!((event.note.as_str(), event.reason.as_str()), ("so be it", "R1"));
        assert_eq!((event.configuration_revision, event.facts.resolution_code.as_str()), (7, "fixed"));
        assert_eq!(event.details["article"], "kb-1");
        assert!(!event.changes.contains_key("pending_escalation"));
    }

    #[test]
    fn without_a_quiet_time_a_ticket_stays_resolved() {
        let mut document = fixture::document();
        document.lifecycle.auto_close_duration = Duration::ZERO;
        let configuration = Configuration::new(8, document);
        let ticket = fixture::ticket(State::Open);
        let change = decide(&fixture::ctx(Role::Agent), &configuration, ticket, &resolve("fixed", "", ""));
        assert_eq!(change.expect("resolved").next.auto_close_time, None);
    }
}
