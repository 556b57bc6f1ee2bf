//! Holds calendars to their definition around every kind of change of the clock: a third one, of yet another make, looks at
//! each second and knows nothing but what the clock on the wall has shown before and will show after.

use std::{collections::HashMap, sync::LazyLock};

use jiff::{Timestamp, ToSpan, civil::DateTime};
use proptest::prelude::*;

use super::*;

/// Seconds that are looked at, and around them: no clock goes back by more than that.
const SECONDS: i64 = 4 * 3600;
const AROUND: i64 = 2 * 3600;

/// Every change of each zone's clock, from 1970 to 2100.
static CHANGES: LazyLock<HashMap<&str, Vec<Timestamp>>> = LazyLock::new(|| {
    let end: Timestamp = "2101-01-01T00:00:00Z".parse().expect("a time");
    let changes = |name| {
        let zone = zone::find(name).expect("a zone");
        let all = zone.following(Timestamp::UNIX_EPOCH).map(|change| change.timestamp());
        (name, all.take_while(|change| *change < end).collect())
    };
    ZONES.map(changes).into_iter().collect()
});
/// When Samoa went from one side of the date line to the other.
const JUMP: &str = "2011-12-30T10:00:00Z";

#[derive(Clone, Debug)]
struct Plan {
    zone: &'static str,
    week: Week,
    exceptions: BTreeMap<Date, Vec<Hours>>,
    /// The first second that is looked at.
    from: Timestamp,
}

impl Plan {
    fn calendar(&self) -> Calendar {
        let zone = zone::find(self.zone).expect("a zone");
        Calendar::new(zone, self.week.clone(), self.exceptions.clone())
    }

    fn at(&self, second: i64) -> Time {
        Time::new(self.from + second.seconds())
    }

    /// Whether each second is open. It has opened once the clock has shown the time or a later one; it has not closed while
    /// the clock shows an earlier time than that of closing, or will show that time or an earlier one once more.
    fn seconds(&self) -> Vec<bool> {
        let zone = zone::find(self.zone).expect("a zone");
        let wall: Vec<DateTime> = (-AROUND..SECONDS + AROUND)
            .map(|second| zone.to_datetime(self.from + second.seconds()))
            .collect();
        let mut latest = wall.clone();
        for second in 1..wall.len() {
            latest[second] = latest[second].max(latest[second - 1]);
        }
        let mut earliest = wall.clone();
        for second in (0..wall.len() - 1).rev() {
            earliest[second] = earliest[second].min(earliest[second + 1]);
        }
        let first = wall[0].date() - 2.days();
        let spans: Vec<(DateTime, DateTime)> = first
            .series(1.day())
            .take_while(|date| *date <= wall[wall.len() - 1].date())
            .flat_map(|date| self.hours(date).iter().map(move |hours| (date, *hours)))
            .map(|(date, hours)| {
                let midnight = date.at(0, 0, 0, 0);
                (midnight + i64::from(hours.open).minutes(), midnight + i64::from(hours.close).minutes())
            })
            .collect();
        let is_open = |second: i64| {
            let place = (second + AROUND) as usize;
            spans.iter().any(|(opens, closes)| {
                latest[place] >= *opens && (earliest[place] < *closes || earliest[place + 1] <= *closes)
            })
        };
        (0..SECONDS).map(is_open).collect()
    }

    fn hours(&self, date: Date) -> &[Hours] {
        let weekday = (date.weekday().to_monday_one_offset() - 1) as usize;
        self.exceptions.get(&date).unwrap_or(&self.week[weekday])
    }
}

/// Most of what is interesting is at night.
fn some_hours() -> impl Strategy<Value = Vec<Hours>> {
    let minute = prop_oneof![
        6 => (0..16u16).prop_map(|quarter| quarter * 15),
        1 => (0..24u16).prop_map(|hour| hour * 60),
        1 => 0..1440u16,
    ];
    let one = prop_oneof![
        12 => (minute.clone(), minute).prop_filter_map("no hours", |(open, close)| Hours::new(open, close)),
        1 => Just(Hours::WHOLE_DAY),
    ];
    prop_oneof![1 => Just(Vec::new()), 8 => prop::collection::vec(one, 1..4)]
}

/// Around a change of the clock, or anywhere.
fn some_start(zone: &'static str) -> impl Strategy<Value = Timestamp> {
    let any = (0..131 * 365 * 86_400i64).prop_map(|second| Timestamp::UNIX_EPOCH + second.seconds());
    let changes = &CHANGES[zone];
    let change =
        prop::sample::select(if changes.is_empty() { vec![Timestamp::UNIX_EPOCH] } else { changes.clone() });
    let jump = Just(if zone == "Pacific/Apia" {
        JUMP.parse().expect("a time")
    } else {
        changes.last().copied().unwrap_or_default()
    });
    let back = (0..SECONDS).prop_map(|second| second.seconds());
    (prop_oneof![6 => change, 2 => any, 1 => jump], back)
        .prop_map(|(aim, back)| (aim - back).max(Timestamp::UNIX_EPOCH + AROUND.seconds()))
}

fn some_plan() -> impl Strategy<Value = Plan> {
    prop::sample::select(&ZONES[..]).prop_flat_map(|zone| {
        let exceptions = prop::collection::vec((-1..=1i64, some_hours()), 0..3);
        (some_start(zone), prop::array::uniform7(some_hours()), exceptions).prop_map(
            move |(from, week, exceptions)| {
                let first = zone::find(zone).expect("a zone").to_datetime(from).date();
                let dated = |(day, hours): (i64, _)| (first + day.days(), hours);
                Plan { zone, week, exceptions: exceptions.into_iter().map(dated).collect(), from }
            },
        )
    })
}

#[test]
fn the_changes_that_matter_are_among_those_that_are_tried() {
    let count = |zone: &str| CHANGES[zone].len();
    for (zone, least) in [
        ("Europe/Berlin", 240),
        ("America/New_York", 260),
        ("Australia/Lord_Howe", 230),
        ("Africa/Casablanca", 50),
        ("Pacific/Apia", 10),
    ] {
        assert!(count(zone) >= least, "{zone}: {}", count(zone));
    }
    assert_eq!((count("Asia/Kathmandu"), count("UTC")), (1, 0));
    assert!(CHANGES["Pacific/Apia"].contains(&JUMP.parse().expect("a time")));
    for zone in ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe"] {
        let last = CHANGES[zone].last().expect("changes");
        assert!(*last > "2100-06-01T00:00:00Z".parse().expect("a time"), "{zone}: {last}");
    }
}

proptest! {
    // Each case looks at some thirty thousand seconds.
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn every_second_is_as_the_clock_on_the_wall_says(
        plan in some_plan(),
        mut cuts in prop::array::uniform3(0..SECONDS),
        asked in 0..SECONDS as u64,
    ) {
        let (calendar, open) = (plan.calendar(), plan.seconds());
        for (second, open) in (0i64..).zip(&open) {
            prop_assert_eq!(calendar.is_open(plan.at(second)), *open, "{}", plan.at(second));
        }
        let counted = |from: i64, to: i64| open[from as usize..to as usize].iter().filter(|it| **it).count() as u64;
        cuts.sort_unstable();
        let [a, b, c] = cuts;
        let between = |from, to| calendar.between(plan.at(from), plan.at(to));
        prop_assert_eq!(between(a, c), counted(a, c));
        prop_assert_eq!(between(a, b) + between(b, c), between(a, c), "additive");
        prop_assert_eq!(between(c, a), 0);
        // The second with which so many are open, and the end of it.
        let reached = (a..SECONDS).filter(|second| open[*second as usize]).nth(asked.max(1) as usize - 1);
        match (asked, reached) {
            (0, _) => prop_assert_eq!(calendar.add(plan.at(a), 0), Some(plan.at(a))),
            (_, Some(last)) => prop_assert_eq!(calendar.add(plan.at(a), asked), Some(plan.at(last + 1))),
            (_, None) => prop_assert!(calendar.add(plan.at(a), asked).is_none_or(|end| end > plan.at(SECONDS))),
        }
        let summed: i64 =
            calendar.intervals(plan.at(a), plan.at(c)).map(|it| it.end.as_second() - it.start.as_second()).sum();
        prop_assert_eq!(summed as u64, counted(a, c));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn over_any_span_sums_are_additive_and_add_is_inverse(
        plan in some_plan(),
        mut cuts in prop::array::uniform2(0..20 * 365 * 86_400i64),
        asked in 0..300_000_000u64,
    ) {
        let calendar = plan.calendar();
        cuts.sort_unstable();
        let [from, middle, end] = [0, cuts[0], cuts[1]].map(|second| plan.at(second));
        let sum = calendar.between(from, end);
        prop_assert_eq!(calendar.between(from, middle) + calendar.between(middle, end), sum);
        // There and back: the earliest instant with that sum is not later than where it was counted to.
        let reached = calendar.add(from, sum).expect("there are so many");
        prop_assert!(reached <= end && calendar.between(from, reached) == sum);
        if let Some(reached) = calendar.add(from, asked) {
            prop_assert_eq!(calendar.between(from, reached), asked);
        }
    }
}
