//! Each verb as it should go, and as it is refused.

use std::time::Duration;

use ticketing::ctx::{ActorKind, Role};
use ticketing_proto::v1 as pb;

use super::{read, record, resolve, resolving, tickets, titled};
use crate::support::{Desk, facts, fields, reason};

const DAY: Duration = Duration::from_hours(24);

#[tokio::test]
async fn a_ticket_lives_its_life() {
    let desk = Desk::open().await;
    let mut anna = tickets(desk.agent("anna"));
    let ticket = record(&desk, titled("Drucker druckt nicht")).await;
    let name = ticket.name.clone();

    anna.hold_ticket(pb::HoldTicketRequest { name: name.clone(), ..Default::default() }).await.expect("held");
    let request = pb::ResumeTicketRequest { name: name.clone(), ..Default::default() };
    let resumed = anna.resume_ticket(request).await.expect("resumed").into_inner();
    let ticket = resumed.ticket.expect("a ticket");
    assert_eq!((ticket.state(), ticket.hold), (pb::TicketState::Open, None));

    let ticket = resolve(&desk, &name).await;
    assert_eq!(ticket.state(), pb::TicketState::Resolved);
    assert_eq!(ticket.resolution.expect("a resolution").summary, "Toner gewechselt");
    let seconds = |time: Option<prost_types::Timestamp>| time.expect("a time").seconds;
    assert_eq!(seconds(ticket.auto_close_time) - seconds(ticket.resolve_time), 7 * 24 * 60 * 60);
    assert_eq!(ticket.queue_time, None);

    desk.advance(DAY);
    let request = pb::ReopenTicketRequest { name: name.clone(), ..Default::default() };
    let ticket = anna.reopen_ticket(request).await.expect("reopened").into_inner().ticket.expect("a ticket");
    assert_eq!((ticket.state(), ticket.reopen_count), (pb::TicketState::Open, 1));
    assert_eq!((ticket.resolution, ticket.resolve_time, ticket.auto_close_time), (None, None, None));
    assert_eq!((ticket.queue.as_str(), seconds(ticket.queue_time)), ("desk-de", desk.now().as_second()));

    resolve(&desk, &name).await;
    let request = pb::CloseTicketRequest { name: name.clone(), ..Default::default() };
    let closed = anna.close_ticket(request).await.expect("closed").into_inner();
    let ticket = closed.ticket.expect("a ticket");
    assert_eq!((ticket.state(), ticket.auto_close_time), (pb::TicketState::Closed, None));
    assert_eq!((ticket.etag.as_str(), closed.replayed), ("\"7\"", false));
    assert_eq!(read(&desk, &name).await, ticket);
    desk.finish().await;
}

#[tokio::test]
async fn a_manager_cancels_and_an_agent_does_not() {
    let desk = Desk::open().await;
    let name = record(&desk, titled("Doppelt erfasst")).await.name;
    let request = pb::CancelTicketRequest { name: name.clone(), ..Default::default() };
    let refused = tickets(desk.agent("anna")).cancel_ticket(request.clone()).await;
    assert_eq!(reason(&refused), "PermissionDenied PERMISSION_MISSING");
    let done = tickets(desk.manager()).cancel_ticket(request).await.expect("cancelled").into_inner();
    let ticket = done.ticket.expect("a ticket");
    assert_eq!((ticket.state(), ticket.queue_time), (pb::TicketState::Cancelled, None));
    desk.finish().await;
}

/// What each verb says about this ticket.
async fn refusals(desk: &Desk, name: &str) -> Vec<String> {
    let (mut anna, mut manager) = (tickets(desk.agent("anna")), tickets(desk.manager()));
    let name = name.to_owned();
    let title = pb::Ticket { name: name.clone(), title: "neu".to_owned(), ..Default::default() };
    let tags = vec!["vip".to_owned()];
    macro_rules! all {
        ($($client:ident.$method:ident($request:ident { $($field:ident: $value:expr),* })),* $(,)?) => {
            vec![$({
                let request = pb::$request { $($field: $value,)* ..Default::default() };
                format!("{} {}", stringify!($method), reason(&$client.$method(request).await))
            }),*]
        };
    }
    all![
        anna.hold_ticket(HoldTicketRequest { name: name.clone() }),
        anna.resume_ticket(ResumeTicketRequest { name: name.clone() }),
        anna.resolve_ticket(ResolveTicketRequest {
            name: name.clone(),
            resolution: Some(pb::Resolution::default())
        }),
        anna.close_ticket(CloseTicketRequest { name: name.clone() }),
        anna.reopen_ticket(ReopenTicketRequest { name: name.clone() }),
        manager.cancel_ticket(CancelTicketRequest { name: name.clone() }),
        anna.add_tags(AddTagsRequest { name: name.clone(), tags: tags.clone() }),
        anna.remove_tags(RemoveTagsRequest { name: name.clone(), tags: tags.clone() }),
        anna.update_ticket(UpdateTicketRequest { ticket: Some(title.clone()) }),
    ]
}

#[tokio::test]
async fn what_is_closed_or_unknown_is_refused_by_every_verb() {
    let desk = Desk::open().await;
    let name = record(&desk, titled("Erledigt")).await.name;
    resolve(&desk, &name).await;
    let close = pb::CloseTicketRequest { name: name.clone(), ..Default::default() };
    tickets(desk.agent("anna")).close_ticket(close.clone()).await.expect("closed");
    for said in refusals(&desk, &name).await {
        assert!(said.ends_with("FailedPrecondition TICKET_STATE_CONFLICT"), "{said}");
    }
    let again = tickets(desk.agent("anna")).close_ticket(close).await;
    assert_eq!(facts(&again, "allowed"), "follow,comment,attach,link_article,link");

    let unknown = format!("{}/tickets/{}", desk.parent(), "0".repeat(26));
    for name in [unknown.as_str(), &format!("{}/tickets/17", desk.parent())] {
        for said in refusals(&desk, name).await {
            assert!(said.ends_with("NotFound RESOURCE_NOT_FOUND"), "{name} {said}");
        }
    }
    for said in refusals(&desk, &name.replace("acme", "globex")).await {
        assert!(said.ends_with("NotFound RESOURCE_NOT_FOUND"), "another tenant's: {said}");
    }
    for said in refusals(&desk, "tickets/1").await {
        assert!(said.ends_with("InvalidArgument FIELD_INVALID"), "{said}");
    }
    desk.finish().await;
}

#[tokio::test]
async fn whoever_saw_another_version_is_told_so() {
    let desk = Desk::open().await;
    let mut anna = tickets(desk.agent("anna"));
    let ticket = record(&desk, titled("Drucker")).await;
    let hold = |etag: &str| pb::HoldTicketRequest {
        name: ticket.name.clone(),
        etag: etag.to_owned(),
        ..Default::default()
    };
    anna.hold_ticket(hold(&ticket.etag)).await.expect("held");
    assert_eq!(reason(&anna.hold_ticket(hold(&ticket.etag)).await), "Aborted ETAG_MISMATCH");
    assert_eq!(fields(&anna.hold_ticket(hold("2")).await), ["etag"]);
    let mut edited = titled("Drucker im dritten Stock");
    (edited.name, edited.etag) = (ticket.name.clone(), ticket.etag.clone());
    let update = pb::UpdateTicketRequest { ticket: Some(edited), ..Default::default() };
    assert_eq!(reason(&anna.update_ticket(update).await), "Aborted ETAG_MISMATCH");
    desk.finish().await;
}

#[tokio::test]
async fn a_rehearsal_runs_every_check_and_changes_nothing() {
    let desk = Desk::open().await;
    let mut anna = tickets(desk.agent("anna"));
    let before = record(&desk, titled("Drucker")).await;
    let rehearsal = pb::ResolveTicketRequest { validate_only: true, ..resolving(&before.name) };
    let shown = anna.resolve_ticket(rehearsal.clone()).await.expect("rehearsed").into_inner();
    let ticket = shown.ticket.expect("a ticket");
    assert_eq!((ticket.state(), ticket.etag), (pb::TicketState::Resolved, before.etag.clone()));
    assert_eq!(read(&desk, &before.name).await, before);
    let bad = pb::ResolveTicketRequest { resolution: Some(pb::Resolution::default()), ..rehearsal };
    assert_eq!(fields(&anna.resolve_ticket(bad).await), ["resolution.code"]);

    let create = pb::CreateTicketRequest { validate_only: true, ..super::recording(&desk, titled("Neu")) };
    let shown = anna.create_ticket(create).await.expect("rehearsed").into_inner();
    let ticket = shown.ticket.expect("a ticket");
    assert_eq!((ticket.name.as_str(), ticket.number, ticket.etag.as_str()), ("", 0, ""));
    assert_eq!((ticket.queue.as_str(), shown.revision.as_str()), ("desk-de", ""));
    assert_eq!(super::events_and_tickets(&desk).await, (1, 1));
    desk.finish().await;
}

#[tokio::test]
async fn a_resolution_pays_what_is_owed() {
    let desk = Desk::open().await;
    let mut anna = tickets(desk.agent("anna"));
    let incomplete = pb::Ticket { category: "software.error".to_owned(), ..titled("Absturz") };
    let name = record(&desk, incomplete).await.name;
    let refused = anna.resolve_ticket(resolving(&name)).await;
    assert_eq!(facts(&refused, "fields"), "description,product");
    assert_eq!(reason(&refused), "FailedPrecondition INTAKE_INCOMPLETE");

    // A major outage goes to the second level at once, which owes the knowledge base a link.
    let outage = pb::Ticket {
        category: "network".to_owned(),
        impact: pb::Impact::Major.into(),
        ..titled("Kein Netz")
    };
    let outage = record(&desk, outage).await;
    assert_eq!((outage.level.as_str(), outage.priority.as_str()), ("L2", "P1"));
    let mut request = resolving(&outage.name);
    assert_eq!(reason(&anna.resolve_ticket(request.clone()).await), "FailedPrecondition KNOWLEDGE_DUTY_OPEN");
    request.resolution.as_mut().expect("a resolution").no_article_reason = "Bagger".to_owned();
    anna.resolve_ticket(request.clone()).await.expect("resolved");

    let nothing = pb::ResolveTicketRequest { resolution: None, ..request };
    assert_eq!(fields(&anna.resolve_ticket(nothing).await), ["resolution"]);
    desk.finish().await;
}

#[tokio::test]
async fn the_reopen_window_closes() {
    let desk = Desk::open().await;
    let name = record(&desk, titled("Drucker")).await.name;
    resolve(&desk, &name).await;
    desk.advance(14 * DAY);
    let request = pb::ReopenTicketRequest { name, ..Default::default() };
    let refused = tickets(desk.agent("anna")).reopen_ticket(request).await;
    assert_eq!(facts(&refused, "end_time"), "2026-03-16T08:00:02Z");
    assert_eq!(reason(&refused), "FailedPrecondition REOPEN_WINDOW_OVER");
    desk.finish().await;
}

#[tokio::test]
async fn labels_and_followers_come_and_go() {
    let desk = Desk::open().await;
    let mut anna = tickets(desk.agent("anna"));
    let name = record(&desk, pb::Ticket { tags: vec!["vip".to_owned()], ..titled("Drucker") }).await.name;
    let tags = |tags: &[&str]| tags.iter().map(|tag| (*tag).to_owned()).collect::<Vec<_>>();

    let add =
        |given: &[&str]| pb::AddTagsRequest { name: name.clone(), tags: tags(given), ..Default::default() };
    let done = anna.add_tags(add(&["druck", "vip"])).await.expect("tagged").into_inner();
    assert_eq!(done.ticket.expect("a ticket").tags, tags(&["vip", "druck"]));
    let done = anna.add_tags(add(&["vip"])).await.expect("nothing to do").into_inner();
    assert_eq!(done.ticket.expect("a ticket").etag, "\"2\"");
    assert_eq!(fields(&anna.add_tags(add(&[])).await), ["tags"]);
    assert_eq!(fields(&anna.add_tags(add(&["a", "a/b"])).await), ["tags[1]"]);
    let request = pb::RemoveTagsRequest { name: name.clone(), tags: tags(&["vip"]), ..Default::default() };
    let done = anna.remove_tags(request).await.expect("untagged").into_inner();
    assert_eq!(done.ticket.expect("a ticket").tags, tags(&["druck"]));

    let follow = pb::AddFollowerRequest { name: name.clone(), ..Default::default() };
    anna.add_follower(follow.clone()).await.expect("followed");
    let bert = format!("{}/agents/bert", desk.parent());
    let named = pb::AddFollowerRequest { follower: bert.clone(), ..follow.clone() };
    let done = anna.add_follower(named).await.expect("followed").into_inner();
    assert_eq!(
        done.ticket.expect("a ticket").followers,
        [format!("{}/agents/anna", desk.parent()), bert.clone()]
    );
    let gone = pb::RemoveFollowerRequest { name: name.clone(), ..Default::default() };
    let done = anna.remove_follower(gone).await.expect("unfollowed").into_inner();
    assert_eq!(done.ticket.expect("a ticket").followers, [bert]);
    let mut service = tickets(desk.caller(ActorKind::Service, "monitoring", &[Role::Service]));
    assert_eq!(fields(&service.add_follower(follow.clone()).await), ["follower"]);
    let stranger = pb::AddFollowerRequest { follower: "tenants/globex/agents/x".to_owned(), ..follow };
    assert_eq!(fields(&anna.add_follower(stranger).await), ["follower"]);
    desk.finish().await;
}

#[tokio::test]
async fn a_client_needs_no_rules_of_its_own() {
    let desk = Desk::open().await;
    let ticket = pb::Ticket { requester: format!("{}/contacts/meier", desk.parent()), ..titled("Drucker") };
    let name = record(&desk, ticket).await.name;
    let request = pb::ListTicketActionsRequest { name: name.clone() };
    let mut anna = tickets(desk.agent("anna"));
    let actions = anna.list_ticket_actions(request.clone()).await.expect("listed").into_inner().actions;
    let resolve = actions.iter().find(|action| action.verb == "resolve").expect("an action");
    assert_eq!(resolve.method, "ticketing.v1.TicketService/ResolveTicket");
    assert_eq!(resolve.leads_to(), pb::TicketState::Resolved);
    assert!(actions.iter().all(|action| !["cancel", "reopen", "resume"].contains(&action.verb.as_str())));

    let mut meier = tickets(desk.customer("meier"));
    let actions = meier.list_ticket_actions(request.clone()).await.expect("listed").into_inner().actions;
    assert_eq!(actions.iter().map(|action| action.verb.as_str()).collect::<Vec<_>>(), ["comment", "attach"]);
    let refused = tickets(desk.customer("schulz")).list_ticket_actions(request).await;
    assert_eq!(reason(&refused), "NotFound RESOURCE_NOT_FOUND");
    desk.finish().await;
}
