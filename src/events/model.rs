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
}

macro_rules! event_types {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// What kind of thing happened. `docs/events.md` is checked against this list.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type)]
        #[sqlx(type_name = "text")]
        pub enum EventType {
            $($(#[$doc])* #[serde(rename = $name)] #[sqlx(rename = $name)] $variant,)*
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
    /// A ticket was recorded, and stands in its queue.
    TicketCreated = "ticket.created",
    /// What was recorded at intake changed.
    TicketUpdated = "ticket.updated",
    /// The routing rules put the ticket into another queue.
    TicketRouted = "ticket.routed",
    /// The ticket went to another team or queue of the same level.
    TicketTransferred = "ticket.transferred",
    /// An agent has the ticket now.
    TicketAssigned = "ticket.assigned",
    /// An agent is asked to take the ticket.
    TicketOffered = "ticket.offered",
    /// The agent who was asked does not take it.
    TicketOfferDeclined = "ticket.offer_declined",
    /// The agent who was asked did not answer in time.
    TicketOfferExpired = "ticket.offer_expired",
    /// Nobody who could take the ticket is on shift and available, and there is no queue to which it overflows.
    RoutingExhausted = "routing.exhausted",
    /// The ticket is back in its queue.
    TicketReleased = "ticket.released",
    /// The ticket waits: for the customer, a vendor or a time.
    TicketHeld = "ticket.held",
    /// The ticket is being worked on again.
    TicketResumed = "ticket.resumed",
    /// The ticket is solved.
    TicketResolved = "ticket.resolved",
    /// The ticket is finished for good.
    TicketClosed = "ticket.closed",
    /// The ticket is open again.
    TicketReopened = "ticket.reopened",
    /// The ticket ended without a solution.
    TicketCancelled = "ticket.cancelled",
    /// Labels were added or removed.
    TicketTagged = "ticket.tagged",
    /// Followers were added or removed.
    TicketFollowed = "ticket.followed",
    /// Somebody said something.
    TicketCommented = "ticket.commented",
    /// A comment's text was removed for good.
    TicketCommentRedacted = "ticket.comment_redacted",
    /// Another level, team or vendor was asked to take over or to advise.
    TicketEscalated = "ticket.escalated",
    /// The escalation was accepted.
    TicketEscalationAccepted = "ticket.escalation_accepted",
    /// The escalation was declined, and the ticket is back.
    TicketEscalationDeclined = "ticket.escalation_declined",
    /// Whoever asked took the escalation back.
    TicketEscalationWithdrawn = "ticket.escalation_withdrawn",
    /// Nobody answered the escalation in time, and the ticket is back.
    TicketEscalationExpired = "ticket.escalation_expired",
    /// The ticket, or the advice, went back to where it came from.
    TicketHandedBack = "ticket.handed_back",
    /// A manager was told of the ticket; its owner stays.
    TicketEscalatedToManager = "ticket.escalated_to_manager",
    /// A clock has used so much of its target that somebody should look.
    SlaWarned = "sla.warned",
    /// A clock was due, and what it waits for has not happened.
    SlaBreached = "sla.breached",
    /// The ticket's clocks run by a newer revision of the configuration.
    SlaMigrated = "sla.migrated",
    /// A step of a clock's ladder was taken: somebody is told, or the ticket became more pressing.
    LadderClimbed = "ladder.climbed",
    /// A step of imported history that changed nothing that is kept.
    TicketNoted = "ticket.noted",
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
    use super::*;

    #[test]
    fn the_document_lists_every_type_and_no_other() {
        let document = include_str!("../../docs/events.md");
        let row = |line: &str| line.strip_prefix("| `")?.split('`').next().map(str::to_owned);
        let listed: Vec<String> = document.lines().filter_map(row).collect();
        let all: Vec<&str> = EventType::ALL.iter().map(|kind| kind.name()).collect();
        assert_eq!(listed, all);
    }
}
