//! Offers: an agent is asked, answers or does not, and what is offered takes room meanwhile.

use std::time::Duration;

use ticketing::configuration::Dispatch;
use ticketing_proto::v1 as pb;
use tonic::{Response, Status};

use super::{adjust, push_once, routing};
use crate::{
    agents::{agents, employ, used},
    support::{Desk, fields, reason},
    tickets::{claim, read, record, tickets, titled},
};

/// A desk whose German queue offers its tickets; anna has more room than bert.
async fn offering() -> Desk {
    let desk = Desk::open().await;
    adjust(&desk, |document| document.queues[0].dispatch = Dispatch::Offer).await;
    employ(&desk, "anna", "desk-de", 2, &["german"]).await;
    employ(&desk, "bert", "desk-de", 1, &["german"]).await;
    desk
}

/// Who is asked to take the ticket.
async fn asked(desk: &Desk, name: &str) -> String {
    let offer = read(desk, name).await.offer.unwrap_or_default();
    offer.agent.replace("tenants/acme/agents/", "")
}

async fn accept(desk: &Desk, agent: &str, name: &str) -> Result<Response<pb::AcceptOfferResponse>, Status> {
    let request = pb::AcceptOfferRequest { name: name.to_owned(), ..Default::default() };
    routing(desk.agent(agent)).accept_offer(request).await
}

async fn decline(desk: &Desk, agent: &str, name: &str) -> Result<Response<pb::DeclineOfferResponse>, Status> {
    let request = pb::DeclineOfferRequest {
        name: name.to_owned(),
        decline_reason: pb::OfferDeclineReason::EndOfShift.into(),
        note: "gleich Feierabend".into(),
        ..Default::default()
    };
    routing(desk.agent(agent)).decline_offer(request).await
}

async fn expire(desk: &Desk) -> usize {
    ticketing::routing::expire_offers::run_once(&desk.app, 100).await.expect("a tick").done
}

/// The types of the ticket's events.
async fn story(desk: &Desk, name: &str) -> Vec<String> {
    let request = pb::ListTimelineRequest { name: name.to_owned(), page_size: 200, ..Default::default() };
    let page = tickets(desk.agent("anna")).list_timeline(request).await.expect("a timeline").into_inner();
    page.entries.into_iter().map(|entry| entry.r#type).collect()
}

#[tokio::test]
async fn who_is_asked_and_accepts_has_it() {
    let desk = offering().await;
    let name = record(&desk, titled("Drucker druckt nicht")).await.name;
    assert_eq!(push_once(&desk).await, 1);
    let ticket = read(&desk, &name).await;
    assert_eq!((ticket.assignee.as_str(), ticket.state()), ("", pb::TicketState::New));
    assert_eq!(asked(&desk, &name).await, "anna");
    assert_eq!(used(&desk, "anna").await, 1, "what is offered takes room");
    assert_eq!(push_once(&desk).await, 0, "one is asked at a time");

    assert_eq!(reason(&accept(&desk, "bert", &name).await), "FailedPrecondition OFFER_NOT_PENDING");
    let taken = accept(&desk, "anna", &name).await.expect("taken").into_inner().ticket.expect("a ticket");
    assert_eq!((taken.assignee.as_str(), &taken.offer), ("tenants/acme/agents/anna", &None));
    assert_eq!(taken.state(), pb::TicketState::Open);
    assert_eq!(used(&desk, "anna").await, 1);
    assert_eq!(reason(&accept(&desk, "anna", &name).await), "FailedPrecondition OFFER_NOT_PENDING");
    desk.finish().await;
}

#[tokio::test]
async fn who_declines_is_not_asked_again_before_the_cool_down_is_over() {
    let desk = offering().await;
    let name = record(&desk, titled("Drucker druckt nicht")).await.name;
    push_once(&desk).await;
    let declined = decline(&desk, "anna", &name).await.expect("declined").into_inner().ticket;
    assert_eq!(declined.expect("a ticket").offer, None);
    push_once(&desk).await;
    assert_eq!(asked(&desk, &name).await, "bert");
    decline(&desk, "bert", &name).await.expect("declined");
    assert_eq!(push_once(&desk).await, 0, "both have said no");
    let other = record(&desk, titled("Maus klemmt")).await.name;
    push_once(&desk).await;
    assert_eq!(asked(&desk, &other).await, "anna", "it was no to one ticket");
    desk.advance(Duration::from_mins(5));
    assert_eq!(push_once(&desk).await, 1);
    assert_eq!(asked(&desk, &name).await, "anna", "both have room for one, and were idle as long");
    desk.finish().await;
}

#[tokio::test]
async fn who_lets_an_offer_lapse_is_offered_nothing_for_a_while() {
    let desk = offering().await;
    let name = record(&desk, titled("Drucker druckt nicht")).await.name;
    push_once(&desk).await;
    assert_eq!(expire(&desk).await, 0, "there is time");
    desk.advance(Duration::from_mins(2));
    assert_eq!(reason(&accept(&desk, "anna", &name).await), "FailedPrecondition OFFER_NOT_PENDING");
    assert_eq!(expire(&desk).await, 1);
    assert_eq!((asked(&desk, &name).await.as_str(), used(&desk, "anna").await), ("", 0));
    let request = pb::GetAgentRequest { name: format!("{}/agents/anna", desk.parent()) };
    let anna = agents(desk.agent("anna")).get_agent(request).await.expect("anna").into_inner().agent;
    assert!(anna.expect("anna").cool_down_until_time.is_some());

    let other = record(&desk, titled("Maus klemmt")).await.name;
    push_once(&desk).await;
    assert_eq!(asked(&desk, &name).await, "bert");
    assert_eq!(asked(&desk, &other).await, "", "bert is full, and anna does not seem to be there");
    desk.advance(Duration::from_mins(5));
    push_once(&desk).await;
    assert_eq!(asked(&desk, &other).await, "anna");
    assert_eq!(
        story(&desk, &name).await,
        ["ticket.created", "ticket.offered", "ticket.offer_expired", "ticket.offered"]
    );
    desk.finish().await;
}

#[tokio::test]
async fn whatever_else_happens_to_the_ticket_ends_the_offer() {
    let desk = offering().await;
    let claimed = record(&desk, titled("eins")).await.name;
    push_once(&desk).await;
    assert_eq!(asked(&desk, &claimed).await, "anna");
    claim(&desk, "bert", &claimed).await.expect("a colleague may take it");
    assert_eq!((used(&desk, "anna").await, used(&desk, "bert").await), (0, 1));

    let held = record(&desk, titled("zwei")).await.name;
    push_once(&desk).await;
    let hold = pb::HoldTicketRequest { name: held.clone(), ..Default::default() };
    tickets(desk.agent("bert")).hold_ticket(hold).await.expect("held");
    assert_eq!(asked(&desk, &held).await, "");
    assert_eq!(reason(&accept(&desk, "anna", &held).await), "FailedPrecondition OFFER_NOT_PENDING");

    let moved = record(&desk, titled("drei")).await.name;
    push_once(&desk).await;
    let target = Some(pb::transfer_ticket_request::Target::Team("desk-en".into()));
    let transfer = pb::TransferTicketRequest { name: moved.clone(), target, ..Default::default() };
    routing(desk.agent("bert")).transfer_ticket(transfer).await.expect("moved");
    assert_eq!((asked(&desk, &moved).await.as_str(), used(&desk, "anna").await), ("", 0));
    desk.finish().await;
}

#[tokio::test]
async fn a_repeated_answer_has_one_effect_and_a_wrong_one_is_told_whole() {
    let desk = offering().await;
    let name = record(&desk, titled("Drucker druckt nicht")).await.name;
    push_once(&desk).await;
    let request =
        pb::DeclineOfferRequest { name: name.clone(), request_id: "r".repeat(129), ..Default::default() };
    let wrong = routing(desk.agent("anna")).decline_offer(request).await;
    assert_eq!(fields(&wrong), ["request_id"]);
    let request =
        pb::DeclineOfferRequest { name: name.clone(), note: "x".repeat(16_385), ..Default::default() };
    let wrong = routing(desk.agent("anna")).decline_offer(request).await;
    assert_eq!(fields(&wrong), ["note", "decline_reason"]);

    let request =
        pb::AcceptOfferRequest { name: name.clone(), request_id: "r1".into(), ..Default::default() };
    let mut anna = routing(desk.agent("anna"));
    let first = anna.accept_offer(request.clone()).await.expect("taken").into_inner();
    let again = anna.accept_offer(request).await.expect("taken before").into_inner();
    assert_eq!((first.ticket, first.revision), (again.ticket, again.revision));
    assert!(again.replayed && !first.replayed);
    desk.finish().await;
}

#[tokio::test]
async fn a_pull_passes_over_what_is_offered_and_what_asks_for_other_skills() {
    let desk = offering().await;
    record(&desk, titled("angeboten")).await;
    push_once(&desk).await;
    let invoice = pb::Ticket { category: "contract".into(), ..titled("Rechnung") };
    record(&desk, invoice).await;
    let third = record(&desk, titled("frei")).await.name;
    let pulled = super::pull(&desk, "bert", "desk-de").await.expect("pulled").into_inner().ticket;
    assert_eq!(pulled.expect("a ticket").name, third);
    desk.finish().await;
}
