//! The shortest story: a ticket is recorded, read back and put aside, over real gRPC.

use ticketing_proto::v1::{self as pb, ticket_service_client::TicketServiceClient};

use crate::support::Desk;

#[tokio::test]
async fn a_ticket_is_recorded_read_and_held() {
    let desk = Desk::open().await;
    let mut tickets = TicketServiceClient::new(desk.agent("anna"));
    let created = tickets
        .create_ticket(pb::CreateTicketRequest {
            parent: desk.parent(),
            ticket: Some(pb::Ticket { title: "Drucker druckt nicht".into(), ..Default::default() }),
            request_id: "r1".into(),
            ..Default::default()
        })
        .await
        .expect("created")
        .into_inner();
    let ticket = created.ticket.expect("a ticket");
    assert_eq!(
        (ticket.state(), ticket.queue.as_str(), ticket.level.as_str()),
        (pb::TicketState::New, "desk-de", "L1")
    );

    let held = tickets
        .hold_ticket(pb::HoldTicketRequest {
            name: ticket.name.clone(),
            etag: ticket.etag.clone(),
            kind: pb::HoldKind::Customer.into(),
            note: "Seriennummer erfragt".into(),
            ..Default::default()
        })
        .await
        .expect("held")
        .into_inner();
    assert_eq!(held.ticket.expect("a ticket").state(), pb::TicketState::WaitingOnCustomer);

    let read = tickets
        .get_ticket(pb::GetTicketRequest {
            name: format!("{}/tickets/{}", desk.parent(), ticket.number),
            ..Default::default()
        })
        .await
        .expect("read by number")
        .into_inner();
    assert_eq!(read.ticket.expect("a ticket").hold.expect("a hold").reason, "Seriennummer erfragt");
    desk.finish().await;
}
