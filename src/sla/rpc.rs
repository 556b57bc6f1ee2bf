//! `ticketing.v1.SlaService`: wire in, wire out.

use std::sync::Arc;

use futures_util::stream::BoxStream;
use ticketing_proto::v1::{
    self as pb,
    sla_service_server::{SlaService, SlaServiceServer},
};
use tonic::{Request, Response, Status};

use super::{
    business_time, migrate, read, read_outages, record_outage as record_verb, simulate,
    wire::{self, clocks},
};
use crate::{
    app::App,
    call::{Call, MAX_REQUEST, service},
    configuration::rpc::tried,
    error::{Error, Result, Violations},
    ids::{grandchild_of, tenant_of},
    routing::of_draft,
    tickets::{take_account, wire as ticket_wire},
};

#[derive(Debug)]
struct Rpc(Arc<App>);

/// The service, ready to be mounted.
pub fn server(app: Arc<App>) -> SlaServiceServer<impl SlaService> {
    SlaServiceServer::new(Rpc(app)).max_decoding_message_size(MAX_REQUEST)
}

service! { SlaService, "SlaService":
    list_ticket_clocks(ListTicketClocksRequest) -> ListTicketClocksResponse,
    explain_clock(ExplainClockRequest) -> ExplainClockResponse,
    list_clocks(ListClocksRequest) -> ListClocksResponse,
    preview_sla(PreviewSlaRequest) -> PreviewSlaResponse,
    migrate_clocks(MigrateClocksRequest) -> MigrateClocksResponse,
    compute_business_time(ComputeBusinessTimeRequest) -> ComputeBusinessTimeResponse,
    record_outage(RecordOutageRequest) -> RecordOutageResponse,
    get_outage(GetOutageRequest) -> GetOutageResponse,
    list_outages(ListOutagesRequest) -> ListOutagesResponse,
    get_availability(GetAvailabilityRequest) -> GetAvailabilityResponse;

    type SimulateSlaStream = BoxStream<'static, Result<pb::SimulateSlaResponse, Status>>;

    async fn simulate_sla(
        &self,
        request: Request<pb::SimulateSlaRequest>,
    ) -> Result<Response<Self::SimulateSlaStream>, Status> {
        let (call, body) = Call::open(&self.0, "SlaService/simulate_sla", request)?;
        call.answer(simulate_sla(&call, body).await)
    }
}

async fn simulate_sla(
    call: &Call,
    request: pb::SimulateSlaRequest,
) -> Result<BoxStream<'static, Result<pb::SimulateSlaResponse, Status>>> {
    let ctx = call.read(tenant_of(&request.parent)?)?;
    let simulation = simulate::wire::simulation(&call.app, &ctx, &request).await?;
    let parts = simulate::simulate(&call.app, &ctx, simulation).await?;
    Ok(call.stream(parts, move |part| Ok(simulate::wire::response(&ctx.tenant, part))))
}

async fn list_ticket_clocks(
    call: &Call,
    request: pb::ListTicketClocksRequest,
) -> Result<pb::ListTicketClocksResponse> {
    let (tenant, ticket) = ticket_wire::ticket_name("parent", &request.parent)?;
    let ctx = call.read(tenant)?;
    let (found, next_page_token) =
        read::of_ticket(&call.app, &ctx, ticket, request.page_size, &request.page_token).await?;
    let clocks = found.iter().map(|pinned| clocks::clock(pinned, ctx.now)).collect();
    Ok(pb::ListTicketClocksResponse { clocks, next_page_token })
}

async fn explain_clock(call: &Call, request: pb::ExplainClockRequest) -> Result<pb::ExplainClockResponse> {
    let (tenant, ticket, number) = grandchild_of("name", &request.name, "clocks")?;
    let ctx = call.read(tenant)?;
    let number = number.parse().map_err(|_| Error::not_found("clock", &request.name))?;
    let explained = read::explained(&call.app, &ctx, ticket, number).await?;
    Ok(clocks::explained(explained, ctx.now))
}

async fn list_clocks(call: &Call, request: pb::ListClocksRequest) -> Result<pb::ListClocksResponse> {
    let ctx = call.read(tenant_of(&request.parent)?)?;
    let mut faults = Violations::default();
    let wanted = clocks::wanted(&mut faults, &request);
    faults.into_result()?;
    let (found, next_page_token) =
        read::open(&call.app, &ctx, &wanted, request.page_size, &request.page_token).await?;
    let clocks = found.iter().map(|pinned| clocks::clock(pinned, ctx.now)).collect();
    Ok(pb::ListClocksResponse { clocks, next_page_token })
}

async fn preview_sla(call: &Call, request: pb::PreviewSlaRequest) -> Result<pb::PreviewSlaResponse> {
    let ctx = call.read(tenant_of(&request.parent)?)?;
    let mut faults = Violations::default();
    let at = ticket_wire::time(&mut faults, "start_time", request.start_time.as_ref()).unwrap_or(ctx.now);
    if request.draft.is_none() {
        faults.add("draft", "is required");
    }
    faults.into_result()?;
    let draft = pb::CreateTicketRequest { ticket: request.draft, ..Default::default() };
    let mut draft = ticket_wire::create(&ctx.tenant, &draft);
    take_account(&call.app, &ctx, &mut draft).await?;
    let configuration = tried(&call.app, &ctx, request.configuration.as_ref()).await?;
    let change = read::preview(&ctx, &configuration, &draft, at).map_err(of_draft)?;
    let clocks = change.clocks.iter().map(|clock| clocks::thought_of(clock, &configuration, at));
    Ok(pb::PreviewSlaResponse { clocks: clocks.collect(), sla_policies: change.next.sla_policies })
}

async fn migrate_clocks(call: &Call, request: pb::MigrateClocksRequest) -> Result<pb::MigrateClocksResponse> {
    let ctx = call.write(tenant_of(&request.parent)?, &request.request_id, &request)?;
    let mut faults = Violations::default();
    let wanted = clocks::migrate(&mut faults, &ctx.tenant, request)?;
    faults.into_result()?;
    let done = migrate::migrate(&call.app, &ctx, &wanted).await?;
    Ok(clocks::migrated(&ctx.tenant, done))
}

async fn compute_business_time(
    call: &Call,
    request: pb::ComputeBusinessTimeRequest,
) -> Result<pb::ComputeBusinessTimeResponse> {
    let ctx = call.read(tenant_of(&request.parent)?)?;
    let configuration = call.app.configurations.get(&ctx.tenant).await?;
    let mut faults = Violations::default();
    let ask = wire::ask(&mut faults, &request);
    let counted = business_time::count(&configuration, &ask, faults)?;
    Ok(wire::counted(counted, configuration.revision))
}

async fn record_outage(call: &Call, request: pb::RecordOutageRequest) -> Result<pb::RecordOutageResponse> {
    let ctx = call.write(tenant_of(&request.parent)?, &request.request_id, &request)?;
    let mut faults = Violations::default();
    let record = wire::record(&mut faults, &ctx.tenant, &request);
    let done = record_verb::record_outage(&call.app, &ctx, record, faults).await?;
    Ok(pb::RecordOutageResponse { outage: Some(wire::outage(&done.outage)), replayed: done.replayed })
}

async fn get_outage(call: &Call, request: pb::GetOutageRequest) -> Result<pb::GetOutageResponse> {
    let (tenant, id) = wire::outage_name(&request.name)?;
    let ctx = call.read(tenant)?;
    let id = id.ok_or_else(|| Error::not_found("outage", &request.name))?;
    let version = match request.version {
        ..0 => return Err(Error::field("version", "must not be negative")),
        0 => None,
        version => Some(version),
    };
    let found = read_outages::get(&call.app, &ctx, id, version).await?;
    Ok(pb::GetOutageResponse { outage: Some(wire::outage(&found)) })
}

async fn list_outages(call: &Call, request: pb::ListOutagesRequest) -> Result<pb::ListOutagesResponse> {
    let ctx = call.read(tenant_of(&request.parent)?)?;
    let mut faults = Violations::default();
    let selection = wire::selection(&mut faults, &request);
    faults.into_result()?;
    let (page, next_page_token) =
        read_outages::list(&call.app, &ctx, &selection, request.page_size, &request.page_token).await?;
    Ok(pb::ListOutagesResponse { outages: page.iter().map(wire::outage).collect(), next_page_token })
}

async fn get_availability(
    call: &Call,
    request: pb::GetAvailabilityRequest,
) -> Result<pb::GetAvailabilityResponse> {
    let ctx = call.read(tenant_of(&request.parent)?)?;
    let mut faults = Violations::default();
    let ask = wire::ask_availability(&mut faults, &request);
    let found = read_outages::availability(&call.app, &ctx, &ask, faults).await?;
    Ok(wire::availability(&ctx.tenant, &found))
}
