//! `ticketing.v1.WorklogService`: wire in, wire out.

use std::sync::Arc;

use ticketing_proto::v1::{
    self as pb,
    worklog_service_server::{WorklogService, WorklogServiceServer},
};

use super::{
    create::{self, Create},
    read::{self, Wanted},
    reverse::{self, Reverse},
    wire::{self, worklog_name},
};
use crate::{
    app::App,
    call::{Call, MAX_REQUEST, service},
    error::{Result, Violations},
    ids::tenant_of,
    tickets::{MAX_NOTE, wire as ticket_wire},
};

#[derive(Debug)]
struct Rpc(Arc<App>);

/// The service, ready to be mounted.
pub fn server(app: Arc<App>) -> WorklogServiceServer<impl WorklogService> {
    WorklogServiceServer::new(Rpc(app)).max_decoding_message_size(MAX_REQUEST)
}

service! { WorklogService, "WorklogService":
    create_worklog(CreateWorklogRequest) -> CreateWorklogResponse,
    reverse_worklog(ReverseWorklogRequest) -> ReverseWorklogResponse,
    correct_worklog(CorrectWorklogRequest) -> CorrectWorklogResponse,
    get_worklog(GetWorklogRequest) -> GetWorklogResponse,
    list_worklogs(ListWorklogsRequest) -> ListWorklogsResponse,
}

async fn create_worklog(call: &Call, request: pb::CreateWorklogRequest) -> Result<pb::CreateWorklogResponse> {
    let (tenant, ticket) = ticket_wire::ticket_name("parent", &request.parent)?;
    let ctx = call.write(tenant, &request.request_id, &request)?;
    let mut faults = Violations::default();
    let draft = wire::draft(&mut faults, &ctx, request.worklog.as_ref());
    let target = ticket_wire::target(&mut faults, ticket, &request.etag, false, "", "");
    faults.into_result()?;
    let (shown, done) = create::create(&call.app, &ctx, &Create { target, draft }).await?;
    Ok(pb::CreateWorklogResponse {
        worklog: Some(wire::worklog(shown)),
        revision: ticket_wire::revision(&done.ticket),
        replayed: done.replayed,
    })
}

async fn reverse_worklog(
    call: &Call,
    request: pb::ReverseWorklogRequest,
) -> Result<pb::ReverseWorklogResponse> {
    let (tenant, ticket, id) = worklog_name(&request.name)?;
    let ctx = call.write(tenant, &request.request_id, &request)?;
    let mut faults = Violations::default();
    let target = ticket_wire::target(&mut faults, ticket, &request.etag, false, "", "");
    let why = ticket_wire::text(&mut faults, "note", &request.note, MAX_NOTE);
    faults.into_result()?;
    let wanted = Reverse { target, id, why, instead: None };
    let (shown, done) = reverse::reverse(&call.app, &ctx, &wanted).await?;
    Ok(pb::ReverseWorklogResponse {
        reversal: Some(wire::worklog(shown)),
        revision: ticket_wire::revision(&done.ticket),
        replayed: done.replayed,
    })
}

async fn correct_worklog(
    call: &Call,
    request: pb::CorrectWorklogRequest,
) -> Result<pb::CorrectWorklogResponse> {
    let (tenant, ticket, id) = worklog_name(&request.name)?;
    let ctx = call.write(tenant, &request.request_id, &request)?;
    let mut faults = Violations::default();
    let instead = Some(wire::draft(&mut faults, &ctx, request.worklog.as_ref()));
    let target = ticket_wire::target(&mut faults, ticket, &request.etag, false, "", "");
    let why = ticket_wire::text(&mut faults, "note", &request.note, MAX_NOTE);
    faults.into_result()?;
    let wanted = Reverse { target, id, why, instead };
    let (shown, done) = reverse::reverse(&call.app, &ctx, &wanted).await?;
    Ok(pb::CorrectWorklogResponse {
        worklog: Some(wire::worklog(shown)),
        revision: ticket_wire::revision(&done.ticket),
        replayed: done.replayed,
    })
}

async fn get_worklog(call: &Call, request: pb::GetWorklogRequest) -> Result<pb::GetWorklogResponse> {
    let (tenant, ticket, id) = worklog_name(&request.name)?;
    let ctx = call.read(tenant)?;
    let found = read::get(&call.app, &ctx, ticket, id).await?;
    Ok(pb::GetWorklogResponse { worklog: Some(wire::worklog(found)) })
}

async fn list_worklogs(call: &Call, request: pb::ListWorklogsRequest) -> Result<pb::ListWorklogsResponse> {
    let ctx = call.read(tenant_of(&request.parent)?)?;
    let mut faults = Violations::default();
    let window = ticket_wire::window(&mut faults, request.start_time.as_ref(), request.end_time.as_ref());
    let ticket = wire::ticket(&mut faults, &ctx.tenant, &request.ticket)?;
    let agent = ticket_wire::reference(&mut faults, "agent", &request.agent, &ctx.tenant, "agents");
    faults.into_result()?;
    let wanted = Wanted { ticket, id: None, agent, from: window.from, until: window.until };
    let (page, next_page_token) =
        read::list(&call.app, &ctx, &wanted, request.page_size, &request.page_token).await?;
    Ok(pb::ListWorklogsResponse { worklogs: page.into_iter().map(wire::worklog).collect(), next_page_token })
}
