//! When a team had how much to do: time in buckets of one length, and counts by bucket. Pure.

use std::time::Duration;

use crate::time::Time;

/// Buckets of one simulation at most.
pub const MAX_BUCKETS: u64 = 1000;
/// The shortest bucket.
pub const MIN_INTERVAL: Duration = Duration::from_mins(1);
const DAY: Duration = Duration::from_hours(24);

/// A stretch of time in buckets of one length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Buckets {
    pub start: Time,
    pub interval: Duration,
    pub count: usize,
}

impl Buckets {
    /// From `from`, else from the whole interval (counted in UTC) in which the first ticket came in, to `end`. `Err`: so
    /// many buckets that would take, and they are too many.
    pub fn new(from: Option<Time>, first: Time, end: Time, interval: Option<Duration>) -> Result<Self, u64> {
        let with = |interval: Duration| {
            let start = from.unwrap_or_else(|| floor(first, interval));
            (start, micros(start, end).div_ceil(length(interval)).max(1))
        };
        let interval = interval.unwrap_or_else(|| {
            let mut interval = DAY;
            while with(interval).1 > MAX_BUCKETS {
                interval += DAY;
            }
            interval
        });
        match with(interval) {
            (start, count @ ..=MAX_BUCKETS) => Ok(Self { start, interval, count: count as usize }),
            (_, count) => Err(count),
        }
    }

    /// The bucket of an instant, if it is in one.
    fn place(&self, time: Time) -> Option<usize> {
        if time < self.start {
            return None;
        }
        let place = micros(self.start, time) / length(self.interval);
        usize::try_from(place).ok().filter(|place| *place < self.count)
    }
}

/// Microseconds between two instants; none where they run backwards.
fn micros(from: Time, to: Time) -> u64 {
    u64::try_from(to.as_microsecond() - from.as_microsecond()).unwrap_or(0)
}

fn length(interval: Duration) -> u64 {
    u64::try_from(interval.as_micros()).unwrap_or(u64::MAX).max(1)
}

fn floor(time: Time, interval: Duration) -> Time {
    let length = i64::try_from(length(interval)).unwrap_or(i64::MAX);
    let over = time.as_microsecond().rem_euclid(length);
    time.before(Duration::from_micros(over as u64))
}

/// What comes to one team and goes again.
#[derive(Clone, Debug)]
pub struct Load {
    pub tickets: u64,
    arrivals: Vec<u32>,
    /// Ends, each in the bucket in which it falls.
    ends: Vec<u32>,
}

/// The load by bucket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Curve {
    pub tickets: u64,
    pub arrivals: Vec<u32>,
    /// Open at the end of each bucket.
    pub open: Vec<u32>,
    pub peak: u32,
}

impl Load {
    pub fn new(buckets: &Buckets) -> Self {
        Self { tickets: 0, arrivals: vec![0; buckets.count], ends: vec![0; buckets.count] }
    }

    /// A ticket that comes and, if it has ended, goes. What goes before it comes goes when it comes.
    pub fn add(&mut self, buckets: &Buckets, came: Time, went: Option<Time>) {
        self.tickets += 1;
        let Some(place) = buckets.place(came) else { return };
        self.arrivals[place] += 1;
        if let Some(place) = went.and_then(|went| buckets.place(went.max(came))) {
            self.ends[place] += 1;
        }
    }

    pub fn curve(self) -> Curve {
        let mut now = 0;
        let steps = self.arrivals.iter().zip(&self.ends);
        let open: Vec<u32> = steps
            .map(|(come, go)| {
                now = now + come - go;
                now
            })
            .collect();
        let peak = open.iter().copied().max().unwrap_or_default();
        Curve { tickets: self.tickets, arrivals: self.arrivals, open, peak }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Time {
        text.parse().expect("a time")
    }

    #[test]
    fn buckets_cover_the_window() {
        let (first, day) = (time("2026-03-02T08:00:00Z"), Some(DAY));
        let cases = [
            (None, "2026-03-02T09:00:00Z", day, Ok(("2026-03-02T00:00:00Z", 24, 1))),
            (None, "2026-03-03T00:00:00Z", day, Ok(("2026-03-02T00:00:00Z", 24, 1))),
            (None, "2026-03-03T00:00:00.000001Z", day, Ok(("2026-03-02T00:00:00Z", 24, 2))),
            (Some("2026-03-01T12:00:00Z"), "2026-03-03T00:00:00Z", day, Ok(("2026-03-01T12:00:00Z", 24, 2))),
            (None, "2028-11-26T00:00:00Z", None, Ok(("2026-03-02T00:00:00Z", 24, 1000))),
            (None, "2028-11-27T00:00:00Z", None, Ok(("2026-03-02T00:00:00Z", 48, 501))),
            (None, "2028-11-27T00:00:00Z", day, Err(1001)),
            (Some("2026-03-05T00:00:00Z"), "2026-03-03T00:00:00Z", day, Ok(("2026-03-05T00:00:00Z", 24, 1))),
        ];
        for (from, end, interval, expected) in cases {
            let found = Buckets::new(from.map(time), first, time(end), interval);
            let expected = expected.map(|(start, hours, count)| Buckets {
                start: time(start),
                interval: Duration::from_hours(hours),
                count,
            });
            assert_eq!(found, expected, "{from:?} to {end} by {interval:?}");
        }
    }

    #[test]
    fn open_is_what_came_and_has_not_gone() {
        let buckets =
            Buckets { start: time("2026-03-02T00:00:00Z"), interval: Duration::from_hours(1), count: 4 };
        let mut load = Load::new(&buckets);
        for (came, went) in [
            ("2026-03-02T00:10:00Z", Some("2026-03-02T00:20:00Z")),
            ("2026-03-02T00:10:00Z", Some("2026-03-02T02:00:00Z")), // on the edge: the bucket that begins
            ("2026-03-02T01:00:00Z", None),
            ("2026-03-02T03:59:59Z", Some("2026-03-09T00:00:00Z")),
            ("2026-03-02T03:00:00Z", Some("2026-03-02T01:00:00Z")),
        ] {
            load.add(&buckets, time(came), went.map(time));
        }
        let curve = load.curve();
        assert_eq!((curve.tickets, curve.peak), (5, 2));
        assert_eq!((curve.arrivals, curve.open), (vec![2, 1, 0, 2], vec![1, 2, 1, 2]));
    }
}
