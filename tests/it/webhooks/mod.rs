//! Webhooks over real HTTP: what arrives, in what order, and what happens when it does not.

mod backlog;
mod receiver;
mod stories;

use receiver::Request;
pub use receiver::{Answer, Receiver};
use ticketing::webhooks::{fan_out, send};
use ticketing_proto::v1::{self as pb, event_service_client::EventServiceClient};

use crate::support::{Client, Desk};

type Events = EventServiceClient<Client>;

fn events(desk: &Desk) -> Events {
    EventServiceClient::new(desk.admin())
}

fn wanting(desk: &Desk, url: &str, filter: pb::EventFilter) -> pb::CreateSubscriptionRequest {
    let subscription = pb::Subscription { url: url.into(), filter: Some(filter), ..Default::default() };
    pb::CreateSubscriptionRequest {
        parent: desk.parent(),
        subscription: Some(subscription),
        ..Default::default()
    }
}

/// Subscribes to everything.
pub async fn subscribe(desk: &Desk, receiver: &Receiver) -> pb::Subscription {
    let request = wanting(desk, &receiver.url, pb::EventFilter::default());
    let created = events(desk).create_subscription(request).await.expect("created").into_inner();
    created.subscription.expect("a subscription")
}

async fn read(desk: &Desk, name: &str) -> pb::Subscription {
    let request = pb::GetSubscriptionRequest { name: name.into() };
    let found = events(desk).get_subscription(request).await.expect("read").into_inner();
    found.subscription.expect("a subscription")
}

/// Places what happened, and makes deliveries of it.
pub async fn fan_out(desk: &Desk) {
    while ticketing::events::sequencer::run_once(&desk.app, 1000).await.expect("a pass").full {}
    while fan_out::run_once(&desk.app, 100).await.expect("a tick").full {}
}

/// Sends all that is due, until nothing is.
pub async fn send(desk: &Desk) {
    fan_out(desk).await;
    while send::run_through(&desk.app, 100).await.expect("a tick").done > 0 {}
}

async fn deliveries(desk: &Desk, name: &str, filter: &str) -> Vec<pb::Delivery> {
    let request =
        pb::ListDeliveriesRequest { parent: name.into(), filter: filter.into(), ..Default::default() };
    events(desk).list_deliveries(request).await.expect("a page").into_inner().deliveries
}

/// The versions of the tickets, in the order in which they came.
fn versions(came: &[Request]) -> Vec<i64> {
    let version = |it: &Request| it.id().rsplit_once('-').and_then(|(_, version)| version.parse().ok());
    came.iter().map(|it| version(it).expect("an id ends with the version")).collect()
}
