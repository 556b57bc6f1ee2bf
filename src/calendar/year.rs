//! What of one year (of UTC) is open: the openings in their order, each with the open time before it.

use std::collections::BTreeMap;

use jiff::{
    Timestamp, ToSpan,
    civil::{Date, DateTime},
    tz::{AmbiguousOffset, Offset, TimeZone},
};

use super::{FIRST_YEAR, Hours, LAST_YEAR, Week};
use crate::time::Time;

pub const MICROS: i64 = 1_000_000;

/// An opening, half-open, in microseconds since 1970; and the open time of the year before it.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    pub start: i64,
    pub end: i64,
    before: i64,
}

#[derive(Debug)]
pub struct Year {
    pub runs: Vec<Run>,
}

/// The year of an instant, as a place in the list of those that a calendar knows; the nearest for those that it does not.
pub fn index_of(at: Time) -> usize {
    let year = TimeZone::UTC.to_datetime(*at).year().clamp(FIRST_YEAR, LAST_YEAR);
    usize::from(year.abs_diff(FIRST_YEAR))
}

/// When the year begins, in microseconds.
pub fn start_of(year: i16) -> i64 {
    at(first_of(year), Offset::UTC)
}

/// The end of what calendars know.
pub fn end() -> Time {
    time(start_of(LAST_YEAR + 1))
}

pub fn time(micros: i64) -> Time {
    Time::new(Timestamp::from_microsecond(micros).unwrap_or(Timestamp::MAX))
}

fn first_of(year: i16) -> DateTime {
    jiff::civil::date(year, 1, 1).at(0, 0, 0, 0)
}

impl Year {
    pub fn new(year: i16, zone: &TimeZone, week: &Week, exceptions: &BTreeMap<Date, Vec<Hours>>) -> Self {
        let (start, end) = (start_of(year), start_of(year + 1));
        // Zones are less than a day from UTC, one was moved by a day, and a night ends on the next day.
        let first = first_of(year).date().saturating_sub(3.days());
        let last = first_of(year + 1).date().saturating_add(3.days());
        let special = exceptions.range(first..=last).next().is_some();
        let spans = if !special && week.iter().all(|day| day.contains(&Hours::WHOLE_DAY)) {
            vec![(start, end)]
        } else if !special && week.iter().all(Vec::is_empty) {
            Vec::new()
        } else {
            spans(zone, first.series(1.day()).take_while(|date| *date <= last), week, exceptions)
        };
        Self { runs: merge(spans, start, end) }
    }

    fn last_run_that(&self, is_before: impl Fn(&Run) -> bool) -> Option<&Run> {
        self.runs[..self.runs.partition_point(is_before)].last()
    }

    pub fn is_open(&self, at: i64) -> bool {
        self.last_run_that(|run| run.start <= at).is_some_and(|run| at < run.end)
    }

    /// The open time of the whole year.
    pub fn total(&self) -> i64 {
        self.open_before(i64::MAX)
    }

    /// The open time of the year up to an instant.
    pub fn open_before(&self, at: i64) -> i64 {
        self.last_run_that(|run| run.start < at).map_or(0, |run| run.before + at.min(run.end) - run.start)
    }

    /// The earliest instant up to which so much of the year, more than nothing, is open.
    pub fn reaches(&self, open: i64) -> Option<i64> {
        self.last_run_that(|run| run.before < open).map(|run| run.start + open - run.before)
    }
}

/// What opens on these dates, in order; it may overlap.
fn spans(
    zone: &TimeZone,
    dates: impl Iterator<Item = Date>,
    week: &Week,
    exceptions: &BTreeMap<Date, Vec<Hours>>,
) -> Vec<(i64, i64)> {
    let mut spans = Vec::new();
    for date in dates {
        let weekday = usize::from(date.weekday().to_monday_zero_offset().unsigned_abs());
        let hours = exceptions.get(&date).unwrap_or(&week[weekday]);
        let span = |hours: &Hours| {
            let [open, close] = [hours.open, hours.close]
                .map(|minute| date.at(0, 0, 0, 0).saturating_add(i64::from(minute).minutes()));
            (instant(zone, open, Twice::Earlier), instant(zone, close, Twice::Later))
        };
        spans.extend(hours.iter().map(span));
    }
    spans.sort_unstable();
    spans
}

/// Which one a local time means that exists twice.
#[derive(Clone, Copy)]
enum Twice {
    Earlier,
    Later,
}

fn instant(zone: &TimeZone, local: DateTime, twice: Twice) -> i64 {
    match zone.to_ambiguous_timestamp(local).offset() {
        AmbiguousOffset::Unambiguous { offset } => at(local, offset),
        AmbiguousOffset::Fold { before, after } => match twice {
            Twice::Earlier => at(local, before),
            Twice::Later => at(local, after),
        },
        // With the offset that comes, the local time would have been before the change: the change is the next one.
        AmbiguousOffset::Gap { before, after } => {
            let changes = after.to_timestamp(local).ok().into_iter().flat_map(|time| zone.following(time));
            let mut changes = changes.filter(|change| change.offset() == after);
            changes.next().map_or_else(|| at(local, before), |change| change.timestamp().as_microsecond())
        }
    }
}

fn at(local: DateTime, offset: Offset) -> i64 {
    offset.to_timestamp(local).unwrap_or(Timestamp::MAX).as_microsecond()
}

/// Joins what overlaps or touches, and keeps what is between the two instants.
fn merge(spans: Vec<(i64, i64)>, from: i64, to: i64) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut before = 0;
    for (start, end) in spans {
        let (start, end) = (start.max(from), end.min(to));
        if start >= end {
            continue;
        }
        if let Some(last) = runs.last_mut().filter(|last| start <= last.end) {
            before += (end - last.end).max(0);
            last.end = last.end.max(end);
        } else {
            runs.push(Run { start, end, before });
            before += end - start;
        }
    }
    runs
}
