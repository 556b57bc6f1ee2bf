//! A report under an external key that is taken becomes a comment, once for each request.

use futures_util::future::join_all;
use ticketing::ctx::{ActorKind, Role};
use ticketing_proto::v1 as pb;

use super::comments;
use crate::{
    support::{Desk, reason},
    tickets::{recording, tickets, titled},
};

fn alert(desk: &Desk, request_id: &str, description: &str) -> pb::CreateTicketRequest {
    let ticket = pb::Ticket {
        description: description.to_owned(),
        external_key: Some(pb::ExternalKey { source: "monitoring".into(), id: "disk".into() }),
        ..titled("disk full")
    };
    pb::CreateTicketRequest {
        request_id: request_id.to_owned(),
        on_conflict: pb::OnConflict::AddComment.into(),
        ..recording(desk, ticket)
    }
}

async fn said(desk: &Desk, name: &str) -> Vec<(String, bool, pb::CommentVisibility)> {
    let request = pb::ListCommentsRequest { parent: name.to_owned(), ..Default::default() };
    let page = comments(desk.agent("anna")).list_comments(request).await.expect("a page").into_inner();
    let heard = |comment: pb::Comment| {
        let visibility = comment.visibility();
        (comment.text, comment.automatic, visibility)
    };
    page.comments.into_iter().map(heard).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_storm_of_alerts_is_one_ticket_and_each_alert_one_comment() {
    let desk = Desk::open().await;
    let replica = desk.replica().await;
    let monitor = |desk: &Desk| tickets(desk.caller(ActorKind::Service, "monitor", &[Role::Service]));
    let first =
        monitor(&desk).create_ticket(alert(&desk, "a0", "90 %")).await.expect("recorded").into_inner();
    assert!(!first.existing);
    let name = first.ticket.expect("a ticket").name;

    // Eight alerts, each sent three times at once, to two replicas.
    let calls = (0..24).map(|n| {
        let mut monitor = monitor(if n % 2 == 0 { &desk } else { &replica });
        let request = alert(&desk, &format!("a{}", 1 + n % 8), &format!("{} %", 91 + n % 8));
        async move { monitor.create_ticket(request).await.expect("answered").into_inner() }
    });
    for answer in join_all(calls).await {
        assert!(answer.existing);
        assert_eq!(answer.ticket.expect("a ticket").name, name);
    }
    let mut heard = said(&desk, &name).await;
    heard.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    let expected: Vec<_> =
        (91..99).map(|n| (format!("{n} %"), true, pb::CommentVisibility::Internal)).collect();
    assert_eq!(heard, expected);

    let again = monitor(&desk).create_ticket(alert(&desk, "a3", "93 %")).await.expect("told").into_inner();
    assert!(again.replayed && again.existing);
    let again = monitor(&desk).create_ticket(alert(&desk, "a0", "90 %")).await.expect("told").into_inner();
    assert!(again.replayed && !again.existing);
    assert_eq!(said(&desk, &name).await.len(), 8);
    let other = monitor(&desk).create_ticket(alert(&desk, "a3", "other")).await;
    assert_eq!(reason(&other), "FailedPrecondition REQUEST_ID_REUSED");
    replica.finish().await;
    desk.finish().await;
}

#[tokio::test]
async fn a_batch_adds_what_it_has_to_say_and_records_the_rest() {
    let desk = Desk::open().await;
    let mut anna = tickets(desk.agent("anna"));
    let first = anna.create_ticket(alert(&desk, "", "90 %")).await.expect("recorded").into_inner();
    let name = first.ticket.expect("a ticket").name;
    let batch = pb::BatchCreateTicketsRequest {
        parent: desk.parent(),
        requests: vec![alert(&desk, "", ""), recording(&desk, titled("another"))],
        request_id: "b1".into(),
        validate_only: true,
    };
    anna.batch_create_tickets(batch.clone()).await.expect("checked");
    assert_eq!(said(&desk, &name).await.len(), 0, "a check says nothing");
    let batch = pb::BatchCreateTicketsRequest { validate_only: false, ..batch };
    let done = anna.batch_create_tickets(batch.clone()).await.expect("recorded").into_inner();
    assert_eq!((&done.tickets[0].name, done.tickets[0].etag.as_str()), (&name, "\"2\""));
    let again = anna.batch_create_tickets(batch).await.expect("told").into_inner();
    assert_eq!(again, pb::BatchCreateTicketsResponse { replayed: true, ..done });
    assert_eq!(
        said(&desk, &name).await,
        [("disk full".to_owned(), false, pb::CommentVisibility::Internal)],
        "the title, for want of a description"
    );
    desk.finish().await;
}
