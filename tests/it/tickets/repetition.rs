//! The same request_id, one effect: however many senders, at once, on two replicas, and long after.

use futures_util::future::join_all;
use ticketing_proto::v1 as pb;
use tonic::{Response, Status};

use super::{Tickets, events_and_tickets, record, recording, resolve, resolving, tickets, titled};
use crate::support::{Desk, reason};

/// What a sender was answered.
type Answer = (Option<pb::Ticket>, String, bool);

/// Sixteen senders, on two replicas.
fn senders(desk: &Desk, replica: &Desk) -> Vec<Tickets> {
    (0..16).map(|n| tickets(if n % 2 == 0 { desk } else { replica }.agent("anna"))).collect()
}

/// One acted, the others were told the same.
fn one_effect(verb: &str, answers: Vec<Answer>) -> pb::Ticket {
    let acted = answers.iter().filter(|(_, _, replayed)| !replayed).count();
    assert_eq!(acted, 1, "{verb}");
    let (first, revision, _) = answers[0].clone();
    for (ticket, other, _) in answers {
        assert_eq!((ticket, other), (first.clone(), revision.clone()), "{verb}");
    }
    first.expect("a ticket")
}

macro_rules! at_once {
    ($desk:expr, $replica:expr, $method:ident($request:expr)) => {{
        let request = $request;
        let calls = senders($desk, $replica).into_iter().map(|mut tickets| {
            let request = request.clone();
            async move {
                let answer = tickets.$method(request).await.expect("answered").into_inner();
                (answer.ticket, answer.revision, answer.replayed)
            }
        });
        one_effect(stringify!($method), join_all(calls).await)
    }};
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixteen_senders_have_one_effect() {
    let desk = Desk::open().await;
    let replica = desk.replica().await;
    let request_id = "once".to_owned();
    let mut expected = 0;
    macro_rules! story {
        ($($method:ident($request:expr);)*) => {$(
            let ticket = at_once!(&desk, &replica, $method($request));
            expected += 1;
            assert_eq!(events_and_tickets(&desk).await, (expected, 1), stringify!($method));
            assert_eq!(ticket.etag, format!("\"{expected}\""), stringify!($method));
        )*};
    }
    let ticket = at_once!(
        &desk,
        &replica,
        create_ticket(pb::CreateTicketRequest {
            request_id: request_id.clone(),
            ..recording(&desk, titled("Drucker"))
        })
    );
    expected += 1;
    assert_eq!(events_and_tickets(&desk).await, (expected, 1));
    let name = ticket.name;
    let edited = pb::Ticket { name: name.clone(), ..titled("Plotter") };
    // The etag of the first sender is stale for the others, and still they are told what became of it.
    let etag = ticket.etag;
    story! {
        update_ticket(pb::UpdateTicketRequest {
            ticket: Some(pb::Ticket { etag: etag.clone(), ..edited.clone() }),
            request_id: request_id.clone(),
            ..Default::default()
        });
        hold_ticket(pb::HoldTicketRequest { name: name.clone(), request_id: request_id.clone(), ..Default::default() });
        resume_ticket(pb::ResumeTicketRequest { name: name.clone(), request_id: request_id.clone(), ..Default::default() });
        add_tags(pb::AddTagsRequest {
            name: name.clone(),
            request_id: request_id.clone(),
            tags: vec!["vip".to_owned()],
            ..Default::default()
        });
        add_follower(pb::AddFollowerRequest { name: name.clone(), request_id: request_id.clone(), ..Default::default() });
        resolve_ticket(pb::ResolveTicketRequest { request_id: request_id.clone(), ..resolving(&name) });
        reopen_ticket(pb::ReopenTicketRequest { name: name.clone(), request_id: request_id.clone(), ..Default::default() });
        resolve_ticket(pb::ResolveTicketRequest { request_id: "twice".to_owned(), ..resolving(&name) });
        close_ticket(pb::CloseTicketRequest { name: name.clone(), request_id: request_id.clone(), ..Default::default() });
    }
    replica.finish().await;
    desk.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixteen_batches_have_one_effect() {
    let desk = Desk::open().await;
    let replica = desk.replica().await;
    let requests: Vec<_> = (0..10)
        .map(|n| pb::CreateTicketRequest { ticket: Some(titled(&n.to_string())), ..Default::default() })
        .collect();
    let request = pb::BatchCreateTicketsRequest {
        parent: desk.parent(),
        requests,
        request_id: "once".to_owned(),
        validate_only: false,
    };
    let calls = senders(&desk, &replica).into_iter().map(|mut tickets| {
        let request = request.clone();
        async move { tickets.batch_create_tickets(request).await.expect("answered").into_inner() }
    });
    let answers = join_all(calls).await;
    assert_eq!(answers.iter().filter(|answer| !answer.replayed).count(), 1);
    assert!(answers.iter().all(|answer| answer.tickets == answers[0].tickets));
    assert_eq!(events_and_tickets(&desk).await, (10, 10));
    replica.finish().await;
    desk.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_storm_of_one_alert_is_one_ticket() {
    let desk = Desk::open().await;
    let replica = desk.replica().await;
    let key = pb::ExternalKey { source: "monitoring".to_owned(), id: "disk-1".to_owned() };
    let alert = pb::Ticket { external_key: Some(key), ..titled("Platte voll") };
    let request = pb::CreateTicketRequest {
        on_conflict: pb::OnConflict::ReturnExisting.into(),
        ..recording(&desk, alert)
    };
    let calls = senders(&desk, &replica).into_iter().enumerate().map(|(n, mut tickets)| {
        let request = pb::CreateTicketRequest { request_id: format!("alert-{n}"), ..request.clone() };
        async move { tickets.create_ticket(request).await.expect("answered").into_inner() }
    });
    let answers = join_all(calls).await;
    assert_eq!(answers.iter().filter(|answer| !answer.existing).count(), 1);
    assert!(answers.iter().all(|answer| answer.ticket == answers[0].ticket));
    assert_eq!(events_and_tickets(&desk).await, (1, 1));
    let refused: Result<Response<_>, Status> = tickets(desk.agent("anna"))
        .create_ticket(pb::CreateTicketRequest { on_conflict: 0, ..request.clone() })
        .await;
    assert_eq!(reason(&refused), "AlreadyExists EXTERNAL_KEY_EXISTS");
    // Whose ticket it is not learns no more than that the key is taken.
    let refused = tickets(desk.customer("meier")).create_ticket(request).await;
    assert_eq!(reason(&refused), "AlreadyExists EXTERNAL_KEY_EXISTS");
    replica.finish().await;
    desk.finish().await;
}

#[tokio::test]
async fn a_late_repetition_is_told_what_was_then() {
    let desk = Desk::open().await;
    let mut anna = tickets(desk.agent("anna"));
    let name = record(&desk, titled("Drucker")).await.name;
    let hold = pb::HoldTicketRequest {
        name: name.clone(),
        request_id: "h1".to_owned(),
        note: "Seriennummer erfragt".to_owned(),
        ..Default::default()
    };
    let first = anna.hold_ticket(hold.clone()).await.expect("held").into_inner();
    resolve(&desk, &name).await;
    let again = anna.hold_ticket(hold.clone()).await.expect("recalled").into_inner();
    assert_eq!((again.ticket, again.revision, again.replayed), (first.ticket, first.revision, true));

    let other = pb::HoldTicketRequest { note: "etwas anderes".to_owned(), ..hold.clone() };
    assert_eq!(reason(&anna.hold_ticket(other).await), "FailedPrecondition REQUEST_ID_REUSED");
    // Another caller's request_id is another one.
    let refused = tickets(desk.agent("bert")).hold_ticket(hold).await;
    assert_eq!(reason(&refused), "FailedPrecondition TICKET_STATE_CONFLICT");
    desk.finish().await;
}
