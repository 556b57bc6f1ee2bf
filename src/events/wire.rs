//! Notices as messages, and what readers ask for.

use std::time::Duration;

use serde_json::Value;
use ticketing_proto::v1 as pb;

use super::{Event, Filter, cursor::Start, filter::Pattern, project::Notice, watch::Goodbye};
use crate::{
    attachments, billing, entitlements,
    error::Violations,
    escalation, feedback,
    ids::{Id, TenantId},
    knowledge, sla,
    tickets::wire::{actor_kind, text, ticket_name, tie, time, timestamp, wire},
    worklogs,
};

/// The version of the shape below.
const SCHEMA_VERSION: i32 = 1;
/// Types, queues or teams in one filter at most.
const MAX_TERMS: usize = 100;

/// What the filter of a request wants.
pub fn filter(faults: &mut Violations, tenant: &TenantId, filter: Option<&pb::EventFilter>) -> Filter {
    let Some(filter) = filter else { return Filter::default() };
    let mut keys = |field: &str, keys: &[String]| {
        let field = format!("filter.{field}");
        if keys.len() > MAX_TERMS {
            faults.add(&field, format!("must be at most {MAX_TERMS}"));
        }
        keys.iter().enumerate().map(|(n, key)| text(faults, &format!("{field}[{n}]"), key, 64)).collect()
    };
    let (queues, teams) = (keys("queues", &filter.queues), keys("teams", &filter.teams));
    if filter.types.len() > MAX_TERMS {
        faults.add("filter.types", format!("must be at most {MAX_TERMS}"));
    }
    let mut types = Vec::new();
    for (n, kind) in filter.types.iter().enumerate() {
        match Pattern::parse(kind) {
            Some(pattern) => types.push(pattern),
            None => {
                faults.add(format!("filter.types[{n}]"), "names no event type; docs/events.md lists them");
            }
        }
    }
    let ticket = match ticket_name("filter.ticket", &filter.ticket) {
        _ if filter.ticket.is_empty() => None,
        Ok((found, id)) if found == *tenant => Some(id),
        _ => {
            faults.add("filter.ticket", "must be tenants/{tenant}/tickets/{ticket} of the same tenant");
            None
        }
    };
    Filter { types, ticket, queues, teams, ..Filter::default() }
}

/// Where to begin: what the request says, or `default`.
pub fn start(
    faults: &mut Violations,
    cursor: Option<&String>,
    since: Option<&prost_types::Timestamp>,
    default: Start,
) -> Start {
    match cursor {
        Some(cursor) => Start::Cursor(cursor.clone()),
        None => time(faults, "start_time", since).map_or(default, Start::Time),
    }
}

/// How long to wait.
pub fn wait(faults: &mut Violations, duration: Option<&prost_types::Duration>, most: Duration) -> Duration {
    let Some(duration) = duration else { return Duration::ZERO };
    match Duration::try_from(*duration) {
        Ok(wait) if wait <= most => wait,
        _ => {
            faults.add("wait_duration", format!("must be 0 to {} seconds", most.as_secs()));
            Duration::ZERO
        }
    }
}

pub fn goodbye(reason: Goodbye) -> pb::Goodbye {
    // Long enough for a server that goes down to be out of the way, short enough to miss nothing.
    let (reason, wait) = match reason {
        Goodbye::Drain => (pb::GoodbyeReason::Drain, Duration::from_secs(1)),
        Goodbye::MaxAge => (pb::GoodbyeReason::MaxAge, Duration::ZERO),
    };
    pb::Goodbye {
        reason: reason.into(),
        reconnect_after_duration: prost_types::Duration::try_from(wait).ok(),
    }
}

/// The event as it is told.
pub fn event(notice: &Notice, cursor: String) -> pb::Event {
    let event: &Event = notice;
    let resource = format!("tenants/{}/tickets/{}", event.tenant_id, event.ticket_id);
    pb::Event {
        id: event.id(),
        cursor,
        r#type: event.kind.name().to_owned(),
        schema_version: SCHEMA_VERSION,
        ticket_version: event.version,
        actor: Some(pb::Actor { kind: actor_kind(event.actor_kind), id: event.actor_id.clone() }),
        cause: Some(pb::Cause {
            request_id: event.request_id.clone(),
            rule: event.rule.clone(),
            configuration_revision: event.configuration_revision,
        }),
        occur_time: Some(timestamp(event.occur_time)),
        record_time: Some(timestamp(event.record_time)),
        traceparent: event.traceparent.clone(),
        changes: changes(event, &resource),
        facts: Some(facts(event)),
        reason: event.reason.clone(),
        imported: event.imported,
        clock: sla::wire::clocks::notice(event),
        audience: escalation::wire::audience(event),
        attachment: attachments::wire::of_event(event),
        tie: tie(event),
        article: knowledge::wire::of_event(event),
        consent: entitlements::wire::of_event(event),
        work: worklogs::wire::of_event(event),
        billables: billing::wire::of_event(event),
        credit: billing::wire::credit_of_event(event),
        feedback: feedback::wire::of_event(event),
        resource,
    }
}

fn facts(event: &Event) -> pb::TicketFacts {
    let (tenant, facts) = (&event.tenant_id, &event.facts);
    pb::TicketFacts {
        number: facts.number,
        state: wire("TICKET_STATE_", &facts.state, pb::TicketState::from_str_name),
        kind: wire("TICKET_KIND_", &facts.kind, pb::TicketKind::from_str_name),
        channel: wire("CHANNEL_", &facts.channel, pb::Channel::from_str_name),
        priority: facts.priority.clone(),
        category: facts.category.clone(),
        product: facts.product.clone(),
        level: facts.level.clone(),
        queue: facts.queue.clone(),
        team: facts.team.clone(),
        assignee: named(tenant, "agents", &facts.assignee),
        organization: named(tenant, "organizations", &facts.organization),
        resolution_code: facts.resolution_code.clone(),
        restricted: facts.restricted,
    }
}

fn changes(event: &Event, resource: &str) -> Vec<pb::FieldChange> {
    let json = |field: &str, value: &Value| match shown(event, resource, field, value) {
        Value::Null => String::new(),
        value => value.to_string(),
    };
    let shown = event.changes.iter().map(|(field, (before, after))| pb::FieldChange {
        before_json: json(field, before),
        after_json: json(field, after),
        field: match field.as_str() {
            "hold_until_time" => "hold.until_time".to_owned(),
            "offered_to" => "offer.agent".to_owned(),
            "offer_expire_time" => "offer.expire_time".to_owned(),
            _ => field.clone(),
        },
    });
    shown.collect()
}

/// Keys as the names that `Ticket` shows.
fn shown(event: &Event, resource: &str, field: &str, value: &Value) -> Value {
    let name = |collection: &str| value.as_str().map(|key| named(&event.tenant_id, collection, key));
    match (field, value) {
        ("assignee" | "former_assignee" | "offered_to", Value::String(_)) => name("agents").into(),
        ("organization", Value::String(_)) => name("organizations").into(),
        ("follow_up_of" | "merged_into", Value::String(id)) => {
            named(&event.tenant_id, "tickets", &spelt(id)).into()
        }
        ("pending_escalation", Value::String(id)) => format!("{resource}/escalations/{}", spelt(id)).into(),
        ("followers", Value::Array(keys)) => keys
            .iter()
            .map(|key| named(&event.tenant_id, "agents", key.as_str().unwrap_or_default()))
            .collect(),
        _ => value.clone(),
    }
}

/// An id as names spell it; kept it is as the database has it.
fn spelt(id: &str) -> String {
    id.parse().map_or_else(|_| id.to_owned(), |id| Id(id).to_string())
}

fn named(tenant: &TenantId, collection: &str, key: &str) -> String {
    if key.is_empty() { String::new() } else { format!("tenants/{tenant}/{collection}/{key}") }
}

#[cfg(test)]
mod corpus;
#[cfg(test)]
mod examples;
