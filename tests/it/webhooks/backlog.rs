//! What waits for a receiver, what is sent again, and what is forgotten.

use std::time::Duration;

use ticketing::{time::Time, webhooks::forget};
use ticketing_proto::v1::{self as pb, ticket_service_client::TicketServiceClient};

use super::{
    deliveries, events, fan_out, read,
    receiver::{BROKEN, GONE, Receiver},
    send, subscribe, versions, wanting,
};
use crate::{
    import,
    support::{Desk, facts, reason},
    tickets::{record, resolve, titled},
};

fn stamp(time: Time) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds: time.as_second(), nanos: time.subsec_nanosecond() }
}

const WEEK: Duration = Duration::from_hours(7 * 24);

#[tokio::test]
async fn what_waits_behind_a_failure_waits_as_long_and_goes_on_behind_it() {
    let desk = Desk::open().await;
    let receiver = Receiver::open(&desk).await;
    let subscription = subscribe(&desk, &receiver).await;
    let ticket = record(&desk, titled("Drucker")).await;
    resolve(&desk, &ticket.name).await;
    receiver.answer(&[BROKEN]);
    send(&desk).await;
    // Comes while the ticket is held back.
    let reopen = pb::ReopenTicketRequest { name: ticket.name, ..Default::default() };
    TicketServiceClient::new(desk.admin()).reopen_ticket(reopen).await.expect("reopened");
    fan_out(&desk).await;
    let waiting = deliveries(&desk, &subscription.name, "state = PENDING").await;
    let first = waiting.last().expect("the first").due_time;
    assert!(
        waiting.len() >= 3 && first.is_some_and(|due| due.seconds > desk.now().as_second()),
        "{waiting:?}"
    );
    assert!(waiting.iter().all(|it| it.due_time == first), "all of them are due together: {waiting:?}");

    desk.advance(Duration::from_secs(10));
    receiver.came();
    send(&desk).await;
    let all: Vec<i64> = (1..=waiting.len() as i64).collect();
    assert_eq!(versions(&receiver.came()), all, "in one go, as soon as the first was taken");
    desk.finish().await;
}

#[tokio::test]
async fn the_oldest_that_waits_is_told_also_when_it_was_put_off_the_longest() {
    let desk = Desk::open().await;
    let receiver = Receiver::open(&desk).await;
    let name = subscribe(&desk, &receiver).await.name;
    record(&desk, titled("Drucker")).await;
    receiver.answer(&[BROKEN]);
    send(&desk).await;
    let oldest = deliveries(&desk, &name, "").await[0].create_time;
    // A thousand others that came later and are due sooner: more than are counted.
    let others = "insert into deliveries (tenant_id, subscription_id, ticket_id, version, type, position, state, body, attempt,
                      tries, due_time, attempts, create_time)
                  select tenant_id, subscription_id, gen_random_uuid(), 1, type, position + n, state, body, 0, 0,
                         create_time + interval '1 second', '[]', create_time + interval '1 second'
                  from deliveries, generate_series(1, 1000) n";
    let done = sqlx::query(others).execute(desk.root()).await.expect("inserted");
    assert_eq!(done.rows_affected(), 1000);
    let health = read(&desk, &name).await.health.expect("health");
    assert_eq!((health.pending_count, health.oldest_pending_time), (1000, oldest));
    desk.finish().await;
}

#[tokio::test]
async fn who_resumes_need_not_wait_for_the_schedule() {
    let desk = Desk::open().await;
    let receiver = Receiver::open(&desk).await;
    let name = subscribe(&desk, &receiver).await.name;
    let ticket = record(&desk, titled("Drucker")).await;
    resolve(&desk, &ticket.name).await;
    receiver.answer(&[GONE]);
    send(&desk).await;
    receiver.came();
    let request = pb::ResumeSubscriptionRequest { name: name.clone(), ..Default::default() };
    events(&desk).resume_subscription(request).await.expect("resumed");
    send(&desk).await;
    let came = versions(&receiver.came());
    assert!(came.len() > 1 && came[0] == 1 && came.is_sorted(), "{came:?}");
    assert_eq!(deliveries(&desk, &name, "state = PENDING").await.len(), 0);
    desk.finish().await;
}

#[tokio::test]
async fn a_replay_begins_with_the_first_event_of_a_time() {
    let desk = Desk::open().await;
    let receiver = Receiver::open(&desk).await;
    let name = subscribe(&desk, &receiver).await.name;
    record(&desk, titled("Drucker")).await;
    desk.advance(Duration::from_hours(1));
    let start = pb::replay_subscription_request::Start::StartTime(stamp(desk.now()));
    let later = record(&desk, titled("Telefon")).await;
    send(&desk).await;
    assert_eq!(receiver.came().len(), 2);
    let request = pb::ReplaySubscriptionRequest { name, start: Some(start), ..Default::default() };
    events(&desk).replay_subscription(request).await.expect("replayed");
    send(&desk).await;
    let came = receiver.came();
    let told: Vec<_> = came.iter().map(|it| it.json()["subject"].clone()).collect();
    assert_eq!(told, [later.name.as_str()]);
    desk.finish().await;
}

#[tokio::test]
async fn history_is_told_to_who_asks_for_it() {
    let desk = Desk::open().await;
    let (asks, does_not) = (Receiver::open(&desk).await, Receiver::open(&desk).await);
    let mut request = wanting(&desk, &asks.url, pb::EventFilter::default());
    request.subscription.as_mut().expect("one").include_imported = true;
    events(&desk).create_subscription(request).await.expect("created");
    subscribe(&desk, &does_not).await;
    let request = import::request(&desk, vec![import::told("1")]);
    TicketServiceClient::new(desk.admin()).import_tickets(request).await.expect("imported");
    record(&desk, titled("Drucker")).await;
    send(&desk).await;
    assert_eq!((asks.came().len(), does_not.came().len()), (7, 1));
    desk.finish().await;
}

#[tokio::test]
async fn what_was_taken_is_forgotten_after_a_week_and_what_was_not_stays() {
    let desk = Desk::open().await;
    let receiver = Receiver::open(&desk).await;
    let name = subscribe(&desk, &receiver).await.name;
    record(&desk, titled("Drucker")).await;
    send(&desk).await;
    receiver.answer(&[BROKEN]);
    record(&desk, titled("Telefon")).await;
    send(&desk).await;
    let kept = async || {
        forget::run_once(&desk.app, 100).await.expect("a tick");
        deliveries(&desk, &name, "").await.iter().map(pb::Delivery::state).collect::<Vec<_>>()
    };
    desk.advance(WEEK);
    assert_eq!(kept().await, [pb::DeliveryState::Pending, pb::DeliveryState::Delivered]);
    desk.advance(Duration::from_secs(1));
    assert_eq!(kept().await, [pb::DeliveryState::Pending]);
    desk.finish().await;
}

#[tokio::test]
async fn a_tenant_has_a_hundred_subscriptions_at_most_also_when_they_are_made_at_once() {
    let desk = Desk::open().await;
    let receiver = Receiver::open(&desk).await;
    for _ in 0..97 {
        subscribe(&desk, &receiver).await;
    }
    let create = || async {
        let request = wanting(&desk, &receiver.url, pb::EventFilter::default());
        events(&desk).create_subscription(request).await
    };
    let (mut made, mut refused) = (0, Vec::new());
    for created in futures_util::future::join_all((0..6).map(|_| create())).await {
        if created.is_ok() {
            made += 1;
        } else {
            refused.push((reason(&created), facts(&created, "limit")));
        }
    }
    let limit = ("FailedPrecondition SUBSCRIPTION_LIMIT_REACHED".to_owned(), "100".to_owned());
    assert_eq!((made, refused), (3, vec![limit; 3]));
    desk.finish().await;
}
