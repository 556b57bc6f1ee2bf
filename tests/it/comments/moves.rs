//! What is said moves the ticket: by itself when a customer says it, by request when an agent does.

use std::time::Duration;

use futures_util::future::join_all;
use ticketing_proto::v1::{self as pb, create_comment_request::Then};

use super::{asked, both, comments, publicly, saying, then, told, types};
use crate::{
    support::{Desk, fields, reason},
    tickets::{edit, read, resolve, tickets},
};

const DAY: Duration = Duration::from_hours(24);

#[tokio::test]
async fn a_customer_s_answer_takes_the_ticket_up_again() {
    let desk = Desk::open().await;
    let ticket = asked(&desk).await;
    let mut anna = comments(desk.agent("anna"));
    let ask = publicly(saying(&ticket.name, "Welche Seriennummer?"));
    let hold = pb::HoldThen { kind: pb::HoldKind::Customer.into(), until_time: None };
    let (comment, waiting) =
        both(anna.create_comment(then(ask, Then::Hold(hold))).await.expect("said").into_inner());
    assert_eq!(waiting.state(), pb::TicketState::WaitingOnCustomer);
    assert_eq!(comment.author.expect("an author").id, "anna");

    let mut peter = comments(desk.customer("peter"));
    let mut automatic = saying(&ticket.name, "Ich bin im Urlaub");
    automatic.comment.as_mut().expect("a comment").automatic = true;
    let (_, still) = both(peter.create_comment(automatic).await.expect("said").into_inner());
    assert_eq!(still.state(), pb::TicketState::WaitingOnCustomer, "a program answers nobody");

    let mut hidden = saying(&ticket.name, "AB-17");
    hidden.comment.as_mut().expect("a comment").visibility = pb::CommentVisibility::Internal.into();
    let (comment, open) = both(peter.create_comment(hidden).await.expect("said").into_inner());
    assert_eq!(comment.visibility(), pb::CommentVisibility::Public, "a customer has nothing internal");
    assert_eq!((open.state(), open.assignee.as_str()), (pb::TicketState::Open, ""));
    let told = told(&desk, desk.agent("anna"), &ticket.name).await;
    assert_eq!(
        types(&told),
        [
            "ticket.created",
            "ticket.commented",
            "ticket.held",
            "ticket.commented",
            "ticket.commented",
            "ticket.resumed"
        ]
    );
    desk.finish().await;
}

#[tokio::test]
async fn a_customer_s_objection_reopens_inside_the_window_and_continues_after_it() {
    let desk = Desk::open().await;
    let ticket = asked(&desk).await;
    resolve(&desk, &ticket.name).await;
    desk.advance(6 * DAY);
    let mut peter = comments(desk.customer("peter"));
    let (_, reopened) =
        both(peter.create_comment(saying(&ticket.name, "Geht nicht")).await.expect("said").into_inner());
    assert_eq!((&reopened.name, reopened.state()), (&ticket.name, pb::TicketState::Open));

    resolve(&desk, &ticket.name).await;
    desk.advance(14 * DAY);
    let request =
        pb::CreateCommentRequest { request_id: "r1".into(), ..saying(&ticket.name, "Schon wieder") };
    let said = peter.create_comment(request.clone()).await.expect("said").into_inner();
    let (comment, follow_up) = both(said.clone());
    assert_ne!(follow_up.name, ticket.name);
    assert_eq!(follow_up.follow_up_of, ticket.name);
    assert_eq!(follow_up.title, "Re: Drucker druckt nicht");
    assert!(comment.name.starts_with(&follow_up.name), "{}", comment.name);
    assert_eq!(read(&desk, &ticket.name).await.state(), pb::TicketState::Resolved, "left alone");
    assert_eq!(read(&desk, &follow_up.name).await.queue, "desk-de", "routed as any other");
    let told = told(&desk, desk.customer("peter"), &follow_up.name).await;
    assert_eq!(types(&told), ["ticket.created", "ticket.commented"]);
    assert_eq!(told[1].note, "Schon wieder");

    let again = peter.create_comment(request).await.expect("said").into_inner();
    assert_eq!(again, pb::CreateCommentResponse { replayed: true, ..said });
    desk.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixteen_senders_open_one_follow_up() {
    let desk = Desk::open().await;
    let replica = desk.replica().await;
    let ticket = asked(&desk).await;
    resolve(&desk, &ticket.name).await;
    let close = pb::CloseTicketRequest { name: ticket.name.clone(), ..Default::default() };
    tickets(desk.agent("anna")).close_ticket(close).await.expect("closed");
    let request = pb::CreateCommentRequest { request_id: "r1".into(), ..saying(&ticket.name, "Hallo?") };
    let calls = (0..16).map(|n| {
        let mut peter = comments(if n % 2 == 0 { &desk } else { &replica }.customer("peter"));
        let request = request.clone();
        async move { peter.create_comment(request).await.expect("said").into_inner() }
    });
    let answers = join_all(calls).await;
    assert_eq!(answers.iter().filter(|answer| !answer.replayed).count(), 1);
    for answer in &answers {
        assert_eq!((&answer.comment, &answer.ticket), (&answers[0].comment, &answers[0].ticket));
    }
    let count = pb::CountTicketsRequest { parent: desk.parent(), ..Default::default() };
    assert_eq!(
        tickets(desk.agent("anna")).count_tickets(count).await.expect("counted").into_inner().count,
        2
    );
    replica.finish().await;
    desk.finish().await;
}

#[tokio::test]
async fn an_agent_says_and_does_in_one_step_or_neither() {
    let desk = Desk::open().await;
    let ticket = asked(&desk).await;
    let mut anna = comments(desk.agent("anna"));
    let resolution = |code: &str| {
        Some(pb::Resolution { code: code.into(), summary: "Toner".into(), ..Default::default() })
    };
    let nonsense =
        Then::Resolve(pb::ResolveThen { resolution: resolution("nonsense"), draft_article: false });
    let refused = anna.create_comment(then(saying(&ticket.name, "so"), nonsense)).await;
    assert_eq!(fields(&refused), ["resolve.resolution.code"]);
    let refused =
        anna.create_comment(then(saying(&ticket.name, "so"), Then::Reopen(pb::ReopenThen {}))).await;
    assert_eq!(reason(&refused), "FailedPrecondition TICKET_STATE_CONFLICT");
    assert_eq!(read(&desk, &ticket.name).await.etag, ticket.etag, "nothing was said");

    let fixed = Then::Resolve(pb::ResolveThen { resolution: resolution("fixed"), draft_article: false });
    let (_, solved) =
        both(anna.create_comment(then(saying(&ticket.name, "so"), fixed)).await.expect("said").into_inner());
    assert_eq!(solved.state(), pb::TicketState::Resolved);
    let mut peter = comments(desk.customer("peter"));
    let by_customer = then(saying(&ticket.name, "so"), Then::Reopen(pb::ReopenThen {}));
    let refused = peter.create_comment(by_customer).await;
    assert_eq!(reason(&refused), "PermissionDenied PERMISSION_MISSING");

    let stale = pb::CreateCommentRequest { etag: ticket.etag, ..saying(&ticket.name, "late") };
    assert_eq!(reason(&anna.create_comment(stale).await), "Aborted ETAG_MISMATCH");
    let mut empty = saying(&ticket.name, " ");
    empty.comment.as_mut().expect("a comment").visibility = 9;
    assert_eq!(fields(&anna.create_comment(empty).await), ["comment.text", "comment.visibility"]);
    desk.finish().await;
}

#[tokio::test]
async fn a_level_without_customer_contact_speaks_internally_only() {
    let desk = Desk::open().await;
    let ticket = asked(&desk).await;
    edit(&desk, &ticket.name, |ticket| ticket.level = "L3".to_owned()).await;
    let mut anna = comments(desk.agent("anna"));
    let refused = anna.create_comment(publicly(saying(&ticket.name, "Hallo"))).await;
    assert_eq!(reason(&refused), "FailedPrecondition LEVEL_WITHOUT_CUSTOMER_CONTACT");
    assert!(anna.create_comment(saying(&ticket.name, "intern")).await.is_ok());
    let mut peter = comments(desk.customer("peter"));
    assert!(peter.create_comment(saying(&ticket.name, "Hallo?")).await.is_ok());
    desk.finish().await;
}
