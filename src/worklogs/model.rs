//! Work as the service keeps it: field names are the columns of the table `worklogs`.

use serde::{Deserialize, Serialize};

use crate::{
    billing::rate::Work,
    ctx::{ActorKind, Ctx},
    entitlements::Subject,
    error::Error,
    ids::{Id, TenantId},
    tickets::Ticket,
    time::Time,
};

/// Characters.
pub const MAX_ACTIVITY: usize = 64;
/// Seconds of one entry.
pub const MAX_SECONDS: i64 = 24 * 60 * 60;

/// An entry, or the reversal of one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::FromRow)]
pub struct Worklog {
    pub tenant_id: TenantId,
    pub ticket_id: Id,
    pub id: Id,
    pub version: i64,
    /// The ticket to which it counts.
    pub root_ticket_id: Id,
    pub agent: String,
    pub activity: String,
    pub start_time: Time,
    /// Below zero: it takes back what the entry that it reverses has.
    pub seconds: i64,
    pub billable: bool,
    pub note: String,
    /// How the ticket stood when it was entered.
    pub organization: String,
    pub product: String,
    pub channel: String,
    pub category: String,
    pub level: String,
    pub team: String,
    pub configuration_revision: i64,
    pub reverses: Option<Id>,
    pub author_kind: ActorKind,
    pub author_id: String,
    pub create_time: Time,
}

/// What was done, as it is entered. Times are whole seconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    pub agent: String,
    pub activity: String,
    pub start_time: Time,
    pub seconds: i64,
    pub billable: bool,
    pub note: String,
}

/// An entry for people.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Shown {
    /// Whether it was taken back.
    pub reversed: bool,
    /// Whether the agent was at another ticket at the same time.
    pub overlaps: bool,
    #[sqlx(flatten)]
    pub worklog: Worklog,
}

impl Worklog {
    /// An entry on a ticket as it stands. Its version is the event's to say.
    pub fn new(ctx: &Ctx, ticket: &Ticket, draft: &Draft, id: Id, root: Id, revision: i64) -> Self {
        Self {
            tenant_id: ctx.tenant.clone(),
            ticket_id: ticket.id,
            id,
            version: 0,
            root_ticket_id: root,
            agent: draft.agent.clone(),
            activity: draft.activity.clone(),
            start_time: draft.start_time,
            seconds: draft.seconds,
            billable: draft.billable,
            note: draft.note.clone(),
            organization: ticket.organization.clone(),
            product: ticket.product.clone(),
            channel: ticket.channel.name().to_owned(),
            category: ticket.category.clone(),
            level: ticket.level.clone(),
            team: ticket.team.clone(),
            configuration_revision: revision,
            reverses: None,
            author_kind: ctx.actor.kind,
            author_id: ctx.actor.id.clone(),
            create_time: ctx.now,
        }
    }

    /// What takes it back.
    #[must_use]
    pub fn reversal(&self, ctx: &Ctx, id: Id, note: &str) -> Self {
        Self {
            id,
            version: 0,
            seconds: -self.seconds,
            note: note.to_owned(),
            reverses: Some(self.id),
            author_kind: ctx.actor.kind,
            author_id: ctx.actor.id.clone(),
            create_time: ctx.now,
            ..self.clone()
        }
    }

    pub fn name(&self) -> String {
        name(&self.tenant_id, self.ticket_id, self.id)
    }

    /// As it is rated.
    pub fn work(&self) -> Work {
        Work {
            id: self.id,
            ticket: self.root_ticket_id,
            agent: self.agent.clone(),
            subject: Subject {
                organization: self.organization.clone(),
                product: self.product.clone(),
                channel: self.channel.clone(),
                category: self.category.clone(),
                level: self.level.clone(),
            },
            start_time: self.start_time,
            seconds: self.seconds,
            billable: self.billable,
        }
    }
}

pub fn name(tenant: &TenantId, ticket: Id, id: Id) -> String {
    format!("tenants/{tenant}/tickets/{ticket}/worklogs/{id}")
}

pub fn missing(tenant: &TenantId, ticket: Id, id: Id) -> Error {
    Error::not_found("worklog", name(tenant, ticket, id))
}
