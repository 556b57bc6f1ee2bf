//! `ticketing.v1.AuditService`: wire in, wire out.

use std::sync::Arc;

use ticketing_proto::v1::{
    self as pb,
    audit_service_server::{AuditService, AuditServiceServer},
};

use super::{
    chain::canonical,
    model::Shown,
    read::{self, List},
};
use crate::{
    app::App,
    call::{Call, MAX_REQUEST, service},
    error::Result,
    ids::tenant_of,
    tickets::wire::{actor_kind, timestamp},
};

#[derive(Debug)]
struct Rpc(Arc<App>);

/// The service, ready to be mounted.
pub fn server(app: Arc<App>) -> AuditServiceServer<impl AuditService> {
    AuditServiceServer::new(Rpc(app)).max_decoding_message_size(MAX_REQUEST)
}

service! { AuditService, "AuditService":
    list_audit_entries(ListAuditEntriesRequest) -> ListAuditEntriesResponse,
    get_audit_head(GetAuditHeadRequest) -> GetAuditHeadResponse,
}

async fn list_audit_entries(
    call: &Call,
    request: pb::ListAuditEntriesRequest,
) -> Result<pb::ListAuditEntriesResponse> {
    let ctx = call.read(tenant_of(&request.parent)?)?;
    let list =
        List { page_size: request.page_size, page_token: &request.page_token, filter: &request.filter };
    let (page, next_page_token) = read::list(&call.app, &ctx, list).await?;
    Ok(pb::ListAuditEntriesResponse { entries: page.into_iter().map(entry).collect(), next_page_token })
}

async fn get_audit_head(call: &Call, request: pb::GetAuditHeadRequest) -> Result<pb::GetAuditHeadResponse> {
    let ctx = call.read(tenant_of(&request.parent)?)?;
    let (head, waiting_count) = read::head(&call.app, &ctx).await?;
    let head = pb::AuditHead { position: head.position, link: head.link, waiting_count };
    Ok(pb::GetAuditHeadResponse { head: Some(head) })
}

fn entry(shown: Shown) -> pb::AuditEntry {
    let Shown { shown_actor, shown_target, entry } = shown;
    pb::AuditEntry {
        name: format!("tenants/{}/auditEntries/{}", entry.tenant_id, entry.id),
        position: entry.position.unwrap_or_default(),
        time: Some(timestamp(entry.time)),
        actor: Some(pb::Actor { kind: actor_kind(entry.actor_kind), id: shown_actor }),
        linked_text: if entry.position.is_some() { canonical(&entry) } else { String::new() },
        action: entry.action,
        target: shown_target,
        request_id: entry.request_id,
        before_digest: entry.before.unwrap_or_default(),
        after_digest: entry.after.unwrap_or_default(),
        link: entry.link.unwrap_or_default(),
    }
}
