//! An event of each type as the service tells it, with every field that the type can have. What is published in
//! `tests/corpus` is made of these.

use serde_json::{Value, json};
use sqlx::types::Json;
use ticketing_proto::v1 as pb;

use crate::{
    ctx::{ActorKind, Ctx},
    events::{Event, EventType, Facts, project::project, store_stream::Placed},
    ids::{Id, TenantId},
    time::Time,
};

/// The examples, in the order of the types.
pub fn examples() -> Vec<(EventType, pb::Event)> {
    EventType::ALL.iter().map(|kind| (*kind, told(event(*kind)))).collect()
}

fn told(event: Event) -> pb::Event {
    super::event(&project(Placed { position: 7, event }), "c3RhbmRzLWZvci1hLXNlYWxlZC1jdXJzb3I".into())
}

fn at(time: &str) -> Time {
    time.parse().expect("a time")
}

fn event(kind: EventType) -> Event {
    let ctx = Ctx::system(TenantId::parse("acme").expect("a tenant"), "", at("2026-03-02T09:30:00.25Z"));
    let (actor_kind, actor_id) = actor(kind);
    let details = details(kind);
    let imported = kind == EventType::TicketNoted;
    // What the service does by itself has no call behind it, and no reason that somebody gave.
    let of_a_call =
        |text: &str| if actor_kind == ActorKind::System { String::new() } else { text.to_owned() };
    let mut event = Event {
        actor_kind,
        actor_id: actor_id.into(),
        request_id: of_a_call("8f14e45f-ceea-467f-a0e6-12c4d7f0a1b3"),
        rule: details["policy"].as_str().unwrap_or("english").into(),
        configuration_revision: 12,
        record_time: if imported { at("2026-03-04T00:00:00Z") } else { ctx.now },
        traceparent: of_a_call("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        note: "Free text stays in the house.".into(),
        reason: of_a_call("customer-asked"),
        facts: Json(facts(state_after(kind))),
        imported,
        ..Event::new(&ctx, kind, Id(uuid::Uuid::from_u128(0x0195_5600_0000_7000_8000_0000_0000_002a)), 3)
    };
    event
        .changes
        .extend(changes(kind).into_iter().map(|(field, before, after)| (field.to_owned(), (before, after))));
    event.facts.restricted = event.changes.contains_key("restricted");
    event.details.extend(details.as_object().expect("an object").clone());
    event
}

fn actor(kind: EventType) -> (ActorKind, &'static str) {
    match kind {
        EventType::TicketCommented | EventType::TicketReopened => (ActorKind::Customer, "orion-anna"),
        EventType::SlaWarned | EventType::SlaBreached | EventType::LadderClimbed => {
            (ActorKind::System, "sla")
        }
        EventType::RoutingExhausted => (ActorKind::System, "dispatch"),
        EventType::TicketOfferExpired => (ActorKind::System, "expire_offers"),
        EventType::TicketEscalationExpired => (ActorKind::System, "expire"),
        EventType::TicketNoted => (ActorKind::Service, "import"),
        _ => (ActorKind::Agent, "anna"),
    }
}

fn facts(state: &str) -> Facts {
    let solved = ["RESOLVED", "CLOSED"].contains(&state);
    Facts {
        number: 1042,
        state: state.into(),
        kind: "INCIDENT".into(),
        channel: "EMAIL".into(),
        priority: "P2".into(),
        category: "network".into(),
        product: "vpn".into(),
        level: "L1".into(),
        queue: "desk-en".into(),
        team: "desk-en".into(),
        assignee: "anna".into(),
        organization: "orion".into(),
        resolution_code: if solved { "fixed".into() } else { String::new() },
        restricted: false,
    }
}

/// A field of the ticket, its value before and after.
type Changed = (&'static str, Value, Value);

fn state_after(kind: EventType) -> &'static str {
    match kind {
        EventType::TicketCreated => "NEW",
        EventType::TicketHeld => "ON_HOLD",
        EventType::TicketResolved => "RESOLVED",
        EventType::TicketClosed => "CLOSED",
        EventType::TicketCancelled => "CANCELLED",
        EventType::TicketMerged => "MERGED",
        _ => "OPEN",
    }
}

/// What changed. Text is among it to show that it stays out.
fn changes(kind: EventType) -> Vec<Changed> {
    use EventType as It;
    let none = Value::Null;
    let from = |before: &str| ("state", json!(before), json!(state_after(kind)));
    match kind {
        It::TicketCreated => intake(),
        It::TicketUpdated => vec![
            ("priority", json!("P3"), json!("P2")),
            ("plan", json!("gold"), none),
            ("restricted", json!(false), json!(true)),
        ],
        It::TicketAssigned => vec![from("NEW"), ("assignee", none, json!("anna"))],
        It::TicketReleased => {
            vec![("assignee", json!("ben"), none.clone()), ("former_assignee", none, json!("ben"))]
        }
        It::TicketHeld => vec![from("OPEN"), ("hold_until_time", none, json!("2026-03-09T08:00:00Z"))],
        It::TicketResumed => vec![from("ON_HOLD")],
        It::TicketResolved => vec![
            from("OPEN"),
            ("resolution", none.clone(), json!({"code": "fixed", "summary": "free text"})),
            ("resolve_time", none, json!("2026-03-02T09:30:00.25Z")),
        ],
        It::TicketClosed => vec![from("RESOLVED")],
        It::TicketReopened => vec![from("RESOLVED"), ("reopen_count", json!(0), json!(1))],
        It::TicketCancelled => vec![from("OPEN")],
        It::TicketTagged => vec![("tags", json!([]), json!(["free text"]))],
        It::TicketFollowed => vec![("followers", json!([]), json!(["ben", "emily"]))],
        It::SlaMigrated => vec![("sla_revision", json!(11), json!(12))],
        It::LadderClimbed => vec![("priority", json!("P3"), json!("P2"))],
        It::TicketMerged => vec![
            from("OPEN"),
            ("merged_into", none.clone(), json!("01955600-0000-7000-8000-000000000001")),
            ("assignee", json!("anna"), none),
        ],
        It::TicketUnmerged => vec![
            from("MERGED"),
            ("merged_into", json!("01955600-0000-7000-8000-000000000001"), none.clone()),
            ("assignee", none, json!("anna")),
        ],
        It::TicketLinked
        | It::TicketUnlinked
        | It::TicketResolutionOffered
        | It::TicketCommented
        | It::TicketCommentRedacted
        | It::TicketEscalatedToManager
        | It::SlaWarned
        | It::SlaBreached
        | It::TicketAttachmentAdded
        | It::TicketAttachmentDeleted
        | It::TicketArticleLinked
        | It::TicketConsentRecorded
        | It::FeedbackRequested
        | It::FeedbackGiven
        | It::TicketWorkLogged
        | It::TicketWorkReversed
        | It::BillableRated
        | It::BillableCredited
        | It::TicketNoted => Vec::new(),
        _ => changes_of_place(kind),
    }
}

fn intake() -> Vec<Changed> {
    let none = || Value::Null;
    vec![
        ("state", none(), json!("NEW")),
        ("title", none(), json!("free text")),
        ("number", none(), json!(1042)),
        ("organization", none(), json!("orion")),
        ("plan", none(), json!("gold")),
        ("priority", none(), json!("P2")),
        ("queue", none(), json!("desk-en")),
        ("sla_policies", json!([]), json!(["gold"])),
        ("create_time", none(), json!("2026-03-02T09:30:00.25Z")),
    ]
}

/// Of what moves a ticket between queues, agents and levels.
fn changes_of_place(kind: EventType) -> Vec<Changed> {
    use EventType as It;
    let none = Value::Null;
    let escalation = json!("06h1escalation000000000000");
    match kind {
        It::TicketRouted | It::TicketTransferred => vec![("queue", json!("desk-de"), json!("desk-en"))],
        It::TicketOffered => vec![
            ("offered_to", none.clone(), json!("anna")),
            ("offer_expire_time", none, json!("2026-03-02T09:32:00Z")),
        ],
        It::TicketOfferDeclined | It::TicketOfferExpired => vec![("offered_to", json!("anna"), none)],
        It::RoutingExhausted => vec![("routing_exhausted", json!(false), json!(true))],
        It::TicketEscalated => vec![("pending_escalation", none, escalation)],
        It::TicketEscalationAccepted
        | It::TicketEscalationDeclined
        | It::TicketEscalationWithdrawn
        | It::TicketEscalationExpired => vec![("pending_escalation", escalation, none)],
        It::TicketHandedBack => {
            vec![("level", json!("L2"), json!("L1")), ("return_count", json!(0), json!(1))]
        }
        _ => panic!("{kind:?}: say what changes, or that nothing does"),
    }
}

fn details(kind: EventType) -> Value {
    let clock = |point: Value, due: &str, threshold: &str| {
        json!({
            "clock": 2, "point": point, "threshold": threshold, "clock_kind": "LEVEL", "agreement": "OLA",
            "policy": "levels", "level": "L1", due: "2026-03-02T12:00:00Z",
        })
    };
    let passed_over = json!([{"agent": "ben", "reason": "OFF_SHIFT"}, {"agent": "max", "reason": "UNKNOWN"}]);
    match kind {
        EventType::SlaWarned => clock(json!({"warning": 0}), "due_time", "75 %"),
        EventType::SlaBreached => clock(json!("breach"), "breach_time", "due"),
        EventType::LadderClimbed => {
            let mut details = clock(json!({"step": 1}), "due_time", "90 %");
            details["action"] = json!("PAGE");
            details["audience"] = json!(["agent:ben", "agent:max", "agent:emily", "team:infrastructure"]);
            details["called"] = json!("emily");
            details["passed_over"] = passed_over;
            details
        }
        EventType::TicketEscalatedToManager => json!({
            "audience": ["agent:ben", "agent:max", "agent:emily"], "called": "emily", "passed_over": passed_over,
        }),
        EventType::TicketAttachmentAdded | EventType::TicketAttachmentDeleted => {
            json!({"attachment": "06h1attachment000000000000", "visibility": "PUBLIC"})
        }
        EventType::TicketMerged | EventType::TicketUnmerged => tie("MERGED_INTO"),
        EventType::TicketLinked | EventType::TicketUnlinked => tie("BLOCKED_BY"),
        EventType::TicketResolutionOffered => tie("CAUSED_BY"),
        EventType::TicketArticleLinked => {
            json!({"article": "06h1art1c1e000000000000000", "relation": "USED"})
        }
        EventType::TicketWorkLogged | EventType::TicketWorkReversed => work(kind),
        EventType::FeedbackRequested => feedback(&Value::Null),
        EventType::FeedbackGiven => feedback(&json!(5)),
        EventType::BillableRated => json!({"billables": [billable(1, 2), billable(2, -1)]}),
        EventType::BillableCredited => json!({
            "credit_note": "06h1creditnote000000000000", "position": 41, "amount": 2550, "currency": "EUR",
        }),
        EventType::TicketConsentRecorded => {
            json!({"answer": "ACCEPTED", "tariff": "standard", "revision": 12})
        }
        _ => json!({}),
    }
}

fn tie(relation: &str) -> Value {
    json!({"relation": relation, "tickets": ["06anc00000r010000000000004"]})
}

fn feedback(score: &Value) -> Value {
    json!({
        "feedback": Id(uuid::Uuid::from_u128(43)).to_string(), "survey": "satisfaction", "scale": "CSAT", "score": score,
        "request_time": "2026-03-02T10:30:00Z",
    })
}

fn work(kind: EventType) -> Value {
    let mut work = json!({
        "worklog": Id(uuid::Uuid::from_u128(42)).to_string(), "agent": "anna", "activity": "call",
        "start_time": "2026-03-02T09:00:00Z", "seconds": 600, "billable": true, "level": "L1", "team": "desk-en",
    });
    if kind == EventType::TicketWorkReversed {
        work["reverses"] = Id(uuid::Uuid::from_u128(41)).to_string().into();
        work["seconds"] = json!(-600);
    }
    work
}

fn billable(sequence: i64, units: i64) -> Value {
    json!({
        "position": 40 + sequence, "organization": "orion", "tariff": "standard", "group": "2026-03-02",
        "rate": "day", "sequence": sequence, "units": units, "amount": 2550 * units, "price": 2550,
        "currency": "EUR", "consent": "GIVEN", "work_time": "2026-03-02T09:00:00Z",
        "post_time": "2026-03-02T09:00:00Z", "revision": 12,
    })
}
