//! The job that gives waiting tickets of push queues to the agents with the most room, as soon as there are any. It looks
//! without locks, plans, and then locks only what it gives away; what changed in between waits for the next tick.

use std::collections::{BTreeMap, HashMap};

use super::{Decision, decide::standing};
use crate::{
    agents::{self, Loaded},
    app::App,
    configuration::{Configuration, Dispatch},
    ctx::Ctx,
    db::Tx,
    error::Result,
    escalation,
    ids::{Id, TenantId},
    jobs::Report,
    tickets::{self, Change, Ticket, Turn, queue},
    time::Time,
};

/// How many pages of waiting tickets a tick looks at in one tenant. What waits behind them for somebody who is free now
/// waits until those before it find somebody.
const MAX_PAGES: usize = 10;

/// A ticket that is to be given away.
#[derive(Debug)]
struct Planned {
    ticket: Id,
    version: i64,
    decision: Decision,
}

/// Rings for the job if the ticket waits in a push queue, or if an agent has a slot again that a push queue may fill.
pub fn wake(app: &App, configuration: &Configuration, ticket: &Ticket, freed: bool) {
    let pushes = |queue: &str| configuration.queue(queue).is_some_and(|q| q.dispatch == Dispatch::Push);
    let queues = &configuration.document.queues;
    if (freed && queues.iter().any(|queue| pushes(&queue.key)))
        || (ticket.turn().is_some() && pushes(&ticket.queue))
    {
        app.push_due.notify_one();
    }
}

/// Who gets which of the waiting tickets, in the order of service. Counts what it plans into the members' load.
fn plan(
    configuration: &Configuration,
    waiting: &[Ticket],
    members: &mut [Loaded],
    now: Time,
) -> Vec<Planned> {
    let mut planned = Vec::new();
    for ticket in waiting {
        let (mut decision, required_skills) = standing(configuration, ticket);
        decision.find_agent(members, required_skills, now);
        if let Some(member) = members.iter_mut().find(|member| member.agent.key == decision.assignee) {
            member.used += 1;
            planned.push(Planned { ticket: ticket.id, version: ticket.version, decision });
        }
    }
    planned
}

/// Gives away what waits, in every tenant; looks at `limit` tickets at a time.
pub async fn run_once(app: &App, limit: usize) -> Result<Report> {
    let mut tenants: BTreeMap<TenantId, Vec<String>> = BTreeMap::new();
    for (tenant, queue) in queue::waiting_queues(app).await? {
        tenants.entry(tenant).or_default().push(queue);
    }
    let mut report = Report::default();
    let mut failure = None;
    // One tenant's trouble is not another's.
    for (tenant, queues) in tenants {
        match push(app, tenant, queues, limit).await {
            Ok(one) => {
                report.done += one.done;
                report.full |= one.full;
            }
            Err(error) => failure = Some(error),
        }
    }
    failure.map_or(Ok(report), Err)
}

async fn push(app: &App, tenant: TenantId, mut queues: Vec<String>, limit: usize) -> Result<Report> {
    let configuration = app.configurations.get(&tenant).await?;
    queues.retain(|queue| configuration.queue(queue).is_some_and(|queue| queue.dispatch == Dispatch::Push));
    if queues.is_empty() {
        return Ok(Report::default());
    }
    let ctx = Ctx::system(tenant, "push", app.clock.now());
    let mut done = 0;
    let mut after = None;
    for _ in 0..MAX_PAGES {
        let page = push_page(app, &ctx, &configuration, &queues, after.as_ref(), limit).await?;
        done += page.given;
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    Ok(Report { done, full: done > 0 && after.is_some() })
}

/// What became of a page.
struct Page {
    given: usize,
    /// Where to look on; nowhere when the queues end here, or when nobody has room.
    next: Option<Turn>,
}

async fn push_page(
    app: &App,
    ctx: &Ctx,
    configuration: &Configuration,
    queues: &[String],
    after: Option<&Turn>,
    limit: usize,
) -> Result<Page> {
    let mut tx = app.db.begin(&ctx.tenant).await?;
    let waiting = queue::waiting_in(&mut tx, queues, after, limit as i64).await?;
    let teams: Vec<String> = queues.iter().map(|queue| configuration.place(queue).team).collect();
    let seen = agents::members(&mut tx, &teams).await?;
    let mut members = seen.clone();
    let planned = plan(configuration, &waiting, &mut members, ctx.now);
    let full = members.iter().all(|member| member.room() == 0 || member.agent.is_away(ctx.now));
    let next = waiting.last().and_then(Ticket::turn).filter(|_| waiting.len() >= limit && !full);
    if planned.is_empty() {
        return Ok(Page { given: 0, next });
    }
    let changes = take(&mut tx, ctx, planned, &seen).await?;
    tickets::apply_in(&mut tx, &changes).await?;
    tx.commit().await?;
    Ok(Page { given: changes.len(), next })
}

/// Locks what was planned, tickets first, and gives away what is still as it was seen and has room.
async fn take(tx: &mut Tx, ctx: &Ctx, planned: Vec<Planned>, seen: &[Loaded]) -> Result<Vec<Change>> {
    let ids: Vec<Id> = planned.iter().map(|planned| planned.ticket).collect();
    let waiting = tickets::lock_free_in(tx, &ids).await?;
    let mut waiting: HashMap<(Id, i64), Ticket> =
        waiting.into_iter().map(|ticket| ((ticket.id, ticket.version), ticket)).collect();
    let keys: Vec<String> = planned.iter().map(|planned| planned.decision.assignee.clone()).collect();
    let locked = agents::lock_in(tx, &keys).await?;
    let mut locked: HashMap<String, Loaded> = locked
        .into_iter()
        .filter(|loaded| seen.iter().any(|member| member.agent == loaded.agent))
        .map(|loaded| (loaded.agent.key.clone(), loaded))
        .collect();
    let mut taken = Vec::new();
    let mut decisions = Vec::new();
    for Planned { ticket, version, mut decision } in planned {
        let Some(loaded) = locked.get_mut(&decision.assignee).filter(|loaded| loaded.room() > 0) else {
            continue;
        };
        let Some(ticket) = waiting.remove(&(ticket, version)) else { continue };
        taken.push((ticket, loaded.agent.key.clone()));
        decision.candidates[0].used = loaded.used;
        decisions.push(decision);
        loaded.used += 1;
    }
    let begun = escalation::take_all_in(tx, ctx, taken).await?;
    let given = begun.into_iter().zip(decisions).map(|(change, decision)| {
        tickets::give(change, ctx, &decision.assignee, |event| decision.explain(event))
    });
    Ok(given.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        agents::fixture::loaded,
        tickets::{State, fixture},
    };

    fn ticket(id: u128, language: &str) -> Ticket {
        Ticket {
            id: Id(uuid::Uuid::from_u128(id)),
            language_code: language.into(),
            ..fixture::ticket(State::New)
        }
    }

    fn german(key: &str, capacity: i32) -> Loaded {
        let mut member = loaded(key, capacity, 0);
        member.agent.skills.0.insert("german".into(), 3);
        member
    }

    #[test]
    fn each_gets_as_many_as_there_is_room_in_the_order_of_service() {
        let waiting: Vec<Ticket> = (1..=4).map(|id| ticket(id, "de")).collect();
        let mut members = vec![german("ada", 1), german("bob", 2), loaded("eve", 9, 0)];
        let planned = plan(fixture::configuration(), &waiting, &mut members, fixture::start());
        let got: Vec<(u128, &str)> =
            planned.iter().map(|it| (it.ticket.0.as_u128(), it.decision.assignee.as_str())).collect();
        assert_eq!(got, [(1, "bob"), (2, "ada"), (3, "bob")], "eve lacks the skill");
        assert_eq!(members.iter().map(Loaded::room).collect::<Vec<_>>(), [0, 0, 9]);
        let reasons: Vec<_> =
            planned[2].decision.candidates.iter().map(|it| it.rejection.map(|r| r.name())).collect();
        assert_eq!(reasons, [None, Some("MISSING_SKILL"), Some("AT_CAPACITY")]);
    }

    #[test]
    fn what_came_by_hand_asks_for_no_skill_of_a_rule() {
        let by_hand = ticket(1, "en");
        let planned =
            plan(fixture::configuration(), &[by_hand], &mut [loaded("eve", 9, 0)], fixture::start());
        let decision = &planned[0].decision;
        assert_eq!((decision.rule.as_str(), decision.queue.as_str()), ("", "desk-de"));
        assert_eq!(decision.assignee, "eve");
    }
}
