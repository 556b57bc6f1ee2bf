//! What happened to a ticket, as messages: fields and values as the ticket's message has them.

use serde_json::Value;
use ticketing_proto::v1 as pb;

use super::{actor_kind, timestamp};
use crate::{
    attachments, billing, entitlements, escalation,
    events::Event,
    feedback,
    ids::{Id, TenantId},
    knowledge, sla,
    tickets::FieldValue,
    worklogs,
};

/// One thing that happened.
pub fn entry(event: &Event) -> pb::TimelineEntry {
    let changes = event.changes.iter().filter_map(|(field, (before, after))| {
        let field = Shown::of(event, field)?;
        let (before_json, after_json) = (field.json(before), field.json(after));
        let field = field.name.to_owned();
        (before_json != after_json).then_some(pb::FieldChange { field, before_json, after_json })
    });
    pb::TimelineEntry {
        id: event.id(),
        r#type: event.kind.name().to_owned(),
        ticket_version: event.version,
        actor: Some(pb::Actor { kind: actor_kind(event.actor_kind), id: event.actor_id.clone() }),
        occur_time: Some(timestamp(event.occur_time)),
        record_time: Some(timestamp(event.record_time)),
        changes: changes.collect(),
        note: event.note.clone(),
        reason: event.reason.clone(),
        clock: sla::wire::clocks::notice(event),
        audience: escalation::wire::audience(event),
        attachment: attachments::wire::of_event(event),
        ticket: ticket_name(event),
        tie: super::tie(event),
        article: knowledge::wire::of_event(event),
        consent: entitlements::wire::of_event(event),
        work: worklogs::wire::of_event(event),
        billables: billing::wire::of_event(event),
        credit: billing::wire::credit_of_event(event),
        feedback: feedback::wire::of_event(event),
    }
}

/// How a column is shown.
struct Shown<'a> {
    event: &'a Event,
    name: &'a str,
    value: fn(&Event, &Value) -> Value,
}

impl<'a> Shown<'a> {
    /// `None`: it is no field of the ticket's message.
    fn of(event: &'a Event, column: &'a str) -> Option<Self> {
        let plain: fn(&Event, &Value) -> Value = |_, value| value.clone();
        let (name, value): (&str, fn(&Event, &Value) -> Value) = match column {
            "priority_rank" | "escalated" | "entitlement" => return None,
            "hold_reason" => ("hold.reason", plain),
            "hold_until_time" => ("hold.until_time", plain),
            "external_source" => ("external_key.source", plain),
            "external_id" => ("external_key.id", plain),
            "teams" => ("team_count", |_, value| value.as_array().map(Vec::len).into()),
            "requester" => (column, |event, value| named(&event.tenant_id, "contacts", value)),
            "organization" => (column, |event, value| named(&event.tenant_id, "organizations", value)),
            "assignee" | "followers" => (column, |event, value| named(&event.tenant_id, "agents", value)),
            "custom_fields" => (column, |_, value| custom_fields(value)),
            "resolution" => (column, |event, value| resolution(&event.tenant_id, value)),
            "follow_up_of" | "merged_into" => (column, |event, value| ticket(event, id(value), "")),
            "pending_escalation" => (column, |event, value| {
                let under = id(value).map(|id| format!("/escalations/{id}"));
                under.map_or(Value::Null, |under| ticket(event, Some(event.ticket_id), &under))
            }),
            _ => (column, plain),
        };
        Some(Self { event, name, value })
    }

    /// The value as JSON; empty when there is none.
    fn json(&self, value: &Value) -> String {
        let value = (self.value)(self.event, value);
        let none = match &value {
            Value::Null => true,
            Value::String(text) => text.is_empty(),
            Value::Array(items) => items.is_empty(),
            Value::Object(items) => items.is_empty(),
            Value::Bool(_) | Value::Number(_) => false,
        };
        if none { String::new() } else { value.to_string() }
    }
}

/// How it was solved, with the article by name.
fn resolution(tenant: &TenantId, value: &Value) -> Value {
    let mut value = value.clone();
    if let Some(Value::String(article)) = value.get_mut("article") {
        *article = knowledge::wire::shown(tenant, article);
    }
    value
}

/// The values by key, an instant as text.
fn custom_fields(values: &Value) -> Value {
    let plain = |value: &Value| {
        serde_json::from_value::<FieldValue>(value.clone()).map_or_else(|_| value.clone(), |it| it.plain())
    };
    match values {
        Value::Object(values) => values.iter().map(|(key, value)| (key.clone(), plain(value))).collect(),
        other => other.clone(),
    }
}

/// A key, or each of several, as a name.
fn named(tenant: &TenantId, collection: &str, value: &Value) -> Value {
    match value {
        Value::String(key) if !key.is_empty() => format!("tenants/{tenant}/{collection}/{key}").into(),
        Value::Array(keys) => keys.iter().map(|key| named(tenant, collection, key)).collect(),
        other => other.clone(),
    }
}

fn id(value: &Value) -> Option<Id> {
    serde_json::from_value(value.clone()).ok()
}

fn ticket_name(event: &Event) -> String {
    format!("tenants/{}/tickets/{}", event.tenant_id, event.ticket_id)
}

fn ticket(event: &Event, id: Option<Id>, under: &str) -> Value {
    id.map_or(Value::Null, |id| format!("tenants/{}/tickets/{id}{under}", event.tenant_id).into())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{ctx::Ctx, events::EventType};

    #[test]
    fn changes_are_shown_as_the_ticket_is() {
        let tenant = TenantId::parse("acme").expect("a tenant");
        let ctx = Ctx::system(tenant, "test", "2026-01-01T00:00:00Z".parse().expect("a time"));
        let nil = Id(uuid::Uuid::nil());
        let mut event = Event::new(&ctx, EventType::TicketUpdated, nil, 2);
        for (column, before, after) in [
            ("assignee", json!(null), json!("ilona")),
            ("custom_fields", json!({}), json!({"since": {"time": "2026-01-01T00:00:00Z"}, "floor": 3})),
            ("description", json!(null), json!("")),
            ("followers", json!([]), json!(["a", "b"])),
            ("hold_reason", json!("parts"), json!("")),
            ("pending_escalation", json!(null), json!(uuid::Uuid::nil())),
            ("priority_rank", json!(1), json!(2)),
            ("state", json!("NEW"), json!("OPEN")),
            ("teams", json!([]), json!(["t1"])),
        ] {
            event.changes.insert(column.into(), (before, after));
        }
        let shown = entry(&event).changes;
        let shown: Vec<(&str, &str, &str)> = shown
            .iter()
            .map(|change| (change.field.as_str(), change.before_json.as_str(), change.after_json.as_str()))
            .collect();
        let escalation = format!("\"tenants/acme/tickets/{nil}/escalations/{nil}\"");
        assert_eq!(
            shown,
            [
                ("assignee", "", "\"tenants/acme/agents/ilona\""),
                ("custom_fields", "", r#"{"since":"2026-01-01T00:00:00Z","floor":3}"#),
                ("followers", "", "[\"tenants/acme/agents/a\",\"tenants/acme/agents/b\"]"),
                ("hold.reason", "\"parts\"", ""),
                ("pending_escalation", "", escalation.as_str()),
                ("state", "\"NEW\"", "\"OPEN\""),
                ("team_count", "0", "1"),
            ]
        );
    }
}
