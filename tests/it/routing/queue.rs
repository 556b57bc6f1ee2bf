//! Queues: the order in which they are served, and who takes from them.

use std::time::Duration;

use ticketing_proto::v1 as pb;

use super::{pull, routing, waiting};
use crate::{
    agents::employ,
    support::{Desk, fields, reason},
    tickets::{record, tickets, titled},
};

/// Records a ticket that the rules send to infrastructure, which pulls.
async fn outage(desk: &Desk, title: &str, urgency: pb::Urgency) -> pb::Ticket {
    let ticket = pb::Ticket { impact: pb::Impact::Low.into(), urgency: urgency.into(), ..titled(title) };
    let ticket = record(desk, ticket).await;
    let target = Some(pb::escalate_ticket_request::Target::Team("infrastructure".into()));
    let request = pb::EscalateTicketRequest {
        name: ticket.name,
        target,
        escalation_reason: pb::EscalationReason::Complexity.into(),
        justification: "zu schwer".into(),
        ..Default::default()
    };
    let mut manager = crate::escalation::escalations(desk.manager());
    let escalated = manager.escalate_ticket(request).await.expect("escalated").into_inner();
    escalated.ticket.expect("a ticket")
}

#[tokio::test]
async fn escalated_first_then_by_priority_then_the_longest_waiting() {
    let desk = Desk::open().await;
    let hours = Duration::from_hours(1);
    for (title, impact) in
        [("normal", pb::Impact::Medium), ("older", pb::Impact::Low), ("newer", pb::Impact::Low)]
    {
        record(&desk, pb::Ticket { impact: impact.into(), ..titled(title) }).await;
        desk.advance(hours);
    }
    let english =
        pb::Ticket { language_code: "en".into(), impact: pb::Impact::Low.into(), ..titled("sideways") };
    let sideways = record(&desk, english).await;
    crate::escalation::escalate(&desk, "anna", &sideways.name, "desk-de").await.expect("escalated");
    assert_eq!(waiting(&desk, "desk-de").await, ["sideways", "normal", "older", "newer"]);

    let mut client = routing(desk.agent("anna"));
    let queue = format!("{}/queues/desk-de", desk.parent());
    let mut request = pb::ListQueueTicketsRequest { queue, page_size: 1, ..Default::default() };
    let mut titles = Vec::new();
    loop {
        let page = client.list_queue_tickets(request.clone()).await.expect("a page").into_inner();
        titles.extend(page.tickets.into_iter().map(|ticket| ticket.title));
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            break;
        }
    }
    assert_eq!(titles, ["sideways", "normal", "older", "newer"]);

    employ(&desk, "anna", "desk-de", 9, &["german"]).await;
    let mut pulled = Vec::new();
    while let Some(ticket) = pull(&desk, "anna", "desk-de").await.expect("pulled").into_inner().ticket {
        assert_eq!(ticket.assignee, "tenants/acme/agents/anna");
        pulled.push(ticket.title);
    }
    assert_eq!(pulled, ["sideways", "normal", "older", "newer"]);
    assert!(waiting(&desk, "desk-de").await.is_empty());
    desk.finish().await;
}

#[tokio::test]
async fn what_waits_for_somebody_else_is_not_served() {
    let desk = Desk::open().await;
    let ticket = outage(&desk, "Netz weg", pb::Urgency::High).await;
    let hold = pb::HoldTicketRequest { name: ticket.name.clone(), ..Default::default() };
    tickets(desk.agent("anna")).hold_ticket(hold).await.expect("held");
    employ(&desk, "ina", "infrastructure", 9, &[]).await;
    assert_eq!(pull(&desk, "ina", "infrastructure").await.expect("none").into_inner().ticket, None);
    let resume = pb::ResumeTicketRequest { name: ticket.name, ..Default::default() };
    tickets(desk.agent("anna")).resume_ticket(resume).await.expect("resumed");
    assert!(pull(&desk, "ina", "infrastructure").await.expect("pulled").into_inner().ticket.is_some());
    desk.finish().await;
}

#[tokio::test]
async fn a_repeated_pull_takes_nothing_more() {
    let desk = Desk::open().await;
    employ(&desk, "anna", "desk-de", 9, &["german"]).await;
    let queue = format!("{}/queues/desk-de", desk.parent());
    let request = |id: &str| pb::PullNextTicketRequest { queue: queue.clone(), request_id: id.to_owned() };
    let mut anna = routing(desk.agent("anna"));
    let nothing = anna.pull_next_ticket(request("r0")).await.expect("none waits").into_inner();
    assert_eq!((nothing.ticket, nothing.replayed), (None, false));
    record(&desk, titled("eins")).await;
    record(&desk, titled("zwei")).await;
    let nothing = anna.pull_next_ticket(request("r0")).await.expect("none waited").into_inner();
    assert_eq!((nothing.ticket, nothing.replayed), (None, true));
    let first = anna.pull_next_ticket(request("r1")).await.expect("pulled").into_inner();
    let again = anna.pull_next_ticket(request("r1")).await.expect("pulled before").into_inner();
    assert_eq!((first.ticket, first.revision), (again.ticket, again.revision));
    assert!(again.replayed && !first.replayed);
    assert_eq!(crate::agents::used(&desk, "anna").await, 1);
    desk.finish().await;
}

#[tokio::test]
async fn refusals() {
    let desk = Desk::open().await;
    employ(&desk, "anna", "desk-de", 1, &["german"]).await;
    employ(&desk, "emma", "desk-en", 9, &[]).await;
    assert_eq!(reason(&pull(&desk, "emma", "desk-de").await), "FailedPrecondition AGENT_NOT_IN_TEAM");
    assert_eq!(reason(&pull(&desk, "nobody", "desk-de").await), "FailedPrecondition AGENT_NOT_IN_TEAM");
    assert_eq!(fields(&pull(&desk, "anna", "moon").await), ["queue"]);
    let queue = format!("{}/queues/moon", desk.parent());
    let request = pb::ListQueueTicketsRequest { queue, ..Default::default() };
    assert_eq!(fields(&routing(desk.agent("anna")).list_queue_tickets(request).await), ["queue"]);

    record(&desk, titled("eins")).await;
    record(&desk, titled("zwei")).await;
    pull(&desk, "anna", "desk-de").await.expect("pulled");
    assert_eq!(reason(&pull(&desk, "anna", "desk-de").await), "FailedPrecondition AGENT_AT_CAPACITY");
    assert_eq!(waiting(&desk, "desk-de").await, ["zwei"]);
    desk.finish().await;
}
