//! What the tests of clocks stand on: a ticket to which things happen, by the way that they go in the service. After each,
//! what is kept must be what the whole log makes.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use super::{Book, Clock, Ledger, Point, Revisions, begin, points, promise, told::tell};
use crate::{
    configuration::{ClockKind, Configuration, Document, SlaPolicy},
    ctx::{Actor, ActorKind, Ctx, Role},
    events::{Event, EventType},
    tickets::{Change, State, Ticket, enter, fixture},
    time::Time,
};

/// Office hours with a lunch break, and nights, both of UTC.
const CALENDARS: &str = r#"
- key: office
  time_zone: UTC
  hours:
    - {days: [MONDAY, TUESDAY, WEDNESDAY, THURSDAY, FRIDAY], open: "08:00", close: "12:00"}
    - {days: [MONDAY, TUESDAY, WEDNESDAY, THURSDAY, FRIDAY], open: "13:00", close: "17:00"}
- key: night
  time_zone: UTC
  hours:
    - {days: [MONDAY, TUESDAY, WEDNESDAY, THURSDAY, FRIDAY, SATURDAY, SUNDAY], open: "22:00", close: "06:00"}
"#;

pub struct Story {
    pub pinned: HashMap<i64, Arc<Configuration>>,
    pub ticket: Ticket,
    pub log: Vec<Event>,
    pub clocks: Vec<Clock>,
}

/// 2 March 2026 is a Monday.
pub fn time(text: &str) -> Time {
    format!("2026-03-{text}Z").parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

pub fn configuration(revision: i64, policies: &str) -> Configuration {
    Configuration::new(revision, document(policies))
}

/// The sample with these policies, without ladders.
pub fn document(policies: &str) -> Document {
    let mut document: Document = fixture::document();
    document.calendars.extend(
        serde_saphyr::from_str::<Vec<crate::configuration::Calendar>>(CALENDARS).expect("the calendars read"),
    );
    document.ladders.clear();
    document.sla_policies =
        serde_saphyr::from_str::<Vec<SlaPolicy>>(policies).unwrap_or_else(|error| panic!("{error}"));
    document
}

impl Story {
    /// A ticket of P3 that comes in at a time of March 2026, under these policies.
    pub fn new(policies: &str, at: &str) -> Self {
        Self::by(configuration(1, policies), time(at))
    }

    pub fn by(configuration: Configuration, at: Time) -> Self {
        let ctx = fixture::ctx(Role::Agent).at(at);
        let mut ticket = Ticket { create_time: at, update_time: at, ..fixture::ticket(State::New) };
        (ticket.sla_policies, ticket.sla_revision) = (Vec::new(), 0);
        promise(&configuration, &mut ticket);
        let change = begin(&configuration, Change::created(&ctx, ticket, |_| {}));
        let pinned = HashMap::from([(configuration.revision, Arc::new(configuration))]);
        let mut story = Self { pinned, ticket: change.next.clone(), log: Vec::new(), clocks: Vec::new() };
        story.keep(change);
        story
    }

    pub fn revisions(&self) -> Revisions<'_> {
        self.pinned.iter().map(|(revision, it)| (*revision, &**it)).collect()
    }

    /// The door: as `follow_in`, without the database.
    fn enter(&mut self, change: Change) {
        let clocks = HashMap::from([(self.ticket.id, self.clocks.clone())]);
        let ledger = Ledger::of(self.pinned.clone(), clocks);
        let log = self.log.clone();
        self.keep(ledger.enter_alone(change, log));
    }

    fn keep(&mut self, change: Change) {
        let mut rows: BTreeMap<i32, Clock> =
            self.clocks.drain(..).map(|clock| (clock.number, clock)).collect();
        // As a row of the database: what is not a column is lost.
        let json = serde_json::to_string(&change.clocks).expect("plain");
        let written: Vec<Clock> = serde_json::from_str(&json).expect("plain");
        rows.extend(written.into_iter().map(|clock| (clock.number, clock)));
        self.clocks = rows.into_values().collect();
        self.log.extend(change.events);
        self.ticket = change.next;
        let again = Book::recomputed(&self.revisions(), &self.log);
        assert_eq!(self.clocks, again.clocks, "kept is not what the log makes:\n{:#?}", self.log.last());
    }

    fn ctx(kind: ActorKind, at: Time) -> Ctx {
        let actor = Actor { kind, id: "somebody".into(), roles: Vec::new(), tenants: None };
        Ctx { actor, recorded: at, ..fixture::ctx(Role::Agent).at(at) }
    }

    pub fn step(
        &mut self,
        at: Time,
        actor: ActorKind,
        kind: EventType,
        edit: impl FnOnce(&Configuration, &mut Ticket, &mut Event),
    ) {
        let ctx = Self::ctx(actor, at);
        let pinned = self.pinned.values().next().cloned().expect("one");
        let change =
            Change::of(self.ticket.clone()).step(&ctx, kind, |ticket, event| edit(&pinned, ticket, event));
        self.enter(change);
    }

    fn said(&mut self, at: Time, actor: ActorKind, visibility: &str, automatic: bool) {
        self.step(at, actor, EventType::TicketCommented, |_, _, event| {
            event.details.insert("visibility".into(), visibility.into());
            event.details.insert("automatic".into(), automatic.into());
        });
    }

    pub fn customer_says(&mut self, at: Time) {
        self.said(at, ActorKind::Customer, "PUBLIC", false);
    }

    pub fn agent_answers(&mut self, at: Time) {
        self.said(at, ActorKind::Agent, "PUBLIC", false);
    }

    pub fn agent_notes(&mut self, at: Time) {
        self.said(at, ActorKind::Agent, "INTERNAL", false);
    }

    pub fn robot_answers(&mut self, at: Time) {
        self.said(at, ActorKind::Service, "PUBLIC", true);
    }

    pub fn moves(&mut self, at: Time, state: State) {
        let kind = match state {
            State::Resolved => EventType::TicketResolved,
            State::Closed => EventType::TicketClosed,
            State::Cancelled => EventType::TicketCancelled,
            State::New | State::Open | State::Merged if self.ticket.state == State::Resolved => {
                EventType::TicketReopened
            }
            State::New | State::Open | State::Merged => EventType::TicketResumed,
            _ => EventType::TicketHeld,
        };
        self.step(at, ActorKind::Agent, kind, |_, ticket, _| enter(ticket, state));
    }

    pub fn prioritised(&mut self, at: Time, priority: &str) {
        self.step(at, ActorKind::Agent, EventType::TicketUpdated, |configuration, ticket, _| {
            ticket.prioritise(configuration, priority);
        });
    }

    pub fn goes_to(&mut self, at: Time, level: &str, kind: EventType) {
        self.step(at, ActorKind::Agent, kind, |configuration, ticket, event| {
            event.details.insert("to_level".into(), level.into());
            ticket.enter_level(configuration, level);
        });
    }

    /// The job, at a time: what it tells.
    pub fn fire(&mut self, now: Time) -> Vec<(ClockKind, Point)> {
        let mut told = Vec::new();
        let mut due = Vec::new();
        for clock in self.clocks.iter().filter(|clock| clock.fire_time.is_some_and(|time| time <= now)) {
            let pinned = &self.pinned[&clock.configuration_revision];
            due.extend(points::due(clock, pinned, now).into_iter().map(|point| (clock.clone(), point)));
        }
        let (ctx, pinned) = (Self::ctx(ActorKind::System, now), self.pinned.clone());
        let mut change = Change::of(self.ticket.clone());
        for (clock, point) in due {
            let kind = match point {
                Point::Warning(_) => EventType::SlaWarned,
                Point::Breach => EventType::SlaBreached,
                Point::Step(_) => EventType::LadderClimbed,
            };
            change = change.step(&ctx, kind, |_, event| {
                tell(event, &pinned[&clock.configuration_revision], &clock, point);
            });
            told.push((clock.kind, point));
        }
        self.enter(change);
        told
    }

    /// The newest clock of a kind.
    pub fn clock(&self, kind: ClockKind) -> &Clock {
        self.clocks.iter().rfind(|clock| clock.kind == kind).unwrap_or_else(|| panic!("no {kind:?}"))
    }

    pub fn due(&self, kind: ClockKind) -> Option<Time> {
        self.clock(kind).due_time
    }
}
