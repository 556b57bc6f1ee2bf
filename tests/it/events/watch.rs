//! Events as they come: the initial state, the way back after a cut, and the end.

use ticketing_proto::v1::{watch_events_request::Start, watch_events_response::Body};
use tonic::Streaming;

use super::*;

async fn watch(desk: &Desk, request: pb::WatchEventsRequest) -> Streaming<pb::WatchEventsResponse> {
    let request = pb::WatchEventsRequest { parent: desk.parent(), ..request };
    events(desk).watch_events(request).await.expect("a stream").into_inner()
}

/// The next message that is no sign of life alone.
async fn next(stream: &mut Streaming<pb::WatchEventsResponse>) -> (String, Body) {
    loop {
        let message = stream.message().await.expect("no error").expect("no end");
        match message.body.expect("a body") {
            Body::Bookmark(_) => {}
            body => return (message.cursor, body),
        }
    }
}

#[tokio::test]
async fn a_watcher_sees_what_is_then_what_comes_and_resumes_after_a_cut() {
    let desk = Desk::open().await;
    let old = create(&desk, "old").await;
    sequence(&desk).await;
    let request = pb::WatchEventsRequest { include_initial_state: true, ..Default::default() };
    let mut stream = watch(&desk, request).await;
    let (cursor, Body::SnapshotChunk(chunk)) = next(&mut stream).await else { panic!("no snapshot") };
    assert_eq!(chunk.tickets.iter().map(|t| &t.name).collect::<Vec<_>>(), [&old.name]);
    assert!(cursor.is_empty(), "a snapshot that breaks off begins anew");
    let (resume, Body::SnapshotComplete(complete)) = next(&mut stream).await else { panic!("no end") };
    assert_eq!(complete.ticket_count, 1);

    hold(&desk, &old.name).await;
    sequence(&desk).await;
    let (cursor, Body::Events(batch)) = next(&mut stream).await else { panic!("no events") };
    assert_eq!((batch.events.len(), batch.events[0].r#type.as_str()), (1, "ticket.held"));
    drop(stream);

    let new = create(&desk, "new").await;
    sequence(&desk).await;
    for (cursor, versions) in [(cursor, vec![1]), (resume, vec![2, 1])] {
        let request = pb::WatchEventsRequest { start: Some(Start::Cursor(cursor)), ..Default::default() };
        let mut stream = watch(&desk, request).await;
        let (_, Body::Events(batch)) = next(&mut stream).await else { panic!("no events") };
        assert_eq!(batch.events.iter().map(|e| e.ticket_version).collect::<Vec<_>>(), versions);
        assert_eq!(batch.events.last().expect("one").resource, new.name);
    }
    desk.finish().await;
}

#[tokio::test]
async fn a_snapshot_has_the_live_tickets_that_the_filter_selects() {
    let desk = Desk::open().await;
    let ticket = create(&desk, "one").await;
    create(&desk, "two").await;
    for (filter, count) in [
        (pb::EventFilter { ticket: ticket.name.clone(), ..Default::default() }, 1),
        (pb::EventFilter { queues: vec![ticket.queue.clone()], ..Default::default() }, 2),
        (pb::EventFilter { teams: vec!["engineering".into()], ..Default::default() }, 0),
        // The types are about events; the state is the state.
        (pb::EventFilter { types: vec!["ticket.closed".into()], ..Default::default() }, 2),
    ] {
        let request = pb::WatchEventsRequest {
            include_initial_state: true,
            filter: Some(filter),
            ..Default::default()
        };
        let mut stream = watch(&desk, request).await;
        let mut sent = 0;
        loop {
            match next(&mut stream).await.1 {
                Body::SnapshotChunk(chunk) => sent += chunk.tickets.len(),
                Body::SnapshotComplete(complete) => {
                    assert_eq!((sent, complete.ticket_count), (count, count as i64));
                    break;
                }
                other => panic!("{other:?}"),
            }
        }
    }
    desk.finish().await;
}

#[tokio::test]
async fn a_drain_says_goodbye_with_the_place_to_resume_at() {
    let desk = Desk::open().await;
    let request = pb::WatchEventsRequest {
        filter: Some(pb::EventFilter { teams: vec!["engineering".into()], ..Default::default() }),
        ..Default::default()
    };
    let mut stream = watch(&desk, request).await;
    create(&desk, "filtered out").await;
    sequence(&desk).await;
    desk.app.drain.cancel();
    let (cursor, Body::Goodbye(goodbye)) = next(&mut stream).await else { panic!("no goodbye") };
    assert_eq!(goodbye.reason(), pb::GoodbyeReason::Drain);
    assert!(stream.message().await.expect("an end in good order").is_none());
    let replica = desk.replica().await;
    let request = pb::WatchEventsRequest { start: Some(Start::Cursor(cursor)), ..Default::default() };
    let mut stream = watch(&replica, request).await;
    let late = create(&replica, "late").await;
    sequence(&replica).await;
    // What the filter left out may come again to one without a filter; nothing is missing in any case.
    loop {
        let (_, Body::Events(batch)) = next(&mut stream).await else { panic!("no events") };
        if batch.events.iter().any(|event| event.resource == late.name) {
            break;
        }
    }
    replica.finish().await;
}

#[tokio::test]
async fn what_another_replica_places_is_told_here() {
    let desk = Desk::open().await;
    let mut stream = watch(&desk, pb::WatchEventsRequest::default()).await;
    let ticket = create(&desk, "placed elsewhere").await;
    sequence(&desk.replica().await).await;
    let (_, Body::Events(batch)) = next(&mut stream).await else { panic!("no events") };
    assert_eq!(batch.events[0].resource, ticket.name);
    desk.finish().await;
}
