//! `ticketing.v1.SystemService`: wire in, wire out.

use std::sync::Arc;

use ticketing_proto::v1::{
    self as pb,
    system_service_server::{SystemService, SystemServiceServer},
};

use crate::{
    access::granted,
    app::App,
    calendar::zone,
    call::{Call, MAX_REQUEST, service},
    error::Result,
    filter,
    seal::PAGE_MAX,
    tickets::{
        MAX_TEXT, MAX_TITLE,
        wire::{MAX_BATCH, actor_kind},
    },
};

/// What a client may probe for before it relies on it. The list only grows.
const CAPABILITIES: &[&str] = &["grpc_web", "read_time", "watch_initial_state"];

/// The one that a server has if it is told where to keep files.
const ATTACHMENTS: &str = "attachments";

#[derive(Debug)]
struct Rpc(Arc<App>);

/// The service, ready to be mounted.
pub fn server(app: Arc<App>) -> SystemServiceServer<impl SystemService> {
    SystemServiceServer::new(Rpc(app)).max_decoding_message_size(MAX_REQUEST)
}

service! { SystemService, "SystemService":
    get_server_info(GetServerInfoRequest) -> GetServerInfoResponse,
    get_session(GetSessionRequest) -> GetSessionResponse,
}

async fn get_server_info(call: &Call, _: pb::GetServerInfoRequest) -> Result<pb::GetServerInfoResponse> {
    Ok(pb::GetServerInfoResponse {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        schema_version: call.app.db.schema_in_use().await?,
        limits: Some(pb::Limits {
            max_request_bytes: MAX_REQUEST as i32,
            max_page_size: PAGE_MAX,
            max_batch_size: MAX_BATCH as i32,
            max_title_chars: MAX_TITLE as i32,
            max_text_chars: MAX_TEXT as i32,
            max_filter_bytes: filter::MAX_BYTES as i32,
            max_attachment_bytes: call.app.objects.as_ref().map_or(0, |objects| objects.max_bytes),
        }),
        time_zone_release: zone::release().to_owned(),
        capabilities: CAPABILITIES
            .iter()
            .chain(call.app.objects.as_ref().map(|_| &ATTACHMENTS))
            .map(|it| (*it).to_owned())
            .collect(),
    })
}

#[allow(clippy::unused_async)] // a method is a future, whether it waits or not
async fn get_session(call: &Call, _: pb::GetSessionRequest) -> Result<pb::GetSessionResponse> {
    let actor = &call.actor;
    let mut permissions: Vec<i32> =
        actor.roles.iter().flat_map(|role| granted(*role)).map(i32::from).collect();
    permissions.sort_unstable();
    permissions.dedup();
    Ok(pb::GetSessionResponse {
        actor: Some(pb::Actor { kind: actor_kind(actor.kind), id: actor.id.clone() }),
        tenants: match &actor.tenants {
            Some(tenants) => tenants.iter().map(|tenant| format!("tenants/{tenant}")).collect(),
            None => vec!["-".to_owned()],
        },
        roles: actor.roles.iter().map(|role| role.name().to_owned()).collect(),
        permissions,
    })
}
