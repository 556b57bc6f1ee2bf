//! The openings of a calendar one after the other, whole also over the turn of a year.

use super::{
    Calendar,
    year::{Run, index_of, time},
};
use crate::time::Time;

/// From the instant at which it opens to the one at which it closes, half-open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opening {
    pub start: Time,
    pub end: Time,
}

impl Calendar {
    /// What is open between two instants, merged, ascending.
    pub fn intervals(&self, from: Time, to: Time) -> impl Iterator<Item = Opening> + '_ {
        let within = move |it: Opening| Opening { start: it.start.max(from), end: it.end.min(to) };
        let openings = self.openings_since(from).take_while(move |it| it.start < to).map(within);
        openings.filter(|it| it.start < it.end)
    }

    /// The openings that end later than this; the first may have begun before, in the year before earlier than told.
    pub(super) fn openings_since(&self, at: Time) -> Openings<'_> {
        let year = index_of(at);
        let run = self.year(year).runs.partition_point(|run| run.end <= at.as_microsecond());
        Openings { calendar: self, year, run }
    }
}

pub(super) struct Openings<'c> {
    calendar: &'c Calendar,
    year: usize,
    run: usize,
}

impl Openings<'_> {
    /// The part of an opening that is next, within its year.
    fn step(&mut self) -> Option<Run> {
        while self.year < self.calendar.years.len() {
            if let Some(run) = self.calendar.year(self.year).runs.get(self.run) {
                self.run += 1;
                return Some(*run);
            }
            (self.year, self.run) = (self.year + 1, 0);
        }
        None
    }

    /// Whether the opening that ends here goes on in the year after.
    fn goes_on(&self, end: i64) -> bool {
        let next = self.year + 1;
        self.calendar.year(self.year).runs.len() == self.run
            && next < self.calendar.years.len()
            && super::year::start_of(super::FIRST_YEAR + next as i16) == end
            && self.calendar.year(next).runs.first().is_some_and(|run| run.start == end)
    }
}

impl Iterator for Openings<'_> {
    type Item = Opening;

    fn next(&mut self) -> Option<Opening> {
        let Run { start, mut end, .. } = self.step()?;
        while self.goes_on(end) {
            end = self.step()?.end;
        }
        Some(Opening { start: time(start), end: time(end) })
    }
}
