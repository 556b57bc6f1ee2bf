//! Organizations and contacts as the service keeps them: field names are the columns of their tables and, but for the
//! keys, those of the API.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sqlx::types::Json;

use crate::{
    configuration,
    ctx::{ActorKind, Ctx},
    error::Violations,
    filter::{Field, Kind, Schema},
    ids::{Id, TenantId},
    time::Time,
};

/// Limits, in characters.
pub const MAX_DISPLAY_NAME: usize = 200;
pub const MAX_EMAIL: usize = 254;
pub const MAX_PHONE: usize = 64;
pub const MAX_LANGUAGE_CODE: usize = 35;

/// What a filter of organizations may name.
pub const ORGANIZATION_FIELDS: Schema = Schema(&[
    Field { name: "display_name", column: "display_name", kind: Kind::Text },
    Field { name: "plan", column: "plan", kind: Kind::Text },
]);

/// What a filter of contacts may name.
pub const CONTACT_FIELDS: Schema = Schema(&[
    Field { name: "organization", column: "organization", kind: Kind::Text },
    Field { name: "email", column: "email", kind: Kind::Text },
    Field { name: "display_name", column: "display_name", kind: Kind::Text },
]);

/// A customer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::FromRow)]
pub struct Organization {
    pub tenant_id: TenantId,
    pub key: String,
    pub version: i64,
    pub display_name: String,
    pub annotations: Json<BTreeMap<String, String>>,
    pub create_time: Time,
    pub update_time: Time,
    /// Key of the support plan that was sold to it; empty: none.
    pub plan: String,
}

/// For whom a ticket is: the organization of this key; if that is empty, the one to which this contact belongs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Customer {
    pub organization: String,
    pub contact: String,
}

/// An organization's key and its plan; each empty where there is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    pub organization: String,
    pub plan: String,
}

/// A person at a customer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::FromRow)]
pub struct Contact {
    pub tenant_id: TenantId,
    pub key: String,
    pub version: i64,
    pub display_name: String,
    /// An organization's key; empty: a person of their own.
    pub organization: String,
    pub email: String,
    pub phone: String,
    pub language_code: String,
    pub annotations: Json<BTreeMap<String, String>>,
    pub create_time: Time,
    pub update_time: Time,
}

/// A person whose data is being erased, or was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erasure {
    pub tenant_id: TenantId,
    pub id: Id,
    /// The contact's key, until it is done.
    pub contact: Option<String>,
    pub author_kind: ActorKind,
    pub author_id: String,
    pub create_time: Time,
    pub complete_time: Option<Time>,
    pub tickets: i64,
    pub comments: i64,
    pub events: i64,
    pub escalations: i64,
    pub deliveries: i64,
    pub receipts: i64,
    /// Files that were deleted. `None`: a release began it that knew of none.
    pub attachments: Option<i64>,
    /// Articles of which unpublished revisions lost their texts. `None`: as above.
    pub articles: Option<i64>,
}

impl Erasure {
    pub fn begun(ctx: &Ctx, id: Id, contact: &str) -> Self {
        Self {
            tenant_id: ctx.tenant.clone(),
            id,
            contact: Some(contact.to_owned()),
            author_kind: ctx.actor.kind,
            author_id: ctx.actor.id.clone(),
            create_time: ctx.now,
            complete_time: None,
            tickets: 0,
            comments: 0,
            events: 0,
            escalations: 0,
            deliveries: 0,
            receipts: 0,
            attachments: Some(0),
            articles: Some(0),
        }
    }

    /// The key that stands where the contact's stood.
    pub fn alias(&self) -> String {
        format!("erased-{}", self.id)
    }
}

impl Organization {
    pub fn name(&self) -> String {
        format!("tenants/{}/organizations/{}", self.tenant_id, self.key)
    }
}

impl Customer {
    pub fn is_nobody(&self) -> bool {
        self.organization.is_empty() && self.contact.is_empty()
    }
}

impl Contact {
    pub fn name(&self) -> String {
        format!("tenants/{}/contacts/{}", self.tenant_id, self.key)
    }
}

/// What people read must not be blank.
pub fn check_display_name(faults: &mut Violations, field: &str, display_name: &str) {
    if display_name.trim().is_empty() {
        faults.add(field, "is required");
    }
}

/// A plan is named as the configuration names things.
pub fn check_plan(faults: &mut Violations, field: &str, plan: &str) {
    if !plan.is_empty() && !configuration::is_key(plan) {
        faults.add(field, "must be 1 to 64 characters without control characters or blanks at either end");
    }
}
