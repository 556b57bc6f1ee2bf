//! A clock as the service keeps it: what is measured by which terms, and what has happened to it. Field names are the
//! columns of the table `sla_clocks`. Everything but the terms and the signals follows from these; it is kept so that what
//! is due is found by an index.

use serde::{Deserialize, Serialize};

use super::{
    evaluate::{Meter, Phase, Reading, evaluate},
    points::Point,
};
use crate::{
    calendar::zone,
    configuration::{Agreement, ClockKind, Configuration, SlaClock, SlaPolicy},
    events::Event,
    ids::{Id, TenantId},
    tickets::{Json, codes},
    time::Time,
};

codes! {
    /// How a clock stands.
    ClockState {
        Running = "RUNNING",
        Paused = "PAUSED",
        Achieved = "ACHIEVED",
        Breaching = "BREACHING",
        Breached = "BREACHED",
        Cancelled = "CANCELLED",
        Superseded = "SUPERSEDED",
    }
}

codes! {
    /// What an event does to a clock. An event does at most one of them, but that a clock which begins or goes on may stand
    /// still at once.
    What {
        Start = "START",
        Resume = "RESUME",
        Pause = "PAUSE",
        Stop = "STOP",
        Supersede = "SUPERSEDE",
        Cancel = "CANCEL",
    }
}

/// One thing that happened to a clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signal {
    /// Whole seconds.
    pub time: Time,
    /// Of the ticket, after the event that did it.
    pub version: i64,
    pub signal: What,
}

/// One clock of one ticket.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, sqlx::FromRow)]
pub struct Clock {
    pub tenant_id: TenantId,
    pub ticket_id: Id,
    /// 1, 2, 3 … within the ticket.
    pub number: i32,
    pub agreement: Agreement,
    pub policy: String,
    pub kind: ClockKind,
    /// For LEVEL and ACCEPTANCE: whose.
    pub level: String,
    pub priority: String,
    /// Of the policy and its calendar.
    pub configuration_revision: i64,
    /// Empty: around the clock.
    pub calendar: String,
    pub target_seconds: i64,
    /// What of the target was used before it began.
    pub carried_seconds: i64,
    pub state: ClockState,
    pub signals: Json<Vec<Signal>>,
    /// Open time until the last event that touched it.
    pub elapsed_seconds: i64,
    pub start_time: Time,
    /// `None`: it stands still, or is due beyond what calendars know.
    pub due_time: Option<Time>,
    pub end_time: Option<Time>,
    pub breach_time: Option<Time>,
    /// When the breach was told.
    pub detect_time: Option<Time>,
    /// It was late when it came to hold, which is nobody's breach.
    pub breached_on_apply: bool,
    /// Number of the clock in whose place it stands.
    pub supersedes: Option<i32>,
    /// What has been told of it.
    pub told: Json<Vec<Point>>,
    /// When there is something to tell next.
    pub fire_time: Option<Time>,
    /// Release of the time zone data by which the times were made out.
    pub time_zone_release: String,
}

/// The terms of a clock: what its policy says.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'c> {
    pub configuration: &'c Configuration,
    pub policy: &'c SlaPolicy,
    pub clock: &'c SlaClock,
}

impl<'c> Terms<'c> {
    /// The terms by which a clock runs, from the configuration that it is pinned to.
    pub fn of(configuration: &'c Configuration, clock: &Clock) -> Option<Self> {
        let policy = configuration.sla_policy(&clock.policy)?;
        let clock = definition(policy, clock.kind, &clock.level)?;
        Some(Self { configuration, policy, clock })
    }

    /// Key of the calendar in whose hours time counts.
    pub fn calendar(&self) -> &'c str {
        let own = &self.clock.calendar;
        if own.is_empty() { &self.policy.calendar } else { own }
    }

    /// Open seconds that are allowed; `None`: nothing is promised.
    pub fn target(&self, priority: &str, level: &str) -> Option<i64> {
        let of_level = || match self.clock.clock {
            ClockKind::Acceptance => self.configuration.level(level)?.acceptance_target_duration,
            _ => None,
        };
        let target = self.clock.target(priority).or_else(of_level)?;
        i64::try_from(target.as_secs()).ok()
    }
}

/// What a policy says about a kind of clock; of a level, what it says about it by name comes first.
pub fn definition<'c>(policy: &'c SlaPolicy, kind: ClockKind, level: &str) -> Option<&'c SlaClock> {
    let of = |level: &str| policy.clocks.iter().find(|it| it.clock == kind && it.level == level);
    of(level).or_else(|| of(""))
}

impl Clock {
    /// A clock that begins with this event.
    pub fn new(number: i32, terms: &Terms<'_>, level: &str, priority: &str, event: &Event) -> Option<Self> {
        let time = floor(event.occur_time);
        Some(Self {
            tenant_id: event.tenant_id.clone(),
            ticket_id: event.ticket_id,
            number,
            agreement: terms.policy.agreement,
            policy: terms.policy.key.clone(),
            kind: terms.clock.clock,
            level: level.to_owned(),
            priority: priority.to_owned(),
            configuration_revision: terms.configuration.revision,
            calendar: terms.calendar().to_owned(),
            target_seconds: terms.target(priority, level)?,
            carried_seconds: 0,
            state: ClockState::Running,
            signals: Json(vec![Signal { time, version: event.version, signal: What::Start }]),
            elapsed_seconds: 0,
            start_time: time,
            due_time: None,
            end_time: None,
            breach_time: None,
            detect_time: None,
            breached_on_apply: false,
            supersedes: None,
            told: Json::default(),
            fire_time: None,
            time_zone_release: String::new(),
        })
    }

    pub fn name(&self) -> String {
        format!("tenants/{}/tickets/{}/clocks/{}", self.tenant_id, self.ticket_id, self.number)
    }

    /// Where it is after all that happened to it.
    pub fn phase(&self) -> Phase {
        self.signals.iter().fold(Phase::Idle, |phase, signal| phase.after(signal.signal))
    }

    /// It runs or stands still, and is not over.
    pub fn is_open(&self) -> bool {
        matches!(self.phase(), Phase::Running | Phase::Paused)
    }

    /// Whether it was kept, and when that was decided: at its end, or when it was due. `None`: it may still be kept, it was called
    /// off, or it was late when it came to hold.
    pub fn judged(&self) -> Option<(bool, Time)> {
        match self.state {
            _ if self.breached_on_apply => None,
            ClockState::Achieved => Some((true, self.end_time?)),
            ClockState::Breaching | ClockState::Breached => Some((false, self.breach_time?)),
            ClockState::Running | ClockState::Paused | ClockState::Cancelled | ClockState::Superseded => None,
        }
    }

    /// It is late, it was promised, and nobody has been told.
    pub fn owes_breach(&self) -> bool {
        self.breach_time.is_some() && self.detect_time.is_none()
    }

    /// One more thing that happened; an event never happens before the one before it.
    pub fn signal(&mut self, event: &Event, signal: What) {
        let last = self.signals.last().map_or(self.start_time, |last| last.time);
        let time = floor(event.occur_time).max(last);
        self.signals.push(Signal { time, version: event.version, signal });
    }

    /// It began at another time than its first event.
    pub fn begin_at(&mut self, time: Time) {
        self.start_time = time;
        if let Some(start) = self.signals.first_mut() {
            start.time = time;
        }
    }

    /// How it stands at a time, by its terms.
    pub fn read(&self, configuration: &Configuration, now: Time) -> Reading {
        let count_resolved = Terms::of(configuration, self).is_some_and(|terms| terms.clock.count_resolved);
        let meter = Meter {
            target: self.target_seconds.unsigned_abs(),
            carried: self.carried_seconds.unsigned_abs(),
            calendar: configuration.calendar(&self.calendar),
            count_resolved,
        };
        evaluate(&meter, &self.signals, now)
    }

    /// Makes out anew what follows from its signals, as it is at a time.
    pub fn settle(&mut self, configuration: &Configuration, now: Time) {
        let reading = self.read(configuration, now);
        self.state = reading.state;
        self.elapsed_seconds = i64::try_from(reading.elapsed).unwrap_or(i64::MAX);
        self.due_time = reading.due;
        self.end_time = reading.end;
        self.breach_time = reading.breach.filter(|_| !self.breached_on_apply);
        self.fire_time = super::points::next(self, configuration, &reading);
        zone::release().clone_into(&mut self.time_zone_release);
    }
}

/// Clocks count whole seconds.
pub fn floor(time: Time) -> Time {
    let micros = time.as_microsecond().rem_euclid(1_000_000);
    time.before(std::time::Duration::from_micros(micros.unsigned_abs()))
}
