//! What a stream says and when, with a source and a clock that the test moves.

use std::collections::VecDeque;

use super::*;
use crate::{
    events::{Event, EventType, project::project, store_stream::Placed},
    ids::{Id, TenantId},
};

/// Batches that come after a while each; then nothing for ever.
struct Script(VecDeque<(Duration, Batch)>);

impl Source for Script {
    async fn next(&mut self) -> Result<Batch> {
        match self.0.front() {
            Some((pause, _)) => sleep(*pause).await,
            None => std::future::pending().await,
        }
        Ok(self.0.pop_front().expect("it is there").1)
    }
}

/// `count` events that end at `through`.
fn batch(through: i64, count: i64) -> Batch {
    let now: Time = "2026-01-05T09:00:00Z".parse().expect("a time");
    let ctx = Ctx::system(TenantId::parse("acme").expect("a tenant"), "test", now);
    let notice = |position| {
        let event = Event::new(&ctx, EventType::TicketNoted, Id(uuid::Uuid::from_u128(1)), position);
        Arc::new(project(Placed { position, event }))
    };
    Batch { notices: (through - count + 1..=through).map(notice).collect(), through, more: false }
}

fn nothing_fits() -> Filter {
    Filter { queues: vec!["none".into()], ..Filter::default() }
}

struct Stream {
    messages: mpsc::Receiver<Message>,
    end: tokio::task::JoinHandle<(Result<(), End>, i64)>,
    leave: oneshot::Sender<Goodbye>,
}

#[allow(clippy::disallowed_methods)] // a test has no App that tracks its tasks
fn stream(script: Vec<(Duration, Batch)>, filter: Filter) -> Stream {
    let (sender, messages) = mpsc::channel(BUFFER);
    let (leave, left) = oneshot::channel();
    let end = tokio::spawn(async move {
        let clock = Clock::manual("2026-01-05T09:00:00Z".parse().expect("a time"));
        let left = pin!(async { left.await.expect("the test says when") });
        let mut out = Outlet { sender, position: 0 };
        let ended = follow(&mut Script(script.into()), &filter, &clock, left, &mut out).await;
        (ended, out.position)
    });
    Stream { messages, end, leave }
}

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn a_bookmark_comes_in_time_although_all_is_filtered_out() {
    // A batch each half second, for a minute, and silence after it.
    let script = (1..=120).map(|n| (SECOND / 2, batch(n * 10, 10))).collect();
    let mut stream = stream(script, nothing_fits());
    let (mut last, mut through) = (Instant::now(), 0);
    for _ in 0..12 {
        let message = stream.messages.recv().await.expect("a message");
        assert!(matches!(message.body, Body::Bookmark(_)), "{message:?}");
        assert!(last.elapsed() <= Duration::from_secs(15), "{:?}", last.elapsed());
        let position = message.position.expect("a bookmark has a cursor");
        assert!(position > through || position == 1200, "{position} after {through}");
        (last, through) = (Instant::now(), position);
    }
    assert_eq!(through, 1200);
}

#[tokio::test(start_paused = true)]
async fn events_come_in_order_and_in_pieces_each_with_its_cursor() {
    let script = vec![(SECOND, batch(450, 450)), (SECOND, batch(451, 1))];
    let mut stream = stream(script, Filter::default());
    let mut seen = Vec::new();
    for cursor in [200, 400, 450, 451] {
        let message = stream.messages.recv().await.expect("a message");
        let Body::Events(notices) = message.body else { panic!("{message:?}") };
        assert_eq!(message.position, Some(cursor));
        seen.extend(notices.iter().map(|notice| notice.position));
    }
    assert_eq!(seen, (1..=451).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn the_end_is_said_with_the_place_to_resume_at() {
    let mut stream = stream(vec![(SECOND, batch(7, 1))], nothing_fits());
    sleep(2 * SECOND).await;
    stream.leave.send(Goodbye::Drain).expect("the stream lives");
    let last = stream.messages.recv().await.expect("a goodbye");
    assert!(matches!(last.body, Body::Goodbye(Goodbye::Drain)), "{last:?}");
    assert_eq!(last.position, Some(7));
    assert!(stream.messages.recv().await.is_none());
    assert!(stream.end.await.expect("it ends by itself").0.is_ok());
}

#[tokio::test(start_paused = true)]
async fn who_does_not_read_is_cut_behind_what_was_sent() {
    let script = (1..=200).map(|n| (SECOND / 10, batch(n, 1))).collect();
    let mut stream = stream(script, Filter::default());
    let began = Instant::now();
    let (ended, position) = stream.end.await.expect("it ends by itself");
    assert!(matches!(ended, Err(End::Slow)), "{ended:?}");
    // 64 messages fill the buffer in 6.4 s; the 65th waits for the grace.
    assert_eq!((began.elapsed().as_millis(), position), (16_500, BUFFER as i64));
    let mut sent = 0;
    while stream.messages.recv().await.is_some() {
        sent += 1;
    }
    assert_eq!(sent, BUFFER);
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_who_reads_in_time_misses_nothing() {
    let script = (1..=200).map(|n| (SECOND / 10, batch(n, 1))).collect();
    let mut stream = stream(script, Filter::default());
    for position in 1..=200 {
        sleep(SECOND).await;
        let message = stream.messages.recv().await.expect("a message");
        assert_eq!(message.position, Some(position));
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_without_reader_ends() {
    let stream = stream(Vec::new(), Filter::default());
    drop(stream.messages);
    assert!(matches!(stream.end.await.expect("it ends").0, Err(End::Gone)));
}
