//! What the document says about what is sold: plans, what work costs, and how both are looked at.

use std::time::Duration;

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::span;
use crate::{calendar::zone, tickets::codes};

/// The length of a unit where a tariff says none.
pub const QUARTER_HOUR: Duration = Duration::from_mins(15);

codes! {
    /// What is counted together before it is rounded.
    Aggregation {
        Unspecified = "UNSPECIFIED",
        Entry = "ENTRY",
        Ticket = "TICKET",
        TicketDay = "TICKET_DAY",
        TicketAgentDay = "TICKET_AGENT_DAY",
    }
}

codes! {
    /// After what time an allowance is there anew.
    AllowancePeriod { Term = "TERM", Month = "MONTH", Quarter = "QUARTER", Year = "YEAR", }
}

codes! {
    /// Whether support goes on while nobody knows what was sold.
    OnStale { FailOpen = "FAIL_OPEN", FailClosed = "FAIL_CLOSED", }
}

codes! {
    /// What becomes of chargeable work without the consent that its tariff asks for.
    WithoutConsent { Refuse = "REFUSE", Mark = "MARK", }
}

macro_rules! defaults {
    ($($name:ident: $default:ident),*) => {
        $(impl Default for $name {
            fn default() -> Self {
                Self::$default
            }
        })*
    };
}
// Of a message that says none; a tariff without an aggregation does not come into force.
defaults!(Aggregation: Unspecified, AllowancePeriod: Term, OnStale: FailOpen, WithoutConsent: Refuse);

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SupportPlan {
    pub key: String,
    pub display_name: String,
    pub products: Vec<String>,
    pub channels: Vec<String>,
    pub levels: Vec<String>,
    pub sla_policy: String,
    pub calendar: String,
    pub allowance: Allowance,
    pub tariff: String,
}

/// How much is covered in each period.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Allowance {
    /// 0: without bound.
    pub incidents: i32,
    #[serde(with = "span::option")]
    pub duration: Option<Duration>,
    pub period: AllowancePeriod,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Tariff {
    pub key: String,
    pub display_name: String,
    pub currency_code: String,
    pub aggregation: Aggregation,
    #[serde(with = "span::option")]
    pub increment_duration: Option<Duration>,
    #[serde(with = "span::option")]
    pub free_duration: Option<Duration>,
    pub minimum_units: i32,
    pub maximum_units: i32,
    pub consent: bool,
    pub rates: Vec<TariffRate>,
}

impl Tariff {
    /// Seconds of a unit.
    pub fn increment(&self) -> i64 {
        self.increment_duration.unwrap_or(QUARTER_HOUR).as_secs().max(1) as i64
    }

    /// Seconds that are free.
    pub fn free(&self) -> i64 {
        self.free_duration.unwrap_or_default().as_secs() as i64
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TariffRate {
    pub key: String,
    pub calendar: String,
    /// In the smallest unit of the currency.
    pub price: i64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EntitlementPolicy {
    pub time_zone: String,
    pub default_tariff: String,
    #[serde(with = "span::option")]
    pub stale_after_duration: Option<Duration>,
    pub on_stale: OnStale,
    pub without_consent: WithoutConsent,
}

impl EntitlementPolicy {
    /// The zone whose days, months and years count.
    pub fn zone(&self) -> TimeZone {
        zone::find(&self.time_zone).unwrap_or(TimeZone::UTC)
    }
}
