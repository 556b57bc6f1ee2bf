//! What calendars must be: in a zone that there is, open at some time, never twice at once.

use std::collections::HashMap;

use super::{List, MAX_NAME, MAX_PARTS, bounded};
use crate::{
    calendar::{self, FIRST_YEAR, Hours, LAST_YEAR, zone},
    configuration::{Calendar, CalendarException, Weekday, parse_date, path},
    error::Violations,
};

pub const MAX_CALENDARS: usize = 500;
/// Ten holidays a year for half a century.
const MAX_EXCEPTIONS: usize = 500;

/// That nothing opens for two years is told by structure, since a document is valid at any time: nothing opens in the
/// week, and on no date.
pub fn calendar(at: &str, calendar: &Calendar, faults: &mut Violations) {
    time_zone(at, &calendar.time_zone, faults);
    weekly(at, calendar, faults);
    exceptions(at, &calendar.exceptions, faults);
    if calendar.hours.is_empty() && calendar.exceptions.iter().all(|it| it.hours.is_empty()) {
        faults.add(format!("{at}.hours"), "the calendar never opens");
    }
}

fn time_zone(at: &str, name: &str, faults: &mut Violations) {
    let path = format!("{at}.time_zone");
    if name.is_empty() {
        faults.add(path, "is required, for instance Europe/Berlin");
    } else if zone::find(name).is_none() {
        faults.add_with(path, || {
            let hint =
                zone::nearest(name).map(|near| format!("; did you mean {near:?}?")).unwrap_or_default();
            let release = zone::release();
            format!("the IANA time zones of {release} have no {name:?}{hint}")
        });
    }
}

fn weekly(at: &str, calendar: &Calendar, faults: &mut Violations) {
    bounded(format!("{at}.hours"), &calendar.hours, faults);
    let mut entries = Vec::new();
    // Within the limit, so that a huge document is refused quickly.
    for (place, weekly) in calendar.hours.iter().take(MAX_PARTS).enumerate() {
        let at = format!("{at}.hours[{place}]");
        if weekly.days.is_empty() {
            faults.add(format!("{at}.days"), "must not be empty");
        }
        let mut seen = Vec::new();
        for (index, day) in weekly.days.iter().enumerate() {
            if *day == Weekday::Unspecified {
                faults.add(format!("{at}.days[{index}]"), "must be MONDAY to SUNDAY");
            } else if seen.contains(day) {
                faults.add(format!("{at}.days[{index}]"), format!("{} is listed already", day.name()));
            } else {
                seen.push(*day);
            }
        }
        if let Some(hours) = hours(&at, &weekly.open, &weekly.close, faults) {
            entries.extend(seen.iter().filter_map(|day| Some((place, day.place()?, hours))));
        }
    }
    for (later, earlier, day) in calendar::overlaps(&entries) {
        let day = Weekday::ALL[day].name();
        let text = if later == earlier {
            format!("on {day} it opens before it has closed")
        } else {
            format!("overlaps hours[{earlier}] on {day}")
        };
        faults.add(format!("{at}.hours[{later}]"), text);
    }
}

fn exceptions(at: &str, exceptions: &[CalendarException], faults: &mut Violations) {
    let list = format!("{at}.exceptions");
    if exceptions.len() > MAX_EXCEPTIONS {
        faults.add(&list, format!("must be at most {MAX_EXCEPTIONS}; these are {}", exceptions.len()));
    }
    let mut seen = HashMap::new();
    for (place, exception) in exceptions.iter().take(MAX_EXCEPTIONS).enumerate() {
        let first = *seen.entry(&exception.date).or_insert(place);
        // Two of the same date cannot be told apart by it.
        let at = if first == place {
            path::dated(&list, place, &exception.date)
        } else {
            path::by_place(&list, place)
        };
        let years = FIRST_YEAR..=LAST_YEAR;
        if !parse_date(&exception.date).is_some_and(|date| years.contains(&date.year())) {
            let text = format!("must be a date of {FIRST_YEAR} to {LAST_YEAR}, for instance 2026-12-25");
            faults.add(format!("{at}.date"), text);
        } else if first != place {
            let text = format!("{} is the date of exceptions[{first}] already", exception.date);
            faults.add(format!("{at}.date"), text);
        }
        let name = &exception.display_name;
        if name.chars().count() > MAX_NAME || name.chars().any(char::is_control) {
            let text = format!("must be at most {MAX_NAME} characters without control characters");
            faults.add(format!("{at}.display_name"), text);
        }
        other_hours(&at, exception, faults);
    }
}

fn other_hours(at: &str, exception: &CalendarException, faults: &mut Violations) {
    let path = format!("{at}.hours");
    match (exception.closed, exception.hours.is_empty()) {
        (true, false) => faults.add(format!("{at}.closed"), "is either closed or has hours, not both"),
        (false, true) => faults.add(&path, "an exception needs hours, or closed: true"),
        _ => {}
    }
    bounded(&path, &exception.hours, faults);
    let mut entries = Vec::new();
    for (place, it) in exception.hours.iter().take(MAX_PARTS).enumerate() {
        let hours = hours(&format!("{path}[{place}]"), &it.open, &it.close, faults);
        entries.extend(hours.map(|hours| (place, 0, hours)));
    }
    for (later, earlier, _) in calendar::overlaps(&entries) {
        faults.add(format!("{path}[{later}]"), format!("overlaps hours[{earlier}]"));
    }
}

fn hours(at: &str, open: &str, close: &str, faults: &mut Violations) -> Option<Hours> {
    let opens = calendar::minute(open).filter(|_| open != "24:00");
    if opens.is_none() {
        faults.add(format!("{at}.open"), format!("{open:?} is none of 00:00 to 23:59"));
    }
    let closes = calendar::minute(close);
    if closes.is_none() {
        faults.add(format!("{at}.close"), format!("{close:?} is none of 00:00 to 24:00"));
    }
    let (opens, closes) = (opens?, closes?);
    let hours = Hours::new(opens, closes);
    if hours.is_none() {
        let text = "is when it opens; the whole day is 00:00 to 24:00";
        faults.add(format!("{at}.close"), text);
    }
    hours
}

/// A reference to a calendar, if it is there.
pub fn reference(path: String, key: &str, calendars: &List<'_, Calendar>, faults: &mut Violations) {
    if !key.is_empty() && calendars.get(key).is_none() {
        faults.add_with(path, || crate::configuration::no_calendar(key, calendars.items));
    }
}

impl Weekday {
    fn name(self) -> String {
        format!("{self:?}").to_uppercase()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        configuration::{DayHours, WeeklyHours},
        error::Error,
    };

    fn faults(yaml: &str) -> Vec<String> {
        let yaml = format!("{{key: desk, {yaml}}}");
        let document: Calendar =
            serde_saphyr::from_str(&yaml).unwrap_or_else(|error| panic!("{error}\n{yaml}"));
        told(&document)
    }

    fn told(document: &Calendar) -> Vec<String> {
        let mut faults = Violations::default();
        calendar("desk", document, &mut faults);
        match faults.into_result() {
            Err(Error::Invalid(_, faults)) => {
                faults.into_iter().map(|fault| format!("{}: {}", fault.field, fault.text)).collect()
            }
            _ => Vec::new(),
        }
    }

    const BERLIN: &str = "time_zone: Europe/Berlin";
    const NIGHTS: &str =
        "time_zone: Europe/Berlin, hours: [{days: [MONDAY, SUNDAY], open: '22:00', close: '06:00'}]";

    #[test]
    fn what_is_allowed() {
        for yaml in [
            format!("{BERLIN}, hours: [{{days: [MONDAY, TUESDAY], open: 00:00, close: 24:00}}]"),
            format!("{NIGHTS}, exceptions: [{{date: 2026-12-25, closed: true}}]"),
            format!("{BERLIN}, exceptions: [{{date: 2026-12-25, hours: [{{open: 22:00, close: 00:00}}]}}]"),
            "time_zone: UTC, hours: [{days: [SUNDAY], open: 12:00, close: 24:00}, {days: [MONDAY], open: 00:00, close: 08:00}]".to_owned(),
        ] {
            assert_eq!(faults(&yaml), Vec::<String>::new(), "{yaml}");
        }
    }

    /// What the calendar is beside its key, and every fault of it.
    #[rustfmt::skip]
    const FAULTS: &[(&str, &[&str])] = &[
        ("", &["desk.time_zone: is required, for instance Europe/Berlin", "desk.hours: the calendar never opens"]),
        ("time_zone: europe/berlin, hours: [{days: [MONDAY], open: 08:00, close: 09:00}]",
            &["desk.time_zone: the IANA time zones of {release} have no \"europe/berlin\"; did you mean \"Europe/Berlin\"?"]),
        ("time_zone: Moon, hours: [{days: [MONDAY], open: 08:00, close: 09:00}]",
            &["desk.time_zone: the IANA time zones of {release} have no \"Moon\""]),
        ("{BERLIN}, exceptions: [{date: 2026-12-25, closed: true}]", &["desk.hours: the calendar never opens"]),
        ("{BERLIN}, hours: [{days: [], open: 8:00, close: 25:00}, {days: [MONDAY], open: 24:00, close: 06:00}]", &[
            "desk.hours[0].days: must not be empty",
            "desk.hours[0].open: \"8:00\" is none of 00:00 to 23:59",
            "desk.hours[0].close: \"25:00\" is none of 00:00 to 24:00",
            "desk.hours[1].open: \"24:00\" is none of 00:00 to 23:59"]),
        ("{BERLIN}, hours: [{days: [MONDAY, MONDAY, UNSPECIFIED], open: 08:00, close: 08:00}]", &[
            "desk.hours[0].days[1]: MONDAY is listed already",
            "desk.hours[0].days[2]: must be MONDAY to SUNDAY",
            "desk.hours[0].close: is when it opens; the whole day is 00:00 to 24:00"]),
        ("{BERLIN}, hours: [{days: [MONDAY, TUESDAY], open: 08:00, close: 12:00}, {days: [TUESDAY, FRIDAY], open: 11:00, close: 18:00}]",
            &["desk.hours[1]: overlaps hours[0] on TUESDAY"]),
        ("{BERLIN}, hours: [{days: [SUNDAY], open: 22:00, close: 06:00}, {days: [MONDAY], open: 05:00, close: 08:00}]",
            &["desk.hours[1]: overlaps hours[0] on MONDAY"]),
        ("{NIGHTS}, exceptions: [{date: 2026-12-25}, {date: 2026-12-26, closed: true, hours: [{open: 08:00, close: 09:00}]}]", &[
            "desk.exceptions[date=\"2026-12-25\"].hours: an exception needs hours, or closed: true",
            "desk.exceptions[date=\"2026-12-26\"].closed: is either closed or has hours, not both"]),
        ("{NIGHTS}, exceptions: [{date: 2026-12-25, closed: true}, {date: 2026-12-25, closed: true}, {date: 25.12.2026, closed: true}]", &[
            "desk.exceptions[1].date: 2026-12-25 is the date of exceptions[0] already",
            "desk.exceptions[2].date: must be a date of 1970 to 2199, for instance 2026-12-25"]),
        ("{NIGHTS}, exceptions: [{date: 2200-01-01, display_name: \"a\\nb\", closed: true}]", &[
            "desk.exceptions[date=\"2200-01-01\"].date: must be a date of 1970 to 2199, for instance 2026-12-25",
            "desk.exceptions[date=\"2200-01-01\"].display_name: must be at most 128 characters without control characters"]),
        ("{NIGHTS}, exceptions: [{date: 2026-12-25, hours: [{open: 08:00, close: 12:00}, {open: 11:59, close: 13:00}, {open: x, close: 13:00}]}]", &[
            "desk.exceptions[date=\"2026-12-25\"].hours[2].open: \"x\" is none of 00:00 to 23:59",
            "desk.exceptions[date=\"2026-12-25\"].hours[1]: overlaps hours[0]"]),
    ];

    #[test]
    fn every_fault_is_named_by_its_path() {
        for (yaml, expected) in FAULTS {
            let yaml = yaml.replace("{BERLIN}", BERLIN).replace("{NIGHTS}", NIGHTS);
            let expected: Vec<String> =
                expected.iter().map(|fault| fault.replace("{release}", zone::release())).collect();
            assert_eq!(faults(&yaml), expected, "{yaml}");
        }
    }

    #[test]
    fn there_are_only_so_many() {
        let one = WeeklyHours { days: vec![Weekday::Monday], open: "08:00".into(), close: "09:00".into() };
        let dates = jiff::civil::date(2026, 1, 1).series(jiff::ToSpan::day(1));
        let hours = DayHours { open: "08:00".into(), close: "09:00".into() };
        let exception = |date: jiff::civil::Date| CalendarException {
            date: date.to_string(),
            hours: vec![hours.clone(); 1],
            ..CalendarException::default()
        };
        let document = Calendar {
            time_zone: "UTC".into(),
            hours: vec![one],
            exceptions: dates.take(MAX_EXCEPTIONS + 1).map(exception).collect(),
            ..Calendar::default()
        };
        assert_eq!(told(&document), ["desk.exceptions: must be at most 500; these are 501"]);
    }
}
