//! How tickets stand to each other: said on both, seen from both, as far as the reader sees both; and what a solved problem
//! offers to its incidents.

use ticketing::tickets::offer_resolution;
use ticketing_proto::v1::{
    self as pb, TicketRelation as Relation, comment_service_client::CommentServiceClient,
};
use tonic::{Response, Status};

use super::{read, record, resolve, tickets, titled};
use crate::support::{Client, Desk, fields, reason};

async fn link(
    desk: &Desk,
    one: &pb::Ticket,
    relation: Relation,
    other: &pb::Ticket,
) -> Result<Response<pb::LinkTicketsResponse>, Status> {
    let request = pb::LinkTicketsRequest {
        name: one.name.clone(),
        relation: relation.into(),
        other: other.name.clone(),
        ..Default::default()
    };
    tickets(desk.agent("anna")).link_tickets(request).await
}

async fn links(client: Client, ticket: &pb::Ticket, page_size: i32) -> Vec<(Relation, String)> {
    let mut tickets = tickets(client);
    let mut found = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = pb::ListTicketLinksRequest { name: ticket.name.clone(), page_size, page_token };
        let page = tickets.list_ticket_links(request).await.expect("a page").into_inner();
        found.extend(page.links.into_iter().map(|link| (link.relation(), link.ticket)));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return found;
        }
    }
}

async fn three(desk: &Desk) -> [pb::Ticket; 3] {
    [record(desk, titled("A")).await, record(desk, titled("B")).await, record(desk, titled("C")).await]
}

#[tokio::test]
async fn a_link_is_there_once_and_is_seen_from_both_ends() {
    let desk = Desk::open().await;
    let [a, b, c] = three(&desk).await;
    link(&desk, &a, Relation::BlockedBy, &b).await.expect("linked");
    let again = link(&desk, &b, Relation::Blocks, &a).await.expect("the same").into_inner();
    assert_eq!(again.ticket.expect("a ticket").etag, read(&desk, &b.name).await.etag);
    link(&desk, &b, Relation::Relates, &a).await.expect("linked");
    link(&desk, &a, Relation::Relates, &b).await.expect("the same");
    link(&desk, &a, Relation::Child, &c).await.expect("linked");
    for size in [1, 50] {
        assert_eq!(
            links(desk.agent("anna"), &a, size).await,
            [
                (Relation::BlockedBy, b.name.clone()),
                (Relation::Child, c.name.clone()),
                (Relation::Relates, b.name.clone())
            ]
        );
    }
    assert_eq!(links(desk.agent("anna"), &c, 50).await, [(Relation::Parent, a.name.clone())]);
    let told: Vec<(String, String)> = sqlx::query_as(
        "select type, details ->> 'relation' from events where version > 1 order by ticket_id, version",
    )
    .fetch_all(desk.root())
    .await
    .expect("events");
    let of = |relation: &str| told.iter().filter(|(_, it)| it == relation).count();
    assert_eq!((told.len(), of("BLOCKED_BY"), of("BLOCKS"), of("RELATES"), of("PARENT")), (6, 1, 1, 2, 1));

    let unlink = pb::UnlinkTicketsRequest {
        name: b.name.clone(),
        relation: Relation::Blocks.into(),
        other: a.name.clone(),
        request_id: "once".into(),
        ..Default::default()
    };
    let mut anna = tickets(desk.agent("anna"));
    let first = anna.unlink_tickets(unlink.clone()).await.expect("unlinked").into_inner();
    let again = anna.unlink_tickets(unlink.clone()).await.expect("unlinked").into_inner();
    assert_eq!((first.replayed, again.replayed, &again.ticket), (false, true, &first.ticket));
    let not_there = pb::UnlinkTicketsRequest { request_id: String::new(), ..unlink };
    let quiet = anna.unlink_tickets(not_there).await.expect("no fault").into_inner();
    assert_eq!(quiet.revision, first.revision);
    assert_eq!(links(desk.agent("anna"), &b, 50).await, [(Relation::Relates, a.name.clone())]);
    desk.finish().await;
}

#[tokio::test]
async fn circles_and_nonsense_are_refused() {
    let desk = Desk::open().await;
    let [a, b, c] = three(&desk).await;
    for (one, other) in [(&a, &b), (&b, &c)] {
        link(&desk, one, Relation::Parent, other).await.expect("linked");
        link(&desk, one, Relation::Blocks, other).await.expect("linked");
    }
    let circle = "FailedPrecondition LINK_CYCLE";
    assert_eq!(reason(&link(&desk, &c, Relation::Parent, &a).await), circle);
    assert_eq!(reason(&link(&desk, &a, Relation::Child, &c).await), circle);
    assert_eq!(reason(&link(&desk, &c, Relation::Blocks, &a).await), circle);
    link(&desk, &a, Relation::Parent, &c).await.expect("no circle");
    link(&desk, &c, Relation::Duplicates, &a).await.expect("of these none matters");
    for (relation, other, path) in [
        (Relation::Parent, &a, "other"),
        (Relation::Unspecified, &b, "relation"),
        (Relation::MergedInto, &b, "relation"),
        (Relation::MergedFrom, &b, "relation"),
    ] {
        assert_eq!(fields(&link(&desk, &a, relation, other).await), [path]);
    }
    let nobody = super::merge::nobody(&b);
    assert_eq!(reason(&link(&desk, &a, Relation::Relates, &nobody).await), "NotFound RESOURCE_NOT_FOUND");
    super::merge::merge(&desk, &a, &[&b]).await;
    let conflict = "FailedPrecondition TICKET_STATE_CONFLICT";
    assert_eq!(reason(&link(&desk, &c, Relation::Relates, &b).await), conflict);
    assert!(links(desk.agent("anna"), &a, 50).await.contains(&(Relation::MergedFrom, b.name.clone())));
    desk.finish().await;
}

/// Four links that together close a circle, two and two at once on disjoint tickets: one of them is refused.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn links_that_are_drawn_at_once_close_no_circle() {
    let desk = Desk::open().await;
    for _ in 0..8 {
        let mut ring = Vec::new();
        for title in ["A", "B", "C", "D"] {
            ring.push(record(&desk, titled(title)).await);
        }
        let draw = |at: usize| link(&desk, &ring[at], Relation::Blocks, &ring[(at + 1) % 4]);
        let drawn = futures_util::future::join_all((0..4).map(draw)).await;
        let refused: Vec<String> = drawn.iter().filter(|it| it.is_err()).map(reason).collect();
        assert_eq!(refused, ["FailedPrecondition LINK_CYCLE"]);
    }
    desk.finish().await;
}

#[tokio::test]
async fn who_is_not_shown_the_other_one_is_not_shown_the_link() {
    let desk = Desk::open().await;
    let own =
        |title: &str| pb::Ticket { requester: format!("{}/contacts/peter", desk.parent()), ..titled(title) };
    let [a, b] = [record(&desk, own("A")).await, record(&desk, own("B")).await];
    let [problem, hidden] = [
        record(&desk, titled("Problem")).await,
        record(&desk, pb::Ticket { restricted: true, ..titled("Gehalt") }).await,
    ];
    let close = pb::CloseTicketRequest { name: a.name.clone(), ..Default::default() };
    resolve(&desk, &a.name).await;
    tickets(desk.agent("anna")).close_ticket(close).await.expect("closed");
    let words = pb::CreateCommentRequest {
        parent: a.name.clone(),
        comment: Some(pb::Comment { text: "doch nicht".into(), ..Default::default() }),
        ..Default::default()
    };
    let mut peter = CommentServiceClient::new(desk.customer("peter"));
    let further = peter.create_comment(words).await.expect("said").into_inner().ticket.expect("a follow-up");
    link(&desk, &a, Relation::CausedBy, &problem).await.expect("linked");
    link(&desk, &a, Relation::Relates, &b).await.expect("linked");
    let request = pb::LinkTicketsRequest {
        name: a.name.clone(),
        relation: Relation::Relates.into(),
        other: hidden.name.clone(),
        ..Default::default()
    };
    assert_eq!(
        reason(&tickets(desk.agent("zoe")).link_tickets(request.clone()).await),
        "NotFound RESOURCE_NOT_FOUND"
    );
    tickets(desk.manager()).link_tickets(request).await.expect("linked");

    let followed = (Relation::FollowedUpBy, further.name.clone());
    assert_eq!(links(desk.customer("peter"), &a, 50).await, std::slice::from_ref(&followed));
    assert_eq!(links(desk.customer("peter"), &further, 50).await, [(Relation::FollowUp, a.name.clone())]);
    let staff = links(desk.agent("zoe"), &a, 50).await;
    assert_eq!(staff.len(), 3, "{staff:?}");
    assert!(staff.contains(&followed) && !staff.contains(&(Relation::Relates, hidden.name.clone())));
    assert_eq!(links(desk.manager(), &a, 50).await.len(), 4);
    // From before there were links.
    sqlx::query("delete from ticket_links where type = 'FOLLOW_UP'")
        .execute(desk.root())
        .await
        .expect("gone");
    assert_eq!(links(desk.agent("zoe"), &further, 50).await, [(Relation::FollowUp, a.name.clone())]);
    desk.finish().await;
}

async fn offers(desk: &Desk, ticket: &pb::Ticket) -> Vec<String> {
    let request = pb::ListTicketActionsRequest { name: ticket.name.clone() };
    let actions = tickets(desk.agent("anna")).list_ticket_actions(request).await.expect("listed");
    actions.into_inner().resolution_offers
}

async fn offered(desk: &Desk) -> i64 {
    offer_resolution::run_once(&desk.app, 200).await.expect("a tick");
    assert_eq!(offer_resolution::run_once(&desk.app, 200).await.expect("a tick").done, 0, "once");
    sqlx::query_scalar("select count(*) from events where type = 'ticket.resolution_offered'")
        .fetch_one(desk.root())
        .await
        .expect("a count")
}

#[tokio::test]
async fn a_solved_problem_is_offered_to_its_incidents_and_forced_on_none() {
    let desk = Desk::open().await;
    let [problem, first, second] = three(&desk).await;
    let other = record(&desk, titled("D")).await;
    for incident in [&first, &second] {
        link(&desk, incident, Relation::CausedBy, &problem).await.expect("linked");
    }
    let take_over = |incident: &pb::Ticket| pb::ResolveTicketRequest {
        name: incident.name.clone(),
        resolution_of: problem.name.clone(),
        ..Default::default()
    };
    let mut anna = tickets(desk.agent("anna"));
    let not_offered = "FailedPrecondition RESOLUTION_NOT_OFFERED";
    assert_eq!(offered(&desk).await, 0);
    assert_eq!(offers(&desk, &first).await, Vec::<String>::new());
    assert_eq!(reason(&anna.resolve_ticket(take_over(&first)).await), not_offered, "it is not solved");

    let solution = resolve(&desk, &problem.name).await.resolution;
    assert_eq!(offered(&desk).await, 2);
    assert_eq!(offers(&desk, &first).await, std::slice::from_ref(&problem.name));
    assert_eq!(read(&desk, &first.name).await.state(), pb::TicketState::New, "nothing is forced");
    assert_eq!(
        reason(&anna.resolve_ticket(take_over(&other)).await),
        not_offered,
        "it is none of its incidents"
    );
    let both = pb::ResolveTicketRequest { resolution: solution.clone(), ..take_over(&first) };
    assert_eq!(fields(&anna.resolve_ticket(both).await), ["resolution"]);
    let solved = anna.resolve_ticket(take_over(&first)).await.expect("solved").into_inner().ticket;
    assert_eq!(solved.expect("a ticket").resolution, solution);

    // What is solved anew is offered anew, to whom it still concerns; and to who is linked to it later.
    let reopen = pb::ReopenTicketRequest { name: problem.name.clone(), ..Default::default() };
    anna.reopen_ticket(reopen).await.expect("open again");
    assert_eq!(reason(&anna.resolve_ticket(take_over(&second)).await), not_offered);
    resolve(&desk, &problem.name).await;
    assert_eq!(offered(&desk).await, 3);
    link(&desk, &problem, Relation::Causes, &other).await.expect("linked");
    assert_eq!(offered(&desk).await, 4);
    let by: (String, String) = sqlx::query_as(
        "select actor_kind, details ->> 'relation' from events where type = 'ticket.resolution_offered' limit 1",
    )
    .fetch_one(desk.root())
    .await
    .expect("an event");
    assert_eq!(by, ("SYSTEM".to_owned(), "CAUSED_BY".to_owned()));
    desk.finish().await;
}
