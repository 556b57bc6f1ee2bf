//! The attachment as the service keeps it: field names are the columns of the table `attachments`.

use std::time::Duration;

use crate::{
    comments::Visibility,
    ctx::ActorKind,
    error::{Error, Reason, Refusal},
    ids::{Id, TenantId},
    tickets::codes,
    time::Time,
};

/// Characters of a file's name, and of the kind of file that it is.
pub const MAX_FILE_NAME: usize = 255;
pub const MAX_MEDIA_TYPE: usize = 127;
/// Bytes of a SHA-256.
pub const DIGEST: usize = 32;
/// Files that a ticket may have; deleted ones do not count.
pub const MAX_PER_TICKET: i64 = 200;
/// How long after its announcement a file can be completed.
pub const PENDING: Duration = Duration::from_hours(24);
/// How long a request that began while its URL was good may take.
pub const LONGEST_UPLOAD: Duration = Duration::from_hours(1);

codes! {
    /// How far it is.
    State { Pending = "PENDING", Available = "AVAILABLE", Deleted = "DELETED", }
}

/// A file on a ticket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    pub tenant_id: TenantId,
    pub ticket_id: Id,
    pub id: Id,
    pub version: i64,
    pub state: State,
    pub visibility: Visibility,
    /// Empty once it is deleted, as are `media_type` and `sha256`.
    pub file_name: String,
    pub media_type: String,
    pub byte_count: i64,
    pub sha256: Vec<u8>,
    /// The comment that it belongs to.
    pub comment_id: Option<Id>,
    pub author_kind: ActorKind,
    /// An agent's or contact's key, or a service's name.
    pub author_id: String,
    pub create_time: Time,
    /// Until when it can be completed.
    pub expire_time: Time,
    pub complete_time: Option<Time>,
    pub delete_time: Option<Time>,
}

impl Attachment {
    pub fn name(&self) -> String {
        name(&self.tenant_id, self.ticket_id, self.id)
    }

    pub fn etag(&self) -> String {
        format!("\"{}\"", self.version)
    }

    /// Refuses a caller who saw another version.
    pub fn require(&self, version: Option<i64>) -> Result<(), Error> {
        match version {
            Some(seen) if seen != self.version => Err(Error::Stale { kind: "attachment", name: self.name() }),
            _ => Ok(()),
        }
    }

    /// Refuses unless it is in this state.
    pub fn require_state(&self, state: State, reason: Reason) -> Result<(), Refusal> {
        if self.state == state {
            return Ok(());
        }
        let text = format!("the attachment is {}", self.state.name());
        Err(Refusal::new(reason, text).with("state", self.state.name()))
    }

    /// From when on no request can put its bytes into their place any more.
    pub fn last_upload(&self) -> Time {
        self.expire_time.after(LONGEST_UPLOAD)
    }
}

pub fn name(tenant: &TenantId, ticket: Id, id: Id) -> String {
    format!("tenants/{tenant}/tickets/{ticket}/attachments/{id}")
}

pub fn missing(tenant: &TenantId, ticket: Id, id: Id) -> Error {
    Error::not_found("attachment", name(tenant, ticket, id))
}

/// It was announced, and never completed.
pub fn expired() -> Refusal {
    let text = "the attachment was not completed in time; add it again under another request_id";
    Refusal::new(Reason::AttachmentExpired, text)
}

/// There is nowhere to put files.
pub fn off() -> Refusal {
    let text = "this server keeps no files; whoever runs it turns that on by the setting attachments_url";
    Refusal::new(Reason::AttachmentsOff, text)
}
