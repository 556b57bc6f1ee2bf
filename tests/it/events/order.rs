//! Order: one for all readers, by version for each ticket, with nothing lost and nothing doubled, whoever writes and
//! whoever places.

use std::{
    collections::HashMap,
    sync::atomic::{AtomicUsize, Ordering},
};

use ticketing::events::sequencer::run_once;

use super::*;

const WRITERS: usize = 8;
const TICKETS: usize = 6;
const STEPS: usize = 12;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn eight_writers_and_two_sequencers_keep_the_order() {
    let desk = Desk::open().await;
    let other = desk.replica().await;
    // What all writers fight for, besides tickets of their own.
    let shared = create(&desk, "shared").await.name;
    let left = AtomicUsize::new(WRITERS);
    let write = async |writer: usize| {
        let desk = if writer.is_multiple_of(2) { &desk } else { &other };
        for n in 0..TICKETS {
            let own = create(desk, &format!("{writer} {n}")).await.name;
            for _ in 0..STEPS / TICKETS {
                hold(desk, &own).await;
                hold(desk, &shared).await;
            }
        }
        left.fetch_sub(1, Ordering::Relaxed);
    };
    let place = async |desk: &Desk| {
        while left.load(Ordering::Relaxed) > 0 {
            // Small batches cut the outbox at any place.
            run_once(&desk.app, 3).await.expect("a pass");
        }
    };
    // A reader that follows from the first event on, and must have seen the same in the end.
    let follow = async {
        let (mut seen, mut cursor) = (Vec::new(), None);
        let mut client = events(&desk);
        while seen.len() < 1 + WRITERS * (TICKETS + 2 * STEPS) {
            let request = pb::ListEventsRequest {
                parent: desk.parent(),
                start: cursor.take().map(pb::list_events_request::Start::Cursor),
                wait_duration: Some(prost_types::Duration { seconds: 1, nanos: 0 }),
                page_size: 7,
                ..Default::default()
            };
            let page = client.list_events(request).await.expect("a page").into_inner();
            seen.extend(page.events.into_iter().map(|event| event.id));
            cursor = Some(page.cursor);
            if left.load(Ordering::Relaxed) == 0 {
                sequence(&desk).await;
            }
        }
        seen
    };
    let writers = async {
        tokio::join!(write(0), write(1), write(2), write(3), write(4), write(5), write(6), write(7));
    };
    let ((), (), (), seen) = tokio::join!(writers, place(&desk), place(&other), follow);

    let log = log(&other, 100).await;
    assert_eq!(seen, log.iter().map(|event| event.id.clone()).collect::<Vec<_>>());
    let mut versions: HashMap<&str, i64> = HashMap::new();
    for event in &log {
        let version = versions.entry(&event.resource).or_default();
        *version += 1;
        assert_eq!(event.ticket_version, *version, "{}", event.resource);
    }
    assert_eq!(versions.len(), 1 + WRITERS * TICKETS);
    assert_eq!(versions[shared.as_str()], 1 + (WRITERS * STEPS) as i64);
    desk.finish().await;
}

#[tokio::test]
async fn what_commits_late_comes_late_and_is_not_lost() {
    let desk = Desk::open().await;
    let slow = create(&desk, "slow").await;
    sequence(&desk).await;
    // A transaction that has drawn its `seq` and stays open while others commit and are placed.
    let mut tx = desk.app.db.begin(&desk.tenant).await.expect("a transaction");
    note(&desk, &mut tx, &slow).await;
    create(&desk, "fast").await;
    sequence(&desk).await;
    assert_eq!(log(&desk, 10).await.len(), 2);
    tx.commit().await.expect("committed");
    sequence(&desk).await;
    let log = log(&desk, 10).await;
    let last = log.last().expect("three events");
    assert_eq!((log.len(), last.r#type.as_str()), (3, "ticket.noted"));
    desk.finish().await;
}
