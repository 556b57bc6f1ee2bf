//! Moving tickets: by the rules again, or to another team of the level.

use ticketing_proto::v1 as pb;

use super::routing;
use crate::{
    agents::employ,
    support::{Desk, facts, fields, reason},
    tickets::{claim, record, tickets, titled},
};

async fn set(desk: &Desk, ticket: pb::Ticket) {
    let request = pb::UpdateTicketRequest { ticket: Some(ticket), ..Default::default() };
    tickets(desk.agent("anna")).update_ticket(request).await.expect("updated");
}

fn routed(name: &str) -> pb::RouteTicketRequest {
    pb::RouteTicketRequest { name: name.to_owned(), request_id: "r1".into(), ..Default::default() }
}

fn to_team(name: &str, team: &str) -> pb::TransferTicketRequest {
    let target = Some(pb::transfer_ticket_request::Target::Team(team.to_owned()));
    pb::TransferTicketRequest { name: name.to_owned(), target, ..Default::default() }
}

#[tokio::test]
async fn what_nobody_has_had_goes_where_the_rules_send_it_now() {
    let desk = Desk::open().await;
    let name = record(&desk, titled("Netz weg")).await.name;
    let worse = pb::Ticket {
        name: name.clone(),
        category: "network".into(),
        impact: pb::Impact::Major.into(),
        ..Default::default()
    };
    set(&desk, worse).await;
    let refused = routing(desk.agent("anna")).route_ticket(routed(&name)).await;
    assert_eq!(reason(&refused), "PermissionDenied PERMISSION_MISSING");

    let mut manager = routing(desk.manager());
    let dry = pb::RouteTicketRequest { validate_only: true, request_id: String::new(), ..routed(&name) };
    let dry = manager.route_ticket(dry).await.expect("would be routed").into_inner();
    let decision = dry.decision.expect("a decision");
    assert_eq!((decision.name.as_str(), decision.queue.as_str()), ("", "infrastructure"));
    let done = manager.route_ticket(routed(&name)).await.expect("routed").into_inner();
    let ticket = done.ticket.clone().expect("a ticket");
    assert_eq!((ticket.level.as_str(), ticket.priority.as_str()), ("L2", "P1"));
    let decision = done.decision.clone().expect("a decision");
    assert_eq!((decision.rule.as_str(), decision.priority.as_str()), ("outage", "P1"));
    let again = manager.route_ticket(routed(&name)).await.expect("routed before").into_inner();
    assert_eq!(again, pb::RouteTicketResponse { replayed: true, ..done });
    desk.finish().await;
}

#[tokio::test]
async fn between_levels_goes_nothing_without_an_escalation() {
    let desk = Desk::open().await;
    employ(&desk, "anna", "desk-de", 9, &[]).await;
    let name = record(&desk, pb::Ticket { category: "network".into(), ..titled("Netz weg") }).await.name;
    claim(&desk, "anna", &name).await.expect("claimed");
    let worse = pb::Ticket { name: name.clone(), impact: pb::Impact::Major.into(), ..Default::default() };
    set(&desk, worse).await;
    let refused = routing(desk.manager()).route_ticket(routed(&name)).await;
    assert_eq!(reason(&refused), "FailedPrecondition LEVEL_CHANGE_NEEDS_ESCALATION");
    assert_eq!(facts(&refused, "to_level"), "L2");
    let refused = routing(desk.agent("anna")).transfer_ticket(to_team(&name, "infrastructure")).await;
    assert_eq!(reason(&refused), "FailedPrecondition LEVEL_CHANGE_NEEDS_ESCALATION");
    desk.finish().await;
}

#[tokio::test]
async fn inside_a_level_it_goes_to_another_team() {
    let desk = Desk::open().await;
    employ(&desk, "anna", "desk-de", 9, &[]).await;
    let name = record(&desk, titled("Printer is silent")).await.name;
    claim(&desk, "anna", &name).await.expect("claimed");
    let mut anna = routing(desk.agent("anna"));
    let moved = anna.transfer_ticket(to_team(&name, "desk-en")).await.expect("transferred").into_inner();
    let ticket = moved.ticket.expect("a ticket");
    assert_eq!((ticket.queue.as_str(), ticket.assignee.as_str()), ("desk-en", ""));
    assert_eq!((ticket.transfer_count, ticket.team_count, ticket.return_count), (1, 2, 0));
    let target = Some(pb::transfer_ticket_request::Target::Queue("desk-de".into()));
    let back = pb::TransferTicketRequest { target, ..to_team(&name, "") };
    let ticket =
        anna.transfer_ticket(back.clone()).await.expect("back").into_inner().ticket.expect("a ticket");
    assert_eq!((ticket.team.as_str(), ticket.return_count), ("desk-de", 1));
    let same = anna.transfer_ticket(back).await.expect("there already").into_inner().ticket;
    assert_eq!(same.expect("a ticket").etag, ticket.etag);
    assert_eq!(fields(&anna.transfer_ticket(to_team(&name, "moon")).await), ["team"]);
    let nowhere = pb::TransferTicketRequest { target: None, ..to_team(&name, "") };
    assert_eq!(fields(&anna.transfer_ticket(nowhere).await), ["target"]);
    desk.finish().await;
}
