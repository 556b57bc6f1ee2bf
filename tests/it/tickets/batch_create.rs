//! BatchCreateTickets: all or none, in order, once.

use ticketing_proto::v1 as pb;

use super::{events_and_tickets, record, tickets, titled};
use crate::support::{Desk, fields, reason};

fn batch(desk: &Desk, tickets: Vec<pb::Ticket>) -> pb::BatchCreateTicketsRequest {
    let requests = tickets
        .into_iter()
        .map(|ticket| pb::CreateTicketRequest { ticket: Some(ticket), ..Default::default() })
        .collect();
    pb::BatchCreateTicketsRequest {
        parent: desk.parent(),
        requests,
        request_id: "b1".to_owned(),
        validate_only: false,
    }
}

fn alert(id: &str) -> pb::Ticket {
    let key = pb::ExternalKey { source: "monitoring".to_owned(), id: id.to_owned() };
    pb::Ticket { external_key: Some(key), ..titled(id) }
}

#[tokio::test]
async fn a_hundred_tickets_come_in_their_order_and_once() {
    let desk = Desk::open().await;
    let mut anna = tickets(desk.agent("anna"));
    let request = batch(&desk, (0..100).map(|n| titled(&n.to_string())).collect());
    let first = anna.batch_create_tickets(request.clone()).await.expect("recorded").into_inner();
    let titles: Vec<String> = first.tickets.iter().map(|ticket| ticket.title.clone()).collect();
    assert_eq!(titles, (0..100).map(|n| n.to_string()).collect::<Vec<_>>());
    assert!(first.tickets.windows(2).all(|pair| pair[0].number < pair[1].number));

    // What happened since does not change the answer.
    let name = first.tickets[7].name.clone();
    anna.hold_ticket(pb::HoldTicketRequest { name, ..Default::default() }).await.expect("held");
    let again = anna.batch_create_tickets(request.clone()).await.expect("recalled").into_inner();
    assert_eq!((first.replayed, again.replayed), (false, true));
    assert_eq!(again.tickets, first.tickets);
    assert_eq!(events_and_tickets(&desk).await, (101, 100));

    let other = pb::BatchCreateTicketsRequest { requests: request.requests[1..].to_vec(), ..request };
    assert_eq!(reason(&anna.batch_create_tickets(other).await), "FailedPrecondition REQUEST_ID_REUSED");
    desk.finish().await;
}

#[tokio::test]
async fn one_bad_ticket_spoils_the_batch_and_every_fault_has_its_place() {
    let desk = Desk::open().await;
    let mut anna = tickets(desk.agent("anna"));
    let unknown = pb::Ticket { category: "moon".to_owned(), ..titled("") };
    let mut request = batch(&desk, vec![titled("gut"), unknown, alert("a"), alert("a")]);
    request.requests[0].request_id = "mine".to_owned();
    request.requests[2].parent = "tenants/globex".to_owned();
    request.requests[3].validate_only = true;
    request.requests[3].on_conflict = 99;
    assert_eq!(
        fields(&anna.batch_create_tickets(request).await),
        [
            "requests[0].request_id",
            "requests[1].ticket.title",
            "requests[1].ticket.category",
            "requests[2].parent",
            "requests[3].on_conflict",
            "requests[3].validate_only",
            "requests[3].ticket.external_key"
        ]
    );
    for count in [0, 101] {
        let request = batch(&desk, (0..count).map(|n| titled(&n.to_string())).collect());
        assert_eq!(fields(&anna.batch_create_tickets(request).await), ["requests"]);
    }
    assert_eq!(events_and_tickets(&desk).await, (0, 0));
    desk.finish().await;
}

#[tokio::test]
async fn a_ticket_that_is_there_spoils_the_batch_or_takes_its_place() {
    let desk = Desk::open().await;
    let mut anna = tickets(desk.agent("anna"));
    let there = record(&desk, alert("disk-1")).await;
    let mut request = batch(&desk, vec![alert("disk-0"), alert("disk-1"), alert("disk-2")]);
    assert_eq!(
        reason(&anna.batch_create_tickets(request.clone()).await),
        "AlreadyExists EXTERNAL_KEY_EXISTS"
    );
    assert_eq!(events_and_tickets(&desk).await, (1, 1));
    for create in &mut request.requests {
        create.set_on_conflict(pb::OnConflict::ReturnExisting);
    }
    let done = anna.batch_create_tickets(request.clone()).await.expect("recorded").into_inner();
    assert_eq!(done.tickets[1], there);
    assert_eq!(events_and_tickets(&desk).await, (3, 3));
    let again = anna.batch_create_tickets(request).await.expect("recalled").into_inner();
    assert_eq!((again.replayed, again.tickets), (true, done.tickets));
    desk.finish().await;
}

#[tokio::test]
async fn a_rehearsal_records_nothing() {
    let desk = Desk::open().await;
    let mut anna = tickets(desk.agent("anna"));
    let there = record(&desk, alert("disk-1")).await;
    let mut request = batch(&desk, vec![titled("neu"), alert("disk-1")]);
    request.validate_only = true;
    assert_eq!(
        reason(&anna.batch_create_tickets(request.clone()).await),
        "AlreadyExists EXTERNAL_KEY_EXISTS"
    );
    request.requests[1].set_on_conflict(pb::OnConflict::ReturnExisting);
    let shown = anna.batch_create_tickets(request).await.expect("rehearsed").into_inner();
    assert_eq!((shown.tickets[0].name.as_str(), shown.tickets[0].queue.as_str()), ("", "desk-de"));
    assert_eq!(shown.tickets[1], there);
    assert_eq!(events_and_tickets(&desk).await, (1, 1));
    desk.finish().await;
}
