//! What tickets weigh: nobody has more than fits, also when a ticket grows in its owner's hands.

use ticketing::configuration::{Document, LoadWeight};
use ticketing_proto::v1 as pb;

use super::{adjust, pull, push_once};
use crate::{
    agents::{employ, used},
    support::{Desk, reason},
    tickets::{claim, read, record, tickets, titled},
};

fn weights(document: &mut Document) {
    let weight = |channel: &str, state: &str, weight| LoadWeight {
        channel: channel.into(),
        state: state.into(),
        weight,
    };
    document.load_weights = vec![weight("", "WAITING_ON_CUSTOMER", 0), weight("PHONE", "", 3)];
}

fn call(title: &str) -> pb::Ticket {
    pb::Ticket { channel: pb::Channel::Phone.into(), ..titled(title) }
}

/// Anna, who has room for three, owns a ticket that waits for its customer.
async fn waiting_for_the_customer() -> (Desk, String) {
    let desk = Desk::open().await;
    adjust(&desk, weights).await;
    employ(&desk, "anna", "desk-de", 3, &["german"]).await;
    let asked = pb::Ticket { requester: "tenants/acme/contacts/kunde".into(), ..titled("Drucker") };
    let name = record(&desk, asked).await.name;
    claim(&desk, "anna", &name).await.expect("claimed");
    let hold = pb::HoldTicketRequest {
        name: name.clone(),
        kind: pb::HoldKind::Customer.into(),
        ..Default::default()
    };
    tickets(desk.agent("anna")).hold_ticket(hold).await.expect("held");
    (desk, name)
}

async fn customer_answers(desk: &Desk, name: &str) {
    let request = pb::CreateCommentRequest {
        parent: name.to_owned(),
        comment: Some(pb::Comment { text: "A4".into(), ..Default::default() }),
        ..Default::default()
    };
    crate::comments::comments(desk.customer("kunde")).create_comment(request).await.expect("said");
}

#[tokio::test]
async fn a_call_takes_more_room_than_a_mail() {
    let desk = Desk::open().await;
    adjust(&desk, weights).await;
    employ(&desk, "anna", "desk-de", 4, &["german"]).await;
    let first = record(&desk, call("Anruf")).await.name;
    let second = record(&desk, call("noch ein Anruf")).await.name;
    record(&desk, titled("Mail")).await;
    assert_eq!(push_once(&desk).await, 1, "anna saves what room she has for the second call");
    assert_eq!(used(&desk, "anna").await, 3);
    assert_eq!(reason(&claim(&desk, "anna", &second).await), "FailedPrecondition AGENT_AT_CAPACITY");
    assert_eq!(reason(&pull(&desk, "anna", "desk-de").await), "FailedPrecondition AGENT_AT_CAPACITY");
    assert_eq!(read(&desk, &first).await.assignee, "tenants/acme/agents/anna");
    desk.finish().await;
}

#[tokio::test]
async fn what_waits_for_the_customer_frees_its_room_and_a_slot_that_is_free_is_filled() {
    let (desk, _) = waiting_for_the_customer().await;
    assert_eq!(used(&desk, "anna").await, 0);
    record(&desk, call("Anruf")).await;
    assert_eq!(push_once(&desk).await, 1);
    assert_eq!(used(&desk, "anna").await, 3);
    desk.finish().await;
}

#[tokio::test]
async fn the_customer_s_answer_finds_the_owner_if_there_is_room_else_the_queue() {
    let (desk, name) = waiting_for_the_customer().await;
    customer_answers(&desk, &name).await;
    assert_eq!(read(&desk, &name).await.assignee, "tenants/acme/agents/anna");
    assert_eq!(used(&desk, "anna").await, 1);
    desk.finish().await;

    let (desk, name) = waiting_for_the_customer().await;
    let phone = record(&desk, call("Anruf")).await.name;
    push_once(&desk).await;
    customer_answers(&desk, &name).await;
    let ticket = read(&desk, &name).await;
    assert_eq!((ticket.assignee.as_str(), ticket.state()), ("", pb::TicketState::Open));
    assert_eq!(ticket.former_assignee, "tenants/acme/agents/anna");
    assert_eq!(used(&desk, "anna").await, 3);

    employ(&desk, "bert", "desk-de", 9, &["german"]).await;
    crate::tickets::resolve(&desk, &phone).await;
    assert_eq!(push_once(&desk).await, 1);
    assert_eq!(read(&desk, &name).await.assignee, "tenants/acme/agents/anna", "who had it comes first");
    desk.finish().await;
}

#[tokio::test]
async fn who_takes_it_up_by_hand_without_room_is_told_so() {
    let (desk, name) = waiting_for_the_customer().await;
    record(&desk, call("Anruf")).await;
    push_once(&desk).await;
    let resume = pb::ResumeTicketRequest { name: name.clone(), ..Default::default() };
    let refused = tickets(desk.agent("anna")).resume_ticket(resume).await;
    assert_eq!(reason(&refused), "FailedPrecondition AGENT_AT_CAPACITY");
    assert_eq!(read(&desk, &name).await.state(), pb::TicketState::WaitingOnCustomer);
    desk.finish().await;
}

#[tokio::test]
async fn a_hold_that_ends_by_itself_keeps_to_the_room_too() {
    let (desk, name) = waiting_for_the_customer().await;
    let until = desk.now().after(std::time::Duration::from_hours(1));
    let hold = pb::HoldTicketRequest {
        name: name.clone(),
        kind: pb::HoldKind::Customer.into(),
        until_time: Some(ticketing::tickets::wire::timestamp(until)),
        ..Default::default()
    };
    tickets(desk.agent("anna")).hold_ticket(hold).await.expect("held on");
    record(&desk, call("Anruf")).await;
    push_once(&desk).await;
    desk.advance(std::time::Duration::from_hours(1));
    assert_eq!(ticketing::tickets::wake::run_once(&desk.app, 10).await.expect("a tick").done, 1);
    let ticket = read(&desk, &name).await;
    assert_eq!((ticket.assignee.as_str(), ticket.state()), ("", pb::TicketState::Open));
    assert_eq!(used(&desk, "anna").await, 3);
    desk.finish().await;
}
