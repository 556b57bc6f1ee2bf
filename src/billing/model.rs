//! The books as the service keeps them: field names are the columns of their tables.

use super::rate::Key;
use crate::{
    ctx::ActorKind,
    ids::{Id, TenantId},
    tickets::codes,
    time::Time,
};

codes! {
    /// Whether a consent was needed, and was there.
    Consented { NotNeeded = "NOT_NEEDED", Given = "GIVEN", Missing = "MISSING", }
}

/// What was told of a line of the bill: a signed difference. It never changes.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, sqlx::FromRow)]
pub struct Billable {
    pub tenant_id: TenantId,
    /// 1, 2, 3 … of the tenant, in the order of the commits.
    pub position: i64,
    pub ticket_id: Id,
    /// Of the ticket's event that tells of it.
    pub version: i64,
    pub organization: String,
    pub tariff: String,
    pub grouping_key: String,
    pub rate: String,
    pub sequence: i64,
    pub units: i64,
    pub amount: i64,
    pub price: i64,
    pub currency: String,
    pub consent: Consented,
    pub work_time: Time,
    pub post_time: Time,
    pub record_time: Time,
    pub configuration_revision: i64,
}

impl Billable {
    pub fn name(&self) -> String {
        name(&self.tenant_id, self.position)
    }

    pub fn key(&self) -> Key {
        Key {
            organization: self.organization.clone(),
            tariff: self.tariff.clone(),
            group: self.grouping_key.clone(),
            rate: self.rate.clone(),
        }
    }
}

pub fn name(tenant: &TenantId, position: i64) -> String {
    format!("tenants/{tenant}/billables/{position}")
}

/// A period that was handed over.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Lock {
    pub tenant_id: TenantId,
    pub end_time: Time,
    /// `None`: the first.
    pub start_time: Option<Time>,
    /// What was posted in it stands at this place or before.
    pub position: i64,
    pub author_kind: ActorKind,
    pub author_id: String,
    pub create_time: Time,
}

/// What is given back of what was billed.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct CreditNote {
    pub tenant_id: TenantId,
    pub id: Id,
    /// The billable.
    pub position: i64,
    pub ticket_id: Id,
    pub version: i64,
    pub organization: String,
    pub amount: i64,
    pub currency: String,
    pub reason: String,
    pub author_kind: ActorKind,
    pub author_id: String,
    pub create_time: Time,
}

impl CreditNote {
    pub fn name(&self) -> String {
        format!("tenants/{}/creditNotes/{}", self.tenant_id, self.id)
    }
}

/// Where the books stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Account {
    pub last_position: i64,
    /// What is posted before is billed.
    pub locked_until: Option<Time>,
}

impl Account {
    /// To which time a thing is posted: that of the work, or the first that is not billed.
    pub fn post_time(&self, work_time: Time) -> Time {
        self.locked_until.map_or(work_time, |locked| work_time.max(locked))
    }
}
