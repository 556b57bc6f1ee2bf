//! What a clock did, accounted for like a bank statement: every line is a stretch, with the event that began it, the openings
//! that count, and what was left. Pure.

use std::collections::HashMap;

use jiff::tz::TimeZone;

use super::{
    Clock,
    evaluate::{Phase, Reading, Segment},
};
use crate::{
    calendar::{Opening, zone},
    configuration::{self, Configuration},
    ctx::ActorKind,
    events::Event,
    time::Time,
};

/// Openings in a statement at most.
const MAX_OPENINGS: usize = 500;

/// A stretch of a clock's course.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub segment: Segment,
    pub local_start: String,
    pub local_end: String,
    pub event_type: &'static str,
    pub actor: Option<(ActorKind, String)>,
    /// Used of the target at its end, seconds.
    pub elapsed: u64,
    /// Left of the target at its end, seconds; negative: more than it.
    pub left: i64,
    pub openings: Vec<Opening>,
    pub truncated: bool,
    pub exceptions: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    pub time_zone: String,
    pub reading: Reading,
    pub lines: Vec<Line>,
}

/// The rule. `configuration`: the one that the clock is pinned to; `log`: the ticket's events.
pub fn explain(configuration: &Configuration, clock: &Clock, log: &[Event], now: Time) -> Statement {
    let document = configuration.document.calendars.iter().find(|calendar| calendar.key == clock.calendar);
    let zone = document.and_then(|document| zone::find(&document.time_zone)).unwrap_or(TimeZone::UTC);
    let calendar = configuration.calendar(&clock.calendar);
    let reading = clock.read(configuration, now);
    let events: HashMap<i64, &Event> = log.iter().map(|event| (event.version, event)).collect();
    let mut room = MAX_OPENINGS;
    let mut lines = Vec::with_capacity(reading.segments.len());
    // Behind the end there is nothing to account for.
    let over = usize::from(!matches!(reading.phase, Phase::Running | Phase::Paused));
    for segment in &reading.segments[..reading.segments.len() - over] {
        let all: Vec<Opening> = match calendar {
            _ if !segment.counts => Vec::new(),
            Some(calendar) => calendar.intervals(segment.start, segment.end).take(room + 1).collect(),
            None => vec![Opening { start: segment.start, end: segment.end }],
        };
        let truncated = all.len() > room;
        let openings: Vec<Opening> = all.into_iter().take(room).collect();
        room -= openings.len();
        let elapsed = if segment.counts { segment.before + segment.open } else { segment.before };
        let event = events.get(&segment.version);
        lines.push(Line {
            local_start: local(&zone, segment.start),
            local_end: local(&zone, segment.end),
            event_type: event.map_or("", |event| event.kind.name()),
            actor: event.map(|event| (event.actor_kind, event.actor_id.clone())),
            elapsed,
            left: clock.target_seconds - i64::try_from(elapsed).unwrap_or(i64::MAX),
            openings,
            truncated,
            exceptions: document.map(|it| exceptions(it, &zone, segment)).unwrap_or_default(),
            segment: *segment,
        });
    }
    let time_zone = document.map_or_else(|| "UTC".to_owned(), |document| document.time_zone.clone());
    Statement { time_zone, reading, lines }
}

fn local(zone: &TimeZone, time: Time) -> String {
    time.to_zoned(zone.clone()).strftime("%a %Y-%m-%d %H:%M:%S %:z").to_string()
}

/// The exceptions of a calendar on the dates of a stretch that counts.
fn exceptions(calendar: &configuration::Calendar, zone: &TimeZone, segment: &Segment) -> Vec<String> {
    let date = |time: Time| zone.to_datetime(*time).date();
    let (first, last) = (date(segment.start), date(segment.end));
    let named = |it: &&configuration::CalendarException| {
        let date = configuration::parse_date(&it.date);
        segment.counts && date.is_some_and(|date| first <= date && date <= last)
    };
    let told = |it: &configuration::CalendarException| {
        format!("{} {}", it.date, it.display_name).trim_end().to_owned()
    };
    calendar.exceptions.iter().filter(named).map(told).collect()
}

#[cfg(test)]
mod tests;
