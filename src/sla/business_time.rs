//! Open time by a calendar: how much there is between two instants, or when so much of it is over.

use jiff::tz::TimeZone;

use crate::{
    calendar::{Calendar, FIRST_YEAR, LAST_YEAR, Opening},
    configuration::{Configuration, no_calendar},
    error::{Error, Result, Violations},
    time::Time,
};

/// Openings that an answer lists at most.
pub const MAX_OPENINGS: usize = 200;

/// What is asked for, as it came in; what is missing was a fault.
#[derive(Clone, Debug)]
pub struct Ask {
    /// Key; empty: around the clock.
    pub calendar: String,
    pub start: Option<Time>,
    pub until: Option<Until>,
}

/// Where the counting ends.
#[derive(Clone, Copy, Debug)]
pub enum Until {
    End(Time),
    /// After so many open seconds.
    Open(u64),
}

/// What was counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    pub end: Time,
    /// Whole seconds.
    pub open: u64,
    /// At most [`MAX_OPENINGS`].
    pub openings: Vec<Opening>,
    pub truncated: bool,
    pub time_zone: String,
}

/// The rule. `faults` has what was wrong with the message already.
pub fn count(configuration: &Configuration, ask: &Ask, mut faults: Violations) -> Result<Counted> {
    let (calendar, time_zone) = find(configuration, &ask.calendar, "calendar", &mut faults).unzip();
    if let Some(start) = ask.start {
        known(start, "start_time", &mut faults);
    }
    if let (Some(start), Some(Until::End(end))) = (ask.start, ask.until) {
        known(end, "end_time", &mut faults);
        if end < start {
            faults.add("end_time", "must not be before start_time");
        }
    }
    let reached = match (calendar, ask.start, ask.until) {
        (Some(calendar), Some(start), Some(Until::Open(open))) if faults.is_empty() => {
            let end = calendar.add(start, open);
            if end.is_none() {
                let text = format!("the calendar has not so much open time before {}", LAST_YEAR + 1);
                faults.add("business_duration", text);
            }
            end.map(|end| (end, open))
        }
        (Some(calendar), Some(start), Some(Until::End(end))) => Some((end, calendar.between(start, end))),
        _ => None,
    };
    faults.into_result()?;
    let (Some(calendar), Some(start), Some((end, open))) = (calendar, ask.start, reached) else {
        return Err(Error::internal("what is missing was told as a fault"));
    };
    let mut openings: Vec<Opening> = calendar.intervals(start, end).take(MAX_OPENINGS + 1).collect();
    let truncated = openings.len() > MAX_OPENINGS;
    openings.truncate(MAX_OPENINGS);
    Ok(Counted { end, open, openings, truncated, time_zone: time_zone.unwrap_or_default() })
}

/// The calendar of this key and its zone; a fault that says which one was meant.
pub fn find<'c>(
    configuration: &'c Configuration,
    key: &str,
    field: &str,
    faults: &mut Violations,
) -> Option<(&'c Calendar, String)> {
    if key.is_empty() {
        return Some((Calendar::around_the_clock(), "UTC".to_owned()));
    }
    let found = configuration.calendar(key);
    if found.is_none() {
        faults.add(field, no_calendar(key, &configuration.document.calendars));
    }
    let described = configuration.document.calendars.iter().find(|calendar| calendar.key == key);
    Some((found?, described?.time_zone.clone()))
}

/// A time that calendars must know.
pub fn known(time: Time, field: &str, faults: &mut Violations) {
    let year = TimeZone::UTC.to_datetime(*time).year();
    if !(FIRST_YEAR..=LAST_YEAR).contains(&year) {
        faults.add(field, format!("must be of the years {FIRST_YEAR} to {LAST_YEAR}, in UTC"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::configuration;

    fn configuration() -> Configuration {
        let office: configuration::Calendar = serde_saphyr::from_str(
            "{key: office, time_zone: Europe/Berlin, exceptions: [{date: 2026-12-25, closed: true}],
              hours: [{days: [MONDAY, TUESDAY, WEDNESDAY, THURSDAY, FRIDAY], open: '08:00', close: '18:00'}]}",
        )
        .expect("a calendar");
        Configuration::new(
            7,
            configuration::Document { calendars: vec![office], ..configuration::Document::default() },
        )
    }

    fn time(text: &str) -> Time {
        text.parse().expect("a time")
    }

    fn ask(calendar: &str, start: &str, until: Until) -> Ask {
        Ask { calendar: calendar.into(), start: Some(time(start)), until: Some(until) }
    }

    fn counted(ask: &Ask) -> Counted {
        count(&configuration(), ask, Violations::default()).expect("counted")
    }

    fn faults(ask: &Ask) -> Vec<String> {
        match count(&configuration(), ask, Violations::default()) {
            Err(Error::Invalid(_, faults)) => {
                faults.into_iter().map(|fault| format!("{}: {}", fault.field, fault.text)).collect()
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn from_an_end_comes_a_duration_and_from_a_duration_an_end() {
        let eve = "2026-12-24T16:00:00Z";
        let there = counted(&ask("office", eve, Until::End(time("2026-12-28T08:00:00Z"))));
        assert_eq!((there.open, there.time_zone.as_str()), (7200, "Europe/Berlin"));
        let opening = |start, end| Opening { start: time(start), end: time(end) };
        assert_eq!(
            there.openings,
            [opening(eve, "2026-12-24T17:00:00Z"), opening("2026-12-28T07:00:00Z", "2026-12-28T08:00:00Z")]
        );
        let back = counted(&ask("office", eve, Until::Open(7200)));
        assert_eq!(back, there);
        let nothing = counted(&ask("office", "2026-12-25T10:00:00Z", Until::Open(0)));
        assert_eq!((nothing.end, nothing.openings.len()), (time("2026-12-25T10:00:00Z"), 0));
        let always = counted(&ask("", eve, Until::Open(60)));
        assert_eq!((always.end, always.time_zone.as_str()), (time("2026-12-24T16:01:00Z"), "UTC"));
    }

    #[test]
    fn a_long_list_is_cut_and_the_sum_is_not() {
        let start = "2026-01-01T00:00:00Z";
        let exact = counted(&ask("office", start, Until::Open(200 * 36_000)));
        assert_eq!((exact.openings.len(), exact.truncated), (200, false));
        let more = counted(&ask("office", start, Until::Open(200 * 36_000 + 1)));
        assert_eq!((more.openings.len(), more.truncated, more.open), (200, true, 200 * 36_000 + 1));
    }

    #[test]
    fn every_fault_is_told_with_what_to_do() {
        let start = "2026-01-01T00:00:00Z";
        assert_eq!(
            faults(&ask("ofice", start, Until::End(time("2025-12-31T00:00:00Z")))),
            [
                "calendar: there is no \"ofice\" in calendars; did you mean \"office\"?",
                "end_time: must not be before start_time"
            ]
        );
        assert_eq!(
            faults(&ask("office", start, Until::Open(u64::MAX))),
            ["business_duration: the calendar has not so much open time before 2200"]
        );
        assert_eq!(
            faults(&ask("office", "1969-12-31T23:59:59Z", Until::Open(1))),
            ["start_time: must be of the years 1970 to 2199, in UTC"]
        );
    }
}
