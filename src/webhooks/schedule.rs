//! When a delivery that failed is tried again, and when it is given up.

use std::time::Duration;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;

/// The pauses behind the first attempt, the second, and so on; behind the one that has no pause, nothing more is tried.
pub const PAUSES: &[Duration] = &[
    Duration::from_secs(5),
    Duration::from_secs(5 * MINUTE),
    Duration::from_secs(30 * MINUTE),
    Duration::from_secs(2 * HOUR),
    Duration::from_secs(5 * HOUR),
    Duration::from_secs(10 * HOUR),
    Duration::from_secs(14 * HOUR),
    Duration::from_secs(20 * HOUR),
    Duration::from_secs(24 * HOUR),
];

/// How long a receiver may put us off by Retry-After.
const MAX_ASKED: Duration = Duration::from_secs(24 * HOUR);
/// A pause is this much shorter or longer by chance, so that what failed together does not come back together.
const JITTER: f64 = 0.2;

/// How long to wait after so many attempts, all of which failed; `None`: give up. What the receiver asks for counts when
/// it is longer, within bounds. `chance` is 0 to 1.
pub fn pause(attempts: i32, asked: Option<Duration>, chance: f64) -> Option<Duration> {
    let place = usize::try_from(attempts.max(1) - 1).unwrap_or_default();
    let pause = PAUSES.get(place)?.mul_f64(1.0 - JITTER + 2.0 * JITTER * chance);
    Some(pause.max(asked.unwrap_or_default().min(MAX_ASKED)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_attempts_over_three_days_and_then_none() {
        let middle: Vec<u64> =
            (1..10).map(|it| pause(it, None, 0.5).expect("another attempt").as_secs()).collect();
        assert_eq!(middle, [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400]);
        assert_eq!(pause(10, None, 0.5), None);
        assert_eq!(pause(i32::MAX, Some(MAX_ASKED), 0.5), None);
        assert_eq!(pause(1, None, 0.0), Some(Duration::from_secs(4)));
        assert_eq!(pause(1, None, 1.0), Some(Duration::from_secs(6)));
    }

    #[test]
    fn a_receiver_can_put_us_off_but_not_for_ever_and_not_hurry_us() {
        let asked = |secs| pause(1, Some(Duration::from_secs(secs)), 0.5).map(|it| it.as_secs());
        assert_eq!([asked(0), asked(90), asked(1_000_000)], [Some(5), Some(90), Some(86_400)]);
    }
}
