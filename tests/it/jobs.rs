//! The loop that runs jobs, and the job that forgets receipts.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use ticketing::{
    app::App,
    error::Error,
    idempotency,
    jobs::{Job, Report, Tick, drive},
};
use ticketing_proto::v1::{self as pb, ticket_service_client::TicketServiceClient};

use crate::support::Desk;

static TICKS: AtomicUsize = AtomicUsize::new(0);

/// Fails, panics, has more to do, has nothing to do, and ends the service.
fn stumble(app: Arc<App>, limit: usize) -> Tick {
    Box::pin(async move {
        match TICKS.fetch_add(1, Ordering::Relaxed) {
            0 => Err(Error::Conflict),
            1 => panic!("a job panics"),
            2 => Ok(Report::of(limit, limit, limit)),
            3 => Ok(Report::default()),
            _ => {
                app.drain.cancel();
                Ok(Report::of(limit, limit, limit))
            }
        }
    })
}

static STUMBLING: Job = Job {
    name: "stumbling",
    period: Duration::from_millis(1),
    pace: Duration::ZERO,
    batch: 10,
    wake: None,
    run_once: stumble,
};

#[tokio::test]
async fn a_job_outlives_its_failures_and_ends_with_the_service() {
    let desk = Desk::open().await;
    drive(Arc::clone(&desk.app), &STUMBLING).await;
    assert_eq!(TICKS.load(Ordering::Relaxed), 5);
    let text = desk.app.metrics.text().expect("metrics");
    for line in [
        "ticketing_job_duration_seconds_count{name=\"stumbling\",outcome=\"done\"} 3".to_owned(),
        "ticketing_job_duration_seconds_count{name=\"stumbling\",outcome=\"failed\"} 2".into(),
        "ticketing_job_done_total{name=\"stumbling\"} 20".into(),
        format!("ticketing_job_success_time_seconds{{name=\"stumbling\"}} {}", desk.now().as_second()),
    ] {
        assert!(text.lines().any(|shown| shown == line), "{line} is not in\n{text}");
    }
    desk.finish().await;
}

#[tokio::test]
async fn receipts_are_forgotten_after_two_days() {
    let desk = Desk::open().await;
    let mut anna = TicketServiceClient::new(desk.agent("anna"));
    let mut record = async |request_id: &str| {
        let ticket = pb::Ticket { title: "Drucker".to_owned(), ..Default::default() };
        let request = pb::CreateTicketRequest {
            parent: desk.parent(),
            ticket: Some(ticket),
            request_id: request_id.to_owned(),
            ..Default::default()
        };
        anna.create_ticket(request).await.expect("recorded").into_inner().replayed
    };
    for request_id in ["a", "b", "c"] {
        assert!(!record(request_id).await);
    }
    desk.advance(Duration::from_hours(48));
    assert!(!record("d").await);
    assert_eq!(idempotency::purge(&desk.app, 2).await.expect("ran"), Report::default());
    desk.advance(Duration::from_secs(1));
    assert_eq!(idempotency::purge(&desk.app, 2).await.expect("ran"), Report { done: 2, full: true });
    assert_eq!(idempotency::purge(&desk.app, 2).await.expect("ran"), Report { done: 1, full: false });
    assert!(!record("a").await, "forgotten");
    assert!(record("d").await, "remembered");
    desk.finish().await;
}
