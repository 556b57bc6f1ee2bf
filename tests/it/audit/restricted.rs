//! A restricted ticket: whoever may see it sees it by every read, and each read leaves its entry; for anybody else it is as
//! missing, by every read.

use std::{collections::BTreeMap, time::Duration};

use ticketing::{
    audit,
    ctx::{ActorKind, Role},
};
use ticketing_proto::v1::{
    self as pb, customer_service_client::CustomerServiceClient, event_service_client::EventServiceClient,
    routing_service_client::RoutingServiceClient, sla_service_client::SlaServiceClient,
    watch_events_response::Body,
};
use tonic::{Response, Status};

use super::{entries, extend};
use crate::{
    agents::employ,
    attachments::attachments,
    comments::comments,
    escalation::{escalate, escalations},
    support::{Client, Desk, fields, reason},
    tickets::{claim, read, record, recording, tickets, titled},
};

const MISSING: &str = "NotFound RESOURCE_NOT_FOUND";

/// A restricted ticket that peter asks for and desk-de has, with a comment; bert is of another team.
async fn restricted(desk: &Desk) -> pb::Ticket {
    employ(desk, "anna", "desk-de", 4, &[]).await;
    employ(desk, "bert", "applications", 4, &[]).await;
    let requester = format!("{}/contacts/peter", desk.parent());
    let ticket = record(desk, pb::Ticket { requester, restricted: true, ..titled("Gehalt") }).await;
    let comment = Some(pb::Comment { text: "vertraulich".into(), ..Default::default() });
    let request = pb::CreateCommentRequest { parent: ticket.name.clone(), comment, ..Default::default() };
    comments(desk.agent("anna")).create_comment(request).await.expect("said");
    while ticketing::events::sequencer::run_once(&desk.app, 1000).await.expect("a pass").full {}
    ticket
}

/// Whether a call that reads one thing found it.
fn found<T>(answer: Result<Response<T>, Status>) -> bool {
    if answer.is_err() {
        assert_eq!(reason(&answer), MISSING);
    }
    answer.is_ok()
}

/// By which reads a caller comes upon the ticket, of those that everybody has.
async fn sees(desk: &Desk, client: &Client, ticket: &pb::Ticket) -> BTreeMap<&'static str, bool> {
    let (parent, name) = (desk.parent(), ticket.name.clone());
    let mut reader = tickets(client.clone());
    let get = pb::GetTicketRequest { name: name.clone(), ..Default::default() };
    let by_number =
        pb::GetTicketRequest { name: format!("{parent}/tickets/{}", ticket.number), ..get.clone() };
    let then = pb::GetTicketRequest { read_time: ticket.create_time, ..get.clone() };
    let batch = pb::BatchGetTicketsRequest {
        parent: parent.clone(),
        names: vec![name.clone()],
        ..Default::default()
    };
    let list = pb::ListTicketsRequest { parent: parent.clone(), ..Default::default() };
    let moving = pb::ListTicketsRequest { order_by: "update_time desc".into(), ..list.clone() };
    let count = pb::CountTicketsRequest { parent: parent.clone(), ..Default::default() };
    let grouped = pb::CountTicketsRequest { group_by: "state".into(), ..count.clone() };
    let timeline = pb::ListTimelineRequest { name: name.clone(), ..Default::default() };
    let actions = pb::ListTicketActionsRequest { name: name.clone() };
    let files = pb::ListAttachmentsRequest { parent: name.clone(), ..Default::default() };
    let said = pb::ListCommentsRequest { parent: name, ..Default::default() };
    let is_it = |page: Response<pb::ListTicketsResponse>| {
        page.into_inner().tickets.iter().any(|it| it.name == ticket.name)
    };
    BTreeMap::from([
        ("GetTicket", found(reader.get_ticket(get).await)),
        ("GetTicket by number", found(reader.get_ticket(by_number).await)),
        ("GetTicket of the past", found(reader.get_ticket(then).await)),
        ("BatchGetTickets", found(reader.batch_get_tickets(batch).await)),
        ("ListTickets", is_it(reader.list_tickets(list).await.expect("a page"))),
        ("ListTickets in motion", is_it(reader.list_tickets(moving).await.expect("a page"))),
        ("CountTickets", reader.count_tickets(count).await.expect("a count").into_inner().count > 0),
        (
            "CountTickets by state",
            !reader.count_tickets(grouped).await.expect("groups").into_inner().groups.is_empty(),
        ),
        ("ListTimeline", found(reader.list_timeline(timeline).await)),
        ("ListTicketActions", found(reader.list_ticket_actions(actions).await)),
        ("ListComments", found(comments(client.clone()).list_comments(said).await)),
        ("ListAttachments", found(attachments(client.clone()).list_attachments(files).await)),
    ])
}

/// The same, of the reads that customers do not have.
async fn sees_inside(desk: &Desk, client: &Client, ticket: &pb::Ticket) -> BTreeMap<&'static str, bool> {
    let (parent, name) = (desk.parent(), ticket.name.clone());
    let mut events = EventServiceClient::new(client.clone());
    let log = pb::ListEventsRequest { parent: parent.clone(), ..Default::default() };
    let log = events.list_events(log).await.expect("a page").into_inner().events;
    let watch =
        pb::WatchEventsRequest { parent: parent.clone(), include_initial_state: true, ..Default::default() };
    let mut stream = events.watch_events(watch).await.expect("a stream").into_inner();
    let mut snapshot = Vec::new();
    let complete = loop {
        match stream.message().await.expect("no error").expect("no end").body.expect("a body") {
            Body::SnapshotChunk(chunk) => snapshot.extend(chunk.tickets),
            Body::SnapshotComplete(complete) => break complete.ticket_count,
            _ => {}
        }
    };
    assert_eq!(complete, snapshot.len() as i64);
    let queue =
        pb::ListQueueTicketsRequest { queue: format!("{parent}/queues/desk-de"), ..Default::default() };
    let mut routing = RoutingServiceClient::new(client.clone());
    let queued = routing.list_queue_tickets(queue).await.expect("a page").into_inner().tickets;
    let decisions = pb::ListRoutingDecisionsRequest { parent: name.clone(), ..Default::default() };
    let mut promises = SlaServiceClient::new(client.clone());
    let clocks = pb::ListClocksRequest { parent: parent.clone(), ..Default::default() };
    let clocks = promises.list_clocks(clocks).await.expect("a page").into_inner().clocks;
    let of_ticket = pb::ListTicketClocksRequest { parent: name.clone(), ..Default::default() };
    let mut up = escalations(client.clone());
    let of_it = pb::ListEscalationsRequest { parent: name, ..Default::default() };
    let all = pb::ListEscalationsRequest { parent: format!("{parent}/tickets/-"), ..Default::default() };
    let all = up.list_escalations(all).await.expect("a page").into_inner().escalations;
    let (asked, others) = all.iter().partition::<Vec<_>, _>(|it| it.name.starts_with(&ticket.name));
    assert!(others.is_empty());
    BTreeMap::from([
        ("ListEvents", log.iter().any(|event| event.resource == ticket.name)),
        ("WatchEvents", snapshot.iter().any(|it| it.name == ticket.name)),
        ("ListQueueTickets", queued.iter().any(|it| it.name == ticket.name)),
        ("ListRoutingDecisions", found(routing.list_routing_decisions(decisions).await)),
        ("ListClocks", clocks.iter().any(|it| it.name.starts_with(&ticket.name))),
        ("ListTicketClocks", found(promises.list_ticket_clocks(of_ticket).await)),
        ("ListEscalations", found(up.list_escalations(of_it).await)),
        ("ListEscalations of all", !asked.is_empty()),
    ])
}

/// Those by which the caller came upon the ticket, or did not.
fn those(seen: &BTreeMap<&'static str, bool>, wanted: bool) -> Vec<&'static str> {
    seen.iter().filter(|(_, seen)| **seen == wanted).map(|(read, _)| *read).collect()
}

#[tokio::test]
async fn all_reads_agree_on_who_sees_it() {
    let desk = Desk::open().await;
    let ticket = restricted(&desk).await;
    let agent = |id: &str, role: Role| desk.caller(ActorKind::Agent, id, &[role]);
    let readers = [
        ("its requester", desk.customer("peter"), true),
        ("another customer", desk.customer("milton"), false),
        ("its team", desk.agent("anna"), true),
        ("another team", desk.agent("bert"), false),
        ("a specialist of another team", agent("bert", Role::Specialist), false),
        ("somebody who is on no record", desk.agent("nobody"), false),
        ("a manager", desk.manager(), true),
        ("an administrator", desk.admin(), true),
        ("who keeps promises", agent("mia", Role::SlaManager), false),
        ("a service", desk.caller(ActorKind::Service, "crm", &[Role::Service]), false),
    ];
    for (who, client, expected) in &readers {
        let seen = sees(&desk, client, &ticket).await;
        assert_eq!(those(&seen, !expected), [""; 0], "{who}");
    }
    for (who, client, expected) in &readers[2..] {
        let seen = sees_inside(&desk, client, &ticket).await;
        let known = those(&seen, !expected);
        // Nobody has escalated it, so nobody comes upon that.
        let none = if *expected { vec!["ListEscalations of all"] } else { Vec::new() };
        assert_eq!(known, none, "{who}");
    }
    desk.finish().await;
}

#[tokio::test]
async fn an_assignee_sees_it_from_wherever_and_an_escalation_is_as_its_ticket() {
    let desk = Desk::open().await;
    let ticket = restricted(&desk).await;
    claim(&desk, "anna", &ticket.name).await.expect("claimed");
    employ(&desk, "anna", "data", 4, &[]).await;
    let seen = sees(&desk, &desk.agent("anna"), &ticket).await;
    assert_eq!(those(&seen, false), [""; 0]);
    employ(&desk, "anna", "desk-de", 4, &[]).await;
    let asked = escalate(&desk, "anna", &ticket.name, "applications").await.expect("escalated").into_inner();
    let name = asked.escalation.expect("an escalation").name;
    // The ticket went with it.
    let get = || pb::GetEscalationRequest { name: name.clone() };
    assert!(escalations(desk.agent("bert")).get_escalation(get()).await.is_ok());
    let all =
        pb::ListEscalationsRequest { parent: format!("{}/tickets/-", desk.parent()), ..Default::default() };
    for (who, count) in [("bert", 1), ("zoe", 0)] {
        let page =
            escalations(desk.agent(who)).list_escalations(all.clone()).await.expect("a page").into_inner();
        assert_eq!(page.escalations.len(), count, "{who}");
    }
    assert_eq!(reason(&escalations(desk.agent("zoe")).get_escalation(get()).await), MISSING);
    desk.finish().await;
}

#[tokio::test]
async fn who_does_not_see_it_does_nothing_to_it() {
    let desk = Desk::open().await;
    let ticket = restricted(&desk).await;
    let update = |validate_only: bool| pb::UpdateTicketRequest {
        ticket: Some(pb::Ticket { name: ticket.name.clone(), title: "offen".into(), ..Default::default() }),
        validate_only,
        ..Default::default()
    };
    assert_eq!(reason(&tickets(desk.agent("bert")).update_ticket(update(true)).await), MISSING);
    assert_eq!(reason(&tickets(desk.agent("bert")).update_ticket(update(false)).await), MISSING);
    assert_eq!(reason(&claim(&desk, "bert", &ticket.name).await), MISSING);
    assert_eq!(entries(&desk, "actor = \"bert\"").await, []);
    // What is only tried is answered with the ticket.
    tickets(desk.agent("anna")).update_ticket(update(true)).await.expect("tried");
    let read = entries(&desk, &format!("actor = \"anna\" AND target = \"{}\"", ticket.name)).await;
    assert_eq!(
        read.iter().map(|it| it.action.as_str()).collect::<Vec<_>>(),
        ["ticketing.v1.TicketService/UpdateTicket"]
    );
    desk.finish().await;
}

#[tokio::test]
async fn every_read_leaves_its_entry_and_reads_of_others_leave_none() {
    let desk = Desk::open().await;
    record(&desk, titled("Drucker")).await;
    let ticket = restricted(&desk).await;
    let manager = desk.manager();
    let seen = sees(&desk, &manager, &ticket).await;
    assert_eq!(those(&seen, false), [""; 0]);
    sees_inside(&desk, &manager, &ticket).await;
    let of_tickets = format!("actor = \"manager\" AND target = \"{}/tickets/*\"", desk.parent());
    let mut left: BTreeMap<String, i64> = BTreeMap::new();
    for entry in entries(&desk, &of_tickets).await {
        assert_eq!((&entry.target, entry.before_digest.len()), (&ticket.name, 0));
        let method = entry.action.rsplit('/').next().expect("a method").to_owned();
        *left.entry(method).or_default() += 1;
    }
    let expected = [
        ("BatchGetTickets", 1),
        ("GetTicket", 3),
        ("ListAttachments", 1),
        ("ListComments", 1),
        ("ListEscalations", 1),
        ("ListQueueTickets", 1),
        ("ListRoutingDecisions", 1),
        ("ListTicketActions", 1),
        ("ListTicketClocks", 1),
        ("ListTickets", 2),
        ("ListTimeline", 1),
        ("WatchEvents", 1),
    ];
    let expected: BTreeMap<String, i64> =
        expected.into_iter().map(|(method, count)| (method.to_owned(), count)).collect();
    assert_eq!(left, expected);
    desk.finish().await;
}

#[tokio::test]
async fn a_customer_who_read_is_forgotten_and_the_chain_holds() {
    let desk = Desk::open().await;
    let ticket = restricted(&desk).await;
    let get = pb::GetTicketRequest { name: ticket.name.clone(), ..Default::default() };
    tickets(desk.customer("peter")).get_ticket(get).await.expect("read");
    let read = |id: &str| format!("actor = \"{id}\" AND target = \"{}\"", ticket.name);
    let before = entries(&desk, &read("peter")).await;
    assert_eq!(before.len(), 1);
    assert_eq!(before[0].request_id, "");
    extend(&desk).await;
    let erase = pb::EraseContactRequest {
        name: format!("{}/contacts/peter", desk.parent()),
        request_id: "e1".into(),
        ..Default::default()
    };
    CustomerServiceClient::new(desk.admin()).erase_contact(erase).await.expect("erased");
    assert_eq!(entries(&desk, &read("peter")).await, []);
    let after = entries(&desk, "action = \"ticketing.v1.TicketService/GetTicket\"").await;
    let actor = after[0].actor.clone().expect("an actor");
    assert_eq!((after.len(), actor.kind(), actor.id.len()), (1, pb::ActorKind::Customer, 64));
    assert!(after[0].linked_text.contains(&actor.id) && !format!("{after:?}").contains("peter"));
    extend(&desk).await;
    let verified = audit::verify(&desk.app.db, &desk.tenant, None, |_| ()).await.expect("read");
    assert!(verified.is_sound(), "{verified:?}");
    desk.finish().await;
}

#[tokio::test]
async fn it_is_set_and_lifted_like_any_field_and_told_with_its_events() {
    let desk = Desk::open().await;
    let ticket = restricted(&desk).await;
    let asks = pb::Ticket { restricted: true, ..titled("Gehalt") };
    let refused = tickets(desk.customer("peter")).create_ticket(recording(&desk, asks)).await;
    assert_eq!(fields(&refused), ["ticket.restricted"]);
    let list = pb::ListTicketsRequest {
        parent: desk.parent(),
        filter: "restricted = true".into(),
        ..Default::default()
    };
    let page = tickets(desk.agent("anna")).list_tickets(list).await.expect("a page").into_inner();
    assert_eq!(page.tickets.iter().map(|it| it.restricted).collect::<Vec<_>>(), [true]);
    desk.advance(Duration::from_secs(1));
    let lift = pb::UpdateTicketRequest {
        ticket: Some(pb::Ticket { name: ticket.name.clone(), ..Default::default() }),
        update_mask: Some(prost_types::FieldMask { paths: vec!["restricted".into()] }),
        ..Default::default()
    };
    tickets(desk.agent("anna")).update_ticket(lift).await.expect("lifted");
    while ticketing::events::sequencer::run_once(&desk.app, 1000).await.expect("a pass").full {}
    let mut bert = tickets(desk.agent("bert"));
    let get = pb::GetTicketRequest { name: ticket.name.clone(), ..Default::default() };
    assert!(!bert.get_ticket(get.clone()).await.expect("read").into_inner().ticket.expect("one").restricted);
    let then = pb::GetTicketRequest { read_time: ticket.create_time, ..get };
    assert!(bert.get_ticket(then).await.is_ok(), "its timeline tells of the past, too");
    let log = pb::ListEventsRequest { parent: desk.parent(), ..Default::default() };
    let told = async |client: Client| -> Vec<bool> {
        let page =
            EventServiceClient::new(client).list_events(log.clone()).await.expect("a page").into_inner();
        page.events.iter().map(|event| event.facts.as_ref().expect("facts").restricted).collect()
    };
    assert_eq!(told(desk.agent("bert")).await, [false]);
    assert_eq!(told(desk.manager()).await, [true, true, false]);
    assert!(!read(&desk, &ticket.name).await.restricted);
    desk.finish().await;
}
