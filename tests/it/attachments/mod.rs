//! Files on tickets over real gRPC and real HTTP, in a folder and in a bucket of a real S3-compatible server.

mod door;
mod refusals;
mod removal;
mod sight;
mod stories;

use std::{fs, path::PathBuf};

use http_body_util::Full;
use sha2::{Digest as _, Sha256};
use ticketing::{
    attachments::objects::{Objects, Place},
    outbound::{self, Answer, Trust},
};
use ticketing_proto::v1::{
    self as pb, attachment_service_client::AttachmentServiceClient, event_service_client::EventServiceClient,
};
use tonic::codegen::http::{Method, Request};

use crate::support::{Client, Desk, S3};

pub type Attachments = AttachmentServiceClient<Client>;

/// What is in most files here.
const TEXT: &[u8] = b"Drucker druckt nicht.\n";
const MISSING: &str = "NotFound RESOURCE_NOT_FOUND";

pub fn attachments(client: Client) -> Attachments {
    AttachmentServiceClient::new(client)
}

/// A service with its store.
struct Stage {
    desk: Desk,
    /// `None`: a folder.
    s3: Option<S3>,
}

impl Stage {
    async fn folder() -> Self {
        Self { desk: Desk::open().await, s3: None }
    }

    async fn bucket() -> Self {
        let s3 = S3::start().await;
        let place = Place::Bucket(Box::new(s3.bucket()));
        let desk = Desk::open_keeping(Some(Objects { place, ..Desk::keeping() })).await;
        Self { desk, s3: Some(s3) }
    }

    /// One of each kind.
    async fn both() -> [Self; 2] {
        [Self::folder().await, Self::bucket().await]
    }

    /// Where the tenant's objects lie.
    fn place(&self) -> PathBuf {
        let root = self.s3.as_ref().map_or_else(|| self.desk.folder().to_owned(), S3::objects);
        root.join(self.desk.tenant.as_str())
    }

    /// The objects of the tenant that lie in the store, by name.
    fn lying(&self) -> Vec<String> {
        let entries = fs::read_dir(self.place()).into_iter().flatten();
        let name = |entry: fs::DirEntry| entry.file_name().into_string().expect("a name");
        let mut names: Vec<String> = entries.map(|entry| name(entry.expect("an entry"))).collect();
        names.sort();
        names
    }
}

/// A ticket that peter asks.
async fn asked(desk: &Desk) -> pb::Ticket {
    let requester = format!("{}/contacts/peter", desk.parent());
    crate::tickets::record(desk, pb::Ticket { requester, ..crate::tickets::titled("Drucker") }).await
}

/// A request to add these bytes to the ticket, visible by the rule.
pub fn adding(ticket: &str, file_name: &str, bytes: &[u8]) -> pb::CreateAttachmentRequest {
    let attachment = pb::Attachment {
        file_name: file_name.to_owned(),
        media_type: "text/plain".to_owned(),
        byte_count: bytes.len() as i64,
        sha256: Sha256::digest(bytes).to_vec(),
        ..Default::default()
    };
    pb::CreateAttachmentRequest {
        parent: ticket.to_owned(),
        attachment: Some(attachment),
        ..Default::default()
    }
}

fn publicly(mut request: pb::CreateAttachmentRequest) -> pb::CreateAttachmentRequest {
    let attachment = request.attachment.as_mut().expect("an attachment");
    attachment.visibility = pb::AttachmentVisibility::Public.into();
    request
}

/// One HTTP request, as any client makes it.
async fn ask(method: Method, url: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let mut request = Request::builder().method(method).uri(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Full::new(body.to_vec().into())).expect("a request");
    let trust = Trust::with(&[]).expect("roots");
    outbound::send(&trust, request, 1 << 20).await.expect("an answer")
}

/// Puts bytes where an answer says; the status.
async fn put(upload: &pb::AttachmentUpload, bytes: &[u8]) -> u16 {
    let headers: Vec<(&str, &str)> =
        upload.headers.iter().map(|it| (it.name.as_str(), it.value.as_str())).collect();
    ask(upload.method.parse().expect("a method"), &upload.url, &headers, bytes).await.status
}

fn completing(name: &str) -> pb::CompleteAttachmentRequest {
    pb::CompleteAttachmentRequest { name: name.to_owned(), ..Default::default() }
}

fn deleting(name: &str) -> pb::DeleteAttachmentRequest {
    pb::DeleteAttachmentRequest { name: name.to_owned(), ..Default::default() }
}

fn named(name: &str) -> pb::GetAttachmentRequest {
    pb::GetAttachmentRequest { name: name.to_owned() }
}

fn listing(ticket: &str) -> pb::ListAttachmentsRequest {
    pb::ListAttachmentsRequest { parent: ticket.to_owned(), ..Default::default() }
}

fn fetching(name: &str) -> pb::CreateAttachmentDownloadRequest {
    pb::CreateAttachmentDownloadRequest { name: name.to_owned() }
}

/// What is announced, and where its bytes go.
async fn announce(
    client: Client,
    request: pb::CreateAttachmentRequest,
) -> (pb::Attachment, pb::AttachmentUpload) {
    let answer = attachments(client).create_attachment(request).await.expect("announced").into_inner();
    (answer.attachment.expect("an attachment"), answer.upload.expect("a place"))
}

/// The whole way of a file to its ticket.
pub async fn attach(client: Client, request: pb::CreateAttachmentRequest, bytes: &[u8]) -> pb::Attachment {
    let (announced, upload) = announce(client.clone(), request).await;
    assert_eq!(put(&upload, bytes).await, 200);
    let done = attachments(client).complete_attachment(completing(&announced.name)).await.expect("there");
    done.into_inner().attachment.expect("an attachment")
}

/// What came of a download.
async fn get(client: Client, name: &str) -> Answer {
    let answer = attachments(client).create_attachment_download(fetching(name)).await.expect("a URL");
    ask(Method::GET, &answer.into_inner().url, &[], b"").await
}

/// What is told of files, oldest first: type and name.
async fn told(desk: &Desk) -> Vec<(String, String)> {
    while ticketing::events::sequencer::run_once(&desk.app, 1000).await.expect("a pass").done > 0 {}
    let list = pb::ListEventsRequest { parent: desk.parent(), ..Default::default() };
    let page = EventServiceClient::new(desk.admin()).list_events(list).await.expect("a page").into_inner();
    let of_files = page.events.into_iter().filter(|event| !event.attachment.is_empty());
    of_files.map(|event| (event.r#type, event.attachment)).collect()
}
