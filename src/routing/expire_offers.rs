//! The job that ends offers which nobody answered: somebody else is asked, and who let one lapse is offered nothing for a
//! while, since nobody seems to sit there.

use super::offers::{has_lapsed, pass_over};
use crate::{
    agents,
    app::App,
    configuration::Configuration,
    ctx::Ctx,
    error::Result,
    events::EventType,
    ids::Id,
    jobs::{Report, Tally, by_tenant},
    tickets::{self, Change, Ticket, queue},
    time::Time,
};

/// The rule: nothing, unless the offer has lapsed; else also whom to leave alone until when.
pub fn decide(ctx: &Ctx, configuration: &Configuration, ticket: Ticket) -> Option<(Change, (String, Time))> {
    let agent = ticket.offered_to.clone().filter(|_| has_lapsed(&ticket, ctx.now))?;
    let mut until = ctx.now;
    let change = Change::of(ticket).step(ctx, EventType::TicketOfferExpired, |ticket, _| {
        until = pass_over(configuration, ticket, ctx.now);
    });
    Some((change, (agent, until)))
}

/// One tick: at most `limit` offers, the longest due first.
pub async fn run_once(app: &App, limit: usize) -> Result<Report> {
    let now = app.clock.now();
    let due = queue::lapsed_offers(app, now, limit).await?;
    let found = due.len();
    let mut tally = Tally::default();
    for (tenant, ids) in by_tenant(due) {
        tally.add(expire(app, &Ctx::system(tenant, "expire_offers", now), &ids).await);
    }
    Ok(Report::of(tally.finish()?.done, found, limit))
}

async fn expire(app: &App, ctx: &Ctx, ids: &[Id]) -> Result<Report> {
    let configuration = app.configurations.get(&ctx.tenant).await?;
    let mut tx = app.db.begin(&ctx.tenant).await?;
    let tickets = tickets::lock_free_in(&mut tx, ids).await?;
    let lapsed = tickets.into_iter().filter_map(|ticket| decide(ctx, &configuration, ticket));
    let (changes, alone): (Vec<Change>, Vec<(String, Time)>) = lapsed.unzip();
    if changes.is_empty() {
        return Ok(Report::default());
    }
    let keys: Vec<String> = alone.iter().map(|(agent, _)| agent.clone()).collect();
    agents::lock_in(&mut tx, &configuration, &keys).await?;
    agents::cool_down_in(&mut tx, &alone).await?;
    let changes = tickets::apply_in(&mut tx, &app.configurations, changes).await?;
    tx.commit().await?;
    app.dispatch_due.notify_one();
    Ok(Report::done(changes.len()))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        routing::offers::fixture::{by, end, offered},
        tickets::{State, fixture},
    };

    #[test]
    fn what_has_lapsed_waits_for_somebody_else_and_nothing_else_is_touched() {
        let decided = |ticket, at| decide(&by("-", at), fixture::configuration(), ticket);
        let (change, alone) = decided(offered(), end()).expect("lapsed");
        assert_eq!(alone, ("anna".to_owned(), end().after(Duration::from_mins(5))));
        assert_eq!(change.next.offered_to, None);
        assert_eq!(change.next.queue_time, offered().queue_time);
        assert!(decided(offered(), end().before(Duration::from_micros(1))).is_none());
        assert!(decided(fixture::ticket(State::New), end()).is_none());
    }
}
