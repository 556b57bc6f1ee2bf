//! Saying that a ticket is solved, and how: completely recorded, by a configured code, and with what the level owes the
//! knowledge base.

use super::{
    Act, Change, Json, Resolution, Ticket, Verb, Written, enter, intake,
    resolve_as::ResolveAs,
    status::advance_settled,
    write::{Target, write_with},
};
use crate::{
    app::App,
    configuration::{Configuration, KnowledgeDuty},
    ctx::Ctx,
    db::Tx,
    error::{Error, Reason, Refusal, Result},
    events::EventType,
    ids::Id,
    knowledge::{self, Cited, Relation},
};

#[derive(Clone, Debug)]
pub struct Resolve {
    pub target: Target,
    /// Its article is named as the caller does.
    pub resolution: Resolution,
    /// Draft an article from the ticket.
    pub draft_article: bool,
}

/// The rule. `cited` is the article that the resolution names, or the draft that is made of the ticket.
pub fn decide(
    ctx: &Ctx,
    configuration: &Configuration,
    ticket: Ticket,
    resolve: &Resolve,
    cited: Option<&Cited>,
) -> Result<Change> {
    let state = advance_settled(&ticket, Verb::Resolve)?;
    if configuration.resolution_code(&resolve.resolution.code).is_none() {
        let codes = &configuration.document.resolution_codes;
        let codes: Vec<&str> = codes.iter().map(|code| code.key.as_str()).collect();
        return Err(Error::field("resolution.code", &format!("must be one of: {}", codes.join(", "))));
    }
    intake::complete(configuration, &ticket)?;
    pay_knowledge_duty(configuration, &ticket, &resolve.resolution, cited)?;
    let article = cited.map(|cited| cited.article.to_string()).unwrap_or_default();
    let resolution = Resolution { article: article.clone(), ..resolve.resolution.clone() };
    let quiet = configuration.document.lifecycle.auto_close_duration;
    Ok(Change::of(ticket).step(ctx, EventType::TicketResolved, |ticket, event| {
        enter(ticket, state);
        ticket.resolution = Some(Json(resolution));
        ticket.resolve_time = Some(ctx.now);
        ticket.auto_close_time = (!quiet.is_zero()).then(|| ctx.now.after(quiet));
        ticket.queue_time = None;
        event.configuration_revision = configuration.revision;
        if !article.is_empty() {
            event.details.insert("article".into(), article.into());
        }
        resolve.target.tell(event);
    }))
}

/// A level with a duty names the article that it used or, if that is enough, wrote; or says why none is reusable.
fn pay_knowledge_duty(
    configuration: &Configuration,
    ticket: &Ticket,
    resolution: &Resolution,
    cited: Option<&Cited>,
) -> Result<(), Refusal> {
    let duty = configuration.level(&ticket.level).map_or(KnowledgeDuty::None, |level| level.knowledge_duty);
    let paid = match duty {
        KnowledgeDuty::None => true,
        KnowledgeDuty::Link => cited.is_some_and(|cited| cited.relation == Relation::Used),
        KnowledgeDuty::CreateOrLink => cited.is_some(),
    };
    if paid || !resolution.no_article_reason.trim().is_empty() {
        return Ok(());
    }
    let what = match duty {
        KnowledgeDuty::CreateOrLink => "names the article that was used or written",
        _ => "names the article that was used",
    };
    let text = format!("level {} {what}, or says why none is reusable", ticket.level);
    Err(Refusal::new(Reason::KnowledgeDutyOpen, text).with("level", &ticket.level))
}

/// With the id and the number of an article, should one be drafted.
struct Solve {
    resolve: Resolve,
    identity: Option<(Id, i64)>,
}

impl Act for Solve {
    type Extra = ();

    async fn act(
        &self,
        tx: &mut Tx,
        ctx: &Ctx,
        configuration: &Configuration,
        ticket: Ticket,
    ) -> Result<(Change, ())> {
        let Self { resolve, identity } = self;
        let cited =
            knowledge::cite_in(tx, ctx, configuration, &ticket, &resolve.resolution, *identity).await?;
        let change = decide(ctx, configuration, ticket, resolve, cited.as_ref())?;
        if let Some(cited) = &cited {
            knowledge::tell_in(tx, ctx, &change, cited).await?;
        }
        Ok((change, ()))
    }
}

/// By a resolution of its own, or by that of its problem.
#[derive(Clone, Debug)]
pub enum How {
    By(Resolve),
    As(ResolveAs),
}

pub async fn resolve(app: &App, ctx: &Ctx, how: How) -> Result<Written> {
    match how {
        How::By(resolve) => {
            let identity = draft_identity(app, ctx, resolve.draft_article).await?;
            let target = resolve.target.clone();
            Ok(write_with(app, ctx, &target, &Solve { resolve, identity }).await?.into())
        }
        How::As(resolve) => Ok(write_with(app, ctx, &resolve.target, &resolve).await?.into()),
    }
}

/// What an article is called that is to be drafted; a number is no business of the transaction.
pub async fn draft_identity(app: &App, ctx: &Ctx, wanted: bool) -> Result<Option<(Id, i64)>> {
    if !wanted {
        return Ok(None);
    }
    Ok(Some((app.ids.next(), app.numbers.take(&ctx.tenant, 1).await?[0])))
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

    fn resolve(code: &str, no_article_reason: &str) -> Resolve {
        let resolution = Resolution {
            code: code.to_owned(),
            summary: "Toner".to_owned(),
            article: String::new(),
            no_article_reason: no_article_reason.to_owned(),
        };
        Resolve { target: fixture::target(), resolution, draft_article: false }
    }

    fn cited(relation: Relation) -> Cited {
        Cited { article: fixture::id(5), revision: 1, relation, told: false }
    }

    fn decided(ticket: Ticket, resolve: &Resolve, cited: Option<Relation>) -> Result<Change> {
        let cited = cited.map(self::cited);
        decide(&fixture::ctx(Role::Agent), fixture::configuration(), ticket, resolve, cited.as_ref())
    }

    #[test]
    fn only_live_tickets_are_resolved() {
        for state in State::ALL {
            let said = outcome(&decided(fixture::ticket(*state), &resolve("fixed", ""), None));
            let expected = if state.is_live() { "ticket.resolved" } else { "TICKET_STATE_CONFLICT" };
            assert_eq!(said, expected, "{state:?}");
        }
    }

    #[test]
    fn what_is_owed_comes_first() {
        let (used, written) = (Some(Relation::Used), Some(Relation::CreatedFrom));
        let cases = [
            ("L1", "", resolve("fixed", ""), None, "ticket.resolved"),
            ("L1", "", resolve("fixed", ""), written, "ticket.resolved"),
            ("L1", "", resolve("", ""), None, "FIELD_INVALID"),
            ("L1", "", resolve("magic", ""), None, "FIELD_INVALID"),
            ("L1", "software", resolve("fixed", ""), None, "INTAKE_INCOMPLETE"),
            ("L2", "", resolve("fixed", ""), None, "KNOWLEDGE_DUTY_OPEN"),
            ("L2", "", resolve("fixed", ""), used, "ticket.resolved"),
            ("L2", "", resolve("fixed", ""), written, "KNOWLEDGE_DUTY_OPEN"),
            ("L2", "", resolve("fixed", "one of a kind"), written, "ticket.resolved"),
            ("L3", "", resolve("fixed", " "), None, "KNOWLEDGE_DUTY_OPEN"),
            ("L3", "", resolve("fixed", "one of a kind"), None, "ticket.resolved"),
            ("L3", "", resolve("fixed", ""), used, "ticket.resolved"),
            ("L3", "", resolve("fixed", ""), written, "ticket.resolved"),
            ("gone", "", resolve("fixed", ""), None, "ticket.resolved"),
        ];
        for (level, category, resolve, cited, expected) in cases {
            let ticket = fixture::ticket(State::Open);
            let ticket = Ticket { level: level.to_owned(), category: category.to_owned(), ..ticket };
            let said = outcome(&decided(ticket, &resolve, cited));
            assert_eq!(said, expected, "{level} {category} {cited:?} {resolve:?}");
        }
    }

    #[test]
    fn whoever_was_asked_to_take_over_answers_first() {
        let asked = Ticket { pending_escalation: Some(fixture::id(9)), ..fixture::ticket(State::Open) };
        assert_eq!(outcome(&decided(asked, &resolve("fixed", ""), None)), "ESCALATION_PENDING");
    }

    #[test]
    fn a_resolved_ticket_waits_nowhere_and_counts_down_to_its_end() {
        let mut held = fixture::ticket(State::WaitingOnCustomer);
        held.assign("bert", fixture::start());
        held.hold_reason = "asked".to_owned();
        held.hold_until_time = Some(fixture::start().after(Duration::from_hours(1)));
        let change = decided(held, &resolve("fixed", ""), Some(Relation::Used)).expect("resolved");
        let next = &change.next;
        assert_eq!((next.state, next.queue_time, next.hold_until_time), (State::Resolved, None, None));
        assert_eq!((next.hold_reason.as_str(), next.assignee.as_deref()), ("", Some("bert")));
        assert_eq!(next.resolve_time, Some(fixture::start()));
        assert_eq!(next.auto_close_time, Some(fixture::start().after(Duration::from_hours(7 * 24))));
        let event = &change.events[0];
        assert_eq!((event.note.as_str(), event.reason.as_str()), ("so be it", "R1"));
        assert_eq!((event.configuration_revision, event.facts.resolution_code.as_str()), (7, "fixed"));
        let article = fixture::id(5).to_string();
        assert_eq!(event.details["article"], *article);
        assert_eq!(next.resolution.as_ref().map(|it| it.article.as_str()), Some(article.as_str()));
        assert!(!event.changes.contains_key("pending_escalation"));
    }

    #[test]
    fn without_a_quiet_time_a_ticket_stays_resolved() {
        let mut document = fixture::document();
        document.lifecycle.auto_close_duration = Duration::ZERO;
        let configuration = Configuration::new(8, document);
        let ticket = fixture::ticket(State::Open);
        let change = decide(&fixture::ctx(Role::Agent), &configuration, ticket, &resolve("fixed", ""), None);
        assert_eq!(change.expect("resolved").next.auto_close_time, None);
    }
}
