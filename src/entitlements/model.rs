//! What was sold to an organization, version by version, and what follows from it for a piece of support. Field names are the
//! columns of the table `entitlements`.

use serde::{Deserialize, Serialize};

use crate::{
    configuration::{Allowance, AllowancePeriod, Configuration, SupportPlan},
    ctx::ActorKind,
    ids::TenantId,
    tickets::codes,
    time::Time,
};

codes! {
    /// Whether support is covered.
    Outcome {
        Covered = "COVERED",
        CoveredUntil = "COVERED_UNTIL",
        Chargeable = "CHARGEABLE",
        NotEntitled = "NOT_ENTITLED",
        Unknown = "UNKNOWN",
    }
}

codes! {
    /// Why it is not covered, or why nobody knows.
    Why {
        NoOrganization = "NO_ORGANIZATION",
        NoEntitlement = "NO_ENTITLEMENT",
        NotYet = "NOT_YET",
        Expired = "EXPIRED",
        PlanUnknown = "PLAN_UNKNOWN",
        Extended = "EXTENDED",
        Product = "PRODUCT",
        Channel = "CHANNEL",
        Level = "LEVEL",
        OutOfHours = "OUT_OF_HOURS",
        IncidentsUsedUp = "INCIDENTS_USED_UP",
        TimeUsedUp = "TIME_USED_UP",
        Stale = "STALE",
    }
}

codes! {
    /// What the customer said to being charged.
    Answer { Accepted = "ACCEPTED", Declined = "DECLINED", }
}

/// A version of an entitlement. It never changes, but for when it was last confirmed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::FromRow)]
pub struct Entitlement {
    pub tenant_id: TenantId,
    /// The CRM's own, for instance the number of the contract.
    pub key: String,
    pub version: i64,
    pub organization: String,
    pub plan: String,
    /// The window, half-open. `None`: it does not end.
    pub start_time: Time,
    pub end_time: Option<Time>,
    /// Instead of the plan's; empty: as the plan says.
    pub products: Vec<String>,
    pub channels: Vec<String>,
    pub levels: Vec<String>,
    pub sla_policy: String,
    pub calendar: String,
    /// Instead of the plan's, all three. `None`: as the plan says.
    pub allowance_period: Option<AllowancePeriod>,
    pub allowance_incidents: i32,
    pub allowance_seconds: Option<i64>,
    /// From when this version holds; work before is seen as the version before says.
    pub effective_time: Time,
    pub create_time: Time,
    /// When the CRM last said so.
    pub confirm_time: Time,
}

impl Entitlement {
    pub fn name(&self) -> String {
        name(&self.tenant_id, &self.key)
    }

    pub fn etag(&self) -> String {
        format!("\"{}\"", self.version)
    }

    pub fn covers(&self, at: Time) -> bool {
        self.start_time <= at && self.end_time.is_none_or(|end| at < end)
    }
}

pub fn name(tenant: &TenantId, key: &str) -> String {
    format!("tenants/{tenant}/entitlements/{key}")
}

/// What holds of a plan for one organization.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    pub products: &'a [String],
    pub channels: &'a [String],
    pub levels: &'a [String],
    pub sla_policy: &'a str,
    pub calendar: &'a str,
    pub allowance: Allowance,
}

impl<'a> Terms<'a> {
    pub fn of(plan: &'a SupportPlan, entitlement: &'a Entitlement) -> Self {
        let list = |own: &'a [String], plan: &'a [String]| if own.is_empty() { plan } else { own };
        let word = |own: &'a str, plan: &'a str| if own.is_empty() { plan } else { own };
        let own = entitlement.allowance_period.map(|period| Allowance {
            incidents: entitlement.allowance_incidents,
            duration: entitlement
                .allowance_seconds
                .map(|seconds| std::time::Duration::from_secs(seconds.unsigned_abs())),
            period,
        });
        Self {
            products: list(&entitlement.products, &plan.products),
            channels: list(&entitlement.channels, &plan.channels),
            levels: list(&entitlement.levels, &plan.levels),
            sla_policy: word(&entitlement.sla_policy, &plan.sla_policy),
            calendar: word(&entitlement.calendar, &plan.calendar),
            allowance: own.unwrap_or(plan.allowance),
        }
    }

    /// The terms of an entitlement, if its plan is still configured.
    pub fn find(configuration: &'a Configuration, entitlement: &'a Entitlement) -> Option<Self> {
        Some(Self::of(configuration.plan(&entitlement.plan)?, entitlement))
    }
}

/// For what somebody asks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subject {
    pub organization: String,
    pub product: String,
    pub channel: String,
    pub category: String,
    pub level: String,
}

/// What follows, and why. Kept on the ticket as it was when the ticket was recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    pub outcome: Outcome,
    pub why: Option<Why>,
    /// Whether support goes on.
    pub allowed: bool,
    /// Key and version of the entitlement by which it was decided; empty: there is none.
    pub entitlement: String,
    pub version: i64,
    pub plan: String,
    pub sla_policy: String,
    /// By what it is charged, and the price of a unit at that time; empty: it is not.
    pub tariff: String,
    pub rate: String,
    pub price: i64,
    pub currency: String,
    pub increment_seconds: i64,
    pub needs_consent: bool,
    /// Of COVERED_UNTIL.
    pub remaining_incidents: Option<i64>,
    pub remaining_seconds: Option<i64>,
    /// When the allowance is there anew, or the window ends.
    pub until_time: Option<Time>,
    pub check_time: Time,
    /// Of the configuration, and so of the prices.
    pub revision: i64,
    pub consent: Option<Consent>,
}

/// What the customer said to being charged. Who a customer is, the event alone says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consent {
    pub answer: Answer,
    pub time: Time,
    pub author_kind: ActorKind,
    /// An agent's key or a service's name; empty: the customer.
    pub author_id: String,
    pub tariff: String,
    /// Of the configuration with the prices that were told.
    pub revision: i64,
}

impl Decision {
    /// What the customer agreed to.
    pub fn accepts(&self, tariff: &str) -> bool {
        let said = self.consent.as_ref();
        said.is_some_and(|consent| consent.answer == Answer::Accepted && consent.tariff == tariff)
    }
}
