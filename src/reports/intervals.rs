//! Into which intervals a time is divided: by hours, days, weeks and months as the clocks of a time zone show them.

use jiff::{Span, ToSpan as _, Unit, ZonedRound, tz::TimeZone};

use crate::time::Time;

/// Intervals of one answer at most.
pub const MAX: usize = 2000;

/// How long they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    Whole,
    Hour,
    Day,
    Week,
    Month,
}

/// When the intervals from `start` to before `end` begin, in order; the first at `start`. `None`: they are more than [`MAX`].
pub fn starts(length: Length, zone: &TimeZone, start: Time, end: Time) -> Option<Vec<Time>> {
    let mut starts = vec![start];
    let Some(mut next) = following(length, zone, start) else { return Some(starts) };
    while next < end {
        if starts.len() == MAX {
            return None;
        }
        starts.push(next);
        match following(length, zone, next) {
            Some(after) if after > next => next = after,
            _ => break,
        }
    }
    Some(starts)
}

/// The beginning of the interval behind the one in which an instant lies; `None`: there is none.
fn following(length: Length, zone: &TimeZone, time: Time) -> Option<Time> {
    let local = time.to_zoned(zone.clone());
    let midnight = local.start_of_day().ok()?;
    let (from, span): (jiff::Zoned, Span) = match length {
        Length::Whole => return None,
        // An hour that the clocks show twice is two.
        Length::Hour => {
            (local.round(ZonedRound::new().smallest(Unit::Hour).mode(jiff::RoundMode::Trunc)).ok()?, 1.hour())
        }
        Length::Day => (midnight, 1.day()),
        Length::Week => {
            let days = i64::from(midnight.weekday().to_monday_zero_offset());
            (midnight.checked_sub(days.days()).ok()?, 1.week())
        }
        Length::Month => (midnight.first_of_month().ok()?, 1.month()),
    };
    let next = from.checked_add(span).ok()?;
    // Midnight may not exist where days change; the day begins with the first instant behind it then.
    let next = if length == Length::Hour { next } else { next.start_of_day().ok()? };
    Some(Time::new(next.timestamp()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn divided(length: Length, zone: &str, start: &str, end: &str) -> Vec<String> {
        let zone = TimeZone::get(zone).expect("a zone");
        let time = |text: &str| text.parse::<Time>().expect("a time");
        let starts = starts(length, &zone, time(start), time(end)).expect("few");
        starts.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn intervals_are_those_of_the_zone() {
        let berlin = |length, start, end| divided(length, "Europe/Berlin", start, end);
        assert_eq!(
            berlin(Length::Whole, "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"),
            ["2026-01-01T00:00:00Z"]
        );
        assert_eq!(
            berlin(Length::Month, "2026-02-10T00:00:00Z", "2026-05-01T00:00:00Z"),
            ["2026-02-10T00:00:00Z", "2026-02-28T23:00:00Z", "2026-03-31T22:00:00Z", "2026-04-30T22:00:00Z"]
        );
        // The Sunday on which the clocks go forward has 23 hours.
        assert_eq!(
            berlin(Length::Day, "2026-03-28T23:00:00Z", "2026-03-30T22:00:00Z"),
            ["2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"]
        );
        assert_eq!(
            berlin(Length::Week, "2026-03-25T12:00:00Z", "2026-04-07T00:00:00Z"),
            ["2026-03-25T12:00:00Z", "2026-03-29T22:00:00Z", "2026-04-05T22:00:00Z"]
        );
        // Kolkata's hours begin at half past; the one that Berlin's clocks show twice is two.
        assert_eq!(
            divided(Length::Hour, "Asia/Kolkata", "2026-01-01T00:00:00Z", "2026-01-01T01:30:00Z"),
            ["2026-01-01T00:00:00Z", "2026-01-01T00:30:00Z"]
        );
        assert_eq!(berlin(Length::Hour, "2026-10-24T23:30:00Z", "2026-10-25T02:30:00Z").len(), 4);
        // In Beirut the clocks go forward at midnight.
        assert_eq!(
            divided(Length::Day, "Asia/Beirut", "2026-03-28T00:00:00Z", "2026-03-30T00:00:00Z"),
            ["2026-03-28T00:00:00Z", "2026-03-28T22:00:00Z", "2026-03-29T21:00:00Z"]
        );
    }

    #[test]
    fn too_many_are_none() {
        let time = |text: &str| text.parse::<Time>().expect("a time");
        let (start, end) = (time("2026-01-01T00:00:00Z"), time("2027-01-01T00:00:00Z"));
        assert!(starts(Length::Hour, &TimeZone::UTC, start, end).is_none());
        assert_eq!(starts(Length::Day, &TimeZone::UTC, start, end).map(|it| it.len()), Some(365));
    }
}
