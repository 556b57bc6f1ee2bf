//! Offering an incident what its problem was solved by: its timeline and its stream say so once, and whoever has it decides.

use std::collections::HashMap;

use super::{Change, Relation, Ticket, apply_in, store, store_links};
use crate::{
    app::App,
    ctx::Ctx,
    error::Result,
    events::EventType,
    ids::Id,
    jobs::{Report, Tally, by_tenant},
};

/// The rule: nothing for an incident that is over.
fn decide(ctx: &Ctx, incident: Ticket, problems: &[Id]) -> Option<Change> {
    (incident.state.is_live() && !problems.is_empty()).then(|| {
        Change::of(incident).step(ctx, EventType::TicketResolutionOffered, |_, event| {
            Relation::CAUSED_BY.tell(event, problems);
        })
    })
}

/// One tick: at most `limit` incidents, the longest due first.
pub async fn run_once(app: &App, limit: usize) -> Result<Report> {
    let now = app.clock.now();
    let due = store_links::list_due(app.db.across(), limit).await?;
    let found = due.len();
    let mut tally = Tally::default();
    for (tenant, ids) in by_tenant(due) {
        tally.add(offer(app, &Ctx::system(tenant, "offer_resolutions", now), &ids).await);
    }
    Ok(Report::of(tally.finish()?.done, found, limit))
}

/// What is due is taken off in the transaction that tells it. Says how many incidents are done with.
async fn offer(app: &App, ctx: &Ctx, ids: &[Id]) -> Result<Report> {
    let mut tx = app.db.begin(&ctx.tenant).await?;
    let incidents = store::lock_free(&mut tx, ids).await?;
    let locked: Vec<Id> = incidents.iter().map(|ticket| ticket.id).collect();
    let mut problems: HashMap<Id, Vec<Id>> = HashMap::new();
    for (incident, problem) in store_links::take_due(&mut tx, &locked).await? {
        problems.entry(incident).or_default().push(problem);
    }
    let offered = |incident: Ticket| {
        let problems = problems.remove(&incident.id).unwrap_or_default();
        decide(ctx, incident, &problems)
    };
    let changes = incidents.into_iter().filter_map(offered).collect();
    apply_in(&mut tx, &app.configurations, changes).await?;
    tx.commit().await?;
    Ok(Report::done(locked.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ids::TenantId,
        tickets::{State, fixture},
    };

    #[test]
    fn only_who_still_looks_for_a_solution_is_offered_one() {
        let ctx = Ctx::system(TenantId::parse("acme").expect("a tenant"), "test", fixture::start());
        for state in State::ALL {
            let offered = decide(&ctx, fixture::ticket(*state), &[fixture::id(2)]);
            assert_eq!(offered.is_some(), state.is_live(), "{state:?}");
        }
        assert_eq!(decide(&ctx, fixture::ticket(State::Open), &[]), None);
        let offered = decide(&ctx, fixture::ticket(State::Open), &[fixture::id(2)]).expect("offered");
        assert!(offered.is_quiet(), "nothing is forced on it");
        assert_eq!(offered.events[0].details["relation"], "CAUSED_BY");
    }
}
