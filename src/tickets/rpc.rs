//! `ticketing.v1.TicketService`: wire in, wire out.

use std::sync::Arc;

use ticketing_proto::v1::{
    self as pb,
    ticket_service_server::{TicketService, TicketServiceServer},
};

use super::{
    assign::{Assign, assign as assign_verb},
    claim::{Claim, claim as claim_verb},
    create::create as create_verb,
    hold::{Hold, hold as hold_verb},
    read,
    release::{Release, release as release_verb},
    wire::{self, View},
};
use crate::{
    app::App,
    call::{Call, service},
    error::{Error, Result, Violations},
    ids::{child_of, tenant_of},
};

#[derive(Debug)]
struct Rpc(Arc<App>);

/// The service, ready to be mounted.
pub fn server(app: Arc<App>) -> TicketServiceServer<impl TicketService> {
    TicketServiceServer::new(Rpc(app))
}

service! { TicketService, "TicketService":
    create_ticket(CreateTicketRequest) -> CreateTicketResponse,
    get_ticket(GetTicketRequest) -> GetTicketResponse,
    hold_ticket(HoldTicketRequest) -> HoldTicketResponse,
    batch_get_tickets(BatchGetTicketsRequest) -> BatchGetTicketsResponse,
    list_tickets(ListTicketsRequest) -> ListTicketsResponse,
    count_tickets(CountTicketsRequest) -> CountTicketsResponse,
    update_ticket(UpdateTicketRequest) -> UpdateTicketResponse,
    batch_create_tickets(BatchCreateTicketsRequest) -> BatchCreateTicketsResponse,
    assign_ticket(AssignTicketRequest) -> AssignTicketResponse,
    claim_ticket(ClaimTicketRequest) -> ClaimTicketResponse,
    release_ticket(ReleaseTicketRequest) -> ReleaseTicketResponse,
    resume_ticket(ResumeTicketRequest) -> ResumeTicketResponse,
    resolve_ticket(ResolveTicketRequest) -> ResolveTicketResponse,
    close_ticket(CloseTicketRequest) -> CloseTicketResponse,
    reopen_ticket(ReopenTicketRequest) -> ReopenTicketResponse,
    cancel_ticket(CancelTicketRequest) -> CancelTicketResponse,
    add_tags(AddTagsRequest) -> AddTagsResponse,
    remove_tags(RemoveTagsRequest) -> RemoveTagsResponse,
    add_follower(AddFollowerRequest) -> AddFollowerResponse,
    remove_follower(RemoveFollowerRequest) -> RemoveFollowerResponse,
    list_ticket_actions(ListTicketActionsRequest) -> ListTicketActionsResponse,
    list_timeline(ListTimelineRequest) -> ListTimelineResponse,
    import_tickets(ImportTicketsRequest) -> ImportTicketsResponse,
}

async fn create_ticket(call: &Call, request: pb::CreateTicketRequest) -> Result<pb::CreateTicketResponse> {
    let tenant = tenant_of(&request.parent)?;
    let ctx = call.write(tenant, &request.request_id, &request)?;
    let create = wire::create(&ctx.tenant, "ticket", &request)?;
    let done = create_verb(&call.app, &ctx, create).await?;
    let (ticket, revision, replayed) = wire::written(&done);
    Ok(pb::CreateTicketResponse { ticket, revision, replayed, existing: done.existing })
}

async fn get_ticket(call: &Call, request: pb::GetTicketRequest) -> Result<pb::GetTicketResponse> {
    let (tenant, part) = child_of("name", &request.name, "tickets")?;
    let ctx = call.read(tenant)?;
    let view = wire::view("view", request.view, View::Full)?;
    let mut faults = Violations::default();
    let read_time = wire::time(&mut faults, "read_time", request.read_time.as_ref());
    faults.into_result()?;
    let id = read::resolve(&call.app, &ctx.tenant, part).await?;
    let ticket = match read_time {
        Some(time) if time > ctx.now => return Err(Error::field("read_time", "must not be in the future")),
        Some(time) => Arc::new(read::at_time(&call.app, &ctx, id, time).await?),
        None => read::get(&call.app, &ctx, id).await?,
    };
    Ok(pb::GetTicketResponse { revision: wire::revision(&ticket), ticket: Some(wire::ticket(&ticket, view)) })
}

async fn hold_ticket(call: &Call, request: pb::HoldTicketRequest) -> Result<pb::HoldTicketResponse> {
    let (tenant, id) = wire::ticket_name("name", &request.name)?;
    let ctx = call.write(tenant, &request.request_id, &request)?;
    let mut faults = Violations::default();
    let hold = Hold {
        target: wire::target(
            &mut faults,
            id,
            &request.etag,
            request.validate_only,
            &request.note,
            &request.reason,
        ),
        kind: wire::hold_kind(&mut faults, "kind", request.kind),
        until_time: wire::time(&mut faults, "until_time", request.until_time.as_ref()),
        vendor_reference: wire::text(&mut faults, "vendor_reference", &request.vendor_reference, 128),
    };
    faults.into_result()?;
    let (ticket, revision, replayed) = wire::written(&hold_verb(&call.app, &ctx, hold).await?);
    Ok(pb::HoldTicketResponse { ticket, revision, replayed })
}

async fn assign_ticket(call: &Call, request: pb::AssignTicketRequest) -> Result<pb::AssignTicketResponse> {
    let (tenant, id) = wire::ticket_name("name", &request.name)?;
    let ctx = call.write(tenant, &request.request_id, &request)?;
    let mut faults = Violations::default();
    let assign = Assign {
        target: wire::target(
            &mut faults,
            id,
            &request.etag,
            request.validate_only,
            &request.note,
            &request.reason,
        ),
        assignee: wire::required_reference(&mut faults, "assignee", &request.assignee, &ctx.tenant, "agents"),
        override_capacity: request.override_capacity,
    };
    faults.into_result()?;
    let (ticket, revision, replayed) = wire::written(&assign_verb(&call.app, &ctx, assign).await?);
    Ok(pb::AssignTicketResponse { ticket, revision, replayed })
}

async fn claim_ticket(call: &Call, request: pb::ClaimTicketRequest) -> Result<pb::ClaimTicketResponse> {
    let (tenant, id) = wire::ticket_name("name", &request.name)?;
    let ctx = call.write(tenant, &request.request_id, &request)?;
    let mut faults = Violations::default();
    let target =
        wire::target(&mut faults, id, &request.etag, request.validate_only, &request.note, &request.reason);
    faults.into_result()?;
    let (ticket, revision, replayed) = wire::written(&claim_verb(&call.app, &ctx, Claim { target }).await?);
    Ok(pb::ClaimTicketResponse { ticket, revision, replayed })
}

async fn release_ticket(call: &Call, request: pb::ReleaseTicketRequest) -> Result<pb::ReleaseTicketResponse> {
    let (tenant, id) = wire::ticket_name("name", &request.name)?;
    let ctx = call.write(tenant, &request.request_id, &request)?;
    let mut faults = Violations::default();
    let target =
        wire::target(&mut faults, id, &request.etag, request.validate_only, &request.note, &request.reason);
    faults.into_result()?;
    let (ticket, revision, replayed) =
        wire::written(&release_verb(&call.app, &ctx, Release { target }).await?);
    Ok(pb::ReleaseTicketResponse { ticket, revision, replayed })
}

// BEGIN not built yet
async fn batch_get_tickets(_: &Call, _: pb::BatchGetTicketsRequest) -> Result<pb::BatchGetTicketsResponse> {
    Err(Error::Unimplemented("batch_get_tickets".into()))
}
async fn list_tickets(_: &Call, _: pb::ListTicketsRequest) -> Result<pb::ListTicketsResponse> {
    Err(Error::Unimplemented("list_tickets".into()))
}
async fn count_tickets(_: &Call, _: pb::CountTicketsRequest) -> Result<pb::CountTicketsResponse> {
    Err(Error::Unimplemented("count_tickets".into()))
}
async fn update_ticket(_: &Call, _: pb::UpdateTicketRequest) -> Result<pb::UpdateTicketResponse> {
    Err(Error::Unimplemented("update_ticket".into()))
}
async fn batch_create_tickets(
    _: &Call,
    _: pb::BatchCreateTicketsRequest,
) -> Result<pb::BatchCreateTicketsResponse> {
    Err(Error::Unimplemented("batch_create_tickets".into()))
}
async fn resume_ticket(_: &Call, _: pb::ResumeTicketRequest) -> Result<pb::ResumeTicketResponse> {
    Err(Error::Unimplemented("resume_ticket".into()))
}
async fn resolve_ticket(_: &Call, _: pb::ResolveTicketRequest) -> Result<pb::ResolveTicketResponse> {
    Err(Error::Unimplemented("resolve_ticket".into()))
}
async fn close_ticket(_: &Call, _: pb::CloseTicketRequest) -> Result<pb::CloseTicketResponse> {
    Err(Error::Unimplemented("close_ticket".into()))
}
async fn reopen_ticket(_: &Call, _: pb::ReopenTicketRequest) -> Result<pb::ReopenTicketResponse> {
    Err(Error::Unimplemented("reopen_ticket".into()))
}
async fn cancel_ticket(_: &Call, _: pb::CancelTicketRequest) -> Result<pb::CancelTicketResponse> {
    Err(Error::Unimplemented("cancel_ticket".into()))
}
async fn add_tags(_: &Call, _: pb::AddTagsRequest) -> Result<pb::AddTagsResponse> {
    Err(Error::Unimplemented("add_tags".into()))
}
async fn remove_tags(_: &Call, _: pb::RemoveTagsRequest) -> Result<pb::RemoveTagsResponse> {
    Err(Error::Unimplemented("remove_tags".into()))
}
async fn add_follower(_: &Call, _: pb::AddFollowerRequest) -> Result<pb::AddFollowerResponse> {
    Err(Error::Unimplemented("add_follower".into()))
}
async fn remove_follower(_: &Call, _: pb::RemoveFollowerRequest) -> Result<pb::RemoveFollowerResponse> {
    Err(Error::Unimplemented("remove_follower".into()))
}
async fn list_ticket_actions(
    _: &Call,
    _: pb::ListTicketActionsRequest,
) -> Result<pb::ListTicketActionsResponse> {
    Err(Error::Unimplemented("list_ticket_actions".into()))
}
async fn list_timeline(_: &Call, _: pb::ListTimelineRequest) -> Result<pb::ListTimelineResponse> {
    Err(Error::Unimplemented("list_timeline".into()))
}
async fn import_tickets(_: &Call, _: pb::ImportTicketsRequest) -> Result<pb::ImportTicketsResponse> {
    Err(Error::Unimplemented("import_tickets".into()))
}
// END not built yet
