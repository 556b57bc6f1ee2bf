//! `ticketing.v1.EntitlementService`: wire in, wire out.

use std::sync::Arc;

use ticketing_proto::v1::{
    self as pb,
    entitlement_service_server::{EntitlementService, EntitlementServiceServer},
};

use super::{
    consent::{self, Record},
    read, upsert, wire,
};
use crate::{
    app::App,
    call::{Call, MAX_REQUEST, service},
    error::{Error, Result, Violations},
    ids::{child_of, tenant_of},
    tickets::wire as ticket_wire,
};

#[derive(Debug)]
struct Rpc(Arc<App>);

/// The service, ready to be mounted.
pub fn server(app: Arc<App>) -> EntitlementServiceServer<impl EntitlementService> {
    EntitlementServiceServer::new(Rpc(app)).max_decoding_message_size(MAX_REQUEST)
}

service! { EntitlementService, "EntitlementService":
    upsert_entitlement(UpsertEntitlementRequest) -> UpsertEntitlementResponse,
    get_entitlement(GetEntitlementRequest) -> GetEntitlementResponse,
    list_entitlements(ListEntitlementsRequest) -> ListEntitlementsResponse,
    check_entitlement(CheckEntitlementRequest) -> CheckEntitlementResponse,
    record_consent(RecordConsentRequest) -> RecordConsentResponse,
}

async fn upsert_entitlement(
    call: &Call,
    request: pb::UpsertEntitlementRequest,
) -> Result<pb::UpsertEntitlementResponse> {
    let sent = request.entitlement.unwrap_or_default();
    let (tenant, key) = child_of("entitlement.name", &sent.name, "entitlements")?;
    let ctx = call.read(tenant)?;
    let said = wire::upsert(&ctx, key, &sent, request.validate_only);
    let done = upsert::upsert(&call.app, &ctx, &said).await?;
    Ok(pb::UpsertEntitlementResponse { entitlement: Some(wire::entitlement(done)) })
}

async fn get_entitlement(
    call: &Call,
    request: pb::GetEntitlementRequest,
) -> Result<pb::GetEntitlementResponse> {
    let (tenant, key) = child_of("name", &request.name, "entitlements")?;
    let ctx = call.read(tenant)?;
    let found = read::get(&call.app, &ctx, key, request.version).await?;
    Ok(pb::GetEntitlementResponse { entitlement: Some(wire::entitlement(found)) })
}

async fn list_entitlements(
    call: &Call,
    request: pb::ListEntitlementsRequest,
) -> Result<pb::ListEntitlementsResponse> {
    let ctx = call.read(tenant_of(&request.parent)?)?;
    let mut faults = Violations::default();
    let organization = ticket_wire::reference(
        &mut faults,
        "organization",
        &request.organization,
        &ctx.tenant,
        "organizations",
    );
    faults.into_result()?;
    let (page, next_page_token) =
        read::list(&call.app, &ctx, &organization, request.page_size, &request.page_token).await?;
    let entitlements = page.into_iter().map(wire::entitlement).collect();
    Ok(pb::ListEntitlementsResponse { entitlements, next_page_token })
}

async fn check_entitlement(
    call: &Call,
    request: pb::CheckEntitlementRequest,
) -> Result<pb::CheckEntitlementResponse> {
    let ctx = call.read(tenant_of(&request.parent)?)?;
    let mut faults = Violations::default();
    let asked = wire::asked(&mut faults, &ctx.tenant, request.subject.as_ref())?;
    let at = ticket_wire::time(&mut faults, "check_time", request.check_time.as_ref()).unwrap_or(ctx.now);
    faults.into_result()?;
    let asked = asked.ok_or_else(|| Error::field("subject", "is required: ticket or draft"))?;
    let decision = read::ask(&call.app, &ctx, &asked, at).await?;
    Ok(pb::CheckEntitlementResponse { decision: Some(wire::decision(&ctx.tenant, &decision)) })
}

async fn record_consent(call: &Call, request: pb::RecordConsentRequest) -> Result<pb::RecordConsentResponse> {
    let (tenant, id) = ticket_wire::ticket_name("name", &request.name)?;
    let ctx = call.write(tenant, &request.request_id, &request)?;
    let mut faults = Violations::default();
    let target = ticket_wire::target(&mut faults, id, &request.etag, false, &request.note, "");
    let tariff = ticket_wire::text(&mut faults, "tariff", &request.tariff, 64);
    let answer = wire::answer(&mut faults, request.answer);
    faults.into_result()?;
    let done = consent::record(&call.app, &ctx, &Record { target, answer, tariff }).await?;
    let decision = done.ticket.entitlement.as_ref().map(|it| wire::decision(&ctx.tenant, it));
    Ok(pb::RecordConsentResponse {
        decision: decision.map(|it| wire::for_caller(&ctx, it)),
        revision: ticket_wire::revision(&done.ticket),
        replayed: done.replayed,
    })
}
