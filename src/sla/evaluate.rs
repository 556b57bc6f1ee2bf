//! How a clock stands, from what happened to it. Pure, in whole seconds, half-open; every other figure of a clock is a copy
//! of what comes out here.

use super::model::{ClockState, Signal, What, floor};
use crate::{calendar::Calendar, time::Time};

/// By what is measured.
#[derive(Clone, Copy, Debug)]
pub struct Meter<'c> {
    /// Open seconds that are allowed.
    pub target: u64,
    /// What of them was used before it began.
    pub carried: u64,
    /// `None`: around the clock.
    pub calendar: Option<&'c Calendar>,
    /// Whether time between a stop and going on counts.
    pub count_resolved: bool,
}

/// What a clock does between two signals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    Idle,
    Running,
    Paused,
    Stopped,
    Cancelled,
    Superseded,
}

impl Phase {
    /// What does not fit changes nothing.
    #[must_use]
    pub fn after(self, signal: What) -> Self {
        match (self, signal) {
            // What was cancelled goes on when the merge that cancelled it is taken back.
            (Self::Idle, What::Start) | (Self::Paused | Self::Stopped | Self::Cancelled, What::Resume) => {
                Self::Running
            }
            (Self::Running, What::Pause) => Self::Paused,
            (Self::Running | Self::Paused, What::Stop) => Self::Stopped,
            (Self::Running | Self::Paused | Self::Stopped, What::Supersede) => Self::Superseded,
            (Self::Running | Self::Paused | Self::Stopped, What::Cancel) => Self::Cancelled,
            (phase, _) => phase,
        }
    }
}

/// A stretch in which a clock did one thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    pub phase: Phase,
    pub start: Time,
    pub end: Time,
    /// Whether its open time counts.
    pub counts: bool,
    /// Open seconds in it.
    pub open: u64,
    /// Of the target, used before it.
    pub before: u64,
    /// Version of the ticket whose event began it.
    pub version: i64,
}

/// How a clock stands at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    pub state: ClockState,
    pub phase: Phase,
    /// Open seconds that counted, with what was carried.
    pub elapsed: u64,
    /// When it is or was due; `None`: it stands still, or never.
    pub due: Option<Time>,
    /// The due instant, once it has passed without a stop.
    pub breach: Option<Time>,
    pub end: Option<Time>,
    /// At least one; the last one lasts.
    pub segments: Vec<Segment>,
}

impl Reading {
    /// The stretch that lasts: from here everything that lies ahead is counted.
    pub fn last(&self) -> &Segment {
        self.segments.last().expect("a clock does something")
    }
}

impl Meter<'_> {
    pub fn between(&self, start: Time, end: Time) -> u64 {
        match self.calendar {
            Some(calendar) => calendar.between(start, end),
            None => u64::try_from(end.as_second() - start.as_second()).unwrap_or(0),
        }
    }

    /// When so many open seconds have passed.
    pub fn add(&self, start: Time, seconds: u64) -> Option<Time> {
        if let Some(calendar) = self.calendar {
            return calendar.add(start, seconds);
        }
        start.checked_add(std::time::Duration::from_secs(seconds)).ok().map(Time::new)
    }
}

/// The rule. `signals` in their order; nothing that lies after `now` is known of.
pub fn evaluate(meter: &Meter<'_>, signals: &[Signal], now: Time) -> Reading {
    let last = signals.last().map_or(now, |last| last.time);
    let now = floor(now).max(last);
    let mut segments: Vec<Segment> = Vec::with_capacity(signals.len());
    let mut course = Course { meter, elapsed: meter.carried, due: None, breach: None };
    let mut phase = Phase::Idle;
    let mut since: Option<(Time, i64)> = None;
    let mut end = None;
    for (place, signal) in signals.iter().enumerate() {
        let next = phase.after(signal.signal);
        if next == phase {
            continue;
        }
        if let Some((start, version)) = since {
            // Going on after a stop decides whether the time in between counted.
            let counts = phase == Phase::Running
                || (phase == Phase::Stopped && next == Phase::Running && meter.count_resolved);
            segments.push(course.pass(phase, counts, start, signal.time, version));
        }
        (phase, since) = (next, Some((signal.time, signal.version)));
        let over = matches!(phase, Phase::Stopped | Phase::Cancelled | Phase::Superseded);
        end = over.then(|| signals[place].time);
    }
    let (start, version) = since.unwrap_or((now, 0));
    let last = course.pass(phase, phase == Phase::Running, start, now, version);
    segments.push(last);
    let due = match phase {
        Phase::Running => course.breach.or_else(|| course.ahead(&last)),
        Phase::Paused => course.breach,
        _ => course.breach.or(course.due),
    };
    let late = course.breach.is_some();
    let state = match phase {
        Phase::Superseded => ClockState::Superseded,
        Phase::Cancelled if !late => ClockState::Cancelled,
        Phase::Stopped if !late => ClockState::Achieved,
        Phase::Cancelled | Phase::Stopped => ClockState::Breached,
        _ if late => ClockState::Breaching,
        Phase::Paused => ClockState::Paused,
        Phase::Idle | Phase::Running => ClockState::Running,
    };
    Reading { state, phase, elapsed: course.elapsed, due, breach: course.breach, end, segments }
}

/// How far a clock has come.
struct Course<'m, 'c> {
    meter: &'m Meter<'c>,
    elapsed: u64,
    /// By the last stretch that counted.
    due: Option<Time>,
    /// Once a stretch that counts goes on behind it.
    breach: Option<Time>,
}

impl Course<'_, '_> {
    fn pass(&mut self, phase: Phase, counts: bool, start: Time, end: Time, version: i64) -> Segment {
        let open = self.meter.between(start, end);
        let segment = Segment { phase, start, end, counts, open, before: self.elapsed, version };
        if counts {
            self.due = self.ahead(&segment);
            if self.breach.is_none() {
                self.breach = self.due.filter(|due| *due < end);
            }
            self.elapsed = self.elapsed.saturating_add(open);
        } else if phase == Phase::Paused {
            self.due = None;
        }
        segment
    }

    /// When it is due, if it goes on as in this stretch.
    fn ahead(&self, segment: &Segment) -> Option<Time> {
        self.meter.add(segment.start, self.meter.target.saturating_sub(segment.before))
    }
}
