//! What is refused, and what lifts it.

use ticketing::ctx::{ActorKind, Role};
use ticketing_proto::v1::{self as pb, escalate_ticket_request::Target};

use super::{accept, annas_ticket, declining, escalate, escalations, handing_back, handing_over};
use crate::{
    agents::employ,
    routing::routing,
    support::{Desk, facts, fields, reason},
    tickets::{claim, read, record, resolving, tickets, titled},
};

#[tokio::test]
async fn where_it_may_not_go() {
    let desk = Desk::open().await;
    let name = annas_ticket(&desk).await.name;
    let refused = escalate(&desk, "anna", &name, "engineering").await;
    assert_eq!(reason(&refused), "FailedPrecondition ESCALATION_SKIPS_LEVEL");
    assert_eq!(facts(&refused, "skipped_level"), "L2");
    assert_eq!(fields(&escalate(&desk, "anna", &name, "desk-de").await), ["team"]);
    assert_eq!(fields(&escalate(&desk, "anna", &name, "moon").await), ["team"]);
    let nothing = pb::EscalateTicketRequest { name: name.clone(), ..Default::default() };
    let refused = escalations(desk.agent("anna")).escalate_ticket(nothing).await;
    assert_eq!(fields(&refused), ["target", "escalation_reason", "justification"]);

    let skip = pb::EscalateTicketRequest { override_policy: true, ..handing_over(&name, "engineering") };
    let refused = escalations(desk.agent("anna")).escalate_ticket(skip.clone()).await;
    assert_eq!(reason(&refused), "PermissionDenied PERMISSION_MISSING");
    let dry = pb::EscalateTicketRequest { validate_only: true, ..skip.clone() };
    let mut manager = escalations(desk.manager());
    manager.escalate_ticket(dry).await.expect("would go");
    assert_eq!(read(&desk, &name).await.queue, "desk-de");
    let done = manager.escalate_ticket(skip).await.expect("a manager decided").into_inner();
    accept(&desk, "eva", &done.escalation.expect("an escalation").name).await.expect("accepted");
    let down = escalate(&desk, "eva", &name, "applications").await;
    assert_eq!(reason(&down), "FailedPrecondition ESCALATION_GOES_DOWN");
    desk.finish().await;
}

#[tokio::test]
async fn it_leaves_the_first_level_completely_recorded() {
    let desk = Desk::open().await;
    employ(&desk, "anna", "desk-de", 9, &[]).await;
    let printer = pb::Ticket { category: "hardware.printer".into(), ..titled("Drucker druckt nicht") };
    let name = record(&desk, printer).await.name;
    claim(&desk, "anna", &name).await.expect("claimed");
    let refused = escalate(&desk, "anna", &name, "infrastructure").await;
    assert_eq!(reason(&refused), "FailedPrecondition INTAKE_INCOMPLETE");
    assert_eq!(facts(&refused, "fields"), "custom_fields.serial_number");
    let serial = pb::FieldValue { kind: Some(pb::field_value::Kind::StringValue("X1".into())) };
    let complete = pb::Ticket {
        name: name.clone(),
        custom_fields: [("serial_number".to_owned(), serial)].into(),
        ..Default::default()
    };
    let request = pb::UpdateTicketRequest { ticket: Some(complete), ..Default::default() };
    tickets(desk.agent("anna")).update_ticket(request).await.expect("updated");
    escalate(&desk, "anna", &name, "infrastructure").await.expect("escalated");
    desk.finish().await;
}

#[tokio::test]
async fn one_question_at_a_time_and_nothing_else_until_it_is_answered() {
    let desk = Desk::open().await;
    let name = annas_ticket(&desk).await.name;
    let asked = escalate(&desk, "anna", &name, "applications").await.expect("escalated").into_inner();
    let escalation = asked.escalation.expect("an escalation").name;
    let pending = "FailedPrecondition ESCALATION_PENDING";
    let again = escalate(&desk, "anna", &name, "infrastructure").await;
    assert_eq!((reason(&again).as_str(), facts(&again, "escalation")), (pending, escalation.clone()));
    let refused = escalations(desk.agent("bea")).hand_back_ticket(handing_back(&name)).await;
    assert_eq!(reason(&refused), pending);
    let refused = tickets(desk.agent("bea")).resolve_ticket(resolving(&name)).await;
    assert_eq!(reason(&refused), pending);
    let route = pb::RouteTicketRequest { name: name.clone(), ..Default::default() };
    assert_eq!(reason(&routing(desk.manager()).route_ticket(route).await), pending);
    let target = Some(pb::transfer_ticket_request::Target::Team("infrastructure".into()));
    let transfer = pb::TransferTicketRequest { name: name.clone(), target, ..Default::default() };
    assert_eq!(reason(&routing(desk.agent("bea")).transfer_ticket(transfer).await), pending);

    accept(&desk, "bea", &escalation).await.expect("accepted");
    let settled = "FailedPrecondition ESCALATION_NOT_PENDING";
    let refused = accept(&desk, "bea", &escalation).await;
    assert_eq!((reason(&refused).as_str(), facts(&refused, "state")), (settled, "ACCEPTED".into()));
    let refused = escalations(desk.agent("bea")).decline_escalation(declining(&escalation)).await;
    assert_eq!(reason(&refused), settled);
    let withdraw = pb::WithdrawEscalationRequest { name: escalation, ..Default::default() };
    assert_eq!(reason(&escalations(desk.agent("anna")).withdraw_escalation(withdraw).await), settled);
    desk.finish().await;
}

#[tokio::test]
async fn who_may_answer() {
    let desk = Desk::open().await;
    let name = annas_ticket(&desk).await.name;
    let asked = escalate(&desk, "anna", &name, "applications").await.expect("escalated").into_inner();
    let escalation = asked.escalation.expect("an escalation").name;
    assert_eq!(reason(&accept(&desk, "eva", &escalation).await), "FailedPrecondition AGENT_NOT_IN_TEAM");
    let refused = escalations(desk.agent("anna")).decline_escalation(declining(&escalation)).await;
    assert_eq!(reason(&refused), "FailedPrecondition AGENT_NOT_IN_TEAM");
    let incomplete = pb::DeclineEscalationRequest { name: escalation.clone(), ..Default::default() };
    let refused = escalations(desk.agent("bea")).decline_escalation(incomplete).await;
    assert_eq!(fields(&refused), ["note", "decline_reason"]);
    employ(&desk, "bea", "applications", 0, &[]).await;
    assert_eq!(reason(&accept(&desk, "bea", &escalation).await), "FailedPrecondition AGENT_AT_CAPACITY");
    let stale =
        pb::AcceptEscalationRequest { name: escalation.clone(), etag: "\"1\"".into(), ..Default::default() };
    let refused = escalations(desk.manager()).accept_escalation(stale.clone()).await;
    assert_eq!(reason(&refused), "Aborted ETAG_MISMATCH");
    let welcome = pb::AcceptEscalationRequest { etag: String::new(), ..stale };
    let done = escalations(desk.manager()).accept_escalation(welcome).await.expect("accepted").into_inner();
    let ticket = done.ticket.expect("a ticket");
    assert_eq!((ticket.assignee.as_str(), ticket.pending_escalation.as_str()), ("", ""));
    assert_eq!(ticket.queue, "applications", "it waits there for whoever takes it");

    let other = record(&desk, titled("anderes")).await.name;
    let lost = format!("{other}/escalations/{}", escalation.rsplit('/').next().expect("an id"));
    assert_eq!(reason(&accept(&desk, "bea", &lost).await), "NotFound RESOURCE_NOT_FOUND");
    let incomplete = pb::HandBackTicketRequest { name, ..Default::default() };
    let refused = escalations(desk.agent("bea")).hand_back_ticket(incomplete).await;
    assert_eq!(fields(&refused), ["note", "hand_back_reason"]);
    desk.finish().await;
}

#[tokio::test]
async fn back_and_forth_ends_at_the_limit_of_the_level() {
    let desk = Desk::open().await;
    let name = annas_ticket(&desk).await.name;
    // L2 lets a ticket come back twice.
    for _ in 0..3 {
        let asked = escalate(&desk, "anna", &name, "applications").await.expect("escalated").into_inner();
        accept(&desk, "bea", &asked.escalation.expect("an escalation").name).await.expect("accepted");
        escalations(desk.agent("bea")).hand_back_ticket(handing_back(&name)).await.expect("handed back");
    }
    let to_level =
        pb::EscalateTicketRequest { target: Some(Target::Level("L2".into())), ..handing_over(&name, "") };
    let refused = escalations(desk.agent("anna")).escalate_ticket(to_level.clone()).await;
    assert_eq!(reason(&refused), "FailedPrecondition BOUNCE_LIMIT_REACHED");
    let by_force = pb::EscalateTicketRequest { override_policy: true, ..to_level };
    let done = escalations(desk.manager()).escalate_ticket(by_force).await.expect("a manager decided");
    assert_eq!(done.into_inner().ticket.expect("a ticket").queue, "applications");
    desk.finish().await;
}

#[tokio::test]
async fn a_customer_sees_nothing_of_it() {
    let desk = Desk::open().await;
    let mine =
        record(&desk, pb::Ticket { requester: "tenants/acme/contacts/kunde".into(), ..titled("meins") })
            .await;
    let asked = escalate(&desk, "anna", &mine.name, "applications").await.expect("escalated").into_inner();
    let name = asked.escalation.expect("an escalation").name;
    let mut customer = escalations(desk.caller(ActorKind::Customer, "kunde", &[Role::Customer]));
    let refused = customer.get_escalation(pb::GetEscalationRequest { name }).await;
    assert_eq!(reason(&refused), "NotFound RESOURCE_NOT_FOUND");
    let list = pb::ListEscalationsRequest { parent: mine.name, ..Default::default() };
    assert_eq!(reason(&customer.list_escalations(list).await), "NotFound RESOURCE_NOT_FOUND");
    desk.finish().await;
}
