//! `ticketing.v1.TicketService`: wire in, wire out.

mod read;

use std::sync::Arc;

use read::{batch_get_tickets, count_tickets, get_ticket, list_tickets, list_timeline, search_tickets};
use ticketing_proto::v1::{
    self as pb,
    ticket_service_server::{TicketService, TicketServiceServer},
};

use super::{
    Target, actions,
    assign::{self, Assign},
    batch_create, cancel,
    claim::{self, Claim},
    close, create,
    follow::{self, Follow},
    hold::{self, Hold},
    import,
    release::{self, Release},
    reopen,
    resolve::{self, Resolve},
    resume,
    tag::{self, Tag},
    update,
    wire::{self, View},
};
use crate::{
    app::App,
    call::{Call, MAX_BULK, service},
    ctx::Ctx,
    error::{Error, Result, Violations},
    ids::tenant_of,
};

#[derive(Debug)]
struct Rpc(Arc<App>);

/// The service, ready to be mounted.
pub fn server(app: Arc<App>) -> TicketServiceServer<impl TicketService> {
    TicketServiceServer::new(Rpc(app)).max_decoding_message_size(MAX_BULK)
}

service! { TicketService, "TicketService":
    create_ticket(CreateTicketRequest) -> CreateTicketResponse,
    get_ticket(GetTicketRequest) -> GetTicketResponse,
    hold_ticket(HoldTicketRequest) -> HoldTicketResponse,
    batch_get_tickets(BatchGetTicketsRequest) -> BatchGetTicketsResponse,
    list_tickets(ListTicketsRequest) -> ListTicketsResponse,
    count_tickets(CountTicketsRequest) -> CountTicketsResponse,
    search_tickets(SearchTicketsRequest) -> SearchTicketsResponse,
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
    let create = wire::create(&ctx.tenant, &request);
    let done = Box::pin(create::create(&call.app, &ctx, create)).await?;
    let existing = done.existing;
    let (ticket, revision, replayed) = wire::written(done);
    let ticket = ticket.map(|ticket| wire::for_caller(&ctx, ticket));
    Ok(pb::CreateTicketResponse { ticket, revision, replayed, existing })
}

/// The verbs on one ticket: they share the envelope, and each reads its own part of the request.
macro_rules! verbs {
    ($($method:ident($request:ident) -> $response:ident: $verb:path,
        |$body:pat_param, $ctx:pat_param, $target:pat_param, $faults:pat_param| $command:expr;)*) => {$(
        async fn $method(call: &Call, request: pb::$request) -> Result<pb::$response> {
            let (tenant, id) = wire::ticket_name("name", &request.name)?;
            let ctx = call.write(tenant, &request.request_id, &request)?;
            let mut faults = Violations::default();
            let pb::$request { etag, validate_only, note, reason, .. } = &request;
            let target = wire::target(&mut faults, id, etag, *validate_only, note, reason);
            let parse = |$body: &pb::$request, $ctx: &Ctx, $target: Target, $faults: &mut Violations| $command;
            let command = parse(&request, &ctx, target, &mut faults);
            faults.into_result()?;
            let (ticket, revision, replayed) = wire::written($verb(&call.app, &ctx, command).await?);
            Ok(pb::$response { ticket, revision, replayed })
        }
    )*};
}

verbs! {
    assign_ticket(AssignTicketRequest) -> AssignTicketResponse: assign::assign,
        |request, ctx, target, faults| Assign {
            target,
            assignee: wire::required_reference(faults, "assignee", &request.assignee, &ctx.tenant, "agents"),
            override_capacity: request.override_capacity,
        };
    claim_ticket(ClaimTicketRequest) -> ClaimTicketResponse: claim::claim,
        |_, _, target, _| Claim { target };
    release_ticket(ReleaseTicketRequest) -> ReleaseTicketResponse: release::release,
        |_, _, target, _| Release { target };
    hold_ticket(HoldTicketRequest) -> HoldTicketResponse: hold::hold,
        |request, _, target, faults| Hold {
            target,
            kind: wire::hold_kind(faults, "kind", request.kind),
            until_time: wire::time(faults, "until_time", request.until_time.as_ref()),
            vendor_reference: wire::text(faults, "vendor_reference", &request.vendor_reference, 128),
        };
    resume_ticket(ResumeTicketRequest) -> ResumeTicketResponse: resume::resume,
        |_, _, target, _| target;
    resolve_ticket(ResolveTicketRequest) -> ResolveTicketResponse: resolve::resolve,
        |request, ctx, target, faults| Resolve {
            target,
            resolution: wire::resolution(faults, "resolution", request.resolution.as_ref(), &ctx.tenant),
            draft_article: request.draft_article,
        };
    close_ticket(CloseTicketRequest) -> CloseTicketResponse: close::close,
        |_, _, target, _| target;
    reopen_ticket(ReopenTicketRequest) -> ReopenTicketResponse: reopen::reopen,
        |_, _, target, _| target;
    cancel_ticket(CancelTicketRequest) -> CancelTicketResponse: cancel::cancel,
        |_, _, target, _| target;
    add_tags(AddTagsRequest) -> AddTagsResponse: tag::tag,
        |request, _, target, faults| Tag {
            target,
            tags: wire::some_tags(faults, "tags", &request.tags),
            remove: false,
        };
    remove_tags(RemoveTagsRequest) -> RemoveTagsResponse: tag::tag,
        |request, _, target, faults| Tag {
            target,
            tags: wire::some_tags(faults, "tags", &request.tags),
            remove: true,
        };
    add_follower(AddFollowerRequest) -> AddFollowerResponse: follow::follow,
        |request, ctx, target, faults| Follow {
            target,
            follower: wire::reference(faults, "follower", &request.follower, &ctx.tenant, "agents"),
            remove: false,
        };
    remove_follower(RemoveFollowerRequest) -> RemoveFollowerResponse: follow::follow,
        |request, ctx, target, faults| Follow {
            target,
            follower: wire::reference(faults, "follower", &request.follower, &ctx.tenant, "agents"),
            remove: true,
        };
}

async fn update_ticket(call: &Call, request: pb::UpdateTicketRequest) -> Result<pb::UpdateTicketResponse> {
    let ticket = request.ticket.as_ref().ok_or_else(|| Error::field("ticket", "is required"))?;
    let (tenant, id) = wire::ticket_name("ticket.name", &ticket.name)?;
    let ctx = call.write(tenant, &request.request_id, &request)?;
    let update = wire::update(&ctx.tenant, id, ticket, &request);
    let (ticket, revision, replayed) = wire::written(update::update(&call.app, &ctx, &update).await?);
    Ok(pb::UpdateTicketResponse { ticket, revision, replayed })
}

async fn batch_create_tickets(
    call: &Call,
    request: pb::BatchCreateTicketsRequest,
) -> Result<pb::BatchCreateTicketsResponse> {
    let ctx = call.write(tenant_of(&request.parent)?, &request.request_id, &request)?;
    let creates = wire::batch(&ctx.tenant, &request)?;
    let done = batch_create::batch_create(&call.app, &ctx, creates, request.validate_only).await?;
    let tickets = done.tickets.into_iter().map(|ticket| wire::ticket(ticket, View::Full)).collect();
    Ok(pb::BatchCreateTicketsResponse { tickets, replayed: done.replayed })
}

async fn list_ticket_actions(
    call: &Call,
    request: pb::ListTicketActionsRequest,
) -> Result<pb::ListTicketActionsResponse> {
    let (tenant, id) = wire::ticket_name("name", &request.name)?;
    let actions = actions::list(&call.app, &call.read(tenant)?, id).await?;
    Ok(pb::ListTicketActionsResponse { actions: actions.iter().map(wire::action).collect() })
}

async fn import_tickets(call: &Call, request: pb::ImportTicketsRequest) -> Result<pb::ImportTicketsResponse> {
    let ctx = call.read(tenant_of(&request.parent)?)?;
    let histories = wire::histories(&ctx.tenant, &request)?;
    let done = import::import(&call.app, &ctx, &histories, request.validate_only).await?;
    Ok(pb::ImportTicketsResponse {
        results: done.iter().map(|one| wire::imported(&ctx.tenant, one)).collect(),
    })
}
