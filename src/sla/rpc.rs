//! `ticketing.v1.SlaService`: wire in, wire out.

use std::sync::Arc;

use ticketing_proto::v1::{
    self as pb,
    sla_service_server::{SlaService, SlaServiceServer},
};

use super::{business_time, wire};
use crate::{
    app::App,
    call::{Call, MAX_REQUEST, service},
    error::{Result, Violations},
    ids::tenant_of,
};

#[derive(Debug)]
struct Rpc(Arc<App>);

/// The service, ready to be mounted.
pub fn server(app: Arc<App>) -> SlaServiceServer<impl SlaService> {
    SlaServiceServer::new(Rpc(app)).max_decoding_message_size(MAX_REQUEST)
}

service! { SlaService, "SlaService":
    compute_business_time(ComputeBusinessTimeRequest) -> ComputeBusinessTimeResponse,
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
