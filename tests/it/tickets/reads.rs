//! Get, batch, count, timeline: what they answer and what they refuse.

use std::time::Duration;

use ticketing::ctx::{ActorKind, Role};
use ticketing_proto::v1::{self as pb, customer_service_client::CustomerServiceClient};
use tonic::Code;

use super::{Tickets, edit, record, titled};
use crate::support::{Desk, reason};

#[tokio::test]
async fn a_batch_keeps_the_order_and_names_the_first_that_is_missing() {
    let desk = Desk::open().await;
    let mut tickets = Tickets::new(desk.agent("anna"));
    let mut names = Vec::new();
    for title in ["a", "b", "c"] {
        names.push(record(&desk, titled(title)).await.name);
    }
    names.reverse();
    let batch = |names: Vec<String>| pb::BatchGetTicketsRequest { parent: desk.parent(), names, view: 0 };
    let found = tickets.batch_get_tickets(batch(names.clone())).await.expect("read").into_inner().tickets;
    assert_eq!(found.iter().map(|ticket| ticket.title.as_str()).collect::<Vec<_>>(), ["c", "b", "a"]);

    let missing = |n: u32| format!("{}/tickets/{:026}", desk.parent(), n);
    names.insert(1, missing(2));
    names.push(missing(1));
    let status = tickets.batch_get_tickets(batch(names.clone())).await.expect_err("one is missing");
    assert_eq!(status.code(), Code::NotFound);
    assert!(status.message().contains(&missing(2)), "{}", status.message());

    let invalid = "InvalidArgument FIELD_INVALID";
    assert_eq!(reason(&tickets.batch_get_tickets(batch(Vec::new())).await), invalid);
    assert_eq!(reason(&tickets.batch_get_tickets(batch(vec![names[0].clone(); 101])).await), invalid);
    let strange = names[0].replace("acme", "other");
    assert_eq!(reason(&tickets.batch_get_tickets(batch(vec![strange])).await), invalid);
    desk.finish().await;
}

#[tokio::test]
async fn names_ride_along_and_follow_the_records() {
    let desk = Desk::open().await;
    let mut customers = CustomerServiceClient::new(desk.agent("anna"));
    let mut tickets = Tickets::new(desk.agent("anna"));
    let organization = pb::Organization {
        name: format!("{}/organizations/initech", desk.parent()),
        display_name: "Initech GmbH".into(),
        ..Default::default()
    };
    let organization_name = organization.name.clone();
    let request = pb::UpsertOrganizationRequest { organization: Some(organization), ..Default::default() };
    customers.upsert_organization(request).await.expect("recorded");
    let contact = pb::Contact {
        name: format!("{}/contacts/peter", desk.parent()),
        display_name: "Peter Gibbons".into(),
        organization: organization_name.clone(),
        ..Default::default()
    };
    let request = pb::UpsertContactRequest { contact: Some(contact.clone()), ..Default::default() };
    customers.upsert_contact(request).await.expect("recorded");

    let ticket = pb::Ticket { requester: contact.name.clone(), ..titled("printer") };
    let created = record(&desk, ticket).await;
    assert_eq!(created.organization, organization_name, "the requester's by default");
    let unknown = pb::Ticket { requester: format!("{}/contacts/nobody", desk.parent()), ..titled("x") };
    let unknown = record(&desk, unknown).await;
    assert_eq!((unknown.organization.as_str(), unknown.requester_display_name.as_str()), ("", ""));

    let named = |ticket: &pb::Ticket| {
        (ticket.requester_display_name.clone(), ticket.organization_display_name.clone())
    };
    let expected = ("Peter Gibbons".to_owned(), "Initech GmbH".to_owned());
    let get = pb::GetTicketRequest { name: created.name.clone(), ..Default::default() };
    let read = tickets.get_ticket(get).await.expect("read").into_inner().ticket.expect("a ticket");
    assert_eq!(named(&read), expected);
    let list = pb::ListTicketsRequest {
        parent: desk.parent(),
        filter: "requester = peter".into(),
        ..Default::default()
    };
    let page = tickets.list_tickets(list).await.expect("a page").into_inner().tickets;
    assert_eq!(page.iter().map(named).collect::<Vec<_>>(), [expected]);
    desk.finish().await;
}

#[tokio::test]
async fn a_read_waits_for_no_revision_that_is_not_there() {
    let desk = Desk::open().await;
    let mut tickets = Tickets::new(desk.agent("anna"));
    let request =
        pb::CreateTicketRequest { parent: desk.parent(), ticket: Some(titled("x")), ..Default::default() };
    let created = tickets.create_ticket(request).await.expect("created").into_inner();
    let name = created.ticket.expect("a ticket").name;
    let get = |min_revision: &str| pb::GetTicketRequest {
        name: name.clone(),
        min_revision: min_revision.into(),
        ..Default::default()
    };
    let read = tickets.get_ticket(get(&created.revision)).await.expect("fresh").into_inner();
    assert_eq!(read.revision, created.revision);

    let ahead = created.revision.replace(".1", ".2");
    let unavailable = "Unavailable REVISION_AHEAD";
    assert_eq!(reason(&tickets.get_ticket(get(&ahead)).await), unavailable);
    let list = |min_revision: &str| pb::ListTicketsRequest {
        parent: desk.parent(),
        min_revision: min_revision.into(),
        ..Default::default()
    };
    assert_eq!(reason(&tickets.list_tickets(list(&ahead)).await), unavailable);
    edit(&desk, &name, |ticket| ticket.title.push('!')).await;
    assert!(tickets.get_ticket(get(&ahead)).await.is_ok());
    assert!(tickets.list_tickets(list(&ahead)).await.is_ok());
    for junk in ["1", "x.1", &format!("{ahead}x"), "."] {
        let refused = reason(&tickets.get_ticket(get(junk)).await);
        assert_eq!(refused, "InvalidArgument FIELD_INVALID", "{junk}");
    }
    desk.finish().await;
}

#[tokio::test]
async fn a_page_token_opens_for_the_call_alone_that_it_came_from() {
    let desk = Desk::open().await;
    let mut tickets = Tickets::new(desk.agent("anna"));
    for title in ["a", "b", "c"] {
        record(&desk, titled(title)).await;
    }
    let list = pb::ListTicketsRequest {
        parent: desk.parent(),
        page_size: 1,
        filter: "state = NEW".into(),
        ..Default::default()
    };
    let page = tickets.list_tickets(list.clone()).await.expect("a page").into_inner();
    let next = pb::ListTicketsRequest { page_token: page.next_page_token.clone(), ..list.clone() };
    assert!(tickets.list_tickets(next.clone()).await.is_ok());
    // The same filter in other words is the same filter.
    let same = pb::ListTicketsRequest { filter: "(state=NEW)".into(), ..next.clone() };
    assert!(tickets.list_tickets(same).await.is_ok());

    let bad = "InvalidArgument PAGE_TOKEN_INVALID";
    let other_filter = pb::ListTicketsRequest { filter: String::new(), ..next.clone() };
    assert_eq!(reason(&tickets.list_tickets(other_filter).await), bad);
    let other_order = pb::ListTicketsRequest { order_by: "number".into(), ..next.clone() };
    assert_eq!(reason(&tickets.list_tickets(other_order).await), bad);
    let junk = pb::ListTicketsRequest { page_token: "junk".into(), ..next.clone() };
    assert_eq!(reason(&tickets.list_tickets(junk).await), bad);
    let mut others = Tickets::new(desk.agent("bert"));
    assert_eq!(reason(&others.list_tickets(next.clone()).await), bad);
    let timeline = pb::ListTimelineRequest {
        name: page.tickets[0].name.clone(),
        page_token: page.next_page_token,
        ..Default::default()
    };
    assert_eq!(reason(&tickets.list_timeline(timeline).await), bad);

    let negative = pb::ListTicketsRequest { page_size: -1, ..list.clone() };
    let invalid = "InvalidArgument FIELD_INVALID";
    assert_eq!(reason(&tickets.list_tickets(negative).await), invalid);
    let unordered = pb::ListTicketsRequest { order_by: "title".into(), ..list.clone() };
    assert_eq!(reason(&tickets.list_tickets(unordered).await), invalid);
    let unfiltered = pb::ListTicketsRequest { filter: "status = NEW".into(), ..list };
    let bad_filter = "InvalidArgument FILTER_INVALID";
    assert_eq!(reason(&tickets.list_tickets(unfiltered).await), bad_filter);
    desk.finish().await;
}

#[tokio::test]
async fn counts_are_capped_and_groups_are_not() {
    let desk = Desk::open().await;
    let mut tickets = Tickets::new(desk.agent("anna"));
    let first = record(&desk, titled("x")).await;
    let mut count = async |filter: &str, group_by: &str| {
        let request = pb::CountTicketsRequest {
            parent: desk.parent(),
            filter: filter.into(),
            group_by: group_by.into(),
        };
        tickets.count_tickets(request).await
    };
    // Ten thousand more, with their events, as copies of the first.
    let number = first.number;
    for copy in [
        "insert into tickets select (json_populate_record(t, json_build_object(
             'id', uuid_in(md5(n::text)::cstring), 'number', -n, 'state', case when n <= 4000 then 'OPEN' else 'NEW' end))).*
         from tickets t, generate_series(1, 10000) n where number = $1",
        "insert into events select (json_populate_record(e, json_build_object('ticket_id', t.id))).*
         from events e, tickets t where t.number < 0 and $1 > 0",
        "insert into outbox (bucket, tenant_id, ticket_id, version)
         select o.bucket, t.tenant_id, t.id, 1 from outbox o, tickets t where t.number < 0 and $1 > 0",
    ] {
        sqlx::query(copy).bind(number).execute(desk.root()).await.expect("copied");
    }
    let all = count("", "").await.expect("a count").into_inner();
    assert_eq!((all.count, all.capped), (10_000, true));
    let open = count("state = OPEN", "").await.expect("a count").into_inner();
    assert_eq!((open.count, open.capped), (4000, false));
    let by_state = count("", "state").await.expect("groups").into_inner();
    let groups: Vec<(&str, i64)> =
        by_state.groups.iter().map(|group| (group.value.as_str(), group.count)).collect();
    assert_eq!(groups, [("NEW", 6001), ("OPEN", 4000)]);
    assert_eq!((by_state.count, by_state.capped), (10_000, true));
    let by_assignee = count("state = OPEN", "assignee").await.expect("groups").into_inner();
    assert_eq!(by_assignee.groups, [pb::CountGroup { value: String::new(), count: 4000 }]);
    let refused = count("", "title").await;
    assert_eq!(reason(&refused), "InvalidArgument FIELD_INVALID");
    desk.finish().await;
}

#[tokio::test]
async fn the_timeline_tells_everything_in_order_page_by_page() {
    let desk = Desk::open().await;
    let mut tickets = Tickets::new(desk.caller(ActorKind::Agent, "anna", &[Role::Agent]));
    let name = record(&desk, titled("x")).await.name;
    for n in 0..5 {
        desk.advance(Duration::from_secs(1));
        let hold = pb::HoldTicketRequest {
            name: name.clone(),
            note: format!("note {n}"),
            reason: "WAIT".into(),
            ..Default::default()
        };
        tickets.hold_ticket(hold).await.expect("held");
    }
    let mut entries = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = pb::ListTimelineRequest { name: name.clone(), page_size: 4, page_token };
        let page = tickets.list_timeline(request).await.expect("a page").into_inner();
        entries.extend(page.entries);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    let versions: Vec<i64> = entries.iter().map(|entry| entry.ticket_version).collect();
    assert_eq!(versions, [1, 2, 3, 4, 5, 6]);
    assert_eq!(entries[0].r#type, "ticket.created");
    let held = &entries[2];
    assert_eq!((held.note.as_str(), held.reason.as_str()), ("note 1", "WAIT"));
    assert_eq!(held.actor.as_ref().map(|actor| actor.id.as_str()), Some("anna"));
    let change = &held.changes[0];
    assert_eq!(
        (change.field.as_str(), change.before_json.as_str(), change.after_json.as_str()),
        ("hold.reason", "\"note 0\"", "\"note 1\"")
    );
    desk.finish().await;
}
