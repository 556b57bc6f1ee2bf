//! What may leave the house of an event: ids, keys, codes, times and counts; no free text and no personal data. Only
//! what is listed here goes out, so a new field of the ticket stays inside until somebody decides otherwise.

use std::ops::Deref;

use serde_json::Value;

use super::{Event, store_stream::Placed};
use crate::ctx::ActorKind;

/// The fields of a ticket whose changes are told. Of a resolution, its code alone.
const GOES_OUT: &[&str] = &[
    "number",
    "state",
    "kind",
    "channel",
    "organization",
    "category",
    "product",
    "language_code",
    "impact",
    "urgency",
    "priority",
    "level",
    "queue",
    "team",
    "assignee",
    "followers",
    "pending_escalation",
    "hold_until_time",
    "resolution",
    "follow_up_of",
    "first_level",
    "highest_level",
    "transfer_count",
    "return_count",
    "reopen_count",
    "imported",
    "create_time",
    "queue_time",
    "assign_time",
    "resolve_time",
    "close_time",
    "auto_close_time",
    "routing_rule",
    "offered_to",
    "offer_expire_time",
    "former_assignee",
    "routing_exhausted",
    "sla_policies",
    "sla_revision",
    "plan",
    "restricted",
    "merged_into",
];

/// An event that is fit to be told, with its place in the stream. There is no other way to one than [`project`].
#[derive(Clone, Debug)]
pub struct Notice {
    pub position: i64,
    event: Event,
}

impl Deref for Notice {
    type Target = Event;
    fn deref(&self) -> &Event {
        &self.event
    }
}

/// Leaves out what stays inside.
pub fn project(placed: Placed) -> Notice {
    let Placed { position, mut event } = placed;
    event.note.clear();
    event.changes.retain(|field, _| GOES_OUT.contains(&field.as_str()));
    if let Some((before, after)) = event.changes.remove("resolution") {
        let (before, after) = (code(before), code(after));
        if before != after {
            event.changes.insert("resolution.code".into(), (before, after));
        }
    }
    if event.actor_kind == ActorKind::Customer {
        event.actor_id.clear();
    }
    Notice { position, event }
}

fn code(mut resolution: Value) -> Value {
    resolution.get_mut("code").map_or(Value::Null, Value::take)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        ctx::{Actor, Ctx},
        events::EventType,
        ids::{Id, TenantId},
        tickets::{State, fixture},
    };

    /// What is known, and stays inside: free text, personal data, what others made up, and our own bookkeeping.
    const STAYS_IN: &[&str] = &[
        "title",
        "description",
        "requester",
        "custom_fields",
        "tags",
        "annotations",
        "external_source",
        "external_id",
        "vendor_reference",
        "hold_reason",
        "escalated",
        "teams",
        "skills",
        "cool_downs",
        "entitlement",
        "priority_rank",
        "configuration_revision",
        "tenant_id",
        "id",
        "version",
        "update_time",
    ];

    fn event(kind: ActorKind) -> Event {
        let tenant = TenantId::parse("acme").expect("a tenant");
        let ctx = Ctx::system(tenant, "anna", "2026-01-01T00:00:00Z".parse().expect("a time"));
        let ctx = Ctx { actor: Actor { kind, ..ctx.actor }, ..ctx };
        Event::new(&ctx, EventType::TicketResolved, Id(uuid::Uuid::from_u128(7)), 3)
    }

    #[test]
    fn every_field_of_a_ticket_is_decided_upon() {
        let ticket = fixture::ticket(State::New);
        let fields = serde_json::to_value(ticket).expect("a ticket is plain data");
        let fields: Vec<&String> = fields.as_object().expect("an object").keys().collect();
        for field in &fields {
            let (out, inside) = (GOES_OUT.contains(&field.as_str()), STAYS_IN.contains(&field.as_str()));
            assert!(out != inside, "decide whether {field} goes out: list it in GOES_OUT or in STAYS_IN");
        }
        for listed in GOES_OUT.iter().chain(STAYS_IN) {
            assert!(fields.iter().any(|field| field == listed), "{listed} is no field of a ticket");
        }
    }

    #[test]
    fn no_text_leaves() {
        let mut event = event(ActorKind::Agent);
        event.note = "secret".into();
        for field in STAYS_IN.iter().chain(GOES_OUT).filter(|field| **field != "resolution") {
            let secret = if GOES_OUT.contains(field) { json!("open") } else { json!("secret") };
            event.changes.insert((*field).to_owned(), (secret.clone(), secret));
        }
        let solved =
            json!({"code": "fixed", "summary": "secret", "article": "", "no_article_reason": "secret"});
        event.changes.insert("resolution".into(), (Value::Null, solved));
        let notice = project(Placed { position: 9, event });
        assert_eq!((notice.position, notice.actor_id.as_str()), (9, "anna"));
        assert_eq!(notice.changes["resolution.code"], (Value::Null, json!("fixed")));
        assert_eq!(notice.changes.len(), GOES_OUT.len());
        let all = serde_json::to_string(&*notice).expect("plain data");
        assert!(!all.contains("secret"), "{all}");
    }

    #[test]
    fn a_customer_is_not_named() {
        let notice = project(Placed { position: 1, event: event(ActorKind::Customer) });
        assert_eq!((notice.actor_kind, notice.actor_id.as_str()), (ActorKind::Customer, ""));
    }
}
