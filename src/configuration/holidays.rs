//! Holidays of an iCalendar file as exceptions that a calendar could have. A proposal, for people to look at: feeds also
//! have days on which everybody works.

mod outline;

use std::{collections::BTreeMap, ops::RangeInclusive};

use calcard::{
    Entry, Parser,
    common::timezone::Tz,
    icalendar::{
        ICalendar, ICalendarComponent, ICalendarComponentType, ICalendarProperty, ICalendarStatus,
        ICalendarValue,
    },
};
use jiff::{ToSpan, civil::Date};

use super::CalendarException;
pub use outline::{Broken, decoded};

/// How often one event is looked at: what recurs more often is no holiday.
const MAX_TIMES: usize = 2000;
/// What lasts longer is no holiday.
const MAX_DAYS: i64 = 31;
/// Longest name of an exception, characters.
const MAX_NAME: usize = 128;
/// What names of days have in common on which the clock is changed. People work on them.
const CLOCK_CHANGES: [&str; 8] = [
    "zeitumstellung",
    "sommerzeit",
    "winterzeit",
    "daylight saving",
    "summer time",
    "clock change",
    "heure d'été",
    "heure d'hiver",
];

/// What a file proposes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proposal {
    /// One a date, in order; all closed.
    pub exceptions: Vec<CalendarException>,
    pub left_out: Vec<LeftOut>,
}

/// An event that proposes nothing, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// Where it begins in the file.
    pub line: usize,
    pub name: String,
    pub reason: &'static str,
}

/// An event with the line on which it begins.
struct Event {
    line: usize,
    component: ICalendarComponent,
}

/// What the file proposes for these years.
pub fn propose(text: &str, years: RangeInclusive<i16>) -> Result<Proposal, Broken> {
    let mut days: BTreeMap<Date, Vec<String>> = BTreeMap::new();
    let mut proposal = Proposal::default();
    // What overrides one time of an event has the event's UID.
    let mut series: BTreeMap<String, Vec<Event>> = BTreeMap::new();
    for (place, event) in events(text)?.into_iter().enumerate() {
        let uid = event.component.uid().map_or_else(|| format!("\0{place}"), str::to_owned);
        match unfit(&event.component) {
            Some(reason) => proposal.left_out.push(event.left_out(reason)),
            None => series.entry(uid).or_default().push(event),
        }
    }
    for events in series.into_values() {
        for (event, dates) in times(&events, *years.end(), &mut proposal.left_out) {
            for date in dates {
                if years.contains(&date.year()) {
                    days.entry(date).or_default().push(name(&event.component));
                }
            }
        }
    }
    proposal.exceptions = days.into_iter().map(|(date, names)| exception(date, names)).collect();
    proposal.left_out.sort_by_key(|left| left.line);
    Ok(proposal)
}

impl Event {
    fn left_out(&self, reason: &'static str) -> LeftOut {
        LeftOut { line: self.line, name: name(&self.component), reason }
    }
}

/// Every event of the file.
fn events(text: &str) -> Result<Vec<Event>, Broken> {
    let lines = outline::outline(text)?;
    let mut parser = Parser::new(text);
    let mut events = Vec::new();
    for lines in lines {
        let Entry::ICalendar(calendar) = parser.entry() else {
            return Err(Broken { line: lines[0], text: "this calendar cannot be read".to_owned() });
        };
        for (component, line) in calendar.components.into_iter().zip(lines) {
            if component.component_type == ICalendarComponentType::VEvent {
                events.push(Event { line, component });
            }
        }
    }
    Ok(events)
}

/// Why an event proposes nothing, whenever it is.
fn unfit(event: &ICalendarComponent) -> Option<&'static str> {
    let Some(start) = event.property(&ICalendarProperty::Dtstart) else { return Some("has no start") };
    let Some(start) = start.values.first().and_then(ICalendarValue::as_partial_date_time) else {
        return Some("its DTSTART is no date");
    };
    let mut rules = event.properties(&ICalendarProperty::Rrule).flat_map(|it| &it.values);
    let mut ends = event.properties(&ICalendarProperty::Dtend).flat_map(|it| &it.values);
    let lower = name(event).to_lowercase();
    if event.status() == Some(&ICalendarStatus::Cancelled) {
        Some("is cancelled")
    } else if start.hour.is_some() {
        Some("begins at a time of day; only whole days are proposed")
    } else if ends.any(|it| it.as_partial_date_time().is_none()) {
        Some("its DTEND is no date")
    } else if rules.any(|it| !matches!(it, ICalendarValue::RecurrenceRule(_))) {
        Some("its RRULE cannot be read")
    } else if CLOCK_CHANGES.iter().any(|words| lower.contains(words)) {
        Some("is by its name a day on which the clock is changed, and no holiday")
    } else {
        None
    }
}

/// The days of a series' events up to the end of a year.
fn times<'e>(
    events: &'e [Event],
    last_year: i16,
    left_out: &mut Vec<LeftOut>,
) -> Vec<(&'e Event, Vec<Date>)> {
    let components = events.iter().map(|event| event.component.clone()).collect();
    let expanded = ICalendar { components }.expand_dates(Tz::Floating, MAX_TIMES);
    let event_of = |place: u32| &events[place as usize];
    let mut found: Vec<(&Event, Vec<Date>)> = Vec::new();
    for error in expanded.errors {
        left_out.push(event_of(error.comp_id).left_out("its dates or its RRULE make no sense"));
    }
    let latest = expanded.events.iter().filter_map(|time| date(time.start.naive_local())).max();
    if expanded.events.len() >= MAX_TIMES && latest.is_some_and(|latest| latest.year() <= last_year) {
        left_out.push(events[0].left_out("recurs too often for a holiday"));
        return found;
    }
    for time in expanded.events {
        let event = event_of(time.comp_id);
        let Some(first) = date(time.start.naive_local()) else { continue };
        // The end is exclusive; some writers let a day end on itself.
        let end = time.try_into_date_time().and_then(|time| date(time.end.naive_local()));
        let days = end.and_then(|end| first.until(end).ok()).map_or(1, |span| i64::from(span.get_days()));
        match days {
            ..0 => left_out.push(event.left_out("ends before it begins")),
            0..=MAX_DAYS => {
                found.push((event, first.series(1.day()).take(days.max(1) as usize).collect()));
            }
            _ => left_out.push(event.left_out("lasts longer than 31 days")),
        }
    }
    left_out.dedup();
    found
}

/// The date of a local time of the reader of calendars, which tells it by another library.
fn date(local: impl ToString) -> Option<Date> {
    local.to_string().get(..10)?.parse().ok()
}

/// What the event is called, as an exception can be.
fn name(event: &ICalendarComponent) -> String {
    let summary = event.property(&ICalendarProperty::Summary).and_then(|it| it.values.first()?.as_text());
    let words = summary.unwrap_or_default().split(|it: char| it.is_whitespace() || it.is_control());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    cut(&words.join(" "))
}

fn exception(date: Date, mut names: Vec<String>) -> CalendarException {
    names.sort();
    names.dedup();
    names.retain(|name| !name.is_empty());
    CalendarException {
        date: date.to_string(),
        display_name: cut(&names.join(" / ")),
        closed: true,
        hours: Vec::new(),
    }
}

fn cut(text: &str) -> String {
    text.chars().take(MAX_NAME).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(events: &[&str]) -> String {
        let event = |event: &&str| format!("BEGIN:VEVENT\r\n{event}\r\nEND:VEVENT\r\n");
        let events = events.iter().map(event).collect::<Vec<_>>().concat();
        format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{events}END:VCALENDAR\r\n")
    }

    fn proposed(events: &[&str]) -> Proposal {
        propose(&file(events), 2026..=2027).expect("a calendar")
    }

    fn days(events: &[&str]) -> Vec<String> {
        let found = proposed(events);
        assert_eq!(found.left_out, [], "{events:?}");
        found.exceptions.iter().map(|it| format!("{} {}", it.date, it.display_name)).collect()
    }

    fn reason(event: &str) -> &'static str {
        let found = proposed(&[event]);
        assert_eq!((found.exceptions.len(), found.left_out.len()), (0, 1), "{event:?}");
        found.left_out[0].reason
    }

    #[test]
    fn whole_days_are_proposed_and_ends_are_exclusive() {
        assert_eq!(
            days(&["DTSTART;VALUE=DATE:20260501\r\nSUMMARY:Tag der Arbeit"]),
            ["2026-05-01 Tag der Arbeit"]
        );
        assert_eq!(
            days(&["DTSTART;VALUE=DATE:20261230\r\nDTEND;VALUE=DATE:20270102\r\nSUMMARY:Betriebsferien"]),
            ["2026-12-30 Betriebsferien", "2026-12-31 Betriebsferien", "2027-01-01 Betriebsferien"]
        );
        assert_eq!(
            days(&["DTSTART;VALUE=DATE:20260601\r\nDURATION:P2D\r\nSUMMARY:A"]),
            ["2026-06-01 A", "2026-06-02 A"]
        );
        let on_itself = "DTSTART;VALUE=DATE:20260601\r\nDTEND;VALUE=DATE:20260601\r\nSUMMARY:A";
        assert_eq!(days(&[on_itself]), ["2026-06-01 A"]);
        assert_eq!(days(&["DTSTART;VALUE=DATE:20250601\r\nSUMMARY:A"]), Vec::<String>::new(), "another year");
    }

    #[test]
    fn names_are_unfolded_unescaped_and_fit() {
        let folded = "DTSTART;VALUE=DATE:20260106\r\nSUMMARY;LANGUAGE=de:Heilige Drei\r\n  Könige\\, und\\nmehr\r\nDESCRIPTION:x";
        assert_eq!(days(&[folded]), ["2026-01-06 Heilige Drei Könige, und mehr"]);
        assert_eq!(days(&["DTSTART;VALUE=DATE:20260106"]), ["2026-01-06 "]);
        let long = format!("DTSTART;VALUE=DATE:20260106\r\nSUMMARY:{}", "ü".repeat(300));
        assert_eq!(proposed(&[&long]).exceptions[0].display_name.chars().count(), MAX_NAME);
    }

    #[test]
    fn what_recurs_is_made_out_for_the_years() {
        let christmas = "UID:x\r\nDTSTART;VALUE=DATE:19701225\r\nRRULE:FREQ=YEARLY\r\nSUMMARY:Xmas";
        assert_eq!(days(&[christmas]), ["2026-12-25 Xmas", "2027-12-25 Xmas"]);
        let thanks =
            "DTSTART;VALUE=DATE:20001123\r\nRRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=4TH\r\nSUMMARY:Thanks";
        assert_eq!(days(&[thanks]), ["2026-11-26 Thanks", "2027-11-25 Thanks"]);
        let ended = "DTSTART;VALUE=DATE:20001225\r\nRRULE:FREQ=YEARLY;UNTIL=20261231\r\nSUMMARY:Xmas";
        assert_eq!(days(&[ended]), ["2026-12-25 Xmas"]);
        let but =
            "DTSTART;VALUE=DATE:20001225\r\nRRULE:FREQ=YEARLY\r\nEXDATE;VALUE=DATE:20261225\r\nSUMMARY:Xmas";
        assert_eq!(days(&[but]), ["2027-12-25 Xmas"]);
        let moved =
            "UID:x\r\nRECURRENCE-ID;VALUE=DATE:20261225\r\nDTSTART;VALUE=DATE:20261228\r\nSUMMARY:Late";
        assert_eq!(days(&[christmas, moved]), ["2026-12-28 Late", "2027-12-25 Xmas"]);
        let extra = "DTSTART;VALUE=DATE:20260101\r\nRDATE;VALUE=DATE:20260201,20270301\r\nSUMMARY:A";
        assert_eq!(days(&[extra]), ["2026-01-01 A", "2026-02-01 A", "2027-03-01 A"]);
    }

    #[test]
    fn one_date_is_proposed_once() {
        let named = |name: &str| format!("DTSTART;VALUE=DATE:20260501\r\nSUMMARY:{name}");
        let (may, labour) = (named("1. Mai"), named("Tag der Arbeit"));
        assert_eq!(days(&[&labour, &may, &labour]), ["2026-05-01 1. Mai / Tag der Arbeit"]);
    }

    #[test]
    fn what_is_left_out_is_told_with_its_reason() {
        let day = |rest: &str| reason(&format!("DTSTART;VALUE=DATE:20260329\r\n{rest}"));
        assert_eq!(reason("SUMMARY:x"), "has no start");
        assert_eq!(reason("DTSTART;VALUE=DATE:soon"), "its DTSTART is no date");
        assert_eq!(
            reason("DTSTART:20261224T140000Z"),
            "begins at a time of day; only whole days are proposed"
        );
        assert_eq!(day("STATUS:CANCELLED"), "is cancelled");
        for name in ["Beginn der Sommerzeit", "Daylight Saving Time starts", "Zeitumstellung"] {
            assert!(day(&format!("SUMMARY:{name}")).contains("clock is changed"), "{name}");
        }
        assert_eq!(day("DTEND;VALUE=DATE:20260328"), "ends before it begins");
        assert_eq!(day("DTEND;VALUE=DATE:20260601"), "lasts longer than 31 days");
        assert_eq!(day("DTEND;VALUE=DATE:never"), "its DTEND is no date");
        assert_eq!(day("RRULE:FREQ=SOMETIMES"), "its RRULE cannot be read");
        let often = "DTSTART;VALUE=DATE:19700101\r\nRRULE:FREQ=DAILY\r\nSUMMARY:Lunch";
        assert_eq!(reason(often), "recurs too often for a holiday");
        let found =
            proposed(&["DTSTART;VALUE=DATE:20260501\r\nSUMMARY:A", "DTSTART:20260502T080000\r\nSUMMARY:B"]);
        assert_eq!(found.exceptions.len(), 1);
        assert_eq!((found.left_out[0].line, found.left_out[0].name.as_str()), (7, "B"));
    }

    #[test]
    fn all_calendars_of_a_file_are_read() {
        let one = file(&["DTSTART;VALUE=DATE:20260501\r\nSUMMARY:A"]);
        let two = file(&["DTSTART;VALUE=DATE:20260502\r\nSUMMARY:B"]).replace("\r\n", "\n");
        let both = propose(&format!("\u{feff}{one}{two}"), 2026..=2026).expect("two calendars");
        assert_eq!(
            both.exceptions.iter().map(|it| it.date.as_str()).collect::<Vec<_>>(),
            ["2026-05-01", "2026-05-02"]
        );
        assert_eq!(propose("BEGIN:VCALENDAR\nBEGIN:VEVENT\n", 2026..=2026).map_err(|told| told.line), Err(2));
    }

    proptest::proptest! {
        #[test]
        fn whatever_a_file_says_is_read_or_refused(
            lines in proptest::collection::vec("(DTSTART|DTEND|RRULE|EXDATE|SUMMARY|DURATION|UID)[;:](VALUE=DATE:)?[0-9TZ=;,A-Z+-]{0,24}", 0..8),
        ) {
            let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            if let Ok(found) = propose(&file(&[&lines.join("\r\n")]), 2026..=2027) {
                proptest::prop_assert!(found.exceptions.iter().all(|it| super::super::parse_date(&it.date).is_some()));
            }
        }
    }
}
