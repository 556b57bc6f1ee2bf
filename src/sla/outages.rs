//! Outages of services as they are kept: field names are the columns and, but for the keys, those of the API.

use serde::Serialize;

use crate::{
    ctx::ActorKind,
    ids::{Id, TenantId},
    time::Time,
};

/// Longest note, characters, and how many tickets an outage names at most.
pub const MAX_NOTE: usize = 4000;
pub const MAX_TICKETS: usize = 50;

/// One version of what is known of an outage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct Outage {
    pub tenant_id: TenantId,
    pub id: Id,
    pub version: i64,
    pub service: String,
    pub start_time: Time,
    /// Nothing: it is still on.
    pub end_time: Option<Time>,
    pub severity_percent: i32,
    pub planned: bool,
    pub withdrawn: bool,
    pub note: String,
    pub tickets: Vec<Id>,
    pub author_kind: ActorKind,
    pub author_id: String,
    pub create_time: Time,
    /// When this version was recorded.
    pub record_time: Time,
}

impl Outage {
    pub fn name(&self) -> String {
        format!("tenants/{}/outages/{}", self.tenant_id, self.id)
    }

    /// Whether two versions say the same, whoever says it and when.
    pub fn says_the_same(&self, other: &Self) -> bool {
        let bookkept = Self {
            version: self.version,
            author_kind: self.author_kind,
            author_id: self.author_id.clone(),
            record_time: self.record_time,
            ..other.clone()
        };
        bookkept == *self
    }
}

/// What of an outage counts in a figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Span {
    pub id: Id,
    pub version: i64,
    pub start_time: Time,
    /// Nothing: it is still on.
    pub end_time: Option<Time>,
    pub severity_percent: i32,
    pub planned: bool,
}
