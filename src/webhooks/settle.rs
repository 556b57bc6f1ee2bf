//! What an attempt means: for the delivery, and for the subscription.

use std::time::Duration;

use super::{
    model::{Attempt, Delivery, DeliveryState, PATIENCE, REMEMBERED, State, Subscription, Why},
    schedule,
};
use crate::{tickets::Json, time::Time};

/// What became of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    pub attempt: Attempt,
    /// What the receiver says in Retry-After.
    pub retry_after: Option<Duration>,
}

impl Outcome {
    fn is_success(&self) -> bool {
        self.attempt.error.is_empty() && (200..300).contains(&self.attempt.status)
    }

    fn is_gone(&self) -> bool {
        self.attempt.error.is_empty() && self.attempt.status == 410
    }
}

/// The delivery behind the attempt. `chance` (0 to 1) spreads the next one.
pub fn decide(delivery: Delivery, outcome: &Outcome, now: Time, chance: f64) -> Delivery {
    let mut attempts = delivery.attempts.0;
    attempts.push(outcome.attempt.clone());
    let attempts = Json(attempts.split_off(attempts.len().saturating_sub(REMEMBERED)));
    let tried = Delivery { attempts, claim_until_time: None, ..delivery };
    if outcome.is_success() {
        return Delivery { state: DeliveryState::Delivered, settle_time: Some(now), ..tried };
    }
    match schedule::pause(tried.tries, outcome.retry_after, chance) {
        Some(pause) => Delivery { due_time: now.after(pause), ..tried },
        None => Delivery { state: DeliveryState::Dead, settle_time: Some(now), ..tried },
    }
}

/// The subscription behind the attempt. Health alone makes no version; its end does.
pub fn follow(before: &Subscription, outcome: &Outcome, now: Time) -> Subscription {
    let subscription = before.clone();
    if outcome.is_success() {
        return Subscription {
            last_success_time: Some(now),
            failing_since_time: None,
            consecutive_failures: 0,
            ..subscription
        };
    }
    let since = before.failing_since_time.unwrap_or(now);
    let failed = Subscription {
        last_failure_time: Some(now),
        failing_since_time: Some(since),
        consecutive_failures: before.consecutive_failures.saturating_add(1),
        ..subscription
    };
    let why = match () {
        () if before.state != State::Active => None,
        () if outcome.is_gone() => Some(Why::Gone),
        () if since.after(PATIENCE) <= now => Some(Why::Failing),
        () => None,
    };
    match why {
        Some(why) => Subscription {
            state: State::Disabled,
            disable_reason: Some(why),
            version: before.version + 1,
            update_time: now,
            ..failed
        },
        None => failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ids::{Id, TenantId},
        webhooks::model::Wanted,
    };

    fn time(text: &str) -> Time {
        text.parse().expect("a time")
    }

    fn now() -> Time {
        time("2026-03-02T08:00:00Z")
    }

    fn outcome(status: u16, error: &str) -> Outcome {
        let attempt = Attempt { time: now(), millis: 3, status, error: error.into(), answer: String::new() };
        Outcome { attempt, retry_after: None }
    }

    fn delivery(tries: i32) -> Delivery {
        Delivery {
            tenant_id: TenantId::parse("acme").expect("a tenant"),
            subscription_id: Id(uuid::Uuid::from_u128(1)),
            ticket_id: Id(uuid::Uuid::from_u128(2)),
            version: 1,
            kind: "ticket.created".into(),
            position: 1,
            state: DeliveryState::Pending,
            body: "{}".into(),
            attempt: tries,
            tries,
            due_time: now(),
            claim_until_time: Some(now()),
            attempts: Json::default(),
            create_time: now(),
            settle_time: None,
        }
    }

    fn subscription() -> Subscription {
        Subscription {
            tenant_id: TenantId::parse("acme").expect("a tenant"),
            id: Id(uuid::Uuid::from_u128(1)),
            version: 4,
            display_name: String::new(),
            url: "https://example.com/".into(),
            wanted: Json(Wanted::default()),
            state: State::Active,
            disable_reason: None,
            keys: Json::default(),
            position: 0,
            last_success_time: None,
            last_failure_time: None,
            failing_since_time: None,
            consecutive_failures: 0,
            create_time: now(),
            update_time: now(),
        }
    }

    #[test]
    fn success_ends_a_delivery_and_anything_else_is_tried_again_until_it_is_dead() {
        for (tries, outcome, state, pause) in [
            (1, outcome(200, ""), DeliveryState::Delivered, 0),
            (10, outcome(204, ""), DeliveryState::Delivered, 0),
            (1, outcome(200, "the answer broke off"), DeliveryState::Pending, 5),
            (1, outcome(302, ""), DeliveryState::Pending, 5),
            (2, outcome(500, ""), DeliveryState::Pending, 300),
            (9, outcome(404, ""), DeliveryState::Pending, 86_400),
            (10, outcome(500, ""), DeliveryState::Dead, 0),
            (10, outcome(0, "timed out"), DeliveryState::Dead, 0),
        ] {
            let after = decide(delivery(tries), &outcome, now(), 0.5);
            assert_eq!((after.state, after.claim_until_time), (state, None), "{outcome:?}");
            assert_eq!(after.due_time, now().after(Duration::from_secs(pause)), "{outcome:?}");
            assert_eq!(after.settle_time.is_some(), state != DeliveryState::Pending);
            assert_eq!(after.attempts.0, [outcome.attempt]);
        }
    }

    #[test]
    fn only_the_last_attempts_are_remembered() {
        let mut delivery = delivery(1);
        for status in 500..530 {
            delivery = decide(delivery, &outcome(status, ""), now(), 0.5);
        }
        assert_eq!(delivery.attempts.len(), REMEMBERED);
        assert_eq!(delivery.attempts.last().map(|it| it.status), Some(529));
    }

    #[test]
    fn a_subscription_ends_when_it_is_gone_or_fails_for_days() {
        let failed = follow(&subscription(), &outcome(500, ""), now());
        assert_eq!((failed.state, failed.consecutive_failures, failed.version), (State::Active, 1, 4));
        let days = now().after(PATIENCE);
        let just_before = follow(&failed, &outcome(500, ""), days.before(Duration::from_secs(1)));
        assert_eq!(just_before.state, State::Active);
        let ended = follow(&failed, &outcome(500, ""), days);
        assert_eq!((ended.disable_reason, ended.version), (Some(Why::Failing), 5));
        let well = follow(&failed, &outcome(200, ""), days);
        assert_eq!((well.consecutive_failures, well.failing_since_time), (0, None));
        let gone = follow(&subscription(), &outcome(410, ""), now());
        assert_eq!((gone.state, gone.disable_reason), (State::Disabled, Some(Why::Gone)));
        let paused = Subscription { state: State::Paused, ..subscription() };
        assert_eq!(follow(&paused, &outcome(410, ""), now()).state, State::Paused);
    }
}
