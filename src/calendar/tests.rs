//! Calendars against tables of known days, and against two oracles that look at the clock on the wall: minute by minute, and
//! second by second around its changes.

mod oracle;
mod seconds;

use std::collections::BTreeMap;

use jiff::civil::Date;

use super::*;

/// Forward and back by an hour, by half an hour, by a quarter of one for ever, back for a month each year, a day that
/// never was, and none at all.
const ZONES: [&str; 7] = [
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "Africa/Casablanca",
    "Pacific/Apia",
    "UTC",
];

fn hours(text: &str) -> Vec<Hours> {
    let one = |text: &str| {
        let (open, close) = text.split_once('-').expect("two times");
        Hours::new(minute(open).expect("a time"), minute(close).expect("a time")).expect("hours")
    };
    text.split_whitespace().map(one).collect()
}

/// The same hours on every day, but for the exceptions.
fn daily(zone: &str, every_day: &str, exceptions: &[(&str, &str)]) -> Calendar {
    let date = |text: &str| text.parse::<Date>().expect("a date");
    let exceptions = exceptions.iter().map(|(day, other)| (date(day), hours(other))).collect();
    Calendar::new(zone::find(zone).expect("a zone"), std::array::from_fn(|_| hours(every_day)), exceptions)
}

/// Monday to Friday, 08:00 to 18:00 in Berlin; Christmas is closed, and the day before ends at noon.
fn office() -> Calendar {
    let week = std::array::from_fn(|day| hours(if day < 5 { "08:00-18:00" } else { "" }));
    let date = |text: &str| text.parse::<Date>().expect("a date");
    let exceptions = [(date("2026-12-25"), Vec::new()), (date("2026-12-24"), hours("08:00-12:00"))];
    Calendar::new(zone::find("Europe/Berlin").expect("a zone"), week, exceptions.into_iter().collect())
}

fn time(text: &str) -> Time {
    text.parse().expect("a time")
}

fn told(calendar: &Calendar, from: &str, to: &str) -> Vec<String> {
    calendar.intervals(time(from), time(to)).map(|it| format!("{} {}", it.start, it.end)).collect()
}

#[test]
fn an_office_opens_in_the_morning_and_not_at_christmas() {
    let office = office();
    assert_eq!(
        told(&office, "2026-12-23T10:00:00Z", "2026-12-29T00:00:00Z"),
        [
            "2026-12-23T10:00:00Z 2026-12-23T17:00:00Z",
            "2026-12-24T07:00:00Z 2026-12-24T11:00:00Z",
            "2026-12-28T07:00:00Z 2026-12-28T17:00:00Z",
        ]
    );
    let opens = time("2026-12-28T07:00:00Z");
    assert!(office.is_open(opens) && !office.is_open(opens.before(std::time::Duration::from_micros(1))));
    assert!(!office.is_open(time("2026-12-28T17:00:00Z")), "half-open");
    assert_eq!(office.next_opening(time("2026-12-24T11:00:00Z")), Some(opens));
    assert_eq!(office.next_opening(opens), Some(time("2026-12-29T07:00:00Z")), "later, not now");
    assert_eq!(office.closes(opens), Some(time("2026-12-28T17:00:00Z")));
    assert_eq!(office.closes(time("2026-12-25T10:00:00Z")), None);
}

#[test]
fn open_seconds_are_counted_and_added() {
    let office = office();
    let (eve, after) = (time("2026-12-24T10:00:00Z"), time("2026-12-28T08:00:00Z"));
    assert_eq!(office.between(eve, after), 7200);
    assert_eq!(office.between(after, eve), 0);
    assert_eq!(office.add(eve, 7200), Some(after));
    assert_eq!(office.add(eve, 3600), Some(time("2026-12-24T11:00:00Z")), "the end, not the next opening");
    let closed = time("2026-12-25T10:00:00Z");
    assert_eq!(
        (office.add(closed, 0), office.add(closed, 1)),
        (Some(closed), Some(time("2026-12-28T07:00:01Z")))
    );
    let split = time("2026-12-28T16:59:59.5Z");
    assert_eq!(office.add(split, 1), Some(time("2026-12-29T07:00:00.5Z")));
    assert_eq!(office.between(split, time("2026-12-29T07:00:00.4Z")), 0, "whole seconds");
    assert_eq!(office.add(eve, u64::MAX), None);
    assert_eq!(office.add(eve, 10 * 3600 * 261 * 300), None, "more than there is");
}

/// Zone, hours of every day, a span of time, what is open in it.
#[rustfmt::skip]
const CHANGES: &[(&str, &str, &str, &str, &[&str])] = &[
    // In spring 02:00 becomes 03:00: what opens or closes between is moved to the change.
    ("Europe/Berlin", "02:30-04:00", "2026-03-28T12:00:00Z", "2026-03-29T12:00:00Z", &["2026-03-29T01:00:00Z 2026-03-29T02:00:00Z"]),
    ("Europe/Berlin", "00:00-02:30", "2026-03-28T12:00:00Z", "2026-03-29T12:00:00Z", &["2026-03-28T23:00:00Z 2026-03-29T01:00:00Z"]),
    ("Europe/Berlin", "02:10-02:50", "2026-03-28T12:00:00Z", "2026-03-29T12:00:00Z", &[]),
    ("Europe/Berlin", "01:00-02:15 02:45-04:00", "2026-03-28T12:00:00Z", "2026-03-29T12:00:00Z", &["2026-03-29T00:00:00Z 2026-03-29T02:00:00Z"]),
    // In autumn 03:00 becomes 02:00: it opens with the earlier and closes with the later.
    ("Europe/Berlin", "02:30-02:45", "2026-10-24T12:00:00Z", "2026-10-25T12:00:00Z", &["2026-10-25T00:30:00Z 2026-10-25T01:45:00Z"]),
    ("Europe/Berlin", "01:00-02:15 02:45-04:00", "2026-10-24T12:00:00Z", "2026-10-25T12:00:00Z", &["2026-10-24T23:00:00Z 2026-10-25T03:00:00Z"]),
    // A night has an hour less or more.
    ("America/New_York", "22:00-06:00", "2026-03-07T18:00:00Z", "2026-03-08T18:00:00Z", &["2026-03-08T03:00:00Z 2026-03-08T10:00:00Z"]),
    ("America/New_York", "22:00-06:00", "2026-10-31T18:00:00Z", "2026-11-01T18:00:00Z", &["2026-11-01T02:00:00Z 2026-11-01T11:00:00Z"]),
    // Half an hour.
    ("Australia/Lord_Howe", "01:45-02:15", "2026-04-04T12:00:00Z", "2026-04-05T12:00:00Z", &["2026-04-04T14:45:00Z 2026-04-04T15:45:00Z"]),
    ("Australia/Lord_Howe", "02:15-03:00", "2026-10-03T12:00:00Z", "2026-10-04T12:00:00Z", &["2026-10-03T15:30:00Z 2026-10-03T16:00:00Z"]),
    // A day that never was: its hours are not, and the night before it ends where it would have begun.
    ("Pacific/Apia", "08:00-18:00", "2011-12-29T06:00:00Z", "2011-12-31T12:00:00Z", &["2011-12-29T18:00:00Z 2011-12-30T04:00:00Z", "2011-12-30T18:00:00Z 2011-12-31T04:00:00Z"]),
    ("Pacific/Apia", "22:00-06:00", "2011-12-30T06:00:00Z", "2011-12-30T20:00:00Z", &["2011-12-30T08:00:00Z 2011-12-30T16:00:00Z"]),
    // Seconds from UTC, until 1972.
    ("Africa/Monrovia", "09:00-17:00", "1971-06-01T00:00:00Z", "1971-06-02T00:00:00Z", &["1971-06-01T09:44:30Z 1971-06-01T17:44:30Z"]),
    ("Asia/Kathmandu", "09:00-17:00", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", &["2026-01-01T03:15:00Z 2026-01-01T11:15:00Z"]),
    ("UTC", "00:00-12:00 12:00-24:00", "1999-12-30T00:00:00Z", "2002-01-02T00:00:00Z", &["1999-12-30T00:00:00Z 2002-01-02T00:00:00Z"]),
];

#[test]
fn changes_of_the_clock_are_what_they_are() {
    for (zone, every_day, from, to, expected) in CHANGES {
        assert_eq!(told(&daily(zone, every_day, &[]), from, to), *expected, "{zone} {every_day} {from}");
    }
}

#[test]
fn the_night_before_an_exception_ends_as_it_began() {
    let nights = daily("Europe/Berlin", "22:00-06:00", &[("2026-05-01", "")]);
    assert_eq!(
        told(&nights, "2026-04-30T12:00:00Z", "2026-05-03T12:00:00Z"),
        ["2026-04-30T20:00:00Z 2026-05-01T04:00:00Z", "2026-05-02T20:00:00Z 2026-05-03T04:00:00Z"]
    );
}

#[test]
fn what_never_closes_and_what_never_opens() {
    let always = daily("Europe/Berlin", "00:00-24:00", &[]);
    let now = time("2026-03-02T08:00:00Z");
    assert_eq!((always.is_open(now), always.closes(now), always.next_opening(now)), (true, None, None));
    assert_eq!(always.add(now, 86_400), Some(time("2026-03-03T08:00:00Z")));
    let but_once = daily("Europe/Berlin", "00:00-24:00", &[("2031-01-01", "")]);
    assert_eq!(but_once.closes(now), Some(time("2030-12-31T23:00:00Z")));
    assert_eq!(but_once.next_opening(now), Some(time("2031-01-01T23:00:00Z")));
    let once = daily("Europe/Berlin", "", &[("2031-01-01", "10:00-11:00")]);
    assert_eq!(once.next_opening(now), Some(time("2031-01-01T09:00:00Z")));
    assert_eq!((once.add(now, 3600), once.add(now, 3601)), (Some(time("2031-01-01T10:00:00Z")), None));
    assert_eq!(once.next_opening(time("2031-01-01T09:00:00Z")), None);
}

#[test]
fn outside_the_years_that_it_knows_it_is_closed() {
    let always = daily("UTC", "00:00-24:00", &[]);
    let (first, last) = (time("1970-01-01T00:00:00Z"), time("2200-01-01T00:00:00Z"));
    assert_eq!(told(&always, "-002000-01-01T00:00:00Z", "9999-01-01T00:00:00Z"), [format!("{first} {last}")]);
    assert_eq!((always.is_open(first), always.is_open(last)), (true, false));
    let all = u64::try_from(last.as_second()).expect("after 1970");
    assert_eq!(always.between(time("1900-01-01T00:00:00Z"), time("9000-01-01T00:00:00Z")), all);
    assert_eq!(always.add(time("1900-01-01T00:00:00Z"), all), Some(last));
    assert_eq!(always.add(first, all + 1), None);
    assert_eq!(always.next_opening(time("1900-01-01T00:00:00Z")), Some(first));
    assert_eq!(always.next_opening(last), None);
    assert_eq!(always.closes(last), None);
}
