//! Decides when a calendar is open: weekly hours in a time zone, dated exceptions, counted in physical time.
//!
//! Hours are local and half-open, and belong to the day on which they open; an exception replaces what opens on its date.
//! A local time that does not exist means the first instant after; one that exists twice opens with the earlier and
//! closes with the later. What then overlaps or touches is one opening. `add` and `between` are exact and inverse.

mod hours;
mod openings;
#[cfg(test)]
mod tests;
mod year;
pub mod zone;

use std::{
    collections::BTreeMap,
    sync::{LazyLock, OnceLock},
};

use jiff::{civil::Date, tz::TimeZone};

pub use hours::{Hours, minute, overlaps};
pub use openings::Opening;

use crate::time::Time;
use year::{MICROS, Year, index_of};

/// The years that a calendar knows; outside it is closed, so that every answer comes to an end.
pub const FIRST_YEAR: i16 = 1970;
pub const LAST_YEAR: i16 = 2199;

/// What opens on each weekday, Monday first.
pub type Week = [Vec<Hours>; 7];

/// When somebody is there, or time counts.
#[derive(Debug)]
pub struct Calendar {
    zone: TimeZone,
    week: Week,
    /// What opens on a date instead of the weekday's hours; nothing: it is closed.
    exceptions: BTreeMap<Date, Vec<Hours>>,
    /// What is known of each year is made out when somebody asks.
    years: Box<[OnceLock<Year>]>,
}

impl Calendar {
    pub fn new(zone: TimeZone, week: Week, exceptions: BTreeMap<Date, Vec<Hours>>) -> Self {
        let years = (FIRST_YEAR..=LAST_YEAR).map(|_| OnceLock::new()).collect();
        Self { zone, week, exceptions, years }
    }

    /// The one that is always open.
    pub fn around_the_clock() -> &'static Self {
        static ALWAYS: LazyLock<Calendar> = LazyLock::new(|| {
            let week = std::array::from_fn(|_| vec![Hours::WHOLE_DAY]);
            Calendar::new(TimeZone::UTC, week, BTreeMap::new())
        });
        &ALWAYS
    }

    fn year(&self, index: usize) -> &Year {
        self.years[index]
            .get_or_init(|| Year::new(FIRST_YEAR + index as i16, &self.zone, &self.week, &self.exceptions))
    }

    pub fn is_open(&self, at: Time) -> bool {
        self.year(index_of(at)).is_open(at.as_microsecond())
    }

    /// The first opening that begins later than this.
    pub fn next_opening(&self, after: Time) -> Option<Time> {
        self.openings_since(after).map(|opening| opening.start).find(|start| *start > after)
    }

    /// The end of the opening that this instant is in; nothing: it is closed, or never closes again.
    pub fn closes(&self, at: Time) -> Option<Time> {
        let opening = self.openings_since(at).next().filter(|opening| opening.start <= at)?;
        (opening.end < year::end()).then_some(opening.end)
    }

    /// Whole seconds that are open from one instant to another; 0 when the second is not the later one.
    pub fn between(&self, from: Time, to: Time) -> u64 {
        if to <= from {
            return 0;
        }
        let (first, last) = (index_of(from), index_of(to));
        let years: i64 = (first..last).map(|year| self.year(year).total()).sum();
        let open = years + self.year(last).open_before(to.as_microsecond())
            - self.year(first).open_before(from.as_microsecond());
        (open / MICROS).unsigned_abs()
    }

    /// The earliest instant that has so many open seconds between `from` and itself; nothing: there are not so many.
    pub fn add(&self, from: Time, open_seconds: u64) -> Option<Time> {
        if open_seconds == 0 {
            return Some(from);
        }
        let first = index_of(from);
        let wanted = i64::try_from(open_seconds).ok()?.checked_mul(MICROS)?;
        let mut left = wanted.checked_add(self.year(first).open_before(from.as_microsecond()))?;
        for index in first..self.years.len() {
            let year = self.year(index);
            if left <= year.total() {
                return year.reaches(left).map(year::time);
            }
            left -= year.total();
        }
        None
    }
}
