//! Events page by page: what goes out, filters, waiting, and cursors that do not open.

use ticketing_proto::v1::list_events_request::Start;

use super::*;
use crate::support::{facts, fields, reason};

fn from(desk: &Desk, cursor: &str) -> pb::ListEventsRequest {
    pb::ListEventsRequest {
        parent: desk.parent(),
        start: Some(Start::Cursor(cursor.to_owned())),
        ..Default::default()
    }
}

#[tokio::test]
async fn an_event_says_what_changed_and_nothing_more() {
    let desk = Desk::open().await;
    let ticket = create(&desk, "secret").await;
    hold(&desk, &ticket.name).await;
    sequence(&desk).await;
    let log = log(&desk, 10).await;
    assert_eq!(log.iter().map(|e| e.r#type.as_str()).collect::<Vec<_>>(), ["ticket.created", "ticket.held"]);
    let held = &log[1];
    assert_eq!((held.resource.as_str(), held.ticket_version), (ticket.name.as_str(), 2));
    let changes: Vec<_> = held
        .changes
        .iter()
        .map(|c| (c.field.as_str(), c.before_json.as_str(), c.after_json.as_str()))
        .collect();
    assert_eq!(changes, [("state", "\"NEW\"", "\"ON_HOLD\"")]);
    let facts = held.facts.as_ref().expect("facts");
    assert_eq!((facts.state(), facts.number), (pb::TicketState::OnHold, ticket.number));
    let actor = held.actor.as_ref().expect("an actor");
    assert_eq!((actor.kind(), actor.id.as_str()), (pb::ActorKind::Agent, "anna"));
    assert!(!format!("{log:?}").contains("secret"));
    desk.finish().await;
}

#[tokio::test]
async fn pages_by_filter_time_and_cursor() {
    let desk = Desk::open().await;
    let mut client = events(&desk);
    let first = create(&desk, "first").await;
    desk.advance(std::time::Duration::from_mins(1));
    let second = create(&desk, "second").await;
    hold(&desk, &second.name).await;
    sequence(&desk).await;

    let mut list = async |request: pb::ListEventsRequest| {
        client.list_events(request).await.map(|page| page.into_inner())
    };
    let filtered =
        |filter| pb::ListEventsRequest { parent: desk.parent(), filter: Some(filter), ..Default::default() };
    let types = |page: &pb::ListEventsResponse| -> Vec<String> {
        page.events.iter().map(|event| event.r#type.clone()).collect()
    };
    let page = list(filtered(pb::EventFilter { ticket: second.name.clone(), ..Default::default() })).await;
    assert_eq!(types(&page.expect("a page")), ["ticket.created", "ticket.held"]);
    let page =
        list(filtered(pb::EventFilter { types: vec!["ticket.hel*".into()], ..Default::default() })).await;
    assert_eq!(types(&page.expect("a page")), ["ticket.held"]);
    let page = list(filtered(pb::EventFilter { queues: vec!["engineering".into()], ..Default::default() }))
        .await
        .expect("a page");
    assert!(page.events.is_empty() && !page.more);
    // Current through the end, although nothing fits.
    assert!(list(from(&desk, &page.cursor)).await.expect("a page").events.is_empty());

    let since = pb::ListEventsRequest {
        parent: desk.parent(),
        start: Some(Start::StartTime(second.create_time.expect("a time"))),
        page_size: 1,
        ..Default::default()
    };
    let page = list(since).await.expect("a page");
    assert_eq!((page.events[0].resource.as_str(), page.more), (second.name.as_str(), true));
    let rest = list(from(&desk, &page.cursor)).await.expect("a page");
    assert_eq!((types(&rest), rest.more), (vec!["ticket.held".to_owned()], false));
    // The cursor on an event is the place behind it.
    let page = list(from(&desk, &page.events[0].cursor)).await.expect("a page");
    assert_eq!(types(&page), ["ticket.held"]);
    assert_ne!(first.name, second.name);
    desk.finish().await;
}

#[tokio::test]
async fn every_fault_is_named() {
    let desk = Desk::open().await;
    let request = pb::ListEventsRequest {
        parent: desk.parent(),
        page_size: -1,
        wait_duration: Some(prost_types::Duration { seconds: 31, nanos: 0 }),
        filter: Some(pb::EventFilter {
            types: vec!["ticket.created".into(), "ticket.creatd".into()],
            ticket: "tenants/other/tickets/0".into(),
            ..Default::default()
        }),
        ..Default::default()
    };
    let refused = events(&desk).list_events(request).await;
    assert_eq!(fields(&refused), ["filter.types[1]", "filter.ticket", "page_size", "wait_duration"]);
    let request = pb::ListEventsRequest { parent: desk.parent(), ..Default::default() };
    let refused = EventServiceClient::new(desk.customer("c1")).list_events(request).await;
    assert_eq!(reason(&refused), "PermissionDenied PERMISSION_MISSING");
    desk.finish().await;
}

#[tokio::test]
async fn a_waiting_list_hears_of_the_first_event() {
    let desk = Desk::open().await;
    let request = pb::ListEventsRequest {
        parent: desk.parent(),
        wait_duration: Some(prost_types::Duration { seconds: 30, nanos: 0 }),
        ..Default::default()
    };
    let mut client = events(&desk);
    let come = async {
        let ticket = create(&desk, "first").await;
        sequence(&desk).await;
        ticket
    };
    let (page, ticket) = tokio::join!(client.list_events(request), come);
    let page = page.expect("a page").into_inner();
    assert_eq!(page.events[0].resource, ticket.name);
    desk.finish().await;
}

#[tokio::test]
async fn a_cursor_that_leads_nowhere_is_refused() {
    let desk = Desk::open().await;
    let mut client = events(&desk);
    for n in 0..3 {
        create(&desk, &format!("{n}")).await;
    }
    sequence(&desk).await;
    let log = log(&desk, 10).await;
    let refused = client.list_events(from(&desk, "nonsense")).await;
    assert_eq!(reason(&refused), "InvalidArgument CURSOR_INVALID");

    // What a retention does: drop the old end, and say up to where.
    let drop = "with gone as (delete from stream where tenant_id = $1 and position <= 2 returning position)
                update stream_heads set dropped = (select max(position) from gone) where bucket = $2";
    sqlx::query(drop)
        .bind(desk.tenant.as_str())
        .bind(desk.tenant.bucket())
        .execute(desk.root())
        .await
        .expect("dropped");
    let refused = client.list_events(from(&desk, &log[0].cursor)).await;
    assert_eq!(reason(&refused), "OutOfRange CURSOR_EXPIRED");
    let oldest = facts(&refused, "oldest_cursor");
    let page = client.list_events(from(&desk, &oldest)).await.expect("what is kept").into_inner();
    assert_eq!(page.events.iter().map(|e| &e.id).collect::<Vec<_>>(), [&log[2].id]);
    // The one at the edge has missed nothing.
    client.list_events(from(&desk, &log[1].cursor)).await.expect("what is kept");

    // A log that was set back.
    sqlx::query("update stream_heads set position = 2 where bucket = $1")
        .bind(desk.tenant.bucket())
        .execute(desk.root())
        .await
        .expect("set back");
    let refused = client.list_events(from(&desk, &log[2].cursor)).await;
    assert_eq!(reason(&refused), "InvalidArgument CURSOR_INVALID");
}

/// A backup sets the log back; when it has grown again, positions from before mean other events.
#[tokio::test]
async fn no_cursor_from_before_the_database_was_set_back_is_taken() {
    let desk = Desk::open().await;
    create(&desk, "first").await;
    sequence(&desk).await;
    let list = async |desk: &Desk, cursor: &str| events(desk).list_events(from(desk, cursor)).await;
    let cursor = log(&desk, 1).await.remove(0).cursor;
    list(&desk, &cursor).await.expect("a page");

    let (code, told, _) = crate::cli::run(&["restored", "--database-url", &desk.url]).await;
    assert!(code == Some(0) && told.contains("Cursors from before are refused"), "{told}");
    let after = desk.replica().await;
    let refused = list(&after, &cursor).await;
    assert_eq!(reason(&refused), "InvalidArgument CURSOR_INVALID");
    let cursor = log(&after, 1).await.remove(0).cursor;
    list(&after, &cursor).await.expect("one from after");
    after.finish().await;
    desk.finish().await;
}
