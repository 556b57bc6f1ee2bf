//! Who is asked, when, and how often.

use std::time::Duration;

use ticketing::configuration::{Document, FeedbackScale};
use ticketing_proto::v1::{self as pb, ticket_service_client::TicketServiceClient};

use super::{DAY, all, ask, asking, everybody, solved};
use crate::{
    entitlements::told,
    support::{Desk, sample},
    tickets::{record, resolve, titled},
};

/// What was told of questions.
async fn asked(desk: &Desk) -> usize {
    told(desk).await.iter().filter(|event| event.r#type == "feedback.requested").count()
}

#[tokio::test]
async fn a_resolution_that_stands_is_asked_about_once_when_it_is_time() {
    let desk = asking(FeedbackScale::Csat, |survey| survey.delay_duration = Some(DAY)).await;
    let ticket = solved(&desk, "kim").await;
    ask(&desk).await;
    assert_eq!(asked(&desk).await, 0, "it is not time");
    desk.advance(DAY);
    ask(&desk).await;
    ask(&desk).await;
    assert_eq!(asked(&desk).await, 1);
    let one = all(&desk, "state = REQUESTED").await.remove(0);
    assert!(one.name.starts_with(&format!("{}/feedback/", ticket.name)));
    assert_eq!((one.survey.as_str(), one.scale()), ("satisfaction", pb::FeedbackScale::Csat));
    assert_eq!(one.contact, format!("{}/contacts/kim", desk.parent()));
    assert_eq!((one.resolve_time, one.score, one.token_expire_time), (ticket.resolve_time, None, None));
    let event = told(&desk).await.pop().expect("told");
    let notice = event.feedback.expect("what is asked");
    assert_eq!((notice.feedback, notice.score), (one.name, None));
    assert_eq!(event.cause.expect("why").rule, "satisfaction");
    desk.finish().await;
}

#[tokio::test]
async fn what_was_opened_again_is_asked_about_when_it_is_solved_anew() {
    let desk = asking(FeedbackScale::Csat, |survey| survey.delay_duration = Some(DAY)).await;
    let ticket = solved(&desk, "kim").await;
    desk.advance(DAY / 2);
    let reopen = pb::ReopenTicketRequest { name: ticket.name.clone(), ..Default::default() };
    TicketServiceClient::new(desk.agent("anna")).reopen_ticket(reopen).await.expect("opened again");
    desk.advance(DAY / 2);
    ask(&desk).await;
    assert_eq!(asked(&desk).await, 0);
    let ticket = resolve(&desk, &ticket.name).await;
    desk.advance(DAY);
    ask(&desk).await;
    assert_eq!(asked(&desk).await, 1);
    assert_eq!(all(&desk, "").await[0].resolve_time, ticket.resolve_time);
    desk.finish().await;
}

#[tokio::test]
async fn whoever_was_asked_is_left_in_peace_for_a_while() {
    let desk = asking(FeedbackScale::Csat, |survey| survey.quiet_duration = Some(DAY)).await;
    for contact in ["kim", "kim", "lee"] {
        solved(&desk, contact).await;
    }
    ask(&desk).await;
    assert_eq!(asked(&desk).await, 2, "two at once are one too many");
    desk.advance(DAY.saturating_sub(Duration::from_secs(1)));
    solved(&desk, "kim").await;
    ask(&desk).await;
    assert_eq!(asked(&desk).await, 2);
    desk.advance(Duration::from_secs(1));
    solved(&desk, "kim").await;
    ask(&desk).await;
    assert_eq!(asked(&desk).await, 3);
    desk.finish().await;
}

#[tokio::test]
async fn nobody_is_asked_where_nobody_is_to_ask() {
    let desk = asking(FeedbackScale::Csat, |survey| {
        survey.condition = "ticket.title != \"still\"".into();
    })
    .await;
    let nobody_s = record(&desk, titled("VPN")).await;
    resolve(&desk, &nobody_s.name).await;
    let requester = format!("{}/contacts/kim", desk.parent());
    let unasked = record(&desk, pb::Ticket { requester, ..titled("still") }).await;
    resolve(&desk, &unasked.name).await;
    desk.advance(DAY);
    ask(&desk).await;
    assert_eq!(asked(&desk).await, 0);
    desk.finish().await;
}

/// Two replicas tick at once, over and over; each question is asked once.
#[tokio::test]
async fn replicas_ask_once() {
    let desk = Desk::open().await;
    let other = desk.replica().await;
    let document = Document { surveys: vec![everybody(FeedbackScale::Csat)], ..sample() };
    for replica in [&desk, &other] {
        replica.configure(&document).await;
    }
    for _ in 0..10 {
        solved(&desk, "kim").await;
    }
    tokio::join!(ask(&desk), ask(&other), ask(&desk), ask(&other));
    ask(&desk).await;
    assert_eq!((asked(&desk).await, all(&desk, "").await.len()), (10, 10));
    other.finish().await;
    desk.finish().await;
}
