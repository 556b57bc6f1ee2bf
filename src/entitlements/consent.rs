//! What the customer said to being charged for a ticket: an event of it, with who, when and which prices.

use super::{Answer, Consent, Decision, Subject, check, read, store};
use crate::{
    app::App,
    configuration::Configuration,
    ctx::{ActorKind, Ctx},
    db::Tx,
    error::{Error, Result},
    events::EventType,
    tickets::{Act, Change, Done, Json, Target, Ticket, Verb, advance, write_with},
};

#[derive(Clone, Debug)]
pub struct Record {
    pub target: Target,
    pub answer: Answer,
    /// Empty: the one that the ticket's decision names.
    pub tariff: String,
}

/// The rule. `priced` is the configuration by whose prices the ticket is rated.
fn decide(
    ctx: &Ctx,
    priced: &Configuration,
    ticket: Ticket,
    decision: Decision,
    record: &Record,
) -> Result<Change> {
    // Whatever may still be said something on may be agreed upon.
    advance(ticket.state, Verb::Comment)?;
    let tariff = if record.tariff.is_empty() { &decision.tariff } else { &record.tariff };
    if tariff.is_empty() {
        return Err(Error::field("tariff", "is required: the ticket's decision names none"));
    }
    if priced.tariff(tariff).is_none() {
        return Err(Error::field("tariff", "is no tariff of the configuration by which the ticket is rated"));
    }
    let consent = Consent {
        answer: record.answer,
        time: ctx.now,
        author_kind: ctx.actor.kind,
        author_id: match ctx.actor.kind {
            ActorKind::Customer => String::new(),
            _ => ctx.actor.id.clone(),
        },
        tariff: tariff.clone(),
        revision: decision.revision,
    };
    Ok(Change::of(ticket).step(ctx, EventType::TicketConsentRecorded, |ticket, event| {
        event.details.insert("answer".into(), consent.answer.name().into());
        event.details.insert("tariff".into(), consent.tariff.clone().into());
        event.details.insert("revision".into(), consent.revision.into());
        record.target.tell(event);
        ticket.entitlement = Some(Json(Box::new(Decision { consent: Some(consent), ..decision })));
    }))
}

struct Recording<'a> {
    app: &'a App,
    record: &'a Record,
}

impl Act for Recording<'_> {
    type Extra = ();

    async fn act(
        &self,
        tx: &mut Tx,
        ctx: &Ctx,
        configuration: &Configuration,
        ticket: Ticket,
    ) -> Result<(Change, ())> {
        let decision = if let Some(decision) = &ticket.entitlement {
            Decision::clone(decision)
        } else {
            // It was recorded before anything was sold.
            let subject = Subject::of(&ticket);
            let theirs = std::slice::from_ref(&subject.organization);
            let sold = store::versions(tx, &ctx.tenant, theirs).await?;
            let came = (ticket.create_time, Some(ticket.id));
            let used = read::used(tx, ctx, configuration, &sold, came).await?;
            check::answer(configuration, &sold, &subject, ctx.now, ctx.now, &used)
        };
        let priced = self.app.configurations.at_in(tx, decision.revision).await?;
        let priced = priced.ok_or_else(|| Error::internal("a revision is gone"))?;
        Ok((decide(ctx, &priced, ticket, decision, self.record)?, ()))
    }
}

pub async fn record(app: &App, ctx: &Ctx, record: &Record) -> Result<Done<()>> {
    write_with(app, ctx, &record.target, &Recording { app, record }).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        configuration::Tariff,
        ctx::Role,
        tickets::{
            State,
            fixture::{self, faults, outcome},
        },
    };

    fn decided(role: Role, state: State, tariff: &str) -> Result<Change> {
        let mut document = fixture::document();
        document.tariffs = vec![Tariff { key: "standard".into(), ..Tariff::default() }];
        let known = Configuration::new(7, document);
        let record =
            Record { target: fixture::target(), answer: Answer::Accepted, tariff: tariff.to_owned() };
        let none = Decision::none(&known, fixture::start());
        decide(&fixture::ctx(role), &known, fixture::ticket(state), none, &record)
    }

    #[test]
    fn who_said_it_and_of_which_prices_is_kept() {
        let change = decided(Role::Agent, State::Closed, "standard").expect("recorded");
        let decision = change.next.entitlement.expect("decided").0;
        assert!(decision.accepts("standard") && !decision.accepts("other"));
        let consent = decision.consent.expect("said");
        assert_eq!((consent.author_id.as_str(), consent.revision), ("anna", 7));
        assert_eq!(change.events[0].details["tariff"], "standard");
        let own = decided(Role::Customer, State::Open, "standard").expect("recorded");
        let consent = own.next.entitlement.expect("decided").0.consent.expect("said");
        assert_eq!((consent.author_kind, consent.author_id.as_str()), (ActorKind::Customer, ""));
    }

    #[test]
    fn it_is_about_a_price_that_there_is_and_a_ticket_of_its_own() {
        assert_eq!(faults(decided(Role::Agent, State::Open, "")), ["tariff"]);
        assert_eq!(faults(decided(Role::Agent, State::Open, "other")), ["tariff"]);
        assert_eq!(outcome(&decided(Role::Agent, State::Merged, "standard")), "TICKET_STATE_CONFLICT");
    }
}
