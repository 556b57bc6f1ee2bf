//! `ticketing.v1.RoutingService`: wire in, wire out.

use std::sync::Arc;

use futures_util::stream::BoxStream;
use ticketing_proto::v1::{
    self as pb, preview_routing_request as preview_request,
    routing_service_server::{RoutingService, RoutingServiceServer},
    transfer_ticket_request as transfer_request,
};
use tonic::{Request, Response, Status};

use super::{
    accept_offer::{AcceptOffer, accept_offer as accept},
    decisions,
    decline_offer::{DeclineOffer, decline_offer as decline},
    list_queue,
    preview::{Subject, preview},
    pull::pull,
    queue_stats::queue_stats,
    route::{Route, route},
    simulate::{self, simulate},
    transfer::{To, Transfer, transfer},
    wire,
};
use crate::{
    app::App,
    call::{Call, MAX_REQUEST, service},
    configuration::rpc::tried,
    error::{Error, Result, Violations},
    ids::{child_of, tenant_of},
    tickets::{
        self,
        wire::{self as ticket_wire, View},
    },
};

#[derive(Debug)]
struct Rpc(Arc<App>);

/// The service, ready to be mounted.
pub fn server(app: Arc<App>) -> RoutingServiceServer<impl RoutingService> {
    RoutingServiceServer::new(Rpc(app)).max_decoding_message_size(MAX_REQUEST)
}

service! { RoutingService, "RoutingService":
    route_ticket(RouteTicketRequest) -> RouteTicketResponse,
    transfer_ticket(TransferTicketRequest) -> TransferTicketResponse,
    preview_routing(PreviewRoutingRequest) -> PreviewRoutingResponse,
    list_routing_decisions(ListRoutingDecisionsRequest) -> ListRoutingDecisionsResponse,
    pull_next_ticket(PullNextTicketRequest) -> PullNextTicketResponse,
    accept_offer(AcceptOfferRequest) -> AcceptOfferResponse,
    decline_offer(DeclineOfferRequest) -> DeclineOfferResponse,
    get_queue_stats(GetQueueStatsRequest) -> GetQueueStatsResponse,
    list_queue_tickets(ListQueueTicketsRequest) -> ListQueueTicketsResponse;

    type SimulateRoutingStream = BoxStream<'static, Result<pb::SimulateRoutingResponse, Status>>;

    async fn simulate_routing(
        &self,
        request: Request<pb::SimulateRoutingRequest>,
    ) -> Result<Response<Self::SimulateRoutingStream>, Status> {
        let (call, body) = Call::open(&self.0, "RoutingService/simulate_routing", request)?;
        call.answer(simulate_routing(&call, body).await)
    }
}

async fn route_ticket(call: &Call, request: pb::RouteTicketRequest) -> Result<pb::RouteTicketResponse> {
    let (tenant, id) = ticket_wire::ticket_name("name", &request.name)?;
    let ctx = call.write(tenant, &request.request_id, &request)?;
    let mut faults = Violations::default();
    let pb::RouteTicketRequest { etag, validate_only, note, reason, .. } = &request;
    let target = ticket_wire::target(&mut faults, id, etag, *validate_only, note, reason);
    faults.into_result()?;
    let done = route(&call.app, &ctx, Route { target }).await?;
    let taken = (!validate_only)
        .then(|| (wire::decision_name(&done.ticket.name(), done.ticket.version), done.ticket.update_time));
    let decision = Some(wire::decision(&ctx.tenant, &done.extra, taken));
    let (ticket, revision, replayed) = ticket_wire::written(done.into());
    Ok(pb::RouteTicketResponse { ticket, revision, replayed, decision })
}

async fn transfer_ticket(
    call: &Call,
    request: pb::TransferTicketRequest,
) -> Result<pb::TransferTicketResponse> {
    let (tenant, id) = ticket_wire::ticket_name("name", &request.name)?;
    let ctx = call.write(tenant, &request.request_id, &request)?;
    let mut faults = Violations::default();
    let pb::TransferTicketRequest { etag, validate_only, note, reason, .. } = &request;
    let target = ticket_wire::target(&mut faults, id, etag, *validate_only, note, reason);
    let to = match &request.target {
        Some(transfer_request::Target::Team(team)) => To::Team(team.clone()),
        Some(transfer_request::Target::Queue(queue)) => To::Queue(queue.clone()),
        None => {
            faults.add("target", "must be a team or a queue");
            To::Team(String::new())
        }
    };
    faults.into_result()?;
    let done = transfer(&call.app, &ctx, Transfer { target, to }).await?;
    let (ticket, revision, replayed) = ticket_wire::written(done);
    Ok(pb::TransferTicketResponse { ticket, revision, replayed })
}

async fn preview_routing(
    call: &Call,
    request: pb::PreviewRoutingRequest,
) -> Result<pb::PreviewRoutingResponse> {
    let ctx = call.read(tenant_of(&request.parent)?)?;
    let subject = match request.subject {
        Some(preview_request::Subject::Ticket(name)) => {
            let (tenant, part) = child_of("ticket", &name, "tickets")?;
            if tenant != ctx.tenant {
                return Err(Error::field("ticket", "must be of the same tenant"));
            }
            Subject::Ticket(tickets::resolve(&call.app, &tenant, part).await?)
        }
        Some(preview_request::Subject::Draft(draft)) => {
            let create = pb::CreateTicketRequest { ticket: Some(draft), ..Default::default() };
            Subject::Draft(Box::new(ticket_wire::create(&ctx.tenant, &create)))
        }
        None => return Err(Error::field("subject", "must be a ticket or a draft")),
    };
    let configuration = tried(&call.app, &ctx, request.configuration.as_ref()).await?;
    let decision = preview(&call.app, &ctx, subject, &configuration).await.map_err(wire::of_draft)?;
    Ok(pb::PreviewRoutingResponse { decision: Some(wire::decision(&ctx.tenant, &decision, None)) })
}

async fn list_routing_decisions(
    call: &Call,
    request: pb::ListRoutingDecisionsRequest,
) -> Result<pb::ListRoutingDecisionsResponse> {
    let (tenant, ticket) = ticket_wire::ticket_name("parent", &request.parent)?;
    let ctx = call.read(tenant)?;
    let (taken, next_page_token) =
        decisions::list(&call.app, &ctx, ticket, request.page_size, &request.page_token).await?;
    let decisions = taken.iter().map(|taken| {
        let name = wire::decision_name(&request.parent, taken.version);
        wire::decision(&ctx.tenant, &taken.decision, Some((name, taken.create_time)))
    });
    Ok(pb::ListRoutingDecisionsResponse { decisions: decisions.collect(), next_page_token })
}

async fn pull_next_ticket(
    call: &Call,
    request: pb::PullNextTicketRequest,
) -> Result<pb::PullNextTicketResponse> {
    let (tenant, queue) = child_of("queue", &request.queue, "queues")?;
    let ctx = call.write(tenant, &request.request_id, &request)?;
    let pulled = pull(&call.app, &ctx, queue).await?;
    Ok(pb::PullNextTicketResponse {
        revision: pulled.ticket.as_ref().map(ticket_wire::revision).unwrap_or_default(),
        ticket: pulled.ticket.map(|ticket| ticket_wire::ticket(ticket, View::Full)),
        replayed: pulled.replayed,
    })
}

async fn accept_offer(call: &Call, request: pb::AcceptOfferRequest) -> Result<pb::AcceptOfferResponse> {
    let (tenant, id) = ticket_wire::ticket_name("name", &request.name)?;
    let ctx = call.write(tenant, &request.request_id, &request)?;
    let mut faults = Violations::default();
    let pb::AcceptOfferRequest { etag, validate_only, note, reason, .. } = &request;
    let target = ticket_wire::target(&mut faults, id, etag, *validate_only, note, reason);
    faults.into_result()?;
    let done = accept(&call.app, &ctx, AcceptOffer { target }).await?;
    let (ticket, revision, replayed) = ticket_wire::written(done);
    Ok(pb::AcceptOfferResponse { ticket, revision, replayed })
}

async fn decline_offer(call: &Call, request: pb::DeclineOfferRequest) -> Result<pb::DeclineOfferResponse> {
    let (tenant, id) = ticket_wire::ticket_name("name", &request.name)?;
    let ctx = call.write(tenant, &request.request_id, &request)?;
    let mut faults = Violations::default();
    let pb::DeclineOfferRequest { etag, validate_only, note, decline_reason, .. } = &request;
    let target = ticket_wire::target(&mut faults, id, etag, *validate_only, note, "");
    let reason = wire::decline_reason(&mut faults, *decline_reason);
    faults.into_result()?;
    let done = decline(&call.app, &ctx, DeclineOffer { target, reason }).await?;
    let (ticket, revision, replayed) = ticket_wire::written(done);
    Ok(pb::DeclineOfferResponse { ticket, revision, replayed })
}

async fn get_queue_stats(
    call: &Call,
    request: pb::GetQueueStatsRequest,
) -> Result<pb::GetQueueStatsResponse> {
    let (tenant, queue) = child_of("queue", &request.queue, "queues")?;
    let ctx = call.read(tenant)?;
    let stats = queue_stats(&call.app, &ctx, queue).await?;
    Ok(pb::GetQueueStatsResponse { stats: Some(wire::queue_stats(&ctx.tenant, queue, &stats)) })
}

async fn list_queue_tickets(
    call: &Call,
    request: pb::ListQueueTicketsRequest,
) -> Result<pb::ListQueueTicketsResponse> {
    let (tenant, queue) = child_of("queue", &request.queue, "queues")?;
    let ctx = call.read(tenant)?;
    let (tickets, next_page_token) =
        list_queue::list(&call.app, &ctx, queue, request.page_size, &request.page_token).await?;
    let tickets = tickets.into_iter().map(|ticket| ticket_wire::shown(&ctx, ticket, View::Basic)).collect();
    Ok(pb::ListQueueTicketsResponse { tickets, next_page_token })
}

async fn simulate_routing(
    call: &Call,
    request: pb::SimulateRoutingRequest,
) -> Result<BoxStream<'static, Result<pb::SimulateRoutingResponse, Status>>> {
    let ctx = call.read(tenant_of(&request.parent)?)?;
    let wanted = simulate::wire::simulation(&call.app, &ctx, &request).await?;
    let parts = simulate(&call.app, &ctx, wanted).await?;
    Ok(call.stream(parts, move |part| Ok(simulate::wire::response(&ctx.tenant, part))))
}
