//! Tickets as messages.

use ticketing_proto::v1 as pb;

use super::{View, timestamp};
use crate::{
    ctx::ActorKind,
    tickets::{FieldValue, State, Ticket, Written, actions::Action},
};

/// The wire's value of one of our codes.
pub fn wire<P: Into<i32>>(prefix: &str, code: &str, from: fn(&str) -> Option<P>) -> i32 {
    from(&format!("{prefix}{code}")).map_or(0, Into::into)
}

pub fn actor_kind(kind: ActorKind) -> i32 {
    match kind {
        ActorKind::Customer => pb::ActorKind::Customer,
        ActorKind::Agent => pb::ActorKind::Agent,
        ActorKind::Service => pb::ActorKind::Service,
        ActorKind::System => pb::ActorKind::System,
    }
    .into()
}

pub fn state(state: State) -> i32 {
    wire("TICKET_STATE_", state.name(), pb::TicketState::from_str_name)
}

pub fn action(action: &Action) -> pb::TicketAction {
    pb::TicketAction {
        verb: action.verb.name().to_owned(),
        method: action.method.to_owned(),
        leads_to: action.leads_to.map_or(0, state),
    }
}

/// The ticket as a message. Display names are the reader's to fill in.
pub fn ticket(ticket: &Ticket, view: View) -> pb::Ticket {
    let message = pb::Ticket {
        name: if ticket.is_draft() { String::new() } else { ticket.name() },
        number: ticket.number,
        etag: if ticket.is_draft() { String::new() } else { ticket.etag() },
        state: state(ticket.state),
        kind: wire("TICKET_KIND_", ticket.kind.name(), pb::TicketKind::from_str_name),
        channel: wire("CHANNEL_", ticket.channel.name(), pb::Channel::from_str_name),
        title: ticket.title.clone(),
        requester: named(ticket, "contacts", &ticket.requester),
        organization: named(ticket, "organizations", &ticket.organization),
        category: ticket.category.clone(),
        product: ticket.product.clone(),
        language_code: ticket.language_code.clone(),
        impact: wire("IMPACT_", ticket.impact.name(), pb::Impact::from_str_name),
        urgency: wire("URGENCY_", ticket.urgency.name(), pb::Urgency::from_str_name),
        priority: ticket.priority.clone(),
        tags: ticket.tags.clone(),
        external_key: ticket
            .external_source
            .clone()
            .zip(ticket.external_id.clone())
            .map(|(source, id)| pb::ExternalKey { source, id }),
        follow_up_of: ticket
            .follow_up_of
            .map(|id| format!("tenants/{}/tickets/{id}", ticket.tenant_id))
            .unwrap_or_default(),
        imported: ticket.imported,
        ..standing(ticket)
    };
    match view {
        View::Basic => message,
        View::Full => pb::Ticket {
            description: ticket.description.clone(),
            custom_fields: ticket.custom_fields.iter().map(field_value).collect(),
            annotations: ticket.annotations.0.clone(),
            followers: ticket.followers.iter().map(|key| named(ticket, "agents", key)).collect(),
            ..message
        },
    }
}

/// What the verbs made of it since intake.
fn standing(ticket: &Ticket) -> pb::Ticket {
    pb::Ticket {
        level: ticket.level.clone(),
        queue: ticket.queue.clone(),
        team: ticket.team.clone(),
        assignee: named(ticket, "agents", ticket.assignee.as_deref().unwrap_or_default()),
        pending_escalation: ticket
            .pending_escalation
            .map(|id| format!("{}/escalations/{id}", ticket.name()))
            .unwrap_or_default(),
        vendor_reference: ticket.vendor_reference.clone(),
        hold: (!ticket.hold_reason.is_empty() || ticket.hold_until_time.is_some()).then(|| pb::Hold {
            reason: ticket.hold_reason.clone(),
            until_time: ticket.hold_until_time.map(timestamp),
        }),
        resolution: ticket.resolution.as_ref().map(|resolution| pb::Resolution {
            code: resolution.code.clone(),
            summary: resolution.summary.clone(),
            article: resolution.article.clone(),
            no_article_reason: resolution.no_article_reason.clone(),
        }),
        first_level: ticket.first_level.clone(),
        highest_level: ticket.highest_level.clone(),
        transfer_count: ticket.transfer_count,
        team_count: ticket.teams.len() as i32,
        return_count: ticket.return_count,
        reopen_count: ticket.reopen_count,
        create_time: Some(timestamp(ticket.create_time)),
        update_time: Some(timestamp(ticket.update_time)),
        queue_time: ticket.queue_time.map(timestamp),
        assign_time: ticket.assign_time.map(timestamp),
        resolve_time: ticket.resolve_time.map(timestamp),
        close_time: ticket.close_time.map(timestamp),
        auto_close_time: ticket.auto_close_time.map(timestamp),
        offer: ticket.offered_to.as_ref().map(|agent| pb::Offer {
            agent: named(ticket, "agents", agent),
            expire_time: ticket.offer_expire_time.map(timestamp),
        }),
        former_assignee: named(ticket, "agents", ticket.former_assignee.as_deref().unwrap_or_default()),
        routing_exhausted: ticket.routing_exhausted,
        sla_policies: ticket.sla_policies.clone(),
        sla_revision: ticket.sla_revision,
        routing_rule: ticket.routing_rule.clone(),
        ..pb::Ticket::default()
    }
}

fn named(ticket: &Ticket, collection: &str, key: &str) -> String {
    if key.is_empty() { String::new() } else { format!("tenants/{}/{collection}/{key}", ticket.tenant_id) }
}

fn field_value((key, value): (&String, &FieldValue)) -> (String, pb::FieldValue) {
    let kind = match value {
        FieldValue::Bool(value) => pb::field_value::Kind::BoolValue(*value),
        FieldValue::Int(value) => pb::field_value::Kind::IntValue(*value),
        FieldValue::Time { time } => pb::field_value::Kind::TimeValue(timestamp(*time)),
        FieldValue::String(value) => pb::field_value::Kind::StringValue(value.clone()),
    };
    (key.clone(), pb::FieldValue { kind: Some(kind) })
}

/// Proof of a write: names the version that it made. There is none of a draft.
pub fn revision(ticket: &Ticket) -> String {
    if ticket.is_draft() { String::new() } else { format!("{}.{}", ticket.id, ticket.version) }
}

/// What the answer of every ticket verb begins with.
pub fn written(done: &Written) -> (Option<pb::Ticket>, String, bool) {
    (Some(ticket(&done.ticket, View::Full)), revision(&done.ticket), done.replayed)
}
