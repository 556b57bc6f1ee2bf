//! A subscription and its deliveries as the service keeps them. Field names are the columns of `subscriptions` and
//! `deliveries`.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    error::Error,
    ids::{Id, TenantId},
    tickets::{Json, codes},
    time::Time,
};

pub const MAX_DISPLAY_NAME: usize = 200;
/// Failures without a success in between for so long end a subscription.
pub const PATIENCE: Duration = Duration::from_hours(5 * 24);
/// Attempts that a delivery remembers.
pub const REMEMBERED: usize = 20;

codes! {
    /// How a delivery is signed.
    Scheme { V1 = "V1", V1a = "V1A", }
}

codes! {
    /// Whether a subscription is served.
    State { Active = "ACTIVE", Paused = "PAUSED", Disabled = "DISABLED", }
}

codes! {
    /// Why the service stopped serving a subscription.
    Why { Gone = "GONE", Failing = "FAILING", }
}

codes! {
    /// How far a delivery is.
    DeliveryState { Pending = "PENDING", Delivered = "DELIVERED", Dead = "DEAD", }
}

/// Which events; as `EventFilter`, in words that last.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Wanted {
    pub types: Vec<String>,
    pub ticket: Option<Id>,
    pub queues: Vec<String>,
    pub teams: Vec<String>,
    /// Also history that was brought in.
    pub imported: bool,
}

/// A key with which deliveries are signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    pub scheme: Scheme,
    /// The secret, sealed.
    pub sealed: String,
    /// What may be shown at any time: `whpk_…`; empty for a shared key.
    pub public: String,
    /// Until when it signs beside its successor.
    pub expire_time: Option<Time>,
}

/// Where events go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct Subscription {
    pub tenant_id: TenantId,
    pub id: Id,
    pub version: i64,
    pub display_name: String,
    pub url: String,
    pub wanted: Json<Wanted>,
    pub state: State,
    pub disable_reason: Option<Why>,
    pub keys: Json<Vec<Key>>,
    /// Deliveries of all events up to this place in the stream are there.
    pub position: i64,
    pub last_success_time: Option<Time>,
    pub last_failure_time: Option<Time>,
    /// The first failure since the last success.
    pub failing_since_time: Option<Time>,
    pub consecutive_failures: i32,
    pub create_time: Time,
    pub update_time: Time,
}

impl Subscription {
    pub fn name(&self) -> String {
        name(&self.tenant_id, self.id)
    }

    pub fn etag(&self) -> String {
        format!("\"{}\"", self.version)
    }

    /// Refuses a caller who saw another version.
    pub fn require(&self, version: Option<i64>) -> Result<(), Error> {
        match version {
            Some(seen) if seen != self.version => {
                Err(Error::Stale { kind: "subscription", name: self.name() })
            }
            _ => Ok(()),
        }
    }

    /// The next version, if anything differs from `before`.
    #[must_use]
    pub fn changed_from(self, before: &Self, now: Time) -> Self {
        if self == *before {
            return self;
        }
        Self { version: before.version + 1, update_time: now, ..self }
    }

    /// The keys that sign now.
    pub fn good_keys(&self, now: Time) -> impl Iterator<Item = &Key> {
        self.keys.iter().filter(move |key| key.expire_time.is_none_or(|expire| now < expire))
    }
}

pub fn name(tenant: &TenantId, id: Id) -> String {
    format!("tenants/{tenant}/subscriptions/{id}")
}

/// One try.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    pub time: Time,
    pub millis: i64,
    /// 0: there was no answer.
    pub status: u16,
    /// Empty: there was one.
    pub error: String,
    /// How the answer began.
    pub answer: String,
}

/// One event on its way to one subscriber.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Delivery {
    pub tenant_id: TenantId,
    pub subscription_id: Id,
    pub ticket_id: Id,
    /// The ticket's version after the event.
    pub version: i64,
    #[sqlx(rename = "type")]
    pub kind: String,
    pub position: i64,
    pub state: DeliveryState,
    /// The same bytes at each attempt.
    pub body: String,
    /// Attempts ever, the one at work included: whoever writes a result must know it.
    pub attempt: i32,
    /// Attempts since it was last made due by hand.
    pub tries: i32,
    pub due_time: Time,
    /// Until when somebody is at it.
    pub claim_until_time: Option<Time>,
    pub attempts: Json<Vec<Attempt>>,
    pub create_time: Time,
    pub settle_time: Option<Time>,
}

impl Delivery {
    /// The event's id, which is also the delivery's: one event goes to a subscriber once.
    pub fn id(&self) -> String {
        format!("{}-{}", self.ticket_id, self.version)
    }

    pub fn name(&self) -> String {
        format!("{}/deliveries/{}", name(&self.tenant_id, self.subscription_id), self.id())
    }
}
