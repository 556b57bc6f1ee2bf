//! Saying that it is time to ask: once for each resolution that stands, and not of whom was asked a short while ago.

use std::collections::HashMap;

use super::{Feedback, schedule::Due, store};
use crate::{
    app::App,
    configuration::{Configuration, Survey},
    ctx::Ctx,
    error::Result,
    events::EventType,
    ids::Id,
    jobs::{Report, Tally, by_tenant},
    tickets::{Ticket, apply_in, lock_free_in},
    time::Time,
};

/// One tick: at most `limit` questions, the longest due first.
pub async fn run_once(app: &App, limit: usize) -> Result<Report> {
    let now = app.clock.now();
    let due = store::list_due(app.db.across(), now, limit).await?;
    let found = due.len();
    let mut tally = Tally::default();
    for (tenant, ids) in by_tenant(due) {
        tally.add(request(app, &Ctx::system(tenant, "request_feedback", now), &ids).await);
    }
    Ok(Report::of(tally.finish()?.done, found, limit))
}

/// Asks about these tickets of a tenant; those that somebody is at are due at the next tick too.
async fn request(app: &App, ctx: &Ctx, ids: &[Id]) -> Result<Report> {
    let configuration = app.configurations.get(&ctx.tenant).await?;
    let mut tx = app.db.begin(&ctx.tenant).await?;
    // Two at once would not see whom the other one asks.
    if !store::take_turn(&mut tx).await? {
        return Ok(Report::default());
    }
    let tickets = lock_free_in(&mut tx, ids).await?;
    let locked: Vec<Id> = tickets.iter().map(|ticket| ticket.id).collect();
    let mut due: HashMap<Id, Due> =
        store::due_of(&mut tx, &locked).await?.into_iter().map(|due| (due.ticket_id, due)).collect();
    let contacts: Vec<String> = tickets.iter().map(|ticket| ticket.requester.clone()).collect();
    let mut asked: HashMap<String, Time> = store::last_asked(&mut tx, &contacts).await?.into_iter().collect();
    let (mut questions, mut changes) = (Vec::new(), Vec::new());
    for ticket in tickets {
        let Some(due) = due.remove(&ticket.id) else { continue };
        let Some(survey) =
            decide(&configuration, &ticket, &due, asked.get(&ticket.requester).copied(), ctx.now)
        else {
            continue;
        };
        asked.insert(ticket.requester.clone(), ctx.now);
        let question = Feedback::new(ctx, &ticket, survey, due.resolve_time, app.ids.next());
        changes.push(question.tell(ctx, ticket, EventType::FeedbackRequested));
        questions.push(question);
    }
    store::insert(&mut tx, &questions).await?;
    apply_in(&mut tx, &app.configurations, changes).await?;
    store::settle_due(&mut tx, &locked, ctx.now).await?;
    tx.commit().await?;
    Ok(Report::done(locked.len()))
}

/// The rule: what is asked, if the resolution still stands and the customer is not to be left in peace.
fn decide<'c>(
    configuration: &'c Configuration,
    ticket: &Ticket,
    due: &Due,
    last_asked: Option<Time>,
    now: Time,
) -> Option<&'c Survey> {
    let stands = ticket.state.is_solved() && ticket.resolve_time == Some(due.resolve_time);
    let whom = !ticket.requester.is_empty() && !ticket.restricted;
    if due.due_time > now || !stands || !whom {
        return None;
    }
    let survey = configuration.survey(&due.survey)?;
    let in_peace = last_asked.is_some_and(|last| now < last.after(survey.quiet()));
    (!in_peace).then_some(survey)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        configuration::Document,
        ctx::Role,
        feedback::model::fixture::survey,
        tickets::{State, fixture},
    };

    const DAY: Duration = Duration::from_hours(24);

    #[test]
    fn it_is_asked_while_the_resolution_stands_and_the_customer_had_some_peace() {
        let now = fixture::ctx(Role::Agent).now;
        let surveys = vec![Survey { quiet_duration: Some(DAY), ..survey() }];
        let configuration = Configuration::new(1, Document { surveys, ..fixture::document() });
        let solved = |state| Ticket {
            requester: "carla".into(),
            resolve_time: Some(now.before(DAY)),
            ..fixture::ticket(state)
        };
        let due = |ticket: &Ticket| Due {
            tenant_id: ticket.tenant_id.clone(),
            ticket_id: ticket.id,
            survey: "satisfaction".into(),
            resolve_time: now.before(DAY),
            due_time: now,
        };
        let asks =
            |ticket: &Ticket, due: &Due, last| decide(&configuration, ticket, due, last, now).is_some();
        let ticket = solved(State::Closed);
        assert!(asks(&ticket, &due(&ticket), None) && asks(&solved(State::Resolved), &due(&ticket), None));
        for state in [State::Open, State::Merged, State::Cancelled] {
            assert!(!asks(&solved(state), &due(&ticket), None), "{state:?}");
        }
        let later = Ticket { resolve_time: Some(now), ..ticket.clone() };
        assert!(!asks(&later, &due(&ticket), None), "it was resolved anew since");
        assert!(!asks(&Ticket { requester: String::new(), ..ticket.clone() }, &due(&ticket), None));
        assert!(!asks(&Ticket { restricted: true, ..ticket.clone() }, &due(&ticket), None));
        let early = Due { due_time: now.after(Duration::from_micros(1)), ..due(&ticket) };
        assert!(!asks(&ticket, &early, None));
        assert!(!asks(&ticket, &Due { survey: "gone".into(), ..due(&ticket) }, None));
        assert!(asks(&ticket, &due(&ticket), Some(now.before(DAY))));
        assert!(!asks(&ticket, &due(&ticket), Some(now.before(DAY).after(Duration::from_micros(1)))));
    }
}
