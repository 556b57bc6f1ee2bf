//! One row of the event log: one change of one ticket, whole.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::types::Json;

use crate::{
    ctx::{ActorKind, Ctx},
    ids::{Id, TenantId},
    time::Time,
};

/// One change of one ticket. Field names are the columns of the table `events`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    pub tenant_id: TenantId,
    pub ticket_id: Id,
    /// The ticket's version after it: 1, 2, 3 …
    pub version: i64,
    #[serde(rename = "type")]
    pub kind: EventType,
    pub actor_kind: ActorKind,
    pub actor_id: String,
    pub request_id: String,
    pub rule: String,
    pub configuration_revision: i64,
    pub occur_time: Time,
    pub record_time: Time,
    pub traceparent: String,
    /// What changed: field → [before, after].
    pub changes: Json<BTreeMap<String, (Value, Value)>>,
    /// Free text that came with it; stays in the house.
    pub note: String,
    /// A code that came with it; goes out.
    pub reason: String,
    /// What belongs to this type alone, ids and codes only; goes out.
    pub details: Json<BTreeMap<String, Value>>,
    /// How the ticket stood after it.
    pub facts: Json<Facts>,
    /// History of another system, of which nobody is to be told.
    pub imported: bool,
}

/// How a ticket stood after an event: keys and codes by which subscribers filter and count.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    pub number: i64,
    pub state: String,
    pub kind: String,
    pub channel: String,
    pub priority: String,
    pub category: String,
    pub product: String,
    pub level: String,
    pub queue: String,
    pub team: String,
    pub assignee: String,
    pub organization: String,
    pub resolution_code: String,
    #[serde(default)]
    pub restricted: bool,
}

macro_rules! event_types {
    ($($variant:ident = $name:literal,)*) => {
        /// What kind of thing happened; the contract's `EventType` says what each means.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type)]
        #[sqlx(type_name = "text")]
        pub enum EventType {
            $(#[serde(rename = $name)] #[sqlx(rename = $name)] $variant,)*
        }

        impl EventType {
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

event_types! {
    TicketCreated = "ticket.created",
    TicketUpdated = "ticket.updated",
    TicketRouted = "ticket.routed",
    TicketTransferred = "ticket.transferred",
    TicketAssigned = "ticket.assigned",
    TicketOffered = "ticket.offered",
    TicketOfferDeclined = "ticket.offer_declined",
    TicketOfferExpired = "ticket.offer_expired",
    RoutingExhausted = "routing.exhausted",
    TicketReleased = "ticket.released",
    TicketHeld = "ticket.held",
    TicketResumed = "ticket.resumed",
    TicketResolved = "ticket.resolved",
    TicketClosed = "ticket.closed",
    TicketReopened = "ticket.reopened",
    TicketCancelled = "ticket.cancelled",
    TicketTagged = "ticket.tagged",
    TicketFollowed = "ticket.followed",
    TicketCommented = "ticket.commented",
    TicketCommentRedacted = "ticket.comment_redacted",
    TicketEscalated = "ticket.escalated",
    TicketEscalationAccepted = "ticket.escalation_accepted",
    TicketEscalationDeclined = "ticket.escalation_declined",
    TicketEscalationWithdrawn = "ticket.escalation_withdrawn",
    TicketEscalationExpired = "ticket.escalation_expired",
    TicketHandedBack = "ticket.handed_back",
    TicketEscalatedToManager = "ticket.escalated_to_manager",
    SlaWarned = "sla.warned",
    SlaBreached = "sla.breached",
    SlaMigrated = "sla.migrated",
    LadderClimbed = "ladder.climbed",
    TicketNoted = "ticket.noted",
    TicketAttachmentAdded = "ticket.attachment_added",
    TicketAttachmentDeleted = "ticket.attachment_deleted",
    TicketMerged = "ticket.merged",
    TicketUnmerged = "ticket.unmerged",
    TicketLinked = "ticket.linked",
    TicketUnlinked = "ticket.unlinked",
    TicketResolutionOffered = "ticket.resolution_offered",
    FeedbackRequested = "feedback.requested",
    FeedbackGiven = "feedback.given",
    TicketWorkLogged = "ticket.work_logged",
    TicketWorkReversed = "ticket.work_reversed",
    TicketConsentRecorded = "ticket.consent_recorded",
    BillableRated = "billable.rated",
    BillableCredited = "billable.credited",
    TicketArticleLinked = "ticket.article_linked",
}

impl Event {
    /// Who, when and why, as the call says; what changed comes from the ticket.
    pub fn new(ctx: &Ctx, kind: EventType, ticket_id: Id, version: i64) -> Self {
        Self {
            tenant_id: ctx.tenant.clone(),
            ticket_id,
            version,
            kind,
            actor_kind: ctx.actor.kind,
            actor_id: ctx.actor.id.clone(),
            request_id: ctx.request_id().to_owned(),
            rule: String::new(),
            configuration_revision: 0,
            occur_time: ctx.now,
            record_time: ctx.recorded,
            traceparent: ctx.traceparent.clone(),
            changes: Json::default(),
            note: String::new(),
            reason: String::new(),
            details: Json::default(),
            facts: Json::default(),
            imported: false,
        }
    }

    /// The id on the wire: the same change has the same id, whoever tells it and however often.
    pub fn id(&self) -> String {
        format!("{}-{}", self.ticket_id, self.version)
    }
}

#[cfg(test)]
mod tests {
    use prost_reflect::{DescriptorPool, EnumValueDescriptor};

    use super::*;

    #[test]
    fn the_contract_lists_every_type_and_no_other() {
        let pool = DescriptorPool::decode(ticketing_proto::DESCRIPTOR).expect("the contract reads");
        let option = pool.get_extension_by_name("ticketing.v1.type_name").expect("in the contract");
        let types = pool.get_enum_by_name("ticketing.v1.EventType").expect("in the contract");
        let named = |value: EnumValueDescriptor| {
            value.options().get_extension(&option).as_str().expect("a text").to_owned()
        };
        let listed: Vec<String> = types.values().skip(1).map(named).collect();
        let all: Vec<&str> = EventType::ALL.iter().map(|kind| kind.name()).collect();
        assert_eq!(listed, all);
    }
}
