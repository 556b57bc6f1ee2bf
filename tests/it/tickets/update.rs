//! UpdateTicket: what a mask means, and what happens without one.

use std::collections::BTreeMap;

use prost_types::FieldMask;
use ticketing_proto::v1 as pb;

use super::{read, record, tickets, titled};
use crate::support::{Desk, fields, reason};

fn value(text: &str) -> pb::FieldValue {
    pb::FieldValue { kind: Some(pb::field_value::Kind::StringValue(text.to_owned())) }
}

fn number(number: i64) -> pb::FieldValue {
    pb::FieldValue { kind: Some(pb::field_value::Kind::IntValue(number)) }
}

fn map<V: Clone>(pairs: &[(&str, V)]) -> BTreeMap<String, V> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect()
}

fn masked(ticket: pb::Ticket, paths: &[&str]) -> pb::UpdateTicketRequest {
    let paths = paths.iter().map(|path| (*path).to_owned()).collect();
    pb::UpdateTicketRequest {
        ticket: Some(ticket),
        update_mask: Some(FieldMask { paths }),
        ..Default::default()
    }
}

/// A ticket on which everything is set.
fn full(desk: &Desk) -> pb::Ticket {
    pb::Ticket {
        description: "Papierstau".to_owned(),
        kind: pb::TicketKind::Request.into(),
        requester: format!("{}/contacts/meier", desk.parent()),
        organization: format!("{}/organizations/meier-gmbh", desk.parent()),
        category: "hardware".to_owned(),
        product: "LaserJet".to_owned(),
        language_code: "de-AT".to_owned(),
        impact: pb::Impact::Low.into(),
        urgency: pb::Urgency::Low.into(),
        custom_fields: map(&[("serial_number", value("AB-1")), ("affected_users", number(3))]),
        annotations: map(&[("a", "1".to_owned()), ("b", "2".to_owned())]),
        ..titled("Drucker")
    }
}

/// A text that reads like an instant is a text, and an instant is one, also when the ticket is read back from its events.
#[tokio::test]
async fn a_custom_field_keeps_its_type() {
    let desk = Desk::open().await;
    let mut anna = tickets(desk.agent("anna"));
    let like_a_time = value("2026-01-01T00:00:00Z");
    let time = prost_types::Timestamp { seconds: 1_767_225_600, nanos: 0 };
    let since = pb::FieldValue { kind: Some(pb::field_value::Kind::TimeValue(time)) };
    let custom_fields = map(&[("serial_number", like_a_time), ("since", since)]);
    let draft = pb::Ticket { custom_fields: custom_fields.clone(), ..titled("Drucker") };
    let recorded = record(&desk, draft).await;
    assert_eq!(recorded.custom_fields, custom_fields);
    assert_eq!(read(&desk, &recorded.name).await.custom_fields, custom_fields);
    for key in ["serial_number", "since"] {
        let filter = format!("custom_fields.{key} = \"2026-01-01T00:00:00Z\"");
        let request = pb::ListTicketsRequest { parent: desk.parent(), filter, ..Default::default() };
        let found = anna.list_tickets(request).await.expect("a page").into_inner().tickets;
        assert_eq!(found.len(), 1, "{key}");
    }
    desk.finish().await;
}

#[tokio::test]
async fn a_mask_says_what_is_set_and_what_is_cleared() {
    let desk = Desk::open().await;
    let mut anna = tickets(desk.agent("anna"));
    let before = record(&desk, full(&desk)).await;
    assert_eq!(before.priority, "P4");
    let given = pb::Ticket {
        name: before.name.clone(),
        title: "Plotter".to_owned(),
        impact: pb::Impact::Major.into(),
        urgency: pb::Urgency::Critical.into(),
        custom_fields: map(&[("serial_number", value("AB-2"))]),
        annotations: map(&[("c", "3".to_owned())]),
        ..Default::default()
    };
    let with = |change: fn(&mut pb::Ticket)| {
        let mut expected = before.clone();
        change(&mut expected);
        expected
    };
    let cases: Vec<(&[&str], pb::Ticket)> = vec![
        (&["title"], with(|t| t.title = "Plotter".to_owned())),
        (&["description"], with(|t| t.description.clear())),
        (&["kind"], with(|t| t.set_kind(pb::TicketKind::Incident))),
        (&["requester", "organization"], with(|t| (t.requester, t.organization) = Default::default())),
        (&["category", "product"], with(|t| (t.category, t.product) = Default::default())),
        (&["language_code"], with(|t| t.language_code = "de".to_owned())),
        (&["impact"], with(|t| (t.impact, t.priority) = (pb::Impact::Major.into(), "P3".to_owned()))),
        (&["urgency"], with(|t| (t.urgency, t.priority) = (pb::Urgency::Critical.into(), "P3".to_owned()))),
        (
            &["impact", "urgency"],
            with(|t| {
                t.set_impact(pb::Impact::Major);
                t.set_urgency(pb::Urgency::Critical);
                t.priority = "P1".to_owned();
            }),
        ),
        (&["priority"], with(|_| {})),
        (&["custom_fields"], with(|t| t.custom_fields = map(&[("serial_number", value("AB-2"))]))),
        (
            &["custom_fields.serial_number", "custom_fields.affected_users"],
            with(|t| t.custom_fields = map(&[("serial_number", value("AB-2"))])),
        ),
        (
            &["custom_fields.serial_number"],
            with(|t| _ = t.custom_fields.insert("serial_number".to_owned(), value("AB-2"))),
        ),
        (&["annotations"], with(|t| t.annotations = map(&[("c", "3".to_owned())]))),
        (&["annotations.c"], with(|t| _ = t.annotations.insert("c".to_owned(), "3".to_owned()))),
        (&["annotations.a"], with(|t| _ = t.annotations.remove("a"))),
    ];
    for (paths, expected) in cases {
        let request = pb::UpdateTicketRequest { validate_only: true, ..masked(given.clone(), paths) };
        let shown = anna.update_ticket(request).await.expect("allowed").into_inner();
        let mut shown = shown.ticket.expect("a ticket");
        // The time of the change is not what the table is about.
        shown.update_time = expected.update_time;
        assert_eq!(shown, expected, "{paths:?}");
    }
    assert_eq!(read(&desk, &before.name).await, before);
    desk.finish().await;
}

#[tokio::test]
async fn without_a_mask_what_is_set_is_set_and_nothing_is_lost() {
    let desk = Desk::open().await;
    let mut anna = tickets(desk.agent("anna"));
    let before = record(&desk, full(&desk)).await;
    let given = pb::Ticket {
        name: before.name.clone(),
        product: "ScanJet".to_owned(),
        custom_fields: map(&[("affected_users", number(4))]),
        annotations: map(&[("a", "9".to_owned())]),
        ..Default::default()
    };
    let request = pb::UpdateTicketRequest { ticket: Some(given), ..Default::default() };
    let after = anna.update_ticket(request.clone()).await.expect("updated").into_inner();
    let mut expected = before.clone();
    expected.product = "ScanJet".to_owned();
    expected.custom_fields.insert("affected_users".to_owned(), number(4));
    expected.annotations.insert("a".to_owned(), "9".to_owned());
    expected.etag = "\"2\"".to_owned();
    assert_eq!(after.ticket, Some(expected.clone()));

    // The same again changes nothing: no version, no event.
    let again = anna.update_ticket(request).await.expect("nothing to do").into_inner();
    assert_eq!((again.ticket, again.revision), (Some(expected.clone()), after.revision));

    // Whoever reads, changes a field and sends all back changes that field; what is output only is ignored.
    let sent = pb::Ticket { title: "Scanner".to_owned(), ..expected.clone() };
    let request = pb::UpdateTicketRequest { ticket: Some(sent), ..Default::default() };
    let done = anna.update_ticket(request).await.expect("updated").into_inner();
    let expected = pb::Ticket { title: "Scanner".to_owned(), etag: "\"3\"".to_owned(), ..expected };
    assert_eq!(done.ticket, Some(expected));
    desk.finish().await;
}

#[tokio::test]
async fn the_priority_is_given_by_whoever_may() {
    let desk = Desk::open().await;
    let name = record(&desk, titled("Drucker")).await.name;
    let given = pb::Ticket { name, priority: "P1".to_owned(), ..Default::default() };
    let request = masked(given, &["priority"]);
    let refused = tickets(desk.agent("anna")).update_ticket(request.clone()).await;
    assert_eq!(reason(&refused), "PermissionDenied PERMISSION_MISSING");
    let done = tickets(desk.manager()).update_ticket(request).await.expect("updated").into_inner();
    assert_eq!(done.ticket.expect("a ticket").priority, "P1");
    desk.finish().await;
}

#[tokio::test]
async fn every_fault_is_named_at_once() {
    let desk = Desk::open().await;
    let mut anna = tickets(desk.agent("anna"));
    let before = record(&desk, full(&desk)).await;
    let wrong = pb::Ticket {
        name: before.name.clone(),
        etag: "x".to_owned(),
        product: "x".repeat(129),
        kind: 99,
        requester: "meier".to_owned(),
        category: "moon".to_owned(),
        custom_fields: map(&[("affected_users", value("three")), ("colour", number(1))]),
        ..Default::default()
    };
    let paths = [
        "title",
        "state",
        "product",
        "kind",
        "requester",
        "category",
        "custom_fields.affected_users",
        "custom_fields.colour",
        "tags",
    ];
    assert_eq!(
        fields(&anna.update_ticket(masked(wrong, &paths)).await),
        [
            "etag",
            "ticket.title",
            "update_mask.paths[1]",
            "ticket.product",
            "ticket.kind",
            "ticket.requester",
            "update_mask.paths[8]",
            "ticket.category",
            "ticket.custom_fields.affected_users",
            "ticket.custom_fields.colour"
        ]
    );
    let named = pb::Ticket { name: before.name.clone(), ..titled("x") };
    assert_eq!(fields(&anna.update_ticket(masked(named.clone(), &[])).await), ["update_mask"]);
    for path in ["*", "", "Title", "title.x", "custom_fields", "channel", "external_key", "assignee", "name"]
    {
        let said = anna.update_ticket(masked(named.clone(), &[path])).await;
        if path == "custom_fields" {
            said.expect("allowed");
        } else {
            assert_eq!(fields(&said), ["update_mask.paths[0]"], "{path}");
        }
    }
    assert_eq!(fields(&anna.update_ticket(pb::UpdateTicketRequest::default()).await), ["ticket"]);
    desk.finish().await;
}
