//! How much of the agreed time a service was there. Exact in microseconds and percent; no rounding decides.
//!
//! Agreed time is what the service's calendar has open in the window, without planned outages. At each moment the heaviest
//! outage counts, alone: 1 - sum of (severity x time) / agreed time.

use std::{cmp::Reverse, collections::BTreeSet};

use super::outages::Span;
use crate::{calendar::Opening, configuration::Percent, time::Time};

/// What became of the agreed time. Times are microseconds; weighted ones are multiplied by percent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    pub agreed: u64,
    /// Weighted. The sum of all shares.
    pub down: u64,
    /// Of each outage, in their order.
    pub shares: Vec<Share>,
}

/// What one outage did to the account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// Agreed time in which it was the heaviest.
    pub time: u64,
    /// The same, weighted.
    pub down: u64,
    /// Time that is not agreed because of it: it was planned.
    pub excluded: u64,
}

/// What comes about at an instant.
#[derive(Clone, Copy, Debug)]
enum Turn {
    Opens,
    Closes,
    Begins(usize),
    Ends(usize),
}

/// What holds between two instants.
#[derive(Debug, Default)]
struct State {
    open: bool,
    /// Planned outages that are on, by place.
    planned: BTreeSet<usize>,
    /// Those that count, the heaviest first, of equals the first in the list.
    counting: BTreeSet<(Reverse<i32>, usize)>,
}

/// The rule. `hours` are the openings of the window, in order; outside them nothing counts. With `count_planned` a planned
/// outage is like any other. An outage that is still on has no end in the window.
pub fn account(hours: impl Iterator<Item = Opening>, outages: &[Span], count_planned: bool) -> Account {
    let mut turns: Vec<(i64, Turn)> = Vec::new();
    for opening in hours {
        turns.push((opening.start.as_microsecond(), Turn::Opens));
        turns.push((opening.end.as_microsecond(), Turn::Closes));
    }
    for (place, outage) in outages.iter().enumerate() {
        turns.push((outage.start_time.as_microsecond(), Turn::Begins(place)));
        turns.extend(outage.end_time.map(|end| (end.as_microsecond(), Turn::Ends(place))));
    }
    // What comes about at one instant has no time between it, so its order does not matter.
    turns.sort_by_key(|(at, _)| *at);
    let mut account = Account { shares: vec![Share::default(); outages.len()], ..Account::default() };
    let mut state = State::default();
    let mut since = turns.first().map_or(0, |(at, _)| *at);
    for (at, turn) in turns {
        if state.open {
            account.charge(&state, (at - since).unsigned_abs());
        }
        since = at;
        state.take(turn, outages, count_planned);
    }
    account
}

impl State {
    fn take(&mut self, turn: Turn, outages: &[Span], count_planned: bool) {
        let excludes = |place: usize| outages[place].planned && !count_planned;
        let weighed = |place: usize| (Reverse(outages[place].severity_percent), place);
        match turn {
            Turn::Opens => self.open = true,
            Turn::Closes => self.open = false,
            Turn::Begins(place) if excludes(place) => _ = self.planned.insert(place),
            Turn::Begins(place) => _ = self.counting.insert(weighed(place)),
            Turn::Ends(place) if excludes(place) => _ = self.planned.remove(&place),
            Turn::Ends(place) => _ = self.counting.remove(&weighed(place)),
        }
    }
}

impl Account {
    fn charge(&mut self, state: &State, time: u64) {
        if let Some(place) = state.planned.first() {
            self.shares[*place].excluded += time;
            return;
        }
        self.agreed += time;
        if let Some((Reverse(severity), place)) = state.counting.first() {
            let down = time * u64::from(severity.unsigned_abs());
            self.shares[*place].time += time;
            self.shares[*place].down += down;
            self.down += down;
        }
    }

    /// 0 to 1; nothing, where nothing was agreed.
    pub fn availability(&self) -> Option<f64> {
        let whole = self.agreed * 100;
        (whole > 0).then(|| (whole - self.down) as f64 / whole as f64)
    }

    /// Whether at least so much of the agreed time was there; nothing, where nothing was agreed or promised.
    pub fn meets(&self, target: Percent) -> Option<bool> {
        if self.agreed == 0 || target == Percent::default() {
            return None;
        }
        let there = u128::from(self.agreed * 100 - self.down);
        let asked = u128::from(self.agreed) * u128::from(target.thousandths());
        Some(there * 1000 >= asked)
    }
}

/// Until when a window counts: what has not happened yet as of a time is neither agreed nor down.
pub fn counted_until(end: Time, as_of: Time) -> Time {
    end.min(as_of)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{calendar::Calendar, ids::Id};

    /// Second `second` of an hour.
    fn at(second: i64) -> Time {
        let start: Time = "2026-03-02T08:00:00Z".parse().expect("a time");
        start.after(std::time::Duration::from_secs(second.unsigned_abs()))
    }

    fn span(start: i64, end: Option<i64>, severity_percent: i32, planned: bool) -> Span {
        let id = Id(uuid::Uuid::from_u128(1));
        Span { id, version: 1, start_time: at(start), end_time: end.map(at), severity_percent, planned }
    }

    fn outage(start: i64, end: i64, severity_percent: i32) -> Span {
        span(start, Some(end), severity_percent, false)
    }

    fn planned(start: i64, end: i64) -> Span {
        span(start, Some(end), 100, true)
    }

    fn hours(openings: &[(i64, i64)]) -> impl Iterator<Item = Opening> {
        openings.iter().map(|(start, end)| Opening { start: at(*start), end: at(*end) })
    }

    const SECOND: u64 = 1_000_000;

    /// What it is about, hours, outages, whether planned ones count; agreed seconds, down in seconds times percent, the
    /// shares.
    type Case = (&'static str, Vec<(i64, i64)>, Vec<Span>, bool, u64, u64, Vec<u64>);

    #[rustfmt::skip]
    fn cases() -> Vec<Case> {
        let hour = || vec![(0, 3600)];
        vec![
            ("nothing happened", hour(), vec![], false, 3600, 0, vec![]),
            ("an outage", hour(), vec![outage(600, 900, 100)], false, 3600, 30_000, vec![30_000]),
            ("half of the service", hour(), vec![outage(600, 900, 50)], false, 3600, 15_000, vec![15_000]),
            ("two apart", hour(), vec![outage(0, 10, 100), outage(20, 30, 100)], false, 3600, 2000, vec![1000, 1000]),
            ("two that touch", hour(), vec![outage(0, 10, 100), outage(10, 30, 1)], false, 3600, 1020, vec![1000, 20]),
            ("the same twice counts once", hour(), vec![outage(0, 10, 60), outage(0, 10, 60)], false, 3600, 600, vec![600, 0]),
            ("the heavier counts where they overlap", hour(), vec![outage(0, 100, 30), outage(50, 150, 80)], false, 3600, 9500, vec![1500, 8000]),
            ("a light one around a heavy one", hour(), vec![outage(0, 100, 10), outage(40, 60, 100)], false, 3600, 2800, vec![800, 2000]),
            ("still on", hour(), vec![span(3500, None, 100, false)], false, 3600, 10_000, vec![10_000]),
            ("before and after the hours", vec![(100, 200)], vec![outage(0, 100, 100), outage(200, 300, 100)], false, 100, 0, vec![0, 0]),
            ("over a pause", vec![(0, 100), (200, 300)], vec![outage(50, 250, 100)], false, 200, 10_000, vec![10_000]),
            ("all the time", hour(), vec![outage(0, 3600, 100)], false, 3600, 360_000, vec![360_000]),
            ("planned", hour(), vec![planned(0, 600)], false, 3000, 0, vec![0]),
            ("planned, counted", hour(), vec![planned(0, 600)], true, 3600, 60_000, vec![60_000]),
            ("inside what is planned nothing is down", hour(), vec![planned(0, 600), outage(300, 900, 100)], false, 3000, 30_000, vec![0, 30_000]),
            ("no hours", vec![], vec![outage(0, 100, 100)], false, 0, 0, vec![0]),
            ("only planned", vec![(0, 100)], vec![planned(0, 100)], false, 0, 0, vec![0]),
        ]
    }

    #[test]
    fn what_counts_and_what_does_not() {
        for (what, open, outages, count_planned, agreed, down, shares) in cases() {
            let found = account(hours(&open), &outages, count_planned);
            assert_eq!((found.agreed, found.down), (agreed * SECOND, down * SECOND), "{what}");
            let told: Vec<u64> = found.shares.iter().map(|share| share.down / SECOND).collect();
            assert_eq!(told, shares, "{what}");
        }
    }

    #[test]
    fn where_nothing_was_agreed_nothing_is_said() {
        let nothing = account(hours(&[]), &[outage(0, 100, 100)], false);
        let target = Percent::try_from(99.9).expect("a percentage");
        assert_eq!((nothing.availability(), nothing.meets(target)), (None, None));
        let all = account(hours(&[(0, 1000)]), &[], false);
        assert_eq!((all.availability(), all.meets(Percent::default())), (Some(1.0), None));
    }

    #[test]
    fn a_target_is_met_to_the_microsecond() {
        let target = Percent::try_from(99.9).expect("a percentage");
        let exactly = account(hours(&[(0, 1000)]), &[outage(0, 1, 100)], false);
        assert_eq!((exactly.availability(), exactly.meets(target)), (Some(0.999), Some(true)));
        let mut longer = outage(0, 1, 100);
        longer.end_time = longer.end_time.map(|end| end.after(std::time::Duration::from_micros(1)));
        assert_eq!(account(hours(&[(0, 1000)]), &[longer], false).meets(target), Some(false));
        let whole = Percent::MAX;
        assert_eq!(account(hours(&[(0, 1000)]), &[outage(5, 6, 1)], false).meets(whole), Some(false));
        // The longest window there is, down all the time: no sum overflows.
        let calendar = Calendar::around_the_clock();
        let (first, last) = (
            "1970-01-01T00:00:00Z".parse().expect("a time"),
            "2200-01-01T00:00:00Z".parse().expect("a time"),
        );
        let ever = Span { start_time: first, ..span(0, None, 100, false) };
        let all = account(calendar.intervals(first, last), &[ever], false);
        assert_eq!((all.availability(), all.meets(target)), (Some(0.0), Some(false)));
    }

    #[test]
    fn what_has_not_happened_does_not_count() {
        assert_eq!(counted_until(at(100), at(50)), at(50));
        assert_eq!(counted_until(at(100), at(150)), at(100));
    }

    const HORIZON: i64 = 400;

    fn some_outage() -> impl Strategy<Value = Span> {
        let end = prop_oneof![1 => Just(None), 5 => (1..120i64).prop_map(Some)];
        let severity = prop_oneof![2 => Just(100), 1 => Just(50), 2 => 1..=100i32];
        (0..HORIZON, end, severity, prop::bool::weighted(0.25)).prop_map(
            |(start, length, severity, planned)| span(start, length.map(|it| start + it), severity, planned),
        )
    }

    /// Openings that are apart, in order.
    fn some_hours() -> impl Strategy<Value = Vec<(i64, i64)>> {
        prop::collection::vec((0..40i64, 1..90i64), 0..6).prop_map(|parts| {
            let mut at = 0;
            let one = |(pause, length)| {
                let start = at + pause;
                at = start + length + 1;
                (start, start + length)
            };
            parts.into_iter().map(one).filter(|(_, end)| *end <= HORIZON).collect()
        })
    }

    /// Agreed seconds and seconds times percent that were down, second by second.
    fn slowly(open: &[(i64, i64)], outages: &[Span], count_planned: bool) -> (u64, u64) {
        let (mut agreed, mut down) = (0, 0);
        for second in 0..HORIZON {
            let on =
                |it: &&Span| it.start_time <= at(second) && it.end_time.is_none_or(|end| at(second) < end);
            let is_open = open.iter().any(|(start, end)| (*start..*end).contains(&second));
            let is_planned = outages.iter().filter(on).any(|it| it.planned) && !count_planned;
            if is_open && !is_planned {
                agreed += 1;
                down += outages.iter().filter(on).map(|it| it.severity_percent as u64).max().unwrap_or(0);
            }
        }
        (agreed, down)
    }

    proptest! {
        #[test]
        fn it_is_what_a_slow_count_says(
            open in some_hours(),
            outages in prop::collection::vec(some_outage(), 0..8),
            count_planned: bool,
        ) {
            let found = account(hours(&open), &outages, count_planned);
            let (agreed, down) = slowly(&open, &outages, count_planned);
            prop_assert_eq!((found.agreed, found.down), (agreed * SECOND, down * SECOND));
            let summed: u64 = found.shares.iter().map(|share| share.down).sum();
            prop_assert_eq!(summed, found.down, "the shares are the whole");
            let excluded: u64 = found.shares.iter().map(|share| share.excluded).sum();
            let all: i64 = open.iter().map(|(start, end)| end - start).sum();
            prop_assert_eq!(found.agreed + excluded, all as u64 * SECOND, "no second is lost");
        }

        #[test]
        fn another_outage_never_helps_and_the_order_does_not_matter(
            open in some_hours(),
            outages in prop::collection::vec(some_outage(), 1..8),
        ) {
            let all = account(hours(&open), &outages, true);
            let fewer = account(hours(&open), &outages[1..], true);
            prop_assert!(all.down >= fewer.down && all.agreed == fewer.agreed);
            let turned: Vec<Span> = outages.iter().rev().copied().collect();
            let other = account(hours(&open), &turned, true);
            prop_assert_eq!((other.agreed, other.down), (all.agreed, all.down));
        }
    }
}
