//! What happened to a ticket, in order, and which side of it a customer sees: the own words and the support's public
//! ones, and what became of the matter. Who worked on it, where and why stays in the house.

use serde_json::Value;

use super::{Place, union};
use crate::{
    app::App,
    ctx::{ActorKind, Ctx},
    error::Result,
    events::{self, Audience, Event, EventType},
    ids::Id,
    seal::Page,
};

/// What a customer learns by changes that these made; by others, nothing.
const PUBLIC_TYPES: &[EventType] = &[
    EventType::TicketUpdated,
    EventType::TicketAssigned,
    EventType::TicketHeld,
    EventType::TicketResumed,
    EventType::TicketResolved,
    EventType::TicketClosed,
    EventType::TicketReopened,
    EventType::TicketCancelled,
    EventType::TicketMerged,
    EventType::TicketUnmerged,
];

/// The fields whose changes a customer sees.
const PUBLIC_FIELDS: &[&str] = &[
    "number",
    "state",
    "kind",
    "channel",
    "title",
    "description",
    "requester",
    "organization",
    "category",
    "product",
    "language_code",
    "impact",
    "urgency",
    "priority",
    "custom_fields",
    "external_source",
    "external_id",
    "resolution",
    "follow_up_of",
    "merged_into",
    "create_time",
    "resolve_time",
    "close_time",
    "auto_close_time",
];

/// A page of what happened to a ticket and to those that were merged into it, oldest first, and where the next one begins.
pub async fn list(app: &App, ctx: &Ctx, id: Id, size: i32, token: &str) -> Result<(Vec<Event>, String)> {
    let union = union(app, ctx, id).await?;
    let customer = ctx.actor.is_customer();
    let purpose = format!("{} ListTimeline {id} {customer}", ctx.tenant);
    let page = Page::<Place>::parse(&app.sealer, &purpose, size, token)?;
    let types: Vec<&str> = PUBLIC_TYPES.iter().map(|kind| kind.name()).collect();
    let audience =
        if customer { Audience::Public { types: &types, fields: PUBLIC_FIELDS } } else { Audience::All };
    let after = page.after.clone().unwrap_or_default();
    let mut events = events::list_page(
        &mut *app.db.read(&ctx.tenant).await?,
        &ctx.tenant,
        (&union, &after.behind(&union)),
        audience,
        page.limit(),
    )
    .await?;
    if customer {
        events.iter_mut().for_each(publish);
    }
    let rows: Vec<(Id, i64)> = events.iter().map(|event| (event.ticket_id, event.version)).collect();
    let place = |last: &Event| after.through(&rows, (last.ticket_id, last.version));
    page.finish_within(&app.sealer, &purpose, events, place, bytes)
}

/// Takes away what a customer does not see.
fn publish(event: &mut Event) {
    let said_to_all = event.kind == EventType::TicketCommented
        && event.details.get("visibility").and_then(Value::as_str) == Some("PUBLIC");
    if !said_to_all {
        event.note.clear();
    }
    if event.actor_kind != ActorKind::Customer {
        event.actor_id.clear();
    }
    event.reason.clear();
    event.details.remove("article");
    event.changes.retain(|field, _| PUBLIC_FIELDS.contains(&field.as_str()));
    if let Some((before, after)) = event.changes.get_mut("resolution") {
        for resolution in [before, after] {
            if let Value::Object(resolution) = resolution {
                resolution.retain(|field, _| field == "code" || field == "summary");
            }
        }
    }
}

/// What the event takes in an answer, about.
fn bytes(event: &Event) -> usize {
    let changes: usize =
        event.changes.iter().map(|(field, (a, b))| field.len() + text_bytes(a) + text_bytes(b)).sum();
    300 + event.note.len() + changes
}

fn text_bytes(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(text_bytes).sum(),
        Value::Object(items) => items.iter().map(|(key, value)| key.len() + text_bytes(value)).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) => 8,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{ctx::Actor, ids::TenantId};

    fn event(kind: EventType, details: Value) -> Event {
        let tenant = TenantId::parse("acme").expect("a tenant");
        let mut ctx = Ctx::system(tenant, "test", "2026-01-01T00:00:00Z".parse().expect("a time"));
        ctx.actor = Actor { kind: ActorKind::Agent, id: "ilona".into(), roles: Vec::new(), tenants: None };
        let mut event = Event::new(&ctx, kind, Id(uuid::Uuid::nil()), 2);
        event.note = "a word".into();
        event.reason = "CODE".into();
        event.details.0 = serde_json::from_value(details).expect("details");
        event.changes.insert("assignee".into(), (Value::Null, json!("ilona")));
        event.changes.insert("state".into(), (json!("NEW"), json!("OPEN")));
        event
    }

    #[test]
    fn a_customer_learns_what_became_of_it_and_not_by_whom() {
        let mut assigned = event(EventType::TicketAssigned, json!({}));
        publish(&mut assigned);
        assert_eq!(assigned.changes.keys().collect::<Vec<_>>(), ["state"]);
        assert_eq!(
            (assigned.note.as_str(), assigned.reason.as_str(), assigned.actor_id.as_str()),
            ("", "", "")
        );
    }

    #[test]
    fn a_customer_reads_what_was_said_to_all_alone() {
        let note = |kind, visibility: &str| {
            let mut event = event(kind, json!({ "visibility": visibility }));
            publish(&mut event);
            event.note
        };
        assert_eq!(note(EventType::TicketCommented, "PUBLIC"), "a word");
        assert_eq!(note(EventType::TicketCommented, "INTERNAL"), "");
        // Why a public comment was removed is said to the house.
        assert_eq!(note(EventType::TicketCommentRedacted, "PUBLIC"), "");
    }

    #[test]
    fn how_it_was_solved_goes_out_without_the_article() {
        let mut solved = event(EventType::TicketResolved, json!({ "article": "kb-1" }));
        let resolution =
            json!({ "code": "FIXED", "summary": "s", "article": "kb-1", "no_article_reason": "r" });
        solved.changes.insert("resolution".into(), (Value::Null, resolution));
        publish(&mut solved);
        let (_, after) = &solved.changes["resolution"];
        assert_eq!(*after, json!({ "code": "FIXED", "summary": "s" }));
        assert!(solved.details.is_empty());
    }
}
