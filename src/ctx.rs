//! What every call carries: who, where, when. The only reader of the clock and the only maker of ids, so that a test
//! can set the one and repeat the other.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU64, Ordering},
};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    error::{Error, Result},
    ids::{Id, TenantId},
    time::Time,
};

/// One call, or one tick of a job.
#[derive(Clone, Debug)]
pub struct Ctx {
    pub tenant: TenantId,
    pub actor: Actor,
    /// When it happens. History that is brought in happens in the past.
    pub now: Time,
    /// When it is written down.
    pub recorded: Time,
    /// The idempotency key, where the caller gave one.
    pub request: Option<RequestKey>,
    /// W3C trace context; empty when there is none.
    pub traceparent: String,
    pub action: Action,
    /// Under which the call stands in the log; empty: it is none.
    pub call_id: Arc<str>,
}

/// What is being done, as the audit log names it.
#[derive(Clone, Debug)]
pub struct Action {
    /// Full name of the method, or what does it.
    pub method: Arc<str>,
    /// Whether it changes what only administration may.
    pub administers: bool,
}

/// The key under which a repeated call is recognised, with a fingerprint of what was asked.
#[derive(Clone, Debug)]
pub struct RequestKey {
    /// `Service/Method`.
    pub method: &'static str,
    pub request_id: String,
    /// SHA-256 of the request.
    pub fingerprint: Vec<u8>,
}

/// Who calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    pub kind: ActorKind,
    /// An agent's or contact's key, or a service's name.
    pub id: String,
    pub roles: Vec<Role>,
    /// The tenants that the caller may enter; `None`: any.
    pub tenants: Option<Vec<TenantId>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[sqlx(type_name = "text", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ActorKind {
    Customer,
    Agent,
    Service,
    System,
}

/// What a caller is to the tenant; each grants permissions (`access.rs`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Role {
    Customer,
    Agent,
    Specialist,
    Manager,
    SlaManager,
    Admin,
    Service,
    Operator,
}

impl Role {
    pub const ALL: [Self; 8] = [
        Self::Customer,
        Self::Agent,
        Self::Specialist,
        Self::Manager,
        Self::SlaManager,
        Self::Admin,
        Self::Service,
        Self::Operator,
    ];

    /// The name in tokens and on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Customer => "CUSTOMER",
            Self::Agent => "AGENT",
            Self::Specialist => "SPECIALIST",
            Self::Manager => "MANAGER",
            Self::SlaManager => "SLA_MANAGER",
            Self::Admin => "ADMIN",
            Self::Service => "SERVICE",
            Self::Operator => "OPERATOR",
        }
    }
}

impl Actor {
    /// The service itself: a timer, a rule.
    pub fn system(what: &str) -> Self {
        Self { kind: ActorKind::System, id: what.to_owned(), roles: Vec::new(), tenants: None }
    }

    /// Somebody of whom nobody asks who it is, and who may do nothing but what the request itself proves.
    pub fn anybody() -> Self {
        Self { kind: ActorKind::Customer, id: String::new(), roles: Vec::new(), tenants: None }
    }

    /// A stranger's tenant and a missing one look alike.
    pub fn enter(&self, tenant: &TenantId) -> Result<()> {
        match &self.tenants {
            Some(own) if !own.contains(tenant) => {
                Err(Error::not_found("tenant", format!("tenants/{tenant}")))
            }
            _ => Ok(()),
        }
    }

    /// The caller's key as an agent; nothing when it is none.
    pub fn agent_key(&self) -> &[String] {
        if self.kind == ActorKind::Agent { std::slice::from_ref(&self.id) } else { &[] }
    }

    /// Whether the caller sees only the customer's side: own tickets, public comments.
    pub fn is_customer(&self) -> bool {
        self.kind == ActorKind::Customer
    }
}

impl Ctx {
    /// A tick of a job for one tenant.
    pub fn system(tenant: TenantId, what: &str, now: Time) -> Self {
        Self {
            tenant,
            actor: Actor::system(what),
            now,
            recorded: now,
            request: None,
            traceparent: String::new(),
            action: Action { method: what.into(), administers: false },
            call_id: Arc::default(),
        }
    }

    /// The request_id, or nothing.
    pub fn request_id(&self) -> &str {
        self.request.as_ref().map_or("", |key| &key.request_id)
    }

    /// The same call where it goes further than its method's permission lets everybody go.
    #[must_use]
    pub fn administering(&self) -> Self {
        let action = Action { administers: true, ..self.action.clone() };
        Self { action, ..self.clone() }
    }

    /// The same call at another time: a step of imported history.
    #[must_use]
    pub fn at(&self, now: Time) -> Self {
        Self { now, ..self.clone() }
    }
}

/// Tells the time.
#[derive(Clone, Debug, Default)]
pub struct Clock(Option<Arc<Mutex<Time>>>);

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self(None)
    }

    /// A clock that stands until it is moved.
    pub fn manual(start: Time) -> Self {
        Self(Some(Arc::new(Mutex::new(start))))
    }

    #[allow(clippy::disallowed_methods)] // the one place that reads the clock
    pub fn now(&self) -> Time {
        match &self.0 {
            None => Time::new(jiff::Timestamp::now()),
            Some(manual) => *manual.lock().expect("nobody panics while holding the clock"),
        }
    }

    /// The time of a clock that stands; `None`: it is the machine's.
    pub fn standing(&self) -> Option<Time> {
        self.0.as_ref().map(|manual| *manual.lock().expect("nobody panics while holding the clock"))
    }

    /// Moves a manual clock; the machine's clock moves by itself.
    pub fn advance(&self, span: std::time::Duration) {
        if let Some(manual) = &self.0 {
            let mut now = manual.lock().expect("nobody panics while holding the clock");
            *now = now.after(span);
        }
    }
}

/// Makes ids.
#[derive(Clone, Debug, Default)]
pub struct Ids(Option<Arc<AtomicU64>>);

impl Ids {
    /// UUIDv7: random, and in order of time.
    pub fn random() -> Self {
        Self(None)
    }

    /// The same ids in every run.
    pub fn sequential() -> Self {
        Self(Some(Arc::default()))
    }

    #[allow(clippy::disallowed_methods)] // the one place that makes ids
    pub fn next(&self) -> Id {
        match &self.0 {
            None => Id(Uuid::now_v7()),
            Some(count) => Id(Uuid::from_u128(u128::from(count.fetch_add(1, Ordering::Relaxed) + 1))),
        }
    }
}
