//! What goes, what stays, and that the past goes with the present.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::{
    ctx::Role,
    events::EventType,
    tickets::{
        Change, FieldValue, Json, Resolution, State,
        change::undo,
        fixture::{self, configuration},
    },
};

/// What stays: keys, codes, times and counts.
const STAYS: &[&str] = &[
    "tenant_id",
    "id",
    "number",
    "version",
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
    "priority_rank",
    "external_source",
    "level",
    "queue",
    "team",
    "assignee",
    "followers",
    "escalated",
    "pending_escalation",
    "hold_until_time",
    "follow_up_of",
    "first_level",
    "highest_level",
    "teams",
    "transfer_count",
    "return_count",
    "reopen_count",
    "imported",
    "configuration_revision",
    "create_time",
    "update_time",
    "queue_time",
    "assign_time",
    "resolve_time",
    "close_time",
    "auto_close_time",
    "routing_rule",
    "skills",
    "offered_to",
    "offer_expire_time",
    "cool_downs",
    "former_assignee",
    "routing_exhausted",
    "sla_policies",
    "sla_revision",
    "plan",
    "entitlement",
    "restricted",
    "merged_into",
];

fn person() -> Person {
    Person { key: "anna".into(), alias: "erased-1".into() }
}

fn by(role: Role, who: &str) -> Ctx {
    let mut ctx = fixture::ctx(role);
    who.clone_into(&mut ctx.actor.id);
    ctx
}

/// A ticket with this text wherever one can stand.
fn full_of(text: &str, requester: &str) -> Ticket {
    let word = || FieldValue::String(text.to_owned());
    let choice = FieldValue::String("staging".to_owned());
    Ticket {
        title: text.to_owned(),
        description: text.to_owned(),
        requester: requester.to_owned(),
        custom_fields: Json(
            [
                ("serial_number".to_owned(), word()),
                ("gone".to_owned(), word()),
                ("environment".to_owned(), choice),
                ("affected_users".to_owned(), FieldValue::Int(3)),
            ]
            .into(),
        ),
        tags: vec![text.to_owned(), format!("{text} again")],
        annotations: Json([(text.to_owned(), text.to_owned())].into()),
        external_source: Some("mail".to_owned()),
        external_id: Some(text.to_owned()),
        vendor_reference: text.to_owned(),
        hold_reason: text.to_owned(),
        resolution: Some(Json(Resolution {
            code: "fixed".to_owned(),
            summary: text.to_owned(),
            article: "kb-1".to_owned(),
            no_article_reason: text.to_owned(),
        })),
        ..fixture::ticket(State::Resolved)
    }
}

#[test]
fn every_field_of_a_ticket_is_decided_upon() {
    let fields = serde_json::to_value(fixture::ticket(State::New)).expect("plain data");
    let fields: BTreeSet<&str> = fields.as_object().expect("an object").keys().map(String::as_str).collect();
    let decided = TEXTS.iter().chain(STAYS).chain(&["requester"]);
    let decided: Vec<&str> = decided.copied().collect();
    assert_eq!(decided.len(), fields.len(), "decide whether it goes: list it in TEXTS or in STAYS, once");
    assert_eq!(decided.into_iter().collect::<BTreeSet<_>>(), fields);
}

#[test]
fn of_a_ticket_of_the_person_no_word_stays_and_what_was_filled_is_filled() {
    let ctx = by(Role::Customer, "anna");
    let mut born = Change::created(&ctx, full_of("secret", "anna"), |event| {
        event.note = "secret".into();
        event.reason = "secret".into();
        event.request_id = "secret".into();
        event.traceparent = "secret".into();
    });
    let told = by(Role::Agent, "bert");
    born = born.step(&told, EventType::TicketEscalated, |_, event| {
        event.note = "secret".into();
        event.reason = "COMPLEXITY".into();
    });
    let erased = decide(configuration(), &person(), &born.next, &born.events).expect("readable");
    let all = format!("{erased:?}");
    assert!(!all.contains("secret") && !all.contains("anna"), "{all}");
    let ticket = erased.ticket;
    assert_eq!((ticket.title.as_str(), ticket.description.as_str()), (ERASED, ERASED));
    assert_eq!((ticket.requester.as_str(), ticket.tags), ("erased-1", vec![ERASED.to_owned()]));
    assert_eq!(ticket.external_id, Some(format!("erased-{}", ticket.id)));
    let custom = |key: &str| ticket.custom_fields[key].plain();
    assert_eq!((custom("serial_number"), custom("gone")), (json!(ERASED), json!(ERASED)));
    assert_eq!((custom("environment"), custom("affected_users")), (json!("staging"), json!(3)));
    let resolution = ticket.resolution.expect("kept").0;
    assert_eq!((resolution.code.as_str(), resolution.article.as_str()), ("fixed", "kb-1"));
    let [first, second] = erased.events.as_slice() else { panic!("both events") };
    assert_eq!((first.actor_id.as_str(), first.reason.as_str()), ("erased-1", ""));
    assert_eq!((second.actor_id.as_str(), second.reason.as_str()), ("bert", "COMPLEXITY"));
    assert_eq!((first.facts.clone(), &second.facts), (born.events[0].facts.clone(), &born.events[1].facts));
}

#[test]
fn what_was_empty_stays_empty() {
    let ticket = Ticket { requester: "anna".into(), ..fixture::ticket(State::New) };
    let erased = decide(configuration(), &person(), &ticket, &[]).expect("readable").ticket;
    let expected = Ticket { title: ERASED.into(), requester: "erased-1".into(), ..ticket };
    assert_eq!(erased, expected);
}

#[test]
fn on_a_ticket_that_is_another_s_by_now_only_the_person_s_own_words_go() {
    let first = Ticket {
        title: "hers".into(),
        description: "hers, too".into(),
        requester: "anna".into(),
        ..fixture::ticket(State::New)
    };
    let change = Change::created(&by(Role::Customer, "anna"), first, |_| {})
        .step(&by(Role::Agent, "bert"), EventType::TicketUpdated, |ticket, event| {
            ticket.requester = "carl".into();
            ticket.title = "his".into();
            event.note = "it is carl's".into();
        })
        .step(&by(Role::Customer, "carl"), EventType::TicketCommented, |_, event| {
            event.note = "mine".into();
        });
    let erased = decide(configuration(), &person(), &change.next, &change.events).expect("readable");
    assert!(!erased.whole);
    let ticket = &erased.ticket;
    assert_eq!(
        (ticket.requester.as_str(), ticket.title.as_str(), ticket.description.as_str()),
        ("carl", "his", ERASED)
    );
    let [first, second] = erased.events.as_slice() else { panic!("the third is carl's alone") };
    assert_eq!(first.actor_id, "erased-1");
    assert_eq!(second.changes["requester"], (json!("erased-1"), json!("carl")));
    assert_eq!(second.changes["title"], (json!(ERASED), json!("his")));
    assert_eq!(second.note, "it is carl's");
    assert!(!format!("{erased:?}").contains("hers"));
}

#[test]
fn who_has_nothing_to_do_with_it_changes_nothing() {
    let change = Change::created(&by(Role::Customer, "carl"), full_of("secret", "carl"), |_| {});
    let erased = decide(configuration(), &person(), &change.next, &change.events).expect("readable");
    assert_eq!(erased, Erased { ticket: change.next, whole: false, events: Vec::new() });
}

proptest! {
    /// To go back and to erase may come in any order, so the past reads as the present does.
    #[test]
    fn the_past_of_an_erased_ticket_is_the_erased_past(
        edits in proptest::collection::vec((0..6_usize, "[a-c]{0,2}", 0..3_usize), 1..12),
    ) {
        let people = ["anna", "carl", ""];
        let first = full_of("a", people[edits[0].2]);
        let mut change = Change::created(&by(Role::Customer, "anna"), first, |_| {});
        for (field, text, who) in edits {
            let role = if who == 2 { Role::Agent } else { Role::Customer };
            let ctx = by(role, people[who]);
            change = change.step(&ctx, EventType::TicketUpdated, |ticket, event| {
                event.note.clone_from(&text);
                match field {
                    0 => ticket.title = text,
                    1 => ticket.tags.push(text),
                    2 => _ = ticket.annotations.insert(text, "b".into()),
                    3 => ticket.requester = people[who].into(),
                    4 => _ = ticket.custom_fields.insert("serial_number".into(), FieldValue::String(text)),
                    _ => ticket.resolution = None,
                }
            });
        }
        let events = &change.events;
        let person = person();
        let eraser = Eraser::of(configuration(), &person, &change.next, events);
        let erased = decide(configuration(), &person, &change.next, events).expect("readable");
        let log: Vec<Event> = events
            .iter()
            .map(|event| erased.events.iter().find(|it| it.version == event.version).unwrap_or(event).clone())
            .collect();
        let same = |a: &Event, b: &Event| {
            a.changes.keys().eq(b.changes.keys()) && (&a.facts, a.kind, a.version) == (&b.facts, b.kind, b.version)
        };
        prop_assert!(log.iter().zip(events).all(|(a, b)| same(a, b)));
        prop_assert!(log.iter().all(|event| !person.did(event)));
        for steps in 0..events.len() {
            let newest_first = |log: &[Event]| log.iter().rev().take(steps).cloned().collect::<Vec<_>>();
            let then = undo(&change.next, &newest_first(events)).expect("readable");
            let seen = undo(&erased.ticket, &newest_first(&log)).expect("readable");
            let expected = reread(&then, |field, value| eraser.value(field, value)).expect("readable");
            prop_assert_eq!(seen, expected);
        }
    }
}
