//! `ticketing config holidays`: exceptions that a calendar could have, read from an iCalendar file. It asks no server and
//! changes nothing.

use std::{fmt::Write as _, fs, path::PathBuf};

use anyhow::{Context as _, anyhow, bail};
use clap::Args;
use jiff::tz::TimeZone;

use super::read_document;
use crate::{
    calendar::{FIRST_YEAR, LAST_YEAR},
    configuration::{
        Calendar, CalendarException, Document,
        holidays::{LeftOut, decoded, propose},
        no_calendar,
    },
    ctx::Clock,
};

/// Propose exceptions for a calendar from an iCalendar file (.ics) of holidays
///
/// Prints YAML for `exceptions` of a calendar, and changes nothing: look at each day, and take over those on which nobody
/// is there. Feeds of holidays also have days on which everybody works.
///
/// Whole days are proposed, as closed; an event of several days is each of them, one that recurs is made out for the years
/// asked for, and what is on the same date is proposed once. Events with a time of day, cancelled ones, days on which the
/// clock is changed and what lasts longer than 31 days are left out; standard error says which, by their lines in the file,
/// and why.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Holidays {
    /// The iCalendar file; UTF-8
    #[arg(value_name = "FILE.ics")]
    ics: PathBuf,
    /// A year; more than one by giving it again [default: this year and the next]
    #[arg(long = "year", value_name = "YEAR", value_parser = clap::value_parser!(i16).range(FIRST_YEAR as i64..=LAST_YEAR as i64))]
    years: Vec<i16>,
    /// A configuration to compare with, YAML or JSON; - reads it from standard input. What is an exception there already
    /// becomes a comment
    #[arg(short, long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Key of the calendar in that configuration [default: its only one]
    #[arg(long, value_name = "KEY", requires = "file")]
    calendar: Option<String>,
}

const EXAMPLES: &str = "\
Examples:
  ticketing config holidays bavaria.ics                 For this year and the next
  ticketing config holidays bavaria.ics --year 2027
  ticketing config get > desk.yaml                      Take the configuration in force,
  ticketing config holidays bavaria.ics -f desk.yaml --calendar office-hours
  vi desk.yaml                                          copy what is right to its calendar,
  ticketing config plan -f desk.yaml                    and see what that changes.

Exit code: 0 when the file was read, whatever it proposes; 1 when it is broken, with the line.";

impl Holidays {
    pub fn run(self) -> anyhow::Result<()> {
        let document = self.file.as_deref().map(read_document).transpose()?;
        let calendar =
            document.as_ref().map(|document| find(document, self.calendar.as_deref())).transpose()?;
        let shown = self.ics.display();
        let bytes = fs::read(&self.ics).with_context(|| format!("{shown} cannot be read"))?;
        let years = years(&self.years);
        let (first, last) = (years[0], years[years.len() - 1]);
        let proposal = decoded(bytes).and_then(|text| propose(&text, first..=last));
        let mut proposal = proposal.map_err(|broken| anyhow!("{shown}, {broken}"))?;
        proposal.exceptions.retain(|it| years.iter().any(|year| it.date.starts_with(&format!("{year:04}-"))));
        anstream::print!("{}", told(&proposal.exceptions, calendar));
        for left in &proposal.left_out {
            anstream::eprintln!("{}", left_out(left));
        }
        if proposal.exceptions.is_empty() {
            anstream::eprintln!("{shown} has no whole days of {}.", list(&years));
        }
        Ok(())
    }
}

/// In order; without any, this one and the next.
fn years(given: &[i16]) -> Vec<i16> {
    let mut years = given.to_vec();
    if years.is_empty() {
        let year = TimeZone::UTC.to_datetime(*Clock::system().now()).year();
        years.extend([year, year + 1]);
    }
    years.sort_unstable();
    years.dedup();
    years
}

fn list(years: &[i16]) -> String {
    years.iter().map(i16::to_string).collect::<Vec<_>>().join(" and ")
}

/// The calendar of this key, or the only one.
fn find<'d>(document: &'d Document, key: Option<&str>) -> anyhow::Result<&'d Calendar> {
    let calendars = &document.calendars;
    match (key, calendars.as_slice()) {
        (Some(key), _) => calendars
            .iter()
            .find(|calendar| calendar.key == key)
            .ok_or_else(|| anyhow!(no_calendar(key, calendars))),
        (None, [only]) => Ok(only),
        (None, []) => bail!("the configuration has no calendars"),
        (None, several) => {
            let keys: Vec<&str> = several.iter().map(|calendar| calendar.key.as_str()).collect();
            bail!("the configuration has several calendars; say --calendar: {}", keys.join(", "))
        }
    }
}

/// The proposal as YAML; what the calendar has already, as comments.
fn told(exceptions: &[CalendarException], calendar: Option<&Calendar>) -> String {
    let mut text = match calendar {
        Some(calendar) => format!("# Proposed for the calendar {}. Look at each day.\n", calendar.key),
        None => "# Proposed for a calendar. Look at each day.\n".to_owned(),
    };
    text += "exceptions:\n";
    let mut fresh = false;
    for exception in exceptions {
        let known = calendar.and_then(|it| it.exceptions.iter().find(|known| known.date == exception.date));
        let line = match known {
            Some(known) => format!("  # There is one already: {}", item(known)),
            None => format!("  - {}", item(exception)),
        };
        fresh |= known.is_none();
        _ = writeln!(text, "{line}");
    }
    if fresh { text } else { text.replacen("exceptions:\n", "exceptions: []\n", 1) }
}

fn item(exception: &CalendarException) -> String {
    // Quoted as in JSON, which is YAML too.
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let what = if exception.closed {
        "closed: true".to_owned()
    } else {
        let hours = exception.hours.iter();
        let hours: Vec<String> =
            hours.map(|it| format!("{{open: {}, close: {}}}", quoted(&it.open), quoted(&it.close))).collect();
        format!("hours: [{}]", hours.join(", "))
    };
    format!("{{date: {}, display_name: {}, {what}}}", exception.date, quoted(&exception.display_name))
}

fn left_out(left: &LeftOut) -> String {
    let name = if left.name.is_empty() { "an event without a name" } else { &left.name };
    format!("left out, line {}: {name}: {}", left.line, left.reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn closed(date: &str, name: &str) -> CalendarException {
        CalendarException { date: date.into(), display_name: name.into(), closed: true, hours: Vec::new() }
    }

    #[test]
    fn what_is_printed_is_what_a_calendar_takes() {
        let proposed =
            [closed("2026-01-06", "Heilige \"Drei\": Könige # 1"), closed("2026-12-24", "Heiligabend")];
        let sample: Document =
            serde_saphyr::from_str(include_str!("../../../demo/configuration.yaml")).expect("the sample");
        let office = find(&sample, Some("office-hours")).expect("a calendar");
        let text = told(&proposed, Some(office));
        assert!(text.contains("  # There is one already: {date: 2026-12-24, "), "{text}");
        assert!(text.contains("hours: [{open: \"08:00\", close: \"12:00\"}]"), "{text}");
        let read = |text: &str| -> Calendar {
            serde_saphyr::from_str(text).unwrap_or_else(|fault| panic!("{fault}\n{text}"))
        };
        assert_eq!(read(&text).exceptions, proposed[..1]);
        assert_eq!(read(&told(&proposed, None)).exceptions, proposed);
        assert_eq!(read(&told(&proposed[1..], Some(office))).exceptions, []);
    }

    #[test]
    fn the_calendar_is_named_or_the_only_one() {
        let calendar = |key: &str| Calendar { key: key.into(), ..Calendar::default() };
        let with = |keys: &[&str]| Document {
            calendars: keys.iter().map(|key| calendar(key)).collect(),
            ..Document::default()
        };
        let told = |keys: &[&str], key: Option<&str>| {
            find(&with(keys), key).map(|it| it.key.clone()).map_err(|fault| fault.to_string())
        };
        assert_eq!(told(&["a"], None), Ok("a".into()));
        assert_eq!(told(&["a", "b"], Some("b")), Ok("b".into()));
        assert_eq!(told(&[], None), Err("the configuration has no calendars".into()));
        let several = "the configuration has several calendars; say --calendar: a, b";
        assert_eq!(told(&["a", "b"], None), Err(several.into()));
        let meant = "there is no \"ofice\" in calendars; did you mean \"office\"?";
        assert_eq!(told(&["office"], Some("ofice")), Err(meant.into()));
    }
}
