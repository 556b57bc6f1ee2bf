//! The event log, as readers see it.

mod list;
mod login;
mod order;
mod relay;
mod storm;
mod watch;

use ticketing::{ctx::Ctx, db::Tx, events::EventType, tickets::Change};
use ticketing_proto::v1::{
    self as pb, event_service_client::EventServiceClient, ticket_service_client::TicketServiceClient,
};

use crate::support::{Client, Desk};

/// Records a ticket.
async fn create(desk: &Desk, title: &str) -> pb::Ticket {
    let request = pb::CreateTicketRequest {
        parent: desk.parent(),
        ticket: Some(pb::Ticket { title: title.into(), ..Default::default() }),
        ..Default::default()
    };
    let created = tickets(desk).create_ticket(request).await.expect("created");
    created.into_inner().ticket.expect("a ticket")
}

/// Puts a ticket aside; the clients of one ticket may do so at once.
async fn hold(desk: &Desk, name: &str) {
    let request = pb::HoldTicketRequest {
        name: name.into(),
        kind: pb::HoldKind::Other.into(),
        note: "secret".into(),
        ..Default::default()
    };
    tickets(desk).hold_ticket(request).await.expect("held");
}

/// Changes a ticket in an open transaction.
async fn note(desk: &Desk, tx: &mut Tx, ticket: &pb::Ticket) {
    let id = ticket.name.rsplit('/').next().expect("an id").parse().expect("an id");
    let ctx = Ctx::system(desk.tenant.clone(), "storm", desk.now());
    let locked = ticketing::tickets::lock_in(tx, &ctx, id).await.expect("locked");
    let change = Change::of(locked).step(&ctx, EventType::TicketNoted, |_, _| {});
    ticketing::tickets::apply_in(tx, &desk.app.configurations, vec![change]).await.expect("written");
}

fn tickets(desk: &Desk) -> TicketServiceClient<Client> {
    TicketServiceClient::new(desk.agent("anna"))
}

fn events(desk: &Desk) -> EventServiceClient<Client> {
    EventServiceClient::new(desk.agent("anna"))
}

/// Everything that was committed gets its place.
async fn sequence(desk: &Desk) {
    while ticketing::events::sequencer::run_once(&desk.app, 1000).await.expect("a pass").done > 0 {}
}

/// The whole log, page by page.
async fn log(desk: &Desk, page_size: i32) -> Vec<pb::Event> {
    let mut client = events(desk);
    let (mut all, mut start) = (Vec::new(), None);
    loop {
        let request = pb::ListEventsRequest {
            parent: desk.parent(),
            start: start.map(pb::list_events_request::Start::Cursor),
            page_size,
            ..Default::default()
        };
        let page = client.list_events(request).await.expect("a page").into_inner();
        assert!(page.events.len() <= page_size as usize);
        all.extend(page.events);
        if !page.more {
            return all;
        }
        start = Some(page.cursor);
    }
}
