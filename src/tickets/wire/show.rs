//! Tickets as messages.

use ticketing_proto::v1 as pb;

use super::{View, timestamp};
use crate::{
    ctx::ActorKind,
    entitlements,
    ids::Id,
    knowledge,
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

/// The contract counts states, kinds, channels, impacts and urgencies from one in the order in which we do; the test below
/// holds them to it. Lists show five of them for every ticket.
pub fn state(state: State) -> i32 {
    1 + state as i32
}

pub fn action(action: &Action) -> pb::TicketAction {
    pb::TicketAction {
        verb: action.verb.name().to_owned(),
        method: action.method.to_owned(),
        leads_to: action.leads_to.map_or(0, state),
    }
}

/// The ticket as a message. Display names are the reader's to fill in.
pub fn ticket(ticket: Ticket, view: View) -> pb::Ticket {
    let (name, etag) = if ticket.is_draft() { Default::default() } else { (ticket.name(), ticket.etag()) };
    let message = pb::Ticket {
        name,
        number: ticket.number,
        etag,
        state: state(ticket.state),
        kind: 1 + ticket.kind as i32,
        channel: 1 + ticket.channel as i32,
        requester: named(&ticket, "contacts", &ticket.requester),
        organization: named(&ticket, "organizations", &ticket.organization),
        impact: 1 + ticket.impact as i32,
        urgency: 1 + ticket.urgency as i32,
        imported: ticket.imported,
        restricted: ticket.restricted,
        followers: match view {
            View::Basic => Vec::new(),
            View::Full => ticket.followers.iter().map(|key| named(&ticket, "agents", key)).collect(),
        },
        ..standing(&ticket)
    };
    // What is shown as it is kept moves over.
    let message = pb::Ticket {
        title: ticket.title,
        category: ticket.category,
        product: ticket.product,
        language_code: ticket.language_code,
        priority: ticket.priority,
        tags: ticket.tags,
        external_key: ticket
            .external_source
            .zip(ticket.external_id)
            .map(|(source, id)| pb::ExternalKey { source, id }),
        level: ticket.level,
        queue: ticket.queue,
        team: ticket.team,
        vendor_reference: ticket.vendor_reference,
        first_level: ticket.first_level,
        highest_level: ticket.highest_level,
        routing_rule: ticket.routing_rule,
        sla_policies: ticket.sla_policies,
        plan: ticket.plan,
        ..message
    };
    match view {
        View::Basic => message,
        View::Full => pb::Ticket {
            description: ticket.description,
            custom_fields: ticket.custom_fields.0.into_iter().map(field_value).collect(),
            annotations: ticket.annotations.0,
            ..message
        },
    }
}

/// What the verbs made of it since intake.
fn standing(ticket: &Ticket) -> pb::Ticket {
    let other = |id: Option<Id>| {
        id.map(|id| format!("tenants/{}/tickets/{id}", ticket.tenant_id)).unwrap_or_default()
    };
    pb::Ticket {
        follow_up_of: other(ticket.follow_up_of),
        merged_into: other(ticket.merged_into),
        entitlement: ticket
            .entitlement
            .as_ref()
            .map(|it| Box::new(entitlements::wire::decision(&ticket.tenant_id, it))),
        assignee: named(ticket, "agents", ticket.assignee.as_deref().unwrap_or_default()),
        pending_escalation: ticket
            .pending_escalation
            .map(|id| format!("{}/escalations/{id}", ticket.name()))
            .unwrap_or_default(),
        hold: (!ticket.hold_reason.is_empty() || ticket.hold_until_time.is_some()).then(|| pb::Hold {
            reason: ticket.hold_reason.clone(),
            until_time: ticket.hold_until_time.map(timestamp),
        }),
        resolution: ticket.resolution.as_ref().map(|resolution| pb::Resolution {
            code: resolution.code.clone(),
            summary: resolution.summary.clone(),
            article: knowledge::wire::shown(&ticket.tenant_id, &resolution.article),
            no_article_reason: resolution.no_article_reason.clone(),
        }),
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
        sla_revision: ticket.sla_revision,
        ..pb::Ticket::default()
    }
}

fn named(ticket: &Ticket, collection: &str, key: &str) -> String {
    let tenant = ticket.tenant_id.as_str();
    if key.is_empty() { String::new() } else { ["tenants/", tenant, "/", collection, "/", key].concat() }
}

fn field_value((key, value): (String, FieldValue)) -> (String, pb::FieldValue) {
    let kind = match value {
        FieldValue::Bool(value) => pb::field_value::Kind::BoolValue(value),
        FieldValue::Int(value) => pb::field_value::Kind::IntValue(value),
        FieldValue::Time { time } => pb::field_value::Kind::TimeValue(timestamp(time)),
        FieldValue::String(value) => pb::field_value::Kind::StringValue(value),
    };
    (key, pb::FieldValue { kind: Some(kind) })
}

/// Proof of a write: names the version that it made. There is none of a draft.
pub fn revision(ticket: &Ticket) -> String {
    if ticket.is_draft() { String::new() } else { format!("{}.{}", ticket.id, ticket.version) }
}

/// What the answer of every ticket verb begins with.
pub fn written(done: Written) -> (Option<pb::Ticket>, String, bool) {
    let revision = revision(&done.ticket);
    (Some(ticket(done.ticket, View::Full)), revision, done.replayed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tickets::{Channel, Impact, Kind, Urgency};

    #[test]
    fn the_contract_counts_as_we_do() {
        fn names<C: Copy, P: TryFrom<i32>>(
            all: &[C],
            number: fn(C) -> i32,
            name: fn(&P) -> &'static str,
        ) -> Vec<&'static str> {
            all.iter().map(|code| P::try_from(1 + number(*code)).map_or("none", |code| name(&code))).collect()
        }
        let prefixed = |prefix: &str, codes: &[&str]| -> Vec<String> {
            codes.iter().map(|code| format!("{prefix}{code}")).collect()
        };
        let states = names(State::ALL, |code| code as i32, pb::TicketState::as_str_name);
        assert_eq!(states, prefixed("TICKET_STATE_", State::NAMES));
        let kinds = names(Kind::ALL, |code| code as i32, pb::TicketKind::as_str_name);
        assert_eq!(kinds, prefixed("TICKET_KIND_", Kind::NAMES));
        let channels = names(Channel::ALL, |code| code as i32, pb::Channel::as_str_name);
        assert_eq!(channels, prefixed("CHANNEL_", Channel::NAMES));
        let impacts = names(Impact::ALL, |code| code as i32, pb::Impact::as_str_name);
        assert_eq!(impacts, prefixed("IMPACT_", Impact::NAMES));
        let urgencies = names(Urgency::ALL, |code| code as i32, pb::Urgency::as_str_name);
        assert_eq!(urgencies, prefixed("URGENCY_", Urgency::NAMES));
    }
}
