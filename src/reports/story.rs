//! What the figures know of a ticket, folded from its events in their order, and which of those events count by themselves.
//! Nothing is read but the event and what was folded before: whoever folds the log again comes to the same.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    configuration::FeedbackScale,
    events::{Event, EventType, Facts},
    feedback::promotion,
    ids::{Id, TenantId},
    sla,
    tickets::State,
    time::Time,
};

/// Of the rules in this file. Whoever changes what they come to raises it, and all tickets are counted anew.
pub const REVISION: i32 = 1;

/// By what figures are divided: keys of the configuration, names of enums.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dimensions {
    pub kind: String,
    pub channel: String,
    pub priority: String,
    pub category: String,
    pub product: String,
    pub organization: String,
    pub level: String,
    pub queue: String,
    pub team: String,
}

impl Dimensions {
    fn of(facts: &Facts) -> Self {
        Self {
            kind: facts.kind.clone(),
            channel: facts.channel.clone(),
            priority: facts.priority.clone(),
            category: facts.category.clone(),
            product: facts.product.clone(),
            organization: facts.organization.clone(),
            level: facts.level.clone(),
            queue: facts.queue.clone(),
            team: facts.team.clone(),
        }
    }
}

/// A ticket as the figures know it. Field names are the columns of `report_tickets`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Story {
    pub tenant_id: TenantId,
    pub ticket_id: Id,
    pub version: i64,
    pub revision: i32,
    pub state: String,
    #[serde(flatten)]
    pub at: Dimensions,
    pub assignee: String,
    pub first_level: String,
    pub highest_level: String,
    pub resolution_code: String,
    pub imported: bool,
    pub article: bool,
    pub events: i64,
    pub escalations: i64,
    pub returns: i64,
    pub reopens: i64,
    pub customer_waits: i64,
    pub live_micros: i64,
    pub customer_micros: i64,
    pub vendor_micros: i64,
    pub hold_micros: i64,
    pub create_time: Time,
    pub last_time: Time,
    pub first_response_time: Option<Time>,
    pub first_resolve_time: Option<Time>,
    pub resolve_time: Option<Time>,
    pub cancel_time: Option<Time>,
}

/// What is counted by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// The work that there is to do became more or less.
    Backlog,
    Escalated,
    HandedBack,
    Transferred,
    /// Came back to a team that had it.
    Returned,
    Reopened,
    /// Seconds of it were entered, or taken back.
    Worked,
    /// Units of the bill.
    Charged,
    /// What they come to, and what was given back of it.
    Billed,
    /// A customer was asked.
    Asked,
    /// And answered, by when that was asked.
    Answered,
    /// The score of the answer, by its scale.
    Csat,
    /// What the answer adds to the net promoter score.
    Nps,
    Ces,
}

/// One thing that is counted by itself. Field names are the columns of `report_steps`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    pub tenant_id: TenantId,
    pub ticket_id: Id,
    pub version: i64,
    /// 1, 2, 3 … of those that the event is.
    pub number: i32,
    pub step: What,
    pub amount: i64,
    pub step_time: Time,
    /// Whether the ticket goes on in another one: it is counted there.
    pub merged: bool,
    /// Of an escalation, its code; of feedback, the survey. What callers choose for others may be anything, also a person's words.
    pub reason: String,
    /// Of a charge.
    pub currency: String,
    #[serde(flatten)]
    pub at: Dimensions,
}

impl Story {
    /// A ticket of which nothing is known yet; its first event is `event`.
    pub fn new(event: &Event) -> Self {
        Self {
            tenant_id: event.tenant_id.clone(),
            ticket_id: event.ticket_id,
            version: 0,
            revision: REVISION,
            state: String::new(),
            at: Dimensions::default(),
            assignee: String::new(),
            first_level: event.facts.level.clone(),
            highest_level: event.facts.level.clone(),
            resolution_code: String::new(),
            imported: event.imported,
            article: false,
            events: 0,
            escalations: 0,
            returns: 0,
            reopens: 0,
            customer_waits: 0,
            live_micros: 0,
            customer_micros: 0,
            vendor_micros: 0,
            hold_micros: 0,
            create_time: event.occur_time,
            last_time: event.occur_time,
            first_response_time: None,
            first_resolve_time: None,
            resolve_time: None,
            cancel_time: None,
        }
    }

    /// Whether it goes on in another one.
    pub fn is_merged(&self) -> bool {
        self.state == State::Merged.name()
    }

    /// The next event. What was seen before changes nothing.
    pub fn see(&mut self, event: &Event) -> Vec<Step> {
        if event.version <= self.version {
            return Vec::new();
        }
        let mut steps = Vec::new();
        let (was, before) = (State::parse(&self.state), self.at.clone());
        let (is, now) = (State::parse(&event.facts.state), Dimensions::of(&event.facts));
        self.version = event.version;
        self.events += 1;
        self.pass(was, event.occur_time);
        let mut step = |step, amount, at: &Dimensions| steps.push(Step::of(event, step, amount, at));
        let (lived, lives) = (was.is_some_and(State::is_live), is.is_some_and(State::is_live));
        if lived && !(lives && before == now) {
            step(What::Backlog, -1, &before);
        }
        if lives && !(lived && before == now) {
            step(What::Backlog, 1, &now);
        }
        match event.kind {
            EventType::TicketEscalated => {
                self.escalations += 1;
                step(What::Escalated, 1, &before);
            }
            EventType::TicketHandedBack => step(What::HandedBack, 1, &before),
            EventType::TicketTransferred => step(What::Transferred, 1, &before),
            _ => {}
        }
        // Counted by the ticket itself, whose fields the event bears.
        for (field, counted, what) in [
            ("return_count", &mut self.returns, What::Returned),
            ("reopen_count", &mut self.reopens, What::Reopened),
        ] {
            if let Some(count) = after(event, field).and_then(Value::as_i64).filter(|count| count != counted)
            {
                step(what, count - *counted, &now);
                *counted = count;
            }
        }
        steps.extend(work(event, &now));
        steps.extend(feedback(event, &now));
        for (number, step) in (1..).zip(&mut steps) {
            step.number = number;
        }
        self.enter(event, was, is);
        self.at = now;
        steps
    }

    /// Time passes in the state in which it stands.
    fn pass(&mut self, state: Option<State>, now: Time) {
        let micros =
            i64::try_from(now.duration_since(*self.last_time).as_micros()).unwrap_or(i64::MAX).max(0);
        self.last_time = self.last_time.max(now);
        match state {
            Some(State::WaitingOnCustomer) => self.customer_micros += micros,
            Some(State::WaitingOnVendor) => self.vendor_micros += micros,
            Some(State::OnHold) => self.hold_micros += micros,
            _ => {}
        }
        if state.is_some_and(State::is_live) {
            self.live_micros += micros;
        }
    }

    /// How it stands after the event.
    fn enter(&mut self, event: &Event, was: Option<State>, is: Option<State>) {
        let (facts, now) = (&event.facts, event.occur_time);
        if is == Some(State::WaitingOnCustomer) && was != is {
            self.customer_waits += 1;
        }
        let solved = |state: Option<State>| state.is_some_and(State::is_solved);
        if solved(is) && !solved(was) {
            self.first_resolve_time.get_or_insert(now);
            self.resolve_time = Some(now);
        } else if !solved(is) {
            self.resolve_time = None;
        }
        self.cancel_time = (is == Some(State::Cancelled)).then(|| self.cancel_time.unwrap_or(now));
        if solved(is) || sla::answers(event) {
            self.first_response_time.get_or_insert(now);
        }
        let text = |field| after(event, field).and_then(Value::as_str).map(str::to_owned);
        if let Some(level) = text("first_level") {
            self.first_level = level;
        }
        if let Some(level) = text("highest_level") {
            self.highest_level = level;
        }
        if let Some(resolution) = after(event, "resolution") {
            let article = resolution.get("article").and_then(Value::as_str).unwrap_or_default();
            self.article = !article.is_empty();
        }
        self.state.clone_from(&facts.state);
        self.assignee.clone_from(&facts.assignee);
        self.resolution_code.clone_from(&facts.resolution_code);
    }
}

impl Step {
    /// One that is not numbered yet.
    fn of(event: &Event, step: What, amount: i64, at: &Dimensions) -> Self {
        Self {
            tenant_id: event.tenant_id.clone(),
            ticket_id: event.ticket_id,
            version: event.version,
            number: 0,
            step,
            amount,
            step_time: event.occur_time,
            merged: State::parse(&event.facts.state) == Some(State::Merged),
            reason: if step == What::Escalated { reason(event) } else { String::new() },
            currency: String::new(),
            at: at.clone(),
        }
    }
}

/// Work, when it was done, and what it costs, in the period to which that belongs; both are told as signed differences.
fn work(event: &Event, at: &Dimensions) -> Vec<Step> {
    let worth = |told: &Value, field: &str| told.get(field).and_then(Value::as_i64).unwrap_or_default();
    let text =
        |told: &Value, field: &str| told.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
    let time = |told: &Value, field: &str| text(told, field).parse().unwrap_or(event.occur_time);
    let details =
        || Value::Object(event.details.iter().map(|(key, value)| (key.clone(), value.clone())).collect());
    let step = |what, amount| Step::of(event, what, amount, at);
    let mut steps = match event.kind {
        EventType::TicketWorkLogged | EventType::TicketWorkReversed => {
            let told = details();
            vec![Step { step_time: time(&told, "start_time"), ..step(What::Worked, worth(&told, "seconds")) }]
        }
        EventType::BillableRated => {
            let lines = event.details.get("billables").and_then(Value::as_array);
            lines
                .into_iter()
                .flatten()
                .flat_map(|line| {
                    let (step_time, currency) = (time(line, "post_time"), text(line, "currency"));
                    let units = Step { step_time, ..step(What::Charged, worth(line, "units")) };
                    [units, Step { step_time, currency, ..step(What::Billed, worth(line, "amount")) }]
                })
                .collect()
        }
        EventType::BillableCredited => {
            let told = details();
            vec![Step { currency: text(&told, "currency"), ..step(What::Billed, -worth(&told, "amount")) }]
        }
        _ => Vec::new(),
    };
    steps.retain(|step| step.amount != 0);
    steps
}

/// What a customer was asked, and said.
fn feedback(event: &Event, at: &Dimensions) -> Vec<Step> {
    let text = |field: &str| event.details.get(field).and_then(Value::as_str).unwrap_or_default();
    let step = |what, amount| Step { reason: text("survey").to_owned(), ..Step::of(event, what, amount, at) };
    match event.kind {
        EventType::FeedbackRequested => vec![step(What::Asked, 1)],
        EventType::FeedbackGiven => {
            let score = event.details.get("score").and_then(Value::as_i64).unwrap_or_default();
            let asked = text("request_time").parse().unwrap_or(event.occur_time);
            let given = match FeedbackScale::parse(text("scale")) {
                Some(FeedbackScale::Csat) => Some(step(What::Csat, score)),
                Some(FeedbackScale::Nps) => Some(step(What::Nps, promotion(score))),
                Some(FeedbackScale::Ces) => Some(step(What::Ces, score)),
                Some(FeedbackScale::Unspecified) | None => None,
            };
            [Step { step_time: asked, ..step(What::Answered, 1) }].into_iter().chain(given).collect()
        }
        _ => Vec::new(),
    }
}

/// The value of a field after the event, if it changed.
fn after<'e>(event: &'e Event, field: &str) -> Option<&'e Value> {
    event.changes.get(field).map(|(_, after)| after)
}

/// The other system's word for a status is no reason.
fn reason(event: &Event) -> String {
    if event.imported { "(imported)".to_owned() } else { event.reason.clone() }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::{
        ctx::{Ctx, Role},
        tickets::{Change, Ticket, fixture},
    };

    /// What happens next: after so many minutes, of which kind, and how the ticket stands then.
    type Happening = (u64, usize, usize, usize, bool);

    const KINDS: [EventType; 6] = [
        EventType::TicketUpdated,
        EventType::TicketEscalated,
        EventType::TicketHandedBack,
        EventType::TicketTransferred,
        EventType::TicketCommented,
        EventType::TicketReopened,
    ];

    /// The log of a ticket to which this happened.
    fn log(happenings: &[Happening]) -> Vec<Event> {
        let mut ctx: Ctx = fixture::ctx(Role::Agent);
        let mut change = Change::created(&ctx, fixture::ticket(State::New), |_| {});
        for (minutes, kind, state, team, returns) in happenings {
            ctx.now = ctx.now.after(Duration::from_mins(*minutes));
            change = change.step(&ctx, KINDS[kind % KINDS.len()], |ticket: &mut Ticket, event| {
                ticket.state = State::ALL[state % State::ALL.len()];
                ticket.team = ["desk", "apps", "lab"][team % 3].to_owned();
                ticket.return_count += i32::from(*returns);
                event.reason = "COMPLEXITY".to_owned();
            });
        }
        change.events
    }

    fn fold(events: &[Event]) -> (Story, Vec<Step>) {
        let mut story = Story::new(&events[0]);
        let steps = events.iter().flat_map(|event| story.see(event)).collect();
        (story, steps)
    }

    fn happenings() -> impl Strategy<Value = Vec<Happening>> {
        prop::collection::vec((0..600_u64, 0..9_usize, 0..20_usize, 0..3_usize, any::<bool>()), 0..40)
    }

    proptest! {
        /// Whoever stops, writes down what is known, and goes on, perhaps a few events before, comes to the same.
        #[test]
        fn in_pieces_it_is_the_same(happenings in happenings(), at in 0..40_usize, back in 0..5_usize) {
            let events = log(&happenings);
            let at = at.min(events.len());
            let (mut story, mut steps) = fold(&events[..at.max(1)]);
            let kept = serde_json::to_value(&story).expect("plain data");
            story = serde_json::from_value(kept).expect("the same");
            steps.extend(events[at.saturating_sub(back)..].iter().flat_map(|event| story.see(event)));
            prop_assert_eq!((story, steps), fold(&events));
        }

        /// What comes into the backlog goes out of it, by the same names, and what is live is in it once.
        #[test]
        fn the_backlog_is_what_is_live(happenings in happenings()) {
            let events = log(&happenings);
            let (story, steps) = fold(&events);
            let live = State::parse(&story.state).is_some_and(State::is_live);
            let mut there: Vec<(Dimensions, i64)> = Vec::new();
            for step in steps.into_iter().filter(|step| step.step == What::Backlog) {
                match there.iter_mut().find(|(at, _)| *at == step.at) {
                    Some((_, amount)) => *amount += step.amount,
                    None => there.push((step.at.clone(), step.amount)),
                }
                prop_assert!(there.iter().all(|(_, amount)| (0..=1).contains(amount)));
            }
            there.retain(|(_, amount)| *amount > 0);
            prop_assert_eq!(there, if live { vec![(story.at, 1)] } else { Vec::new() });
        }

        /// No time is counted twice, and none is lost.
        #[test]
        fn time_is_where_it_was_spent(happenings in happenings()) {
            let events = log(&happenings);
            let (story, _) = fold(&events);
            let mut spent = [0; 4];
            for pair in events.windows(2) {
                let micros = pair[1].occur_time.duration_since(*pair[0].occur_time).as_micros() as i64;
                match State::parse(&pair[0].facts.state).expect("a state") {
                    State::WaitingOnCustomer => spent[1] += micros,
                    State::WaitingOnVendor => spent[2] += micros,
                    State::OnHold => spent[3] += micros,
                    State::New | State::Open => {}
                    _ => continue,
                }
                spent[0] += micros;
            }
            prop_assert_eq!([story.live_micros, story.customer_micros, story.vendor_micros, story.hold_micros], spent);
        }
    }

    #[test]
    fn what_others_call_a_status_is_no_reason() {
        let mut events = log(&[(1, 1, 1, 1, false)]);
        events[1].imported = true;
        let (_, steps) = fold(&events);
        let escalated = steps.iter().find(|step| step.step == What::Escalated).expect("a step");
        assert_eq!(escalated.reason, "(imported)");
    }
}
