//! `ticketing.v1.AgentService`: wire in, wire out.

use std::sync::Arc;

use ticketing_proto::v1::{
    self as pb,
    agent_service_server::{AgentService, AgentServiceServer},
};

use super::{
    delete::{Delete, delete},
    read,
    set_availability::{SetAvailability, set_availability as set_availability_verb},
    upsert::upsert,
    wire,
};
use crate::{
    app::App,
    call::{Call, MAX_REQUEST, service},
    error::{Result, Violations},
    ids::{child_of, tenant_of},
    tickets::wire as ticket_wire,
};

#[derive(Debug)]
struct Rpc(Arc<App>);

/// The service, ready to be mounted.
pub fn server(app: Arc<App>) -> AgentServiceServer<impl AgentService> {
    AgentServiceServer::new(Rpc(app)).max_decoding_message_size(MAX_REQUEST)
}

service! { AgentService, "AgentService":
    upsert_agent(UpsertAgentRequest) -> UpsertAgentResponse,
    get_agent(GetAgentRequest) -> GetAgentResponse,
    list_agents(ListAgentsRequest) -> ListAgentsResponse,
    delete_agent(DeleteAgentRequest) -> DeleteAgentResponse,
    set_availability(SetAvailabilityRequest) -> SetAvailabilityResponse,
    get_workload(GetWorkloadRequest) -> GetWorkloadResponse,
}

async fn upsert_agent(call: &Call, request: pb::UpsertAgentRequest) -> Result<pb::UpsertAgentResponse> {
    let mut faults = Violations::default();
    let (tenant, wanted) = wire::upsert(&mut faults, &request)?;
    let ctx = call.read(tenant)?;
    let agent = upsert(&call.app, &ctx, wanted, faults).await?;
    Ok(pb::UpsertAgentResponse { agent: Some(wire::agent(&agent, ctx.now)) })
}

async fn get_agent(call: &Call, request: pb::GetAgentRequest) -> Result<pb::GetAgentResponse> {
    let (tenant, key) = child_of("name", &request.name, "agents")?;
    let ctx = call.read(tenant)?;
    let agent = read::get(&call.app, &ctx, key).await?;
    Ok(pb::GetAgentResponse { agent: Some(wire::agent(&agent, ctx.now)) })
}

async fn list_agents(call: &Call, request: pb::ListAgentsRequest) -> Result<pb::ListAgentsResponse> {
    let ctx = call.read(tenant_of(&request.parent)?)?;
    let (agents, next_page_token) =
        read::list(&call.app, &ctx, &request.filter, request.page_size, &request.page_token).await?;
    let agents = agents.iter().map(|agent| wire::agent(agent, ctx.now)).collect();
    Ok(pb::ListAgentsResponse { agents, next_page_token })
}

async fn delete_agent(call: &Call, request: pb::DeleteAgentRequest) -> Result<pb::DeleteAgentResponse> {
    let (tenant, key) = child_of("name", &request.name, "agents")?;
    let ctx = call.write(tenant, &request.request_id, &request)?;
    let mut faults = Violations::default();
    let version = ticket_wire::version(&mut faults, "etag", &request.etag);
    faults.into_result()?;
    let replayed = delete(&call.app, &ctx, Delete { key: key.to_owned(), version }).await?;
    Ok(pb::DeleteAgentResponse { replayed })
}

async fn set_availability(
    call: &Call,
    request: pb::SetAvailabilityRequest,
) -> Result<pb::SetAvailabilityResponse> {
    let (tenant, key) = child_of("name", &request.name, "agents")?;
    let ctx = call.read(tenant)?;
    let mut faults = Violations::default();
    let set = SetAvailability {
        key: key.to_owned(),
        availability: wire::availability(&mut faults, "availability", request.availability),
        until_time: ticket_wire::time(&mut faults, "until_time", request.until_time.as_ref()),
    };
    let agent = set_availability_verb(&call.app, &ctx, set, faults).await?;
    Ok(pb::SetAvailabilityResponse { agent: Some(wire::agent(&agent, ctx.now)) })
}

async fn get_workload(call: &Call, request: pb::GetWorkloadRequest) -> Result<pb::GetWorkloadResponse> {
    let (tenant, key) = child_of("name", &request.name, "agents")?;
    let ctx = call.read(tenant)?;
    let workload = read::workload(&call.app, &ctx, key).await?;
    Ok(pb::GetWorkloadResponse { workload: Some(wire::workload(&workload)) })
}
