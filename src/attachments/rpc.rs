//! `ticketing.v1.AttachmentService`: wire in, wire out.

use std::sync::Arc;

use ticketing_proto::v1::{
    self as pb,
    attachment_service_server::{AttachmentService, AttachmentServiceServer},
};

use super::{
    complete::{self, Complete},
    create::{self, Create},
    delete::{self, Delete},
    read,
    wire::{self, attachment_name},
};
use crate::{
    app::App,
    call::{Call, MAX_REQUEST, service},
    error::{Result, Violations},
    tickets::wire as ticket_wire,
};

/// Characters of the reason for a deletion.
const MAX_WHY: usize = 1000;

#[derive(Debug)]
struct Rpc(Arc<App>);

/// The service, ready to be mounted.
pub fn server(app: Arc<App>) -> AttachmentServiceServer<impl AttachmentService> {
    AttachmentServiceServer::new(Rpc(app)).max_decoding_message_size(MAX_REQUEST)
}

service! { AttachmentService, "AttachmentService":
    create_attachment(CreateAttachmentRequest) -> CreateAttachmentResponse,
    complete_attachment(CompleteAttachmentRequest) -> CompleteAttachmentResponse,
    get_attachment(GetAttachmentRequest) -> GetAttachmentResponse,
    list_attachments(ListAttachmentsRequest) -> ListAttachmentsResponse,
    create_attachment_download(CreateAttachmentDownloadRequest) -> CreateAttachmentDownloadResponse,
    delete_attachment(DeleteAttachmentRequest) -> DeleteAttachmentResponse,
}

async fn create_attachment(
    call: &Call,
    request: pb::CreateAttachmentRequest,
) -> Result<pb::CreateAttachmentResponse> {
    let (tenant, ticket) = ticket_wire::ticket_name("parent", &request.parent)?;
    let ctx = call.write(tenant, &request.request_id, &request)?;
    let mut faults = Violations::default();
    let draft = wire::draft(&mut faults, &ctx.tenant, ticket, request.attachment.as_ref());
    faults.into_result()?;
    let announced = create::create(&call.app, &ctx, &Create { ticket, draft }).await?;
    Ok(pb::CreateAttachmentResponse {
        attachment: Some(wire::attachment(&ctx, announced.attachment)),
        upload: announced.upload.map(wire::upload),
        replayed: announced.replayed,
    })
}

async fn complete_attachment(
    call: &Call,
    request: pb::CompleteAttachmentRequest,
) -> Result<pb::CompleteAttachmentResponse> {
    let (tenant, ticket, id) = attachment_name(&request.name)?;
    let ctx = call.write(tenant, &request.request_id, &request)?;
    let mut faults = Violations::default();
    let version = ticket_wire::version(&mut faults, "etag", &request.etag);
    faults.into_result()?;
    let (there, done) = complete::complete(&call.app, &ctx, &Complete { ticket, id, version }).await?;
    Ok(pb::CompleteAttachmentResponse {
        attachment: Some(wire::attachment(&ctx, there)),
        revision: ticket_wire::revision(&done.ticket),
        replayed: done.replayed,
    })
}

async fn get_attachment(call: &Call, request: pb::GetAttachmentRequest) -> Result<pb::GetAttachmentResponse> {
    let (tenant, ticket, id) = attachment_name(&request.name)?;
    let ctx = call.read(tenant)?;
    let found = read::get(&call.app, &ctx, ticket, id).await?;
    Ok(pb::GetAttachmentResponse { attachment: Some(wire::attachment(&ctx, found)) })
}

async fn list_attachments(
    call: &Call,
    request: pb::ListAttachmentsRequest,
) -> Result<pb::ListAttachmentsResponse> {
    let (tenant, ticket) = ticket_wire::ticket_name("parent", &request.parent)?;
    let ctx = call.read(tenant)?;
    let (page, next_page_token) =
        read::list(&call.app, &ctx, ticket, request.page_size, &request.page_token).await?;
    let attachments = page.into_iter().map(|found| wire::attachment(&ctx, found)).collect();
    Ok(pb::ListAttachmentsResponse { attachments, next_page_token })
}

async fn create_attachment_download(
    call: &Call,
    request: pb::CreateAttachmentDownloadRequest,
) -> Result<pb::CreateAttachmentDownloadResponse> {
    let (tenant, ticket, id) = attachment_name(&request.name)?;
    let ctx = call.read(tenant)?;
    let (url, expire_time) = read::download(&call.app, &ctx, ticket, id).await?;
    let expire_time = Some(ticket_wire::timestamp(expire_time));
    Ok(pb::CreateAttachmentDownloadResponse { url, expire_time })
}

async fn delete_attachment(
    call: &Call,
    request: pb::DeleteAttachmentRequest,
) -> Result<pb::DeleteAttachmentResponse> {
    let (tenant, ticket, id) = attachment_name(&request.name)?;
    let ctx = call.write(tenant, &request.request_id, &request)?;
    let mut faults = Violations::default();
    let version = ticket_wire::version(&mut faults, "etag", &request.etag);
    let why = ticket_wire::text(&mut faults, "reason", &request.reason, MAX_WHY);
    faults.into_result()?;
    let delete = Delete { ticket, id, version, why };
    let (left, replayed) = delete::delete(&call.app, &ctx, &delete).await?;
    Ok(pb::DeleteAttachmentResponse { attachment: Some(wire::attachment(&ctx, left)), replayed })
}
