//! Which resolutions customers are asked about, by what, and when: noted in the transaction that resolves.

use sha2::{Digest as _, Sha256};

use super::store;
use crate::{
    configuration::{Configuration, Configurations, Survey},
    ctx::ActorKind,
    db::Tx,
    error::Result,
    events::EventType,
    ids::{Id, TenantId},
    tickets::{Change, Ticket},
    time::Time,
};

/// A resolution that is to be asked about. Field names are the columns of `feedback_due`.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Due {
    pub tenant_id: TenantId,
    pub ticket_id: Id,
    pub survey: String,
    pub resolve_time: Time,
    pub due_time: Time,
}

/// Notes what is to be asked about these changes.
pub async fn schedule_in(tx: &mut Tx, configurations: &Configurations, changes: &[Change]) -> Result<()> {
    if !changes.iter().any(|change| resolution(change).is_some()) {
        return Ok(());
    }
    let configuration = configurations.get(tx.tenant()).await?;
    let due: Vec<Due> = changes.iter().filter_map(|change| decide(&configuration, change)).collect();
    if due.is_empty() {
        return Ok(());
    }
    store::note_due(tx, &due).await
}

/// When a person resolved the ticket, and it is not history.
fn resolution(change: &Change) -> Option<Time> {
    let last = change.events.iter().rev().find(|event| event.kind == EventType::TicketResolved)?;
    // As its problem was: one deed for many tickets says nothing of how each customer was helped.
    let as_another = last.details.contains_key("relation");
    let by_person = matches!(last.actor_kind, ActorKind::Agent | ActorKind::Customer);
    (by_person && !last.imported && !as_another).then_some(last.occur_time)
}

/// The rule.
fn decide(configuration: &Configuration, change: &Change) -> Option<Due> {
    let (resolve_time, ticket) = (resolution(change)?, &change.next);
    if !ticket.state.is_solved() || ticket.requester.is_empty() || ticket.restricted {
        return None;
    }
    let survey = survey(configuration, ticket)?;
    is_sampled(survey, ticket.id).then(|| Due {
        tenant_id: ticket.tenant_id.clone(),
        ticket_id: ticket.id,
        survey: survey.key.clone(),
        resolve_time,
        due_time: resolve_time.after(survey.delay()),
    })
}

/// The first whose condition matches. One that cannot be answered counts as no, as in routing.
fn survey<'c>(configuration: &'c Configuration, ticket: &Ticket) -> Option<&'c Survey> {
    let surveys = &configuration.document.surveys;
    if surveys.is_empty() {
        return None;
    }
    let asked = configuration.survey_conditions().ask(ticket);
    surveys.iter().enumerate().find(|(place, _)| asked.matches(*place).unwrap_or(false)).map(|(_, it)| it)
}

/// By the ticket and nothing else, so that neither a second try nor another replica draws again.
fn is_sampled(survey: &Survey, ticket: Id) -> bool {
    let share = if survey.sample_percent == 0 { 100 } else { survey.sample_percent.unsigned_abs() };
    let drawn = Sha256::new().chain_update(&survey.key).chain_update(ticket.0.as_bytes()).finalize();
    let drawn = u32::from_be_bytes([drawn[0], drawn[1], drawn[2], drawn[3]]);
    u64::from(drawn) * 100 < u64::from(share) << 32
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        configuration::Document,
        ctx::{Ctx, Role},
        feedback::model::fixture::survey as plain,
        tickets::{Relation, State, fixture},
    };

    fn configuration(surveys: Vec<Survey>) -> Configuration {
        Configuration::new(1, Document { surveys, ..fixture::document() })
    }

    fn resolved(kind: ActorKind, ticket: Ticket) -> Change {
        let mut ctx: Ctx = fixture::ctx(Role::Agent);
        ctx.actor.kind = kind;
        Change::of(ticket).step(&ctx, EventType::TicketResolved, |ticket, _| ticket.state = State::Resolved)
    }

    fn open() -> Ticket {
        Ticket { requester: "carla".into(), ..fixture::ticket(State::Open) }
    }

    #[test]
    fn a_person_s_resolution_for_a_customer_is_asked_about_and_no_other() {
        let delayed = Survey { delay_duration: Some(Duration::from_hours(1)), ..plain() };
        let configuration = configuration(vec![delayed]);
        let due = |change: &Change| decide(&configuration, change).map(|due| due.due_time);
        let at = fixture::ctx(Role::Agent).now;
        assert_eq!(due(&resolved(ActorKind::Agent, open())), Some(at.after(Duration::from_hours(1))));
        assert!(due(&resolved(ActorKind::Customer, open())).is_some());
        assert_eq!(due(&resolved(ActorKind::Service, open())), None);
        assert_eq!(due(&resolved(ActorKind::System, open())), None);
        assert_eq!(due(&resolved(ActorKind::Agent, Ticket { requester: String::new(), ..open() })), None);
        assert_eq!(due(&resolved(ActorKind::Agent, Ticket { restricted: true, ..open() })), None);
        let mut as_its_problem = resolved(ActorKind::Agent, open());
        Relation::CAUSED_BY.tell(&mut as_its_problem.events[0], &[fixture::id(9)]);
        assert_eq!(due(&as_its_problem), None);
        let mut history = resolved(ActorKind::Agent, open());
        history.events[0].imported = true;
        assert_eq!(due(&history), None);
        let mut opened = resolved(ActorKind::Agent, open());
        opened.next.state = State::Open;
        assert_eq!(due(&opened), None);
    }

    #[test]
    fn the_first_survey_whose_condition_matches_is_asked() {
        let of =
            |condition: &str, key: &str| Survey { key: key.into(), condition: condition.into(), ..plain() };
        let mut ticket = open();
        ticket.priority = "P1".into();
        let asked = |surveys| decide(&configuration(surveys), &resolved(ActorKind::Agent, ticket.clone()));
        let both = vec![of("ticket.priority == \"P4\"", "small"), of("", "all"), of("", "never")];
        assert_eq!(asked(both).map(|due| due.survey).as_deref(), Some("all"));
        assert_eq!(asked(vec![of("ticket.priority == \"P4\"", "small")]), None);
        assert_eq!(asked(Vec::new()), None);
    }

    #[test]
    fn a_share_is_drawn_evenly_and_the_same_again() {
        let drawn = |share| {
            let survey = Survey { sample_percent: share, ..plain() };
            (0..10_000).filter(|n| is_sampled(&survey, fixture::id(*n))).count()
        };
        assert_eq!((drawn(0), drawn(100)), (10_000, 10_000));
        // Four standard deviations of 10,000 draws.
        assert!((880..=1120).contains(&drawn(10)), "{}", drawn(10));
        assert_eq!(drawn(10), drawn(10));
        let (tenth, half) =
            (Survey { sample_percent: 10, ..plain() }, Survey { sample_percent: 50, ..plain() });
        assert!((0..1000).map(fixture::id).all(|id| !is_sampled(&tenth, id) || is_sampled(&half, id)));
    }
}
