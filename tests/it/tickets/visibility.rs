//! What customers see: their own tickets, and of those the public side, by every method alike.

use std::time::Duration;

use ticketing_proto::v1 as pb;

use super::{Tickets, edit, record};
use crate::support::{Desk, reason};

/// A ticket of the customer with all that the house keeps to itself.
async fn furnished(desk: &Desk, requester: &str) -> pb::Ticket {
    let mut tickets = Tickets::new(desk.agent("anna"));
    let ticket = pb::Ticket {
        title: "printer".into(),
        description: "it smokes".into(),
        requester: format!("{}/contacts/{requester}", desk.parent()),
        tags: vec!["vip".into()],
        annotations: [("crm".to_owned(), "gold".to_owned())].into(),
        ..Default::default()
    };
    let created = record(desk, ticket).await;
    desk.advance(Duration::from_millis(1));
    let now = desk.now();
    edit(desk, &created.name, |ticket| {
        ticket.assign("anna", now);
        ticket.followers = vec!["bert".into()];
        ticket.vendor_reference = "CASE-9".into();
        ticket.teams.push("engineering".into());
    })
    .await;
    let hold = pb::HoldTicketRequest {
        name: created.name.clone(),
        note: "he is always like that".into(),
        reason: "WAIT".into(),
        kind: pb::HoldKind::Customer.into(),
        ..Default::default()
    };
    tickets.hold_ticket(hold).await.expect("held").into_inner().ticket.expect("a ticket")
}

/// What must not reach a customer, wherever it may stand in an answer.
const INSIDE: &[&str] = &[
    "anna",
    "bert",
    "vip",
    "gold",
    "CASE-9",
    "engineering",
    "desk-de",
    "L1",
    "he is always like that",
    "WAIT\"",
];

#[track_caller]
fn assert_public(answer: &impl std::fmt::Debug) {
    let text = format!("{answer:?}");
    for inside in INSIDE {
        assert!(!text.contains(inside), "{inside} in {text}");
    }
}

#[tokio::test]
async fn a_customer_sees_the_public_side_of_own_tickets_by_every_read() {
    let desk = Desk::open().await;
    let own = furnished(&desk, "peter").await;
    furnished(&desk, "milton").await;
    let mut peter = Tickets::new(desk.customer("peter"));

    let get = |name: &str| pb::GetTicketRequest { name: name.into(), ..Default::default() };
    let read = peter.get_ticket(get(&own.name)).await.expect("read").into_inner().ticket.expect("a ticket");
    assert_public(&read);
    assert_eq!((read.description.as_str(), read.state()), ("it smokes", pb::TicketState::WaitingOnCustomer));
    let by_number = get(&format!("{}/tickets/{}", desk.parent(), own.number));
    assert!(peter.get_ticket(by_number).await.is_ok());
    let earlier = pb::GetTicketRequest { read_time: own.create_time, ..get(&own.name) };
    assert_public(&peter.get_ticket(earlier).await.expect("read"));

    let batch = |names: Vec<String>| pb::BatchGetTicketsRequest {
        parent: desk.parent(),
        names,
        view: pb::TicketView::Full.into(),
    };
    assert_public(&peter.batch_get_tickets(batch(vec![own.name.clone()])).await.expect("read"));
    let list = pb::ListTicketsRequest {
        parent: desk.parent(),
        view: pb::TicketView::Full.into(),
        ..Default::default()
    };
    for order_by in ["", "update_time", "priority desc", "number"] {
        let list = pb::ListTicketsRequest { order_by: order_by.into(), ..list.clone() };
        let page = peter.list_tickets(list).await.expect("a page").into_inner();
        assert_eq!(page.tickets.iter().map(|ticket| &ticket.name).collect::<Vec<_>>(), [&own.name]);
        assert_public(&page);
    }
    let count = |group_by: &str| pb::CountTicketsRequest {
        parent: desk.parent(),
        group_by: group_by.into(),
        ..Default::default()
    };
    assert_eq!(peter.count_tickets(count("")).await.expect("a count").into_inner().count, 1);
    let groups = peter.count_tickets(count("state")).await.expect("groups").into_inner().groups;
    assert_eq!(groups, [pb::CountGroup { value: "WAITING_ON_CUSTOMER".into(), count: 1 }]);
    let timeline = |name: &str| pb::ListTimelineRequest { name: name.into(), ..Default::default() };
    let told = peter.list_timeline(timeline(&own.name)).await.expect("a page").into_inner();
    assert_public(&told);
    let types: Vec<&str> = told.entries.iter().map(|entry| entry.r#type.as_str()).collect();
    assert_eq!(types, ["ticket.created", "ticket.held"]);
    desk.finish().await;
}

#[tokio::test]
async fn somebody_else_s_ticket_is_as_one_that_never_was() {
    let desk = Desk::open().await;
    let own = furnished(&desk, "peter").await;
    let strange = furnished(&desk, "milton").await;
    let mut peter = Tickets::new(desk.customer("peter"));
    let get = |name: &str| pb::GetTicketRequest { name: name.into(), ..Default::default() };
    let missing = "NotFound RESOURCE_NOT_FOUND";
    assert_eq!(reason(&peter.get_ticket(get(&strange.name)).await), missing);
    let by_number = get(&format!("{}/tickets/{}", desk.parent(), strange.number));
    let hidden = peter.get_ticket(by_number.clone()).await.expect_err("not peter's");
    let never = get(&format!("{}/tickets/{}", desk.parent(), strange.number + 1));
    let never = peter.get_ticket(never).await.expect_err("nobody's");
    let named = |status: &tonic::Status| status.message().replace(|c: char| c.is_ascii_digit(), "");
    assert_eq!((hidden.code(), named(&hidden)), (never.code(), named(&never)), "not even the id is told");
    let earlier = pb::GetTicketRequest { read_time: strange.create_time, ..get(&strange.name) };
    assert_eq!(reason(&peter.get_ticket(earlier).await), missing);
    let both = pb::BatchGetTicketsRequest {
        parent: desk.parent(),
        names: vec![own.name.clone(), strange.name.clone()],
        view: 0,
    };
    assert_eq!(reason(&peter.batch_get_tickets(both).await), missing);
    let timeline = pb::ListTimelineRequest { name: strange.name.clone(), ..Default::default() };
    assert_eq!(reason(&peter.list_timeline(timeline).await), missing);
    let revision = pb::GetTicketRequest {
        min_revision: format!("{}.1", strange.name.rsplit('/').next().expect("a name")),
        ..get(&own.name)
    };
    // As one that never was.
    assert_eq!(reason(&peter.get_ticket(revision).await), "Unavailable REVISION_AHEAD");
    desk.finish().await;
}

#[tokio::test]
async fn a_customer_cannot_ask_around_what_is_not_shown() {
    let desk = Desk::open().await;
    furnished(&desk, "peter").await;
    let mut peter = Tickets::new(desk.customer("peter"));
    let list = |filter: &str| pb::ListTicketsRequest {
        parent: desk.parent(),
        filter: filter.into(),
        ..Default::default()
    };
    let bad = "InvalidArgument FILTER_INVALID";
    for filter in ["assignee = anna", "tags:vip", "queue = desk-de", "annotations.crm = gold"] {
        assert_eq!(reason(&peter.list_tickets(list(filter)).await), bad, "{filter}");
        let count =
            pb::CountTicketsRequest { parent: desk.parent(), filter: filter.into(), ..Default::default() };
        assert_eq!(reason(&peter.count_tickets(count).await), bad, "{filter}");
    }
    for group_by in ["assignee", "queue", "team", "level"] {
        let count = pb::CountTicketsRequest {
            parent: desk.parent(),
            group_by: group_by.into(),
            ..Default::default()
        };
        let refused = reason(&peter.count_tickets(count).await);
        assert_eq!(refused, "InvalidArgument FIELD_INVALID", "{group_by}");
    }
    // Neither widens what is theirs.
    let page = peter.list_tickets(list("state = NEW OR title:printer")).await.expect("a page").into_inner();
    assert_eq!(page.tickets.len(), 1);
    desk.finish().await;
}
