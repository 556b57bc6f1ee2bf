//! How one quota is kept for many subjects at once: work by GCRA, which knows to the moment when a call fits again; calls
//! and streams by counting. Only who is at work, or was a moment ago, takes room.

use std::{
    collections::{HashMap, hash_map::Entry},
    num::NonZeroU32,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use governor::{RateLimiter, clock::Clock, middleware::NoOpMiddleware, state::keyed::HashMapStateStore};

use super::quota::Quota;
use crate::error::{Error, OverQuota, Reason, Result};

/// When to come again after there was no place: nobody knows when one comes free, but calls are short and streams long.
const CALL_AGAIN: Duration = Duration::from_secs(1);
const STREAM_AGAIN: Duration = Duration::from_secs(10);
/// After so many calls those are forgotten who have rested for so long that nothing is counted against them.
const FORGET_EVERY: u32 = 1024;

/// One quota, kept for each subject of a kind.
pub(super) struct Share {
    /// `caller` or `tenant`.
    kind: &'static str,
    /// For too much work, too many calls, too many streams.
    reasons: [Reason; 3],
    rate: Option<Rate>,
    calls: Arc<Places>,
    streams: Arc<Places>,
}

impl Share {
    pub(super) fn new(quota: &Quota, kind: &'static str, reasons: [Reason; 3]) -> Self {
        let places = |most| Arc::new(Places { most, taken: Mutex::default() });
        Self {
            kind,
            reasons,
            rate: Rate::new(quota.rate, quota.burst),
            calls: places(quota.calls),
            streams: places(quota.streams),
        }
    }

    /// Takes what a call needs, or nothing. The place is given back when its value goes.
    pub(super) fn take(&self, key: u64, name: &str, cost: u32, streaming: bool) -> Result<Option<Place>> {
        let [too_much, too_many_calls, too_many_streams] = self.reasons;
        let (places, reason, what, again) = if streaming {
            (&self.streams, too_many_streams, "streams at a time", STREAM_AGAIN)
        } else {
            (&self.calls, too_many_calls, "calls at a time", CALL_AGAIN)
        };
        let place =
            Place::take(places, key).map_err(|Full| self.over(name, reason, places.most, what, again))?;
        if let Some(rate) = &self.rate {
            rate.take(key, cost).map_err(|after| self.over(name, too_much, rate.rate, "a second", after))?;
        }
        Ok(place)
    }

    fn over(&self, name: &str, reason: Reason, limit: u32, what: &str, retry_after: Duration) -> Error {
        let Self { kind, .. } = self;
        Error::OverQuota(Box::new(OverQuota {
            reason,
            subject: format!("{kind}:{name}"),
            limit,
            text: format!("the {kind} {name} has all that it may have: {limit} {what}"),
            retry_after,
        }))
    }
}

/// Work a second.
struct Rate {
    limiter: RateLimiter<u64, HashMapStateStore<u64>, Steady, NoOpMiddleware<Instant>>,
    rate: u32,
    burst: NonZeroU32,
    asked: AtomicU32,
}

impl Rate {
    fn new(rate: u32, burst: u32) -> Option<Self> {
        let second = NonZeroU32::new(rate)?;
        let burst = NonZeroU32::new(burst).unwrap_or(second);
        let quota = governor::Quota::per_second(second).allow_burst(burst);
        let limiter = RateLimiter::hashmap_with_clock(quota, Steady);
        Some(Self { limiter, rate, burst, asked: AtomicU32::new(0) })
    }

    /// Takes as much, or says after which time it is there.
    fn take(&self, key: u64, cost: u32) -> Result<(), Duration> {
        if self.asked.fetch_add(1, Ordering::Relaxed) % FORGET_EVERY == FORGET_EVERY - 1 {
            self.limiter.retain_recent();
        }
        // What weighs more than ever comes at once would never fit; it takes all that there is.
        let Some(weight) = NonZeroU32::new(cost).map(|cost| cost.min(self.burst)) else { return Ok(()) };
        let fits = self.limiter.check_key_n(&key, weight).expect("it weighs no more than the burst");
        fits.map_err(|until| until.wait_time_from(Steady.now()))
    }
}

/// Tokio's clock: nobody sets it back, and a test can move it.
#[derive(Clone, Copy, Debug)]
struct Steady;

impl Clock for Steady {
    type Instant = Instant;

    fn now(&self) -> Instant {
        tokio::time::Instant::now().into_std()
    }
}

/// How many places each subject has taken; who has none is not in there.
struct Places {
    /// 0: no limit, and nothing is counted.
    most: u32,
    taken: Mutex<HashMap<u64, u32>>,
}

/// A place that is taken.
pub(super) struct Place {
    places: Arc<Places>,
    key: u64,
}

struct Full;

impl Place {
    fn take(places: &Arc<Places>, key: u64) -> Result<Option<Self>, Full> {
        if places.most == 0 {
            return Ok(None);
        }
        let mut all = places.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = all.entry(key).or_default();
        if *taken == places.most {
            return Err(Full);
        }
        *taken += 1;
        Ok(Some(Self { places: Arc::clone(places), key }))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut all = self.places.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Entry::Occupied(mut taken) = all.entry(self.key) {
            *taken.get_mut() -= 1;
            if *taken.get() == 0 {
                taken.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tokio::time::{advance, pause};

    use super::*;

    const REASONS: [Reason; 3] =
        [Reason::CallerRateExceeded, Reason::CallerCallsExceeded, Reason::CallerStreamsExceeded];

    fn share(rate: u32, burst: u32, calls: u32, streams: u32) -> Share {
        Share::new(&Quota { rate, burst, calls, streams }, "caller", REASONS)
    }

    /// Reason, limit, and the time after which to come again.
    fn over(taken: Result<Option<Place>>) -> (Reason, u32, Duration) {
        match taken {
            Err(Error::OverQuota(over)) => (over.reason, over.limit, over.retry_after),
            other => panic!("not over the quota: {:?}", other.map(|_| ())),
        }
    }

    #[tokio::test]
    async fn the_time_that_is_told_is_the_time_after_which_it_fits() {
        pause();
        let share = share(10, 20, 0, 0);
        for (cost, wait) in [(1, 100), (2, 200), (5, 500), (20, 2000), (100, 2000)] {
            while share.take(1, "anna", 1, false).is_ok() {}
            let told = Duration::from_millis(wait);
            assert_eq!(over(share.take(1, "anna", cost, false)), (Reason::CallerRateExceeded, 10, told));
            // Who was refused has lost nothing by it.
            advance(told.saturating_sub(Duration::from_millis(1))).await;
            let (.., rest) = over(share.take(1, "anna", cost, false));
            assert_eq!(rest, Duration::from_millis(1), "{cost}");
            advance(rest).await;
            assert!(share.take(1, "anna", cost, false).is_ok(), "{cost}");
        }
    }

    #[tokio::test]
    async fn each_has_its_own() {
        pause();
        let share = share(1, 3, 0, 0);
        for key in 1..=3 {
            for _ in 0..3 {
                assert!(share.take(key, "somebody", 1, false).is_ok(), "{key}");
            }
            over(share.take(key, "somebody", 1, false));
        }
    }

    #[tokio::test]
    async fn who_rests_is_forgotten() {
        pause();
        let rate = Rate::new(10, 20).expect("a rate");
        for key in 0..5000 {
            rate.take(key, 20).expect("a whole burst for each");
        }
        assert_eq!(rate.limiter.len(), 5000, "nobody has rested yet");
        advance(Duration::from_secs(3)).await;
        for _ in 0..FORGET_EVERY {
            rate.take(7, 0).expect("it weighs nothing");
        }
        assert_eq!(rate.limiter.len(), 0);
        rate.take(7, 20).expect("the burst is whole again");
    }

    #[test]
    fn places_are_given_back_and_leave_nothing_behind() {
        let share = share(0, 0, 2, 1);
        let held = [
            share.take(1, "anna", 5, false).expect("a place"),
            share.take(1, "anna", 5, false).expect("a place"),
        ];
        assert_eq!(over(share.take(1, "anna", 5, false)), (Reason::CallerCallsExceeded, 2, CALL_AGAIN));
        let other = share.take(2, "ben", 5, false).expect("another's place");
        let stream = share.take(1, "anna", 5, true).expect("streams are counted for themselves");
        assert_eq!(over(share.take(1, "anna", 5, true)), (Reason::CallerStreamsExceeded, 1, STREAM_AGAIN));
        drop(held);
        drop(share.take(1, "anna", 5, false).expect("there is room again"));
        drop((other, stream));
        for places in [&share.calls, &share.streams] {
            assert_eq!(places.taken.lock().expect("nobody panicked").len(), 0);
        }
    }

    #[test]
    fn nothing_holds_who_has_no_quota() {
        let share = share(0, 0, 0, 0);
        let held: Vec<_> =
            (0..10_000).map(|n| share.take(1, "anna", 100, n % 2 == 0).expect("no limit")).collect();
        assert!(held.iter().all(Option::is_none));
    }

    proptest! {
        /// Whatever comes, and whenever: in no stretch of time does more get through than the burst and what the rate
        /// brings meanwhile.
        #[test]
        fn no_stretch_of_time_has_more_than_its_due(
            rate in 1u32..50, burst in 1u32..100,
            calls in prop::collection::vec((0u64..400, 1u32..30), 1..80),
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime");
            let through = runtime.block_on(async {
                let share = share(rate, burst, 0, 0);
                let (mut now, mut through) = (0, Vec::new());
                for (gap, cost) in calls {
                    advance(Duration::from_millis(gap)).await;
                    now += gap;
                    if share.take(1, "anna", cost, false).is_ok() {
                        through.push((now, f64::from(cost.min(burst))));
                    }
                }
                through
            });
            for (first, (from, _)) in through.iter().enumerate() {
                let mut work = 0.0;
                for (at, cost) in &through[first..] {
                    work += cost;
                    let due = f64::from(burst) + f64::from(rate) * (at - from) as f64 / 1000.0;
                    prop_assert!(work <= due + 0.01, "{work} in {} ms, {due} is due", at - from);
                }
            }
        }
    }
}
