//! `ticketing.v1.EscalationService`: wire in, wire out.

use std::sync::Arc;

use ticketing_proto::v1::{
    self as pb,
    escalation_service_server::{EscalationService, EscalationServiceServer},
};

use super::{
    Escalation,
    accept::{Accept, accept},
    decline::{Decline, decline},
    escalate::{Escalate, escalate},
    hand_back::{HandBack, hand_back},
    read,
    to_manager::{ToManager, to_manager},
    wire,
    withdraw::{Withdraw, withdraw},
};
use crate::{
    app::App,
    call::{Call, service},
    error::{Result, Violations},
    ids::child_of,
    tickets::{Done, wire as ticket_wire},
};

#[derive(Debug)]
struct Rpc(Arc<App>);

/// The service, ready to be mounted.
pub fn server(app: Arc<App>) -> EscalationServiceServer<impl EscalationService> {
    EscalationServiceServer::new(Rpc(app))
}

service! { EscalationService, "EscalationService":
    escalate_ticket(EscalateTicketRequest) -> EscalateTicketResponse,
    accept_escalation(AcceptEscalationRequest) -> AcceptEscalationResponse,
    decline_escalation(DeclineEscalationRequest) -> DeclineEscalationResponse,
    withdraw_escalation(WithdrawEscalationRequest) -> WithdrawEscalationResponse,
    hand_back_ticket(HandBackTicketRequest) -> HandBackTicketResponse,
    get_escalation(GetEscalationRequest) -> GetEscalationResponse,
    list_escalations(ListEscalationsRequest) -> ListEscalationsResponse,
}

/// What the answer of every verb holds.
fn written(done: Done<Escalation>) -> (Option<pb::Ticket>, String, bool, Option<pb::Escalation>) {
    let escalation = wire::escalation(&done.extra);
    let (ticket, revision, replayed) = ticket_wire::written(done.into());
    (ticket, revision, replayed, Some(escalation))
}

async fn escalate_ticket(
    call: &Call,
    request: pb::EscalateTicketRequest,
) -> Result<pb::EscalateTicketResponse> {
    let (tenant, id) = ticket_wire::ticket_name("name", &request.name)?;
    let ctx = call.write(tenant, &request.request_id, &request)?;
    let mut faults = Violations::default();
    let pb::EscalateTicketRequest { etag, validate_only, note, reason, .. } = &request;
    if wire::is_hierarchical(&mut faults, &request) {
        let command = ToManager {
            target: ticket_wire::target(&mut faults, id, etag, *validate_only, note, reason),
            reason: wire::reason(&mut faults, request.escalation_reason),
            justification: wire::required_text(&mut faults, "justification", &request.justification),
        };
        faults.into_result()?;
        let (ticket, revision, replayed) = ticket_wire::written(to_manager(&call.app, &ctx, command).await?);
        return Ok(pb::EscalateTicketResponse { ticket, revision, replayed, escalation: None });
    }
    let command = Escalate {
        target: ticket_wire::target(&mut faults, id, etag, *validate_only, note, reason),
        id: call.app.ids.next(),
        mode: wire::mode(&mut faults, request.mode),
        to: wire::target(&mut faults, request.target.as_ref()),
        reason: wire::reason(&mut faults, request.escalation_reason),
        justification: wire::required_text(&mut faults, "justification", &request.justification),
        override_policy: request.override_policy,
    };
    faults.into_result()?;
    let (ticket, revision, replayed, escalation) = written(escalate(&call.app, &ctx, command).await?);
    Ok(pb::EscalateTicketResponse { ticket, revision, replayed, escalation })
}

async fn accept_escalation(
    call: &Call,
    request: pb::AcceptEscalationRequest,
) -> Result<pb::AcceptEscalationResponse> {
    let (tenant, ticket, id) = wire::name(&request.name)?;
    let ctx = call.write(tenant, &request.request_id, &request)?;
    let mut faults = Violations::default();
    let target = wire::answer(&mut faults, ticket, &request.etag, &request.note);
    faults.into_result()?;
    let done = accept(&call.app, &ctx, Accept { target, id }).await?;
    let (ticket, revision, replayed, escalation) = written(done);
    Ok(pb::AcceptEscalationResponse { ticket, revision, replayed, escalation })
}

async fn decline_escalation(
    call: &Call,
    request: pb::DeclineEscalationRequest,
) -> Result<pb::DeclineEscalationResponse> {
    let (tenant, ticket, id) = wire::name(&request.name)?;
    let ctx = call.write(tenant, &request.request_id, &request)?;
    let mut faults = Violations::default();
    let note = wire::required_text(&mut faults, "note", &request.note);
    let command = Decline {
        target: wire::answer(&mut faults, ticket, &request.etag, &note),
        id,
        reason: wire::decline_reason(&mut faults, request.decline_reason),
    };
    faults.into_result()?;
    let (ticket, revision, replayed, escalation) = written(decline(&call.app, &ctx, command).await?);
    Ok(pb::DeclineEscalationResponse { ticket, revision, replayed, escalation })
}

async fn withdraw_escalation(
    call: &Call,
    request: pb::WithdrawEscalationRequest,
) -> Result<pb::WithdrawEscalationResponse> {
    let (tenant, ticket, id) = wire::name(&request.name)?;
    let ctx = call.write(tenant, &request.request_id, &request)?;
    let mut faults = Violations::default();
    let target = wire::answer(&mut faults, ticket, &request.etag, &request.note);
    faults.into_result()?;
    let done = withdraw(&call.app, &ctx, Withdraw { target, id }).await?;
    let (ticket, revision, replayed, escalation) = written(done);
    Ok(pb::WithdrawEscalationResponse { ticket, revision, replayed, escalation })
}

async fn hand_back_ticket(
    call: &Call,
    request: pb::HandBackTicketRequest,
) -> Result<pb::HandBackTicketResponse> {
    let (tenant, id) = ticket_wire::ticket_name("name", &request.name)?;
    let ctx = call.write(tenant, &request.request_id, &request)?;
    let mut faults = Violations::default();
    let pb::HandBackTicketRequest { etag, validate_only, reason, .. } = &request;
    let note = wire::required_text(&mut faults, "note", &request.note);
    let command = HandBack {
        target: ticket_wire::target(&mut faults, id, etag, *validate_only, &note, reason),
        reason: wire::hand_back_reason(&mut faults, request.hand_back_reason),
    };
    faults.into_result()?;
    let (ticket, revision, replayed, escalation) = written(hand_back(&call.app, &ctx, command).await?);
    Ok(pb::HandBackTicketResponse { ticket, revision, replayed, escalation })
}

async fn get_escalation(call: &Call, request: pb::GetEscalationRequest) -> Result<pb::GetEscalationResponse> {
    let (tenant, ticket, id) = wire::name(&request.name)?;
    let ctx = call.read(tenant)?;
    let escalation = read::get(&call.app, &ctx, ticket, id).await?;
    Ok(pb::GetEscalationResponse { escalation: Some(wire::escalation(&escalation)) })
}

async fn list_escalations(
    call: &Call,
    request: pb::ListEscalationsRequest,
) -> Result<pb::ListEscalationsResponse> {
    let (tenant, part) = child_of("parent", &request.parent, "tickets")?;
    let ctx = call.read(tenant)?;
    let ticket =
        if part == "-" { None } else { Some(ticket_wire::ticket_name("parent", &request.parent)?.1) };
    let pb::ListEscalationsRequest { filter, page_size, page_token, .. } = &request;
    let (escalations, next_page_token) =
        read::list(&call.app, &ctx, ticket, filter, *page_size, page_token).await?;
    let escalations = escalations.iter().map(wire::escalation).collect();
    Ok(pb::ListEscalationsResponse { escalations, next_page_token })
}
