//! What is not merged, and what a refusal leaves behind: nothing.

use ticketing_proto::v1 as pb;

use super::{asked, merge, merging, nobody, said, say};
use crate::{
    support::{Desk, fields, reason},
    tickets::{events_and_tickets, record, resolve, tickets, titled},
};

#[tokio::test]
async fn what_makes_no_sense_is_refused_with_its_reason_and_leaves_no_trace() {
    let desk = Desk::open().await;
    let [a, b, c] = [
        asked(&desk, "peter", "A").await,
        asked(&desk, "peter", "B").await,
        asked(&desk, "peter", "C").await,
    ];
    let paula = asked(&desk, "paula", "P").await;
    let hidden =
        record(&desk, pb::Ticket { requester: a.requester.clone(), restricted: true, ..titled("Gehalt") })
            .await;
    merge(&desk, &b, &[&a]).await;
    resolve(&desk, &c.name).await;
    let before = events_and_tickets(&desk).await;
    let mut manager = tickets(desk.manager());
    let mut said = async |request| reason(&manager.merge_tickets(request).await);
    let conflict = "FailedPrecondition TICKET_STATE_CONFLICT";
    assert_eq!(said(merging(&a.name, &[&paula])).await, conflict, "into what is merged");
    assert_eq!(said(merging(&b.name, &[&a])).await, conflict, "what is merged");
    assert_eq!(said(merging(&c.name, &[&b])).await, conflict, "into what is solved");
    assert_eq!(said(merging(&b.name, &[&paula])).await, "FailedPrecondition MERGE_ACROSS_CUSTOMERS");
    assert_eq!(said(merging(&b.name, &[&hidden])).await, "FailedPrecondition MERGE_ACROSS_RESTRICTION");
    let stale = pb::MergeTicketsRequest { etag: b.etag.clone(), ..merging(&b.name, &[&c]) };
    assert_eq!(said(stale).await, "Aborted ETAG_MISMATCH");
    let mut stale = merging(&b.name, &[&c]);
    stale.tickets[0].etag = "\"7\"".into();
    assert_eq!(said(stale).await, "Aborted ETAG_MISMATCH");
    let nobody = nobody(&paula);
    assert_eq!(said(merging(&b.name, &[&c, &nobody])).await, "NotFound RESOURCE_NOT_FOUND");
    // Who is not shown one of them, is told nothing of it.
    assert!(
        reason(&tickets(desk.agent("zoe")).merge_tickets(merging(&b.name, &[&hidden])).await)
            .contains("NOT_FOUND")
    );
    for (request, path) in [
        (merging(&b.name, &[]), "tickets"),
        (merging(&b.name, &[&c, &b]), "tickets[1].name"),
        (merging(&b.name, &[&c, &c]), "tickets[1].name"),
        (merging(&b.name, &[&c; 21]), "tickets"),
    ] {
        let refused = tickets(desk.manager()).merge_tickets(request).await;
        assert!(fields(&refused).contains(&path.to_owned()), "{:?}", fields(&refused));
    }
    // Every check, and no change.
    let try_out = pb::MergeTicketsRequest { validate_only: true, ..merging(&b.name, &[&c]) };
    let tried = tickets(desk.manager()).merge_tickets(try_out).await.expect("it would do").into_inner();
    assert_eq!(tried.ticket.expect("the survivor").name, b.name);
    assert_eq!(events_and_tickets(&desk).await, before);
    desk.finish().await;
}

#[tokio::test]
async fn a_ticket_goes_on_for_fifty_and_a_repetition_is_answered_as_before() {
    let desk = Desk::open().await;
    let survivor = record(&desk, titled("Sturm")).await;
    let mut anna = tickets(desk.agent("anna"));
    let more = async |count: usize| {
        let mut batch = Vec::new();
        for n in 0..count {
            batch.push(record(&desk, titled(&format!("Alarm {n}"))).await);
        }
        batch
    };
    for size in [20, 20, 10] {
        let batch = more(size).await;
        let request = pb::MergeTicketsRequest {
            request_id: format!("{size}-{}", batch[0].number),
            ..merging(&survivor.name, &batch.iter().collect::<Vec<_>>())
        };
        let first = anna.merge_tickets(request.clone()).await.expect("merged").into_inner();
        let again = anna.merge_tickets(request).await.expect("merged").into_inner();
        assert_eq!((first.replayed, again.replayed), (false, true));
        assert_eq!(first.ticket, again.ticket);
    }
    let one = more(1).await;
    let refused = anna.merge_tickets(merging(&survivor.name, &[&one[0]])).await;
    assert_eq!(reason(&refused), "FailedPrecondition MERGE_LIMIT_REACHED");
    // Whoever takes it over takes all of it over.
    let other = record(&desk, titled("anderswo")).await;
    let refused = anna.merge_tickets(merging(&other.name, &[&survivor])).await;
    assert_eq!(reason(&refused), "FailedPrecondition MERGE_LIMIT_REACHED");
    desk.finish().await;
}

#[tokio::test]
async fn pages_skip_and_double_nothing_while_tickets_are_merged() {
    let desk = Desk::open().await;
    let [a, b] = [asked(&desk, "peter", "A").await, asked(&desk, "peter", "B").await];
    for n in 0..3 {
        say(desk.agent("anna"), &a.name, &format!("a{n}")).await.expect("said");
        say(desk.agent("anna"), &b.name, &format!("b{n}")).await.expect("said");
    }
    let mut comments = super::CommentServiceClient::new(desk.agent("anna"));
    let mut page = async |page_token: String| {
        let request = pb::ListCommentsRequest { parent: a.name.clone(), page_size: 2, page_token };
        let page = comments.list_comments(request).await.expect("a page").into_inner();
        let texts: Vec<String> = page.comments.into_iter().map(|comment| comment.text).collect();
        (texts, page.next_page_token)
    };
    let (mut seen, token) = page(String::new()).await;
    assert_eq!(seen, ["a0", "a1"]);
    merge(&desk, &a, &[&b]).await;
    let mut token = token;
    while !token.is_empty() {
        let (texts, next) = page(token).await;
        seen.extend(texts);
        token = next;
    }
    seen.sort();
    assert_eq!(seen, ["a0", "a1", "a2", "b0", "b1", "b2"]);
    assert_eq!(said(desk.agent("anna"), &a.name, 50).await.len(), 6);
    desk.finish().await;
}
