//! What the rules say to a history that has happened elsewhere. Each step is asked for the verbs that it amounts to, at
//! its own time; what a rule refuses is kept as a refusal, and the step is recorded as it happened all the same.

use std::{cmp::Ordering, collections::HashMap};

use serde_json::json;

use super::{
    Change, Create, HoldKind, Impact, Json, MAX_HOLD_REASON, Resolution, State, Target, Ticket, Verb,
    advance, create, enter, reopen,
    resolve::{self, Resolve},
};
use crate::{
    configuration::Configuration,
    ctx::Ctx,
    error::{Error, Reason, ReasonName, Refusal, Result, Violations},
    escalation::levels,
    events::{Event, EventType},
    ids::Id,
    time::Time,
};

/// A ticket of another system, with its history.
#[derive(Clone, Debug)]
pub struct History {
    pub create: Create,
    /// At least one; the first is the creation.
    pub steps: Vec<Step>,
}

/// How the ticket stood after one thing that happened to it. Keys are plain.
#[derive(Clone, Debug)]
pub struct Step {
    pub occur_time: Time,
    pub state: State,
    pub level: String,
    pub team: String,
    pub assignee: Option<String>,
    /// `None`: as before.
    pub impact: Option<Impact>,
    pub resolution_code: String,
    /// The other system's word for it.
    pub reason: String,
    pub note: String,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Replayed {
    pub change: Change,
    pub refusals: Vec<Refused>,
}

/// A verb that a rule refuses and the history has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    pub step: usize,
    pub verb: &'static str,
    pub reason: Reason,
}

/// The rule: one event for each step. Every fault of every step is named at once.
pub fn replay(
    ctx: &Ctx,
    configuration: &Configuration,
    history: &History,
    id: Id,
    number: i64,
) -> Result<Replayed> {
    let mut faults = Violations::default();
    check(ctx, configuration, history, &mut faults);
    let born = ctx.at(history.steps[0].occur_time);
    let draft = faults.absorb(create::draft(&born, configuration, &history.create, id, number))?;
    faults.into_result()?;
    let draft = Ticket { imported: true, ..draft.expect("it has no faults") };
    let mut judge = Judge { configuration, came_from: Vec::new(), arrivals: HashMap::new() };
    let mut refusals = Vec::new();
    let mut change: Option<Change> = None;
    for (place, step) in history.steps.iter().enumerate() {
        let ctx = ctx.at(step.occur_time);
        let before = change.as_ref().map_or(&draft, |change| &change.next);
        let verdict = judge.judge(&ctx, before, step, place == 0);
        let handed_over = !judge.came_from.is_empty();
        let record = |ticket: &mut Ticket| stand(configuration, ticket, step, handed_over);
        change = Some(match change {
            None => {
                let mut ticket = draft.clone();
                record(&mut ticket);
                Change::created(&ctx, ticket, |event| tell(event, step, &verdict))
            }
            Some(change) => change.step(&ctx, verdict.kind, |ticket, event| {
                record(ticket);
                tell(event, step, &verdict);
            }),
        });
        refusals.extend(verdict.refused.iter().map(|(verb, reason)| Refused {
            step: place,
            verb,
            reason: *reason,
        }));
    }
    Ok(Replayed { change: change.expect("a history has a first step"), refusals })
}

/// What the history refers to must be configured, and time runs forward.
fn check(ctx: &Ctx, configuration: &Configuration, history: &History, faults: &mut Violations) {
    if history.create.external_key.is_none() {
        faults.add("ticket.external_key", "is required: by it a repetition knows the ticket");
    }
    let mut before: Option<&Step> = None;
    for (place, step) in history.steps.iter().enumerate() {
        let mut fault = |field: &str, text: String| faults.add(format!("steps[{place}].{field}"), text);
        if before.is_some_and(|before| step.occur_time < before.occur_time) {
            fault("occur_time", "must not be before the step before it".into());
        }
        if step.occur_time > ctx.recorded {
            fault("occur_time", "must not be in the future".into());
        }
        if configuration.level(&step.level).is_none() {
            fault("level", format!("no level {:?} is configured", step.level));
        }
        match configuration.team(&step.team) {
            None => fault("team", format!("no team {:?} is configured", step.team)),
            Some(team) if configuration.queue_of(team).is_none() => {
                fault("team", format!("{:?} has no queue", step.team));
            }
            Some(_) => {}
        }
        let becomes_resolved =
            step.state == State::Resolved && before.is_none_or(|before| before.state != State::Resolved);
        if step.resolution_code.is_empty() {
            if becomes_resolved {
                fault("resolution_code", "is required when the step resolves".into());
            }
        } else if configuration.resolution_code(&step.resolution_code).is_none() {
            fault("resolution_code", format!("no code {:?} is configured", step.resolution_code));
        }
        before = Some(step);
    }
}

/// How the ticket stands after a step, whatever the rules say to it. Timers stay off: what another system has promised
/// is not this one's to keep, so nothing closes or wakes by itself.
fn stand(configuration: &Configuration, ticket: &mut Ticket, step: &Step, handed_over: bool) {
    let now = step.occur_time;
    let before = ticket.state;
    let reopened = reopens(before, step.state);
    if reopened {
        ticket.reopen_count += 1;
        ticket.resolution = None;
        ticket.resolve_time = None;
        ticket.close_time = None;
    }
    enter(ticket, step.state);
    let moved = ticket.team != step.team || ticket.level != step.level;
    if moved {
        let queue = configuration.team(&step.team).and_then(|team| configuration.queue_of(team));
        ticket.queue = queue.map(|queue| queue.key.clone()).unwrap_or_default();
        if ticket.team != step.team {
            ticket.enter_team(configuration, &step.team, &step.level);
        }
        ticket.enter_level(configuration, &step.level);
        ticket.escalated = handed_over;
    }
    if moved || reopened || ticket.assignee != step.assignee {
        match &step.assignee {
            Some(agent) => ticket.assign(agent, now),
            None => ticket.release(now),
        }
    }
    if step.state != before {
        match step.state {
            State::WaitingOnCustomer | State::WaitingOnVendor | State::OnHold => {
                // The whole note stays with the event.
                ticket.hold_reason = step.note.chars().take(MAX_HOLD_REASON).collect();
            }
            State::Resolved => ticket.resolve_time = Some(now),
            State::Closed | State::Cancelled => ticket.close_time = Some(now),
            State::New | State::Open | State::Merged => {}
        }
    }
    if step.state == State::Resolved && !step.resolution_code.is_empty() {
        ticket.resolution = Some(Json(resolution(step)));
    }
    if step.state == State::Cancelled {
        ticket.assignee = None;
        ticket.assign_time = None;
    }
    if !step.state.is_live() {
        ticket.queue_time = None;
    }
    if let Some(impact) = step.impact.filter(|impact| *impact != ticket.impact) {
        let matrix = |impact: Impact| configuration.priority_for(impact.name(), ticket.urgency.name());
        // A priority that was given by hand stays.
        let priority = (ticket.priority == matrix(ticket.impact)).then(|| matrix(impact).to_owned());
        ticket.impact = impact;
        if let Some(priority) = priority {
            ticket.prioritise(configuration, &priority);
        }
    }
}

/// Whether what was over has begun anew. From RESOLVED to CLOSED it has not.
fn reopens(before: State, after: State) -> bool {
    !before.is_live() && after != before && (before, after) != (State::Resolved, State::Closed)
}

fn resolution(step: &Step) -> Resolution {
    Resolution { code: step.resolution_code.clone(), summary: step.note.clone(), ..Resolution::default() }
}

/// What belongs to the event alone.
fn tell(event: &mut Event, step: &Step, verdict: &Verdict) {
    event.imported = true;
    event.reason.clone_from(&step.reason);
    event.note.clone_from(&step.note);
    if !verdict.refused.is_empty() {
        let refused = |(verb, reason): &(&str, Reason)| json!({"verb": verb, "reason": reason.name()});
        event.details.insert("refusals".into(), verdict.refused.iter().map(refused).collect());
    }
}

/// What the rules say to a step.
struct Verdict {
    kind: EventType,
    refused: Vec<(&'static str, Reason)>,
}

/// Knows how the ticket has gone up and down so far.
struct Judge<'a> {
    configuration: &'a Configuration,
    /// The teams and levels that handed it up and may have it back, the latest last.
    came_from: Vec<(String, String)>,
    /// How often it has come up to each level.
    arrivals: HashMap<String, usize>,
}

impl Judge<'_> {
    fn judge(&mut self, ctx: &Ctx, before: &Ticket, step: &Step, first: bool) -> Verdict {
        let mut docket = Docket { at: before.clone(), kinds: Vec::new(), refused: Vec::new() };
        if reopens(before.state, step.state) {
            let decided = reopen::decide(ctx, self.configuration, before.clone(), &Target::of(before.id));
            docket.ask(Verb::Reopen, EventType::TicketReopened, decided);
            docket.at.state = State::Open;
            docket.at.assignee = None;
        }
        if first {
            docket.at.team.clone_from(&step.team);
            docket.at.level.clone_from(&step.level);
        } else if step.team != before.team || step.level != before.level {
            self.moved(&mut docket, step);
        }
        docket.given(step);
        docket.settled(ctx, self.configuration, step);
        if !first && step.impact.is_some_and(|impact| impact != before.impact) {
            docket.ask(Verb::Update, EventType::TicketUpdated, advance(before.state, Verb::Update));
        }
        // Of two that weigh the same, the later one says how it ended.
        let kind = docket.kinds.into_iter().rev().min_by_key(|kind| rank(*kind));
        let kind = if first { EventType::TicketCreated } else { kind.unwrap_or(EventType::TicketNoted) };
        Verdict { kind, refused: docket.refused }
    }

    /// Another team or level: up, down or sideways.
    fn moved(&mut self, docket: &mut Docket, step: &Step) {
        let at = &docket.at;
        let rank = |level: &str| self.configuration.level_rank(level);
        match rank(&step.level).cmp(&rank(&at.level)) {
            Ordering::Equal => {
                let allowed = advance(at.state, Verb::Transfer).map(|_| ());
                docket.ask(Verb::Transfer, EventType::TicketTransferred, allowed);
            }
            Ordering::Greater => {
                let allowed = self.may_go_up(at, &step.level);
                self.came_from.push((at.team.clone(), at.level.clone()));
                *self.arrivals.entry(step.level.clone()).or_default() += 1;
                docket.ask(Verb::Escalate, EventType::TicketEscalated, allowed);
                if docket.at.state == State::New {
                    docket.at.state = State::Open;
                }
            }
            Ordering::Less => {
                let allowed = self.may_go_down(at, &step.team);
                // Whoever handed it up from there or from above has it behind them.
                let configuration = self.configuration;
                let to = rank(&step.level);
                while self.came_from.pop_if(|(_, level)| configuration.level_rank(level) >= to).is_some() {}
                docket.ask(Verb::HandBack, EventType::TicketHandedBack, allowed);
            }
        }
        docket.at.team.clone_from(&step.team);
        docket.at.level.clone_from(&step.level);
        docket.at.assignee = None;
    }

    /// Up goes what is completely recorded, one level at a time, and not for ever.
    fn may_go_up(&self, ticket: &Ticket, level: &str) -> Result<(), Refusal> {
        advance(ticket.state, Verb::Escalate)?;
        let arrivals = self.arrivals.get(level).copied().unwrap_or_default();
        let obstacle = levels::skipped(self.configuration, &ticket.level, level)
            .or_else(|| levels::bounced(self.configuration, level, arrivals));
        obstacle.map_or_else(|| levels::require_complete(self.configuration, ticket, level), Err)
    }

    /// Down goes what came up, to whom it came from.
    fn may_go_down(&self, ticket: &Ticket, team: &str) -> Result<(), Refusal> {
        advance(ticket.state, Verb::HandBack)?;
        match self.came_from.last() {
            Some((from, _)) if from == team => Ok(()),
            Some((from, _)) => {
                let text = format!("the ticket came from {from}, and goes to {team} below");
                Err(Refusal::new(Reason::EscalationGoesDown, text))
            }
            None => {
                let text = "the ticket came by no escalation, so there is nobody to hand it back to";
                Err(Refusal::new(Reason::NothingToHandBack, text))
            }
        }
    }
}

/// A step before the rules.
struct Docket {
    /// The ticket between the verbs, as far as rules look at it.
    at: Ticket,
    kinds: Vec<EventType>,
    refused: Vec<(&'static str, Reason)>,
}

impl Docket {
    fn ask<T, E: Into<Error>>(&mut self, verb: Verb, kind: EventType, said: Result<T, E>) {
        self.kinds.push(kind);
        if let Err(refusal) = said {
            self.refused.push((verb.name(), refusal.into().reason()));
        }
    }

    /// Asks the state table alone, which must lead to this state.
    fn lead(&mut self, verb: Verb, kind: EventType, to: State) {
        let said = match advance(self.at.state, verb) {
            Ok(state) if state != to => {
                Err(Refusal::new(Reason::TicketStateConflict, format!("nothing leads to {}", to.name())))
            }
            said => said,
        };
        self.ask(verb, kind, said);
        self.at.state = to;
    }

    /// Another owner, or none. A new ticket that is taken up is open.
    fn given(&mut self, step: &Step) {
        let waits =
            matches!(self.at.state, State::WaitingOnCustomer | State::WaitingOnVendor | State::OnHold);
        if waits && step.state == State::Open {
            self.lead(Verb::Resume, EventType::TicketResumed, State::Open);
        }
        // Who cancels takes it away from everybody.
        if step.assignee == self.at.assignee || step.state == State::Cancelled {
            return;
        }
        let (verb, kind) = match step.assignee {
            Some(_) => (Verb::Assign, EventType::TicketAssigned),
            None => (Verb::Release, EventType::TicketReleased),
        };
        self.ask(verb, kind, advance(self.at.state, verb));
        if self.at.state == State::New {
            self.at.state = State::Open;
        }
        self.at.assignee.clone_from(&step.assignee);
    }

    /// The state in which it ends.
    fn settled(&mut self, ctx: &Ctx, configuration: &Configuration, step: &Step) {
        let to = step.state;
        if self.at.state == to {
            return;
        }
        match to {
            // Only a new ticket that nobody has taken up comes here, or one that cannot be new again.
            State::New | State::Open | State::Merged => {
                self.lead(Verb::Release, EventType::TicketReleased, to);
            }
            State::WaitingOnCustomer => self.lead(Verb::Hold(HoldKind::Customer), EventType::TicketHeld, to),
            State::WaitingOnVendor => self.lead(Verb::Hold(HoldKind::Vendor), EventType::TicketHeld, to),
            State::OnHold => self.lead(Verb::Hold(HoldKind::Other), EventType::TicketHeld, to),
            State::Resolved => {
                // What the other system knows is not known here: its duty stays open.
                let target = Target::of(self.at.id);
                let resolve = Resolve { target, resolution: resolution(step), draft_article: false };
                let decided = resolve::decide(ctx, configuration, self.at.clone(), &resolve, None);
                self.ask(Verb::Resolve, EventType::TicketResolved, decided);
            }
            State::Closed => self.lead(Verb::Close, EventType::TicketClosed, to),
            State::Cancelled => self.lead(Verb::Cancel, EventType::TicketCancelled, to),
        }
    }
}

/// Which of the verbs of one step gives the event its type; the least counts.
fn rank(kind: EventType) -> u8 {
    match kind {
        EventType::TicketEscalated | EventType::TicketHandedBack | EventType::TicketTransferred => 0,
        EventType::TicketResolved
        | EventType::TicketClosed
        | EventType::TicketCancelled
        | EventType::TicketReopened => 1,
        EventType::TicketHeld | EventType::TicketResumed => 2,
        EventType::TicketAssigned | EventType::TicketReleased => 3,
        _ => 4,
    }
}

#[cfg(test)]
mod tests;
