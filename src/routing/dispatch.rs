//! The job that gives waiting tickets of PUSH and OFFER queues to the agents who suit best, as soon as there are any, and
//! sends elsewhere what nobody can take. It looks without locks, decides, and then locks only what it gives away; what
//! changed in between waits for the next tick.

use std::collections::{BTreeSet, HashMap};

use super::{
    Decision,
    roster::{Fate, Roster, is_dispatched},
};
use crate::{
    agents::{self, Loaded},
    app::App,
    configuration::{Configuration, Queue},
    ctx::Ctx,
    db::Tx,
    error::Result,
    escalation,
    events::EventType,
    ids::{Id, TenantId},
    jobs::{Report, Tally, by_tenant},
    tickets::{
        self, Change, Ticket, Turn,
        queue::{self, Line},
    },
};

/// How many pages of waiting tickets a tick looks at in one tenant; there is another tick at once.
const MAX_PAGES: usize = 20;

/// A ticket of which something was decided, as it was seen.
#[derive(Debug)]
struct Planned {
    ticket: Id,
    version: i64,
    fate: Fate,
}

/// Rings for the job if the ticket waits where tickets are given away, or if an agent has room again.
pub fn wake(app: &App, configuration: &Configuration, ticket: &Ticket, freed: bool) {
    let queues = &configuration.document.queues;
    if (freed && queues.iter().any(|queue| queue.dispatch.is_automatic()))
        || (ticket.turn().is_some() && is_dispatched(configuration, &ticket.queue))
    {
        app.dispatch_due.notify_one();
    }
}

/// Gives away what waits, in every tenant; looks at `limit` tickets at a time.
pub async fn run_once(app: &App, limit: usize) -> Result<Report> {
    let mut tally = Tally::default();
    for (tenant, queues) in by_tenant(queue::waiting_queues(app).await?) {
        tally.add(dispatch(app, tenant, queues, limit).await);
    }
    tally.finish()
}

async fn dispatch(app: &App, tenant: TenantId, mut queues: Vec<String>, limit: usize) -> Result<Report> {
    let configuration = app.configurations.get(&tenant).await?;
    queues.retain(|queue| is_dispatched(&configuration, queue));
    if queues.is_empty() {
        return Ok(Report::default());
    }
    let ctx = Ctx::system(tenant, "dispatch", app.clock.now());
    let mut round = Round { app, ctx, configuration: &configuration, closed: Vec::new(), limit };
    let mut done = 0;
    let mut after = None;
    for _ in 0..MAX_PAGES {
        let page = round.page(&queues, after.as_ref()).await?;
        done += page.done;
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let swept = round.sweep().await?;
    done += swept;
    Ok(Report { done, full: done > 0 && (after.is_some() || swept >= limit) })
}

/// One tenant's turn in one tick.
struct Round<'a> {
    app: &'a App,
    ctx: Ctx,
    configuration: &'a Configuration,
    /// Lines in which nobody finds anybody now; and a ticket of each, that was not given away.
    closed: Vec<(Line, Ticket)>,
    limit: usize,
}

/// What became of a page.
struct Page {
    done: usize,
    /// Where to look on; nowhere when the queues end here, or when nobody has room.
    next: Option<Turn>,
}

impl Round<'_> {
    /// The next tickets in the order of service, but for those of closed lines.
    async fn page(&mut self, queues: &[String], after: Option<&Turn>) -> Result<Page> {
        let mut tx = self.app.db.begin(&self.ctx.tenant).await?;
        let closed: Vec<Line> = self.closed.iter().map(|(line, _)| line.clone()).collect();
        let waiting = queue::unserved_in(&mut tx, queues, &closed, after, self.limit as i64).await?;
        let mut roster = self.roster(&mut tx, queues, &waiting).await?;
        let seen = roster.members.clone();
        let planned = plan(self.configuration, &waiting, &mut roster, &self.ctx);
        let next = waiting.last().and_then(Ticket::turn);
        let next = next.filter(|_| waiting.len() >= self.limit && !roster.is_full(self.ctx.now));
        self.close(&waiting, &roster);
        let done = self.write(tx, planned, &seen).await?;
        Ok(Page { done, next })
    }

    /// Who works these queues, with what is to be known of them for these tickets.
    async fn roster(&self, tx: &mut Tx, queues: &[String], waiting: &[Ticket]) -> Result<Roster> {
        let teams: Vec<String> = queues.iter().map(|queue| self.configuration.place(queue).team).collect();
        let organizations = waiting.iter().map(|ticket| &ticket.organization).filter(|key| !key.is_empty());
        let organizations: BTreeSet<String> = organizations.cloned().collect();
        let organizations: Vec<String> = organizations.into_iter().collect();
        Ok(Roster::new(agents::members(tx, self.configuration, &teams, &organizations).await?))
    }

    /// Remembers the lines for which nobody is left, so that the next page shows others.
    fn close(&mut self, waiting: &[Ticket], roster: &Roster) {
        for ticket in waiting {
            let line = (ticket.queue.clone(), ticket.skills.0.clone());
            if !self.closed.iter().any(|(known, _)| *known == line)
                && roster.is_closed_to(self.configuration, ticket, self.ctx.now)
            {
                self.closed.push((line, ticket.clone()));
            }
        }
    }

    /// Behind the pages: what stands in closed lines, can be taken by nobody, and is due to be told so.
    async fn sweep(&self) -> Result<usize> {
        let mut done = 0;
        for (line, ticket) in &self.closed {
            let Some(queue) = self.configuration.queue(&line.0) else { continue };
            let mut tx = self.app.db.begin(&self.ctx.tenant).await?;
            let mut roster = self.roster(&mut tx, std::slice::from_ref(&line.0), &[]).await?;
            if roster.could_take(self.configuration, ticket, self.ctx.now) {
                continue;
            }
            let due = self.ctx.now.before(queue.overflow_after());
            let waiting = queue::overdue_in(&mut tx, line, due, self.limit as i64).await?;
            let seen = roster.members.clone();
            let planned = plan(self.configuration, &waiting, &mut roster, &self.ctx);
            done += self.write(tx, planned, &seen).await?;
        }
        Ok(done)
    }

    async fn write(&self, mut tx: Tx, planned: Vec<Planned>, seen: &[Loaded]) -> Result<usize> {
        if planned.is_empty() {
            return Ok(0);
        }
        let changes = self.take(&mut tx, planned, seen).await?;
        let changes = tickets::apply_in(&mut tx, &self.app.configurations, changes).await?;
        tx.commit().await?;
        Ok(changes.len())
    }

    /// Locks what was planned, tickets first, and does what still holds: the ticket is as it was seen, and the agent is
    /// and has room.
    async fn take(&self, tx: &mut Tx, planned: Vec<Planned>, seen: &[Loaded]) -> Result<Vec<Change>> {
        let ids: Vec<Id> = planned.iter().map(|planned| planned.ticket).collect();
        let locked = tickets::lock_free_in(tx, &ids).await?;
        let agents = self.lock_agents(tx, &planned, seen).await?;
        let (ctx, configuration) = (&self.ctx, self.configuration);
        let (mut given, mut decisions, mut changes) = (Vec::new(), Vec::new(), Vec::new());
        for (ticket, fate) in confirm(planned, locked, agents) {
            match fate {
                Fate::Given(decision) if decision.offered => {
                    changes.push(offer(ctx, configuration, ticket, &decision));
                }
                Fate::Given(decision) => {
                    given.push((ticket, decision.assignee.clone()));
                    decisions.push(decision);
                }
                Fate::Nobody(decision) => changes.push(turn_away(ctx, configuration, ticket, &decision)),
                Fate::Waits => {}
            }
        }
        let begun = escalation::take_all_in(tx, ctx, given).await?;
        changes.extend(begun.into_iter().zip(decisions).map(|(change, decision)| {
            tickets::give(change, ctx, &decision.assignee, |event| decision.explain(event))
        }));
        Ok(changes)
    }

    /// The agents who are to get something, locked, as far as they are as they were seen.
    async fn lock_agents(
        &self,
        tx: &mut Tx,
        planned: &[Planned],
        seen: &[Loaded],
    ) -> Result<HashMap<String, Loaded>> {
        let chosen = |planned: &Planned| match &planned.fate {
            Fate::Given(decision) => Some(decision.assignee.clone()),
            _ => None,
        };
        let keys: Vec<String> = planned.iter().filter_map(chosen).collect();
        let locked = agents::lock_in(tx, self.configuration, &keys).await?;
        let same = |loaded: &Loaded| {
            let cools = loaded.agent.cool_down_until_time;
            seen.iter().map(|member| &member.agent).any(|agent| {
                agent.key == loaded.agent.key
                    && agent.version == loaded.agent.version
                    && agent.cool_down_until_time == cools
            })
        };
        let locked = locked.into_iter().filter(same);
        Ok(locked.map(|loaded| (loaded.agent.key.clone(), loaded)).collect())
    }
}

/// Asks the agent.
fn offer(ctx: &Ctx, configuration: &Configuration, ticket: Ticket, decision: &Decision) -> Change {
    let span = configuration.queue(&ticket.queue).map(Queue::offer_duration).unwrap_or_default();
    Change::of(ticket).step(ctx, EventType::TicketOffered, |ticket, event| {
        ticket.offer(&decision.assignee, ctx.now.after(span));
        decision.explain(event);
    })
}

/// To the overflow queue, with what it asks for; or it stays, and it is told that nobody is left.
fn turn_away(ctx: &Ctx, configuration: &Configuration, ticket: Ticket, decision: &Decision) -> Change {
    if decision.overflow_from.is_empty() {
        return Change::of(ticket).step(ctx, EventType::RoutingExhausted, |ticket, event| {
            ticket.routing_exhausted = true;
            decision.explain(event);
        });
    }
    Change::of(ticket).step(ctx, EventType::TicketRouted, |ticket, event| {
        let (rule, skills) = (ticket.routing_rule.clone(), ticket.skills.clone());
        ticket.place(configuration, &decision.queue, ctx.now);
        (ticket.routing_rule, ticket.skills) = (rule, skills);
        "OVERFLOW".clone_into(&mut event.reason);
        decision.explain(event);
    })
}

/// What becomes of the waiting tickets, in the order of service, but for those that wait on.
fn plan(configuration: &Configuration, waiting: &[Ticket], roster: &mut Roster, ctx: &Ctx) -> Vec<Planned> {
    let planned = waiting.iter().map(|ticket| Planned {
        ticket: ticket.id,
        version: ticket.version,
        fate: roster.decide(configuration, ticket, ctx.now),
    });
    planned.filter(|planned| planned.fate != Fate::Waits).collect()
}

/// What of the plan still holds now that everything is locked: the ticket is as it was seen, and there is room.
fn confirm(
    planned: Vec<Planned>,
    locked: Vec<Ticket>,
    mut agents: HashMap<String, Loaded>,
) -> Vec<(Ticket, Fate)> {
    let mut waiting: HashMap<(Id, i64), Ticket> =
        locked.into_iter().map(|ticket| ((ticket.id, ticket.version), ticket)).collect();
    let mut confirmed = Vec::new();
    for Planned { ticket, version, mut fate } in planned {
        let Some(ticket) = waiting.remove(&(ticket, version)) else { continue };
        let holds = match &mut fate {
            Fate::Given(decision) => seat(&mut agents, decision),
            _ => true,
        };
        if holds {
            confirmed.push((ticket, fate));
        }
    }
    confirmed
}

/// Counts the ticket for the locked agent, if there is room for it.
fn seat(agents: &mut HashMap<String, Loaded>, decision: &mut Decision) -> bool {
    let Some(loaded) = agents.get_mut(&decision.assignee) else { return false };
    if loaded.room() < decision.weight {
        return false;
    }
    if let Some(best) = decision.candidates.first_mut() {
        best.used = loaded.used;
    }
    loaded.used += decision.weight;
    true
}

#[cfg(test)]
mod interleavings;
