//! The job that tells what is due: warnings, breaches and the steps of ladders. What is told, the clock that knows of it
//! and whatever else a step does are one transaction under the ticket's lock, in which everything is looked at again; so
//! each is told exactly once, whoever else is at it and whoever dies.

use std::collections::BTreeSet;

use super::{
    follow::Ledger,
    model::{Clock, Terms},
    points::{self, Point},
    raise::raised,
    store, store_lag,
    told::tell,
};
use crate::{
    agents::{self, Agent},
    app::App,
    configuration::{Configuration, LadderAction, LadderStep},
    ctx::Ctx,
    db::Tx,
    error::{Error, ReasonName, Result},
    escalation::{self, Audience},
    events::{Event, EventType},
    ids::Id,
    jobs::{Report, Tally},
    metrics::Backlog,
    routing::dispatch,
    tickets::{self, Change, Ticket},
    time::Time,
};

/// One tick: of every tenant that has something due, a share of `limit` tickets, the longest due first; so that a tenant
/// with a great many keeps none waiting. The time is the database's, the same for all replicas.
pub async fn run_once(app: &App, limit: usize) -> Result<Report> {
    let now = app.db.now(&app.clock).await?;
    let tenants = store::tenants_due(app.db.across(), now).await?;
    let share = limit.div_ceil(tenants.len().max(1)).clamp(MIN_SHARE.min(limit), limit);
    let mut tally = Tally::default();
    for tenant in tenants {
        tally.add(fire(app, &Ctx::system(tenant, "sla", now), share).await);
    }
    tally.finish()
}

/// Of one tenant, however many there are.
const MIN_SHARE: usize = 25;

/// How many times what it takes a turn looks at: so many replicas at once find work of their own, without waiting for one
/// another and without locks on clocks, which a writer of their ticket would have to wait for.
const LOOK: usize = 4;

/// How many that are late are counted of a tenant.
const COUNTED: i64 = 1000;

/// What is due and not told.
pub async fn overdue(app: &App, now: Time) -> Result<Backlog> {
    store_lag::overdue(app.db.across(), now, COUNTED).await
}

/// Tells what is due of at most `limit` tickets of a tenant; counts the tickets.
async fn fire(app: &App, ctx: &Ctx, limit: usize) -> Result<Report> {
    let configuration = app.configurations.get(&ctx.tenant).await?;
    let mut tx = app.db.begin(&ctx.tenant).await?;
    let due = store::due(&mut tx, ctx.now, (limit * LOOK) as i64).await?;
    let tickets = tickets::lock_first_in(&mut tx, &due, limit).await?;
    if tickets.is_empty() {
        return Ok(Report::default());
    }
    let claimed = tickets.len();
    let ledger = {
        let tickets: Vec<&Ticket> = tickets.iter().collect();
        Ledger::open_in(&mut tx, &app.configurations, &tickets).await?
    };
    let late: Vec<Time> = tickets
        .iter()
        .flat_map(|ticket| ledger.clocks(ticket.id))
        .filter_map(|clock| clock.fire_time)
        .collect();
    let round = Round { app, ctx, configuration: &configuration, ledger: &ledger };
    let changes = round.decide_in(&mut tx, tickets).await?;
    let changes = ledger.enter_in(&mut tx, changes).await?;
    tickets::write_in(&mut tx, &changes).await?;
    tx.commit().await?;
    late.into_iter().filter(|time| *time <= ctx.now).for_each(|time| app.metrics.timers.fired(time, ctx.now));
    for change in &changes {
        dispatch::wake(app, &configuration, &change.next, false);
    }
    Ok(Report { done: claimed, full: claimed >= limit })
}

/// One tenant's turn.
struct Round<'a> {
    app: &'a App,
    ctx: &'a Ctx,
    configuration: &'a Configuration,
    ledger: &'a Ledger,
}

/// What of one clock is due.
#[derive(Clone, Copy)]
struct Due<'a> {
    clock: &'a Clock,
    pinned: &'a Configuration,
    point: Point,
}

impl<'a> Due<'a> {
    /// The step of the ladder, if it is one.
    fn step(&self) -> Option<&'a LadderStep> {
        let Point::Step(place) = self.point else { return None };
        let terms = Terms::of(self.pinned, self.clock)?;
        self.pinned.ladder_steps(&terms.clock.ladder).get(place).copied()
    }

    fn tell(&self, event: &mut Event) {
        tell(event, self.pinned, self.clock, self.point);
    }
}

impl Round<'_> {
    async fn decide_in(&self, tx: &mut Tx, tickets: Vec<Ticket>) -> Result<Vec<Change>> {
        let due: Vec<(Ticket, Vec<Due<'_>>)> = tickets
            .into_iter()
            .map(|ticket| {
                let due = self.due(ticket.id);
                (ticket, due)
            })
            .collect();
        let agents = self.agents_in(tx, &due).await?;
        let mut changes = Vec::with_capacity(due.len());
        for (ticket, due) in due {
            changes.push(self.tell_in(tx, ticket, due, &agents).await?);
        }
        Ok(changes)
    }

    /// What is due of a ticket's clocks, in the order of their numbers.
    fn due(&self, ticket: Id) -> Vec<Due<'_>> {
        let mut due = Vec::new();
        for clock in self.ledger.clocks(ticket) {
            if clock.fire_time.is_some_and(|time| time <= self.ctx.now)
                && let Some(pinned) = self.ledger.pinned(clock)
            {
                let points = points::due(clock, pinned, self.ctx.now).into_iter();
                due.extend(points.map(|point| Due { clock, pinned, point }));
            }
        }
        due
    }

    fn audience(&self, ticket: &Ticket, step: &LadderStep) -> Audience {
        match step.action {
            LadderAction::EscalateToManager => Audience::managers(self.configuration, ticket),
            _ => Audience::of(self.configuration, ticket, &step.audience),
        }
    }

    /// The agents that the due steps may call.
    async fn agents_in(&self, tx: &mut Tx, due: &[(Ticket, Vec<Due<'_>>)]) -> Result<Vec<Agent>> {
        let (mut keys, mut teams) = (BTreeSet::new(), BTreeSet::new());
        for (ticket, due) in due {
            let steps = due.iter().filter_map(Due::step);
            let calls = |step: &&LadderStep| {
                matches!(step.action, LadderAction::Page | LadderAction::EscalateToManager)
            };
            for step in steps.filter(calls) {
                let (agents, of) = self.audience(ticket, step).keys();
                keys.extend(agents);
                teams.extend(of);
            }
        }
        let (keys, teams): (Vec<String>, Vec<String>) =
            (keys.into_iter().collect(), teams.into_iter().collect());
        if keys.is_empty() && teams.is_empty() {
            Ok(Vec::new())
        } else {
            agents::of_in(tx, &keys, &teams).await
        }
    }

    /// One event for each thing that is due. A step that moves the ticket ends the turn: what is due by then is seen in the
    /// next one.
    async fn tell_in(
        &self,
        tx: &mut Tx,
        ticket: Ticket,
        due: Vec<Due<'_>>,
        agents: &[Agent],
    ) -> Result<Change> {
        let mut change = Change::of(ticket);
        for due in due {
            if let Some(step) = due.step() {
                change = self.climb_in(tx, change, due, step, agents).await?;
                if matches!(step.action, LadderAction::RaisePriority | LadderAction::Escalate) {
                    break;
                }
            } else {
                let breach = due.point == Point::Breach;
                let kind = if breach { EventType::SlaBreached } else { EventType::SlaWarned };
                change = change.step(self.ctx, kind, |_, event| due.tell(event));
            }
        }
        Ok(change)
    }

    async fn climb_in(
        &self,
        tx: &mut Tx,
        change: Change,
        due: Due<'_>,
        step: &LadderStep,
        agents: &[Agent],
    ) -> Result<Change> {
        let (ctx, configuration) = (self.ctx, self.configuration);
        let mut refused = String::new();
        if step.action == LadderAction::Escalate {
            match escalation::climb_in(tx, ctx, configuration, &change.next, &step.team, self.app.ids.next())
                .await
            {
                Ok(mut escalated) => {
                    if let Some(event) = escalated.events.last_mut() {
                        due.tell(event);
                    }
                    return change.then(|_| Ok(escalated));
                }
                // What the rules say to it is told; the step is not tried again.
                Err(error @ (Error::Refused(_) | Error::Invalid(..))) => {
                    error.reason().name().clone_into(&mut refused);
                }
                Err(error) => return Err(error),
            }
        }
        let audience = self.audience(&change.next, step);
        let kind = match step.action {
            LadderAction::EscalateToManager => EventType::TicketEscalatedToManager,
            _ => EventType::LadderClimbed,
        };
        let raised = (step.action == LadderAction::RaisePriority)
            .then(|| raised(configuration, &change.next, step))
            .flatten();
        Ok(change.step(ctx, kind, |ticket, event| {
            due.tell(event);
            event.details.insert("action".into(), step.action.name().into());
            match step.action {
                LadderAction::RaisePriority => match raised {
                    Some(priority) => ticket.prioritise(configuration, &priority),
                    None => "PRIORITY_HIGHER_ALREADY".clone_into(&mut event.reason),
                },
                LadderAction::Notify => audience.tell(event),
                LadderAction::Page | LadderAction::EscalateToManager => {
                    audience.tell(event);
                    audience.call(ctx, configuration, &ticket.team, agents).tell(event);
                }
                LadderAction::Escalate | LadderAction::Unspecified => event.reason = refused,
            }
        }))
    }
}
