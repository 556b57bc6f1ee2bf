//! The job that ends what nobody answered in time: a ticket that was handed over goes back.

use std::collections::HashMap;

use super::{
    Escalation, State,
    come_back::{give_back, place_back},
    history::History,
    settle::settle,
    staff::Staff,
    store,
};
use crate::{
    app::App,
    configuration::Configuration,
    ctx::Ctx,
    error::Result,
    events::EventType,
    ids::Id,
    jobs::{Report, Tally, by_tenant},
    routing::dispatch,
    tickets::{self, Change, Ticket},
};

/// The rule: nothing, unless an escalation of the ticket is due.
pub fn decide(
    ctx: &Ctx,
    configuration: &Configuration,
    ticket: Ticket,
    history: &History,
    staff: &mut Staff,
) -> Option<(Change, Escalation)> {
    let id = ticket.pending_escalation?;
    let pending = history.0.iter().find(|escalation| escalation.id == id)?;
    pending.expire_time.filter(|expire| *expire <= ctx.now)?;
    let escalation = settle(ctx, pending, State::Expired, "").ok()?;
    let change = Change::of(ticket).step(ctx, EventType::TicketEscalationExpired, |ticket, event| {
        place_back(ctx, configuration, ticket, &escalation, history);
        event.configuration_revision = configuration.revision;
        escalation.tell(event);
    });
    Some((give_back(ctx, configuration, change, &escalation, staff), escalation))
}

/// One tick: at most `limit` escalations, the longest due first.
pub async fn run_once(app: &App, limit: usize) -> Result<Report> {
    let now = app.clock.now();
    let due = store::find_due(app.db.across(), now, limit as i64).await?;
    let found = due.len();
    let mut tally = Tally::default();
    for (tenant, tickets) in by_tenant(due) {
        tally.add(expire(app, &Ctx::system(tenant, "expire", now), &tickets).await);
    }
    Ok(Report::of(tally.finish()?.done, found, limit))
}

async fn expire(app: &App, ctx: &Ctx, ids: &[Id]) -> Result<Report> {
    let configuration = app.configurations.get(&ctx.tenant).await?;
    let mut tx = app.db.begin(&ctx.tenant).await?;
    let tickets = tickets::lock_free_in(&mut tx, ids).await?;
    let ids: Vec<Id> = tickets.iter().map(|ticket| ticket.id).collect();
    let histories: HashMap<Id, History> = store::histories(&mut tx, &ids).await?;
    let mut staff = Staff::lock_in(&mut tx, ctx, &configuration, histories.values()).await?;
    let (changes, escalations): (Vec<Change>, Vec<Escalation>) = tickets
        .into_iter()
        .filter_map(|ticket| {
            let history = histories.get(&ticket.id)?;
            decide(ctx, &configuration, ticket, history, &mut staff)
        })
        .unzip();
    store::put(&mut tx, &escalations).await?;
    let changes = tickets::apply_in(&mut tx, &app.configurations, changes).await?;
    tx.commit().await?;
    for change in &changes {
        dispatch::wake(app, &configuration, &change.next, false);
    }
    Ok(Report::done(changes.len()))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        escalation::fixture::{handed_over, member, staff},
        tickets::fixture,
    };

    #[test]
    fn what_is_due_goes_back_and_nothing_else() {
        let expired = |(ticket, history): (Ticket, History), after: Duration| {
            let tenant = ticket.tenant_id.clone();
            let ctx = Ctx::system(tenant, "expire", fixture::start().after(after));
            let mut staff = staff(&[member("anna", "desk-de", true)]);
            let decided = decide(&ctx, fixture::configuration(), ticket, &history, &mut staff);
            decided.map(|(change, escalation)| (change.next.assignee, escalation.state))
        };
        let due = Duration::from_hours(72);
        assert_eq!(expired(handed_over(9), due), Some((Some("anna".into()), State::Expired)));
        assert_eq!(expired(handed_over(9), due.checked_sub(Duration::from_micros(1)).expect("less")), None);
        let (ticket, mut history) = handed_over(9);
        history.0[0].expire_time = None;
        assert_eq!(expired((ticket, history), due), None);
        let (ticket, history) = handed_over(9);
        let answered = Ticket { pending_escalation: None, ..ticket };
        assert_eq!(expired((answered, history), due), None);
    }
}
