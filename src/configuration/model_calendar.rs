//! What the document says about calendars: when teams and agents are on shift.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{Keyed, is_key};
use crate::calendar::{self, Hours, zone};

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Calendar {
    pub key: String,
    pub display_name: String,
    pub time_zone: String,
    pub hours: Vec<WeeklyHours>,
    pub exceptions: Vec<CalendarException>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WeeklyHours {
    pub days: Vec<Weekday>,
    pub open: String,
    pub close: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Weekday {
    /// Of a message that says none; no document with it comes into force.
    #[default]
    Unspecified,
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CalendarException {
    pub date: String,
    pub display_name: String,
    pub closed: bool,
    pub hours: Vec<DayHours>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DayHours {
    pub open: String,
    pub close: String,
}

impl Weekday {
    pub const ALL: [Self; 7] = [
        Self::Monday,
        Self::Tuesday,
        Self::Wednesday,
        Self::Thursday,
        Self::Friday,
        Self::Saturday,
        Self::Sunday,
    ];

    /// Place in the week, Monday 0.
    pub fn place(self) -> Option<usize> {
        Self::ALL.iter().position(|day| *day == self)
    }
}

impl Calendar {
    /// The calendar to ask; nothing for one that was not validated.
    pub fn build(&self) -> Option<calendar::Calendar> {
        let mut week = calendar::Week::default();
        for weekly in &self.hours {
            let hours = parse_hours(&weekly.open, &weekly.close)?;
            for day in &weekly.days {
                week[day.place()?].push(hours);
            }
        }
        let mut exceptions = BTreeMap::new();
        for exception in &self.exceptions {
            let hours = exception.hours.iter().map(|it| parse_hours(&it.open, &it.close));
            exceptions.insert(parse_date(&exception.date)?, hours.collect::<Option<_>>()?);
        }
        Some(calendar::Calendar::new(zone::find(&self.time_zone)?, week, exceptions))
    }
}

/// That there is no calendar of this key, and which one was meant.
pub fn no_calendar(key: &str, calendars: &[Calendar]) -> String {
    no_such("calendars", key, calendars)
}

/// That a list has no item of this key, and which one was meant.
pub fn no_such<T: Keyed>(list: &str, key: &str, items: &[T]) -> String {
    let likeness = |known: &&str| strsim::jaro_winkler(known, key);
    // Likeness takes the product of the lengths, which only those of keys are short enough for.
    let known = items.iter().map(Keyed::key).filter(|known| is_key(known) && is_key(key));
    let nearest = known.max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    let hint = nearest.filter(|known| likeness(known) > 0.85);
    let hint = hint.map(|known| format!("; did you mean {known:?}?")).unwrap_or_default();
    format!("there is no {key:?} in {list}{hint}")
}

fn parse_hours(open: &str, close: &str) -> Option<Hours> {
    Hours::new(calendar::minute(open)?, calendar::minute(close)?)
}

/// `2026-12-25`, and in no other way, so that a date has one text.
pub fn parse_date(text: &str) -> Option<Date> {
    text.parse::<Date>().ok().filter(|date| date.to_string() == text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_long_for_a_key_is_compared_with_none() {
        let calendar = |key: &str| Calendar { key: key.to_owned(), ..Calendar::default() };
        let (near, long) = ("office-hours", "x".repeat(100_000));
        let known = [calendar(near), calendar(&long)];
        let told = no_calendar("office-hour", &known);
        assert_eq!(told, r#"there is no "office-hour" in calendars; did you mean "office-hours"?"#);
        assert!(!no_calendar(&long[1..], &known).contains("did you mean"));
    }

    #[test]
    fn a_date_has_one_text() {
        assert_eq!(parse_date("2026-12-25"), Some(jiff::civil::date(2026, 12, 25)));
        for text in
            ["", "2026-02-29", "20261225", "2026-12-25T10:00", "+002026-12-25", "25.12.2026", "2026-1-1"]
        {
            assert_eq!(parse_date(text), None, "{text}");
        }
    }

    #[test]
    fn what_was_not_validated_is_no_calendar() {
        let hours = |day, open: &str, close: &str| WeeklyHours {
            days: vec![day],
            open: open.to_owned(),
            close: close.to_owned(),
        };
        let good = Calendar {
            time_zone: "Europe/Berlin".into(),
            hours: vec![hours(Weekday::Monday, "08:00", "18:00")],
            ..Calendar::default()
        };
        assert!(good.build().is_some());
        let exception = CalendarException { date: "1.1.2027".into(), closed: true, ..Default::default() };
        for bad in [
            Calendar { time_zone: "Moon".into(), ..good.clone() },
            Calendar { hours: vec![hours(Weekday::Unspecified, "08:00", "18:00")], ..good.clone() },
            Calendar { hours: vec![hours(Weekday::Monday, "08:00", "08:00")], ..good.clone() },
            Calendar { exceptions: vec![exception], ..good.clone() },
        ] {
            assert!(bad.build().is_none(), "{bad:?}");
        }
    }
}
