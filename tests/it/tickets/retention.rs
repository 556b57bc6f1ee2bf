//! Tickets that were over for long enough are gone, and nothing of them is left; the others stay as they are.

use std::time::Duration;

use ticketing::{events::sequencer, ids::TenantId, tickets::retire};
use ticketing_proto::v1::{self as pb, event_service_client::EventServiceClient, list_events_request::Start};

use super::{Tickets, record};
use crate::{
    customers::found,
    support::{Desk, put_in_force, reason, sample},
};

const DAY: Duration = Duration::from_hours(24);

async fn titled(desk: &Desk, title: &str) -> pb::Ticket {
    record(desk, pb::Ticket { title: title.to_owned(), ..Default::default() }).await
}

/// A ticket with something of everything, cancelled.
async fn over(desk: &Desk, title: &str) -> pb::Ticket {
    let ticket = titled(desk, title).await;
    let mut anna = Tickets::new(desk.agent("anna"));
    let hold = pb::HoldTicketRequest { name: ticket.name.clone(), note: title.into(), ..Default::default() };
    anna.hold_ticket(hold).await.expect("held");
    let cancel =
        pb::CancelTicketRequest { name: ticket.name.clone(), reason: title.into(), ..Default::default() };
    Tickets::new(desk.manager()).cancel_ticket(cancel).await.expect("cancelled");
    ticket
}

async fn place(desk: &Desk) {
    while sequencer::run_once(&desk.app, 1000).await.expect("a pass").done > 0 {}
}

async fn retire(desk: &Desk) -> usize {
    retire::run_once(&desk.app, 200).await.expect("a tick").done
}

#[tokio::test]
async fn what_was_over_for_long_enough_goes_with_all_that_belongs_to_it() {
    let desk = Desk::open().await;
    let mut document = sample();
    document.lifecycle.retention_duration = 30 * DAY;
    desk.configure(&document).await;
    let (gone, open) = (over(&desk, "vergangen").await, titled(&desk, "offen").await);
    desk.advance(DAY);
    let younger = over(&desk, "juenger").await;
    desk.advance(28 * DAY + Duration::from_hours(23));
    assert_eq!(retire(&desk).await, 0, "its events wait for their places");
    place(&desk).await;
    assert_eq!(retire(&desk).await, 0, "an hour too early");
    assert_ne!(found(desk.root(), "vergangen").await, Vec::<String>::new());
    desk.advance(Duration::from_hours(1) + Duration::from_secs(3));
    assert_eq!((retire(&desk).await, retire(&desk).await), (1, 0));

    assert_eq!(found(desk.root(), "vergangen").await, Vec::<String>::new());
    let mut anna = Tickets::new(desk.agent("anna"));
    let get = |name: &str| pb::GetTicketRequest { name: name.into(), ..Default::default() };
    assert_eq!(reason(&anna.get_ticket(get(&gone.name)).await), "NotFound RESOURCE_NOT_FOUND");
    for stays in [&open, &younger] {
        anna.get_ticket(get(&stays.name)).await.expect("it stays");
    }
    let start = Some(Start::StartTime(gone.create_time.expect("a time")));
    let list = pb::ListEventsRequest { parent: desk.parent(), start, ..Default::default() };
    let events =
        EventServiceClient::new(desk.admin()).list_events(list).await.expect("read").into_inner().events;
    assert!(!events.is_empty() && events.iter().all(|event| event.resource != gone.name), "{events:?}");
    desk.finish().await;
}

#[tokio::test]
async fn a_tenant_that_says_nothing_keeps_everything() {
    let desk = Desk::open().await;
    let bare = TenantId::parse("bare").expect("a tenant");
    sqlx::query("insert into tenants (id, create_time) values ($1, '2026-01-01')")
        .bind(bare.as_str())
        .execute(desk.root())
        .await
        .expect("a tenant without a configuration");
    let mut document = sample();
    document.lifecycle.retention_duration = 30 * DAY;
    put_in_force(desk.root(), &TenantId::parse("globex").expect("a tenant"), &document, desk.now()).await;
    let ticket = over(&desk, "alt").await;
    place(&desk).await;
    desk.advance(3650 * DAY);
    assert_eq!(retire(&desk).await, 0);
    let get = pb::GetTicketRequest { name: ticket.name, ..Default::default() };
    Tickets::new(desk.agent("anna")).get_ticket(get).await.expect("it stays");
    desk.finish().await;
}
