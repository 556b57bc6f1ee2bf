//! The comment as the service keeps it: field names are the columns of the table `comments`.

use serde::{Deserialize, Serialize};

use crate::{
    ctx::{Actor, ActorKind},
    error::Error,
    ids::{Id, TenantId},
    tickets::codes,
    time::Time,
};

codes! {
    /// Who may read it.
    Visibility { Public = "PUBLIC", Internal = "INTERNAL", }
}

impl Visibility {
    /// Whether this caller is shown what has it; also of files.
    pub fn is_shown_to(self, actor: &Actor) -> bool {
        !actor.is_customer() || self == Self::Public
    }
}

/// Something said on a ticket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comment {
    pub tenant_id: TenantId,
    pub ticket_id: Id,
    /// The ticket's version by which it was said; its event has the text too.
    pub version: i64,
    pub id: Id,
    pub visibility: Visibility,
    /// Empty once it is redacted.
    pub text: String,
    pub author_kind: ActorKind,
    /// An agent's or contact's key, or a service's name.
    pub author_id: String,
    /// Written by a program without a person behind it; answers nobody.
    pub automatic: bool,
    pub create_time: Time,
    pub redact_time: Option<Time>,
}

impl Comment {
    pub fn name(&self) -> String {
        name(&self.tenant_id, self.ticket_id, self.id)
    }
}

pub fn name(tenant: &TenantId, ticket: Id, id: Id) -> String {
    format!("tenants/{tenant}/tickets/{ticket}/comments/{id}")
}

pub fn missing(tenant: &TenantId, ticket: Id, id: Id) -> Error {
    Error::not_found("comment", name(tenant, ticket, id))
}
