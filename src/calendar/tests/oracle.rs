//! Holds calendars to their definition: a second one, slow and of another make, walks through time minute by minute.

use std::time::Duration;

use jiff::{Timestamp, ToSpan, civil::DateTime};
use proptest::prelude::*;

use super::*;

/// How many days are looked at, and how many around them may have hours that reach into them.
const DAYS: i64 = 4;
const AROUND: i64 = 3;
const DAY: i64 = 24 * 60;

/// What a calendar is made of.
#[derive(Clone, Debug)]
struct Plan {
    zone: &'static str,
    week: Week,
    exceptions: BTreeMap<Date, Vec<Hours>>,
    /// The first minute that is looked at.
    from: Timestamp,
}

impl Plan {
    fn calendar(&self) -> Calendar {
        let zone = zone::find(self.zone).expect("a zone");
        Calendar::new(zone, self.week.clone(), self.exceptions.clone())
    }

    fn at(&self, minute: i64) -> Time {
        Time::new(self.from + minute.minutes())
    }

    /// Whether each minute is open. These zones are whole minutes from UTC since 1970.
    fn minutes(&self) -> Vec<bool> {
        let zone = zone::find(self.zone).expect("a zone");
        let wall: Vec<DateTime> = (-AROUND * DAY..(DAYS + AROUND) * DAY)
            .map(|minute| zone.to_datetime(self.from + minute.minutes()))
            .collect();
        let mut open = vec![false; wall.len()];
        let first = wall[0].date() - 1.day();
        for date in first.series(1.day()).take((DAYS + 2 * AROUND + 4) as usize) {
            let weekday = (date.weekday().to_monday_one_offset() - 1) as usize;
            for hours in self.exceptions.get(&date).unwrap_or(&self.week[weekday]) {
                let wanted = |minute: u16| date.at(0, 0, 0, 0) + i64::from(minute).minutes();
                let (opens, closes) = (wanted(hours.open), wanted(hours.close));
                // It opens when the clock first shows the time or a later one; it closes when it shows the time for the
                // last time, or if it never does, when it first shows a later one.
                let begin = wall.iter().position(|shown| *shown >= opens);
                let end = wall
                    .iter()
                    .rposition(|shown| *shown == closes)
                    .or_else(|| wall.iter().position(|shown| *shown > closes));
                let (begin, end) = (begin.unwrap_or(wall.len()), end.unwrap_or(wall.len()));
                // What closes before the first minute has closed.
                let end = if wall[0] >= closes { 0 } else { end };
                open.get_mut(begin..end.max(begin)).into_iter().flatten().for_each(|it| *it = true);
            }
        }
        open[(AROUND * DAY) as usize..((DAYS + AROUND) * DAY) as usize].to_vec()
    }
}

fn some_hours() -> impl Strategy<Value = Vec<Hours>> {
    let minute = prop_oneof![
        3 => (0..24u16).prop_map(|hour| hour * 60),
        2 => 0..1440u16,
        2 => (0..16u16).prop_map(|quarter| quarter * 15),
    ];
    let one = prop_oneof![
        8 => (minute.clone(), minute).prop_filter_map("no hours", |(open, close)| Hours::new(open, close)),
        1 => Just(Hours::WHOLE_DAY),
    ];
    prop_oneof![1 => Just(Vec::new()), 4 => prop::collection::vec(one, 0..4)]
}

/// Often just before the clock is changed, sometimes just before the year ends.
fn some_start(zone: &'static str) -> impl Strategy<Value = Timestamp> {
    let minutes = 0..131 * 365 * DAY;
    (minutes, 0..DAYS * DAY, 0..4).prop_map(move |(minute, back, kind)| {
        let any = Timestamp::UNIX_EPOCH + (minute * 60).seconds();
        let change = || zone::find(zone).expect("a zone").following(any).next().map(|it| it.timestamp());

        let aim = match kind {
            0 | 1 => change(),
            2 => Some(start_of_year(any)),
            _ => None,
        };
        let start = aim.unwrap_or(any) - back.minutes();
        start.max(Timestamp::UNIX_EPOCH)
    })
}

fn start_of_year(at: Timestamp) -> Timestamp {
    let year = TimeZone::UTC.to_datetime(at).year();
    TimeZone::UTC.to_timestamp(jiff::civil::date(year, 1, 1).at(0, 0, 0, 0)).expect("in range")
}

fn some_plan() -> impl Strategy<Value = Plan> {
    let zone = prop::sample::select(&ZONES[..]);
    zone.prop_flat_map(|zone| {
        let week = prop::array::uniform7(some_hours());
        let exceptions = prop::collection::vec((-1..=DAYS, some_hours()), 0..4);
        (some_start(zone), week, exceptions).prop_map(move |(from, week, exceptions)| {
            let first = zone::find(zone).expect("a zone").to_datetime(from).date();
            let exceptions = exceptions.into_iter().map(|(day, hours)| (first + day.days(), hours)).collect();
            Plan { zone, week, exceptions, from }
        })
    })
}

/// The openings of a row of minutes.
fn openings(plan: &Plan, open: &[bool]) -> Vec<Opening> {
    let mut found: Vec<Opening> = Vec::new();
    for (minute, _) in open.iter().enumerate().filter(|(_, open)| **open) {
        let (start, end) = (plan.at(minute as i64), plan.at(minute as i64 + 1));
        match found.last_mut().filter(|last| last.end == start) {
            Some(last) => last.end = end,
            None => found.push(Opening { start, end }),
        }
    }
    found
}

proptest! {
    // Each case looks at some ten thousand minutes.
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn every_minute_is_as_the_oracle_says(plan in some_plan()) {
        let (calendar, open) = (plan.calendar(), plan.minutes());
        let end = open.len() as i64;
        for minute in 0..end {
            prop_assert_eq!(calendar.is_open(plan.at(minute)), open[minute as usize], "{}", plan.at(minute));
        }
        let expected = openings(&plan, &open);
        let told: Vec<Opening> = calendar.intervals(plan.at(0), plan.at(end)).collect();
        prop_assert_eq!(&told, &expected);
        for opening in expected {
            if opening.start > plan.at(0) {
                let before = opening.start.before(Duration::from_micros(1));
                prop_assert_eq!(calendar.next_opening(before), Some(opening.start));
            }
            if opening.end < plan.at(end) {
                prop_assert_eq!(calendar.closes(opening.start), Some(opening.end));
            }
        }
    }

    #[test]
    fn seconds_are_those_of_the_oracle_and_add_undoes_between(
        plan in some_plan(),
        micros in (0..DAYS * DAY * 60_000_000, 0..DAYS * DAY * 60_000_000),
    ) {
        let (calendar, open) = (plan.calendar(), plan.minutes());
        let at = |micros: i64| Time::new(plan.from + micros.microseconds());
        let (from, to) = (micros.0.min(micros.1), micros.0.max(micros.1));
        let counted: i64 = (from / 60_000_000..=to / 60_000_000)
            .filter(|minute| open[*minute as usize])
            .map(|minute| to.min((minute + 1) * 60_000_000) - from.max(minute * 60_000_000))
            .sum();
        let seconds = calendar.between(at(from), at(to));
        prop_assert_eq!(seconds, (counted / 1_000_000) as u64);
        let reached = calendar.add(at(from), seconds).expect("there are so many");
        prop_assert!(reached <= at(to));
        prop_assert_eq!(calendar.between(at(from), reached), seconds);
        if seconds > 0 {
            let just_before = reached.before(Duration::from_micros(1));
            prop_assert!(calendar.is_open(just_before), "the earliest: the last moment counted");
            prop_assert_eq!(calendar.between(at(from), just_before), seconds - 1);
        }
    }
}

proptest! {
    #[test]
    fn over_years_sums_are_additive_and_add_is_inverse(
        plan in some_plan(),
        first in 0..5_000_000_u64,
        second in 0..50_000_000_u64,
    ) {
        let calendar = plan.calendar();
        let from = Time::new(plan.from);
        let reached = calendar.add(from, first).and_then(|middle| Some((middle, calendar.add(middle, second)?)));
        prop_assert_eq!(calendar.add(from, first + second), reached.map(|(_, end)| end));
        if let Some((middle, end)) = reached {
            prop_assert_eq!(calendar.between(from, middle), first);
            prop_assert_eq!(calendar.between(middle, end), second);
            prop_assert_eq!(calendar.between(from, end), first + second);
            let summed: i64 =
                calendar.intervals(from, end).map(|it| it.end.as_second() - it.start.as_second()).sum();
            prop_assert_eq!(summed as u64, first + second);
        }
    }
}
