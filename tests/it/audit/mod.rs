//! The audit log over real gRPC and, where somebody tampers with it, past everything: what leaves an entry, who reads them,
//! and what verifying finds.

mod acts;
mod chain;
mod restricted;

use sqlx::{Connection as _, PgConnection};
use ticketing::audit;
use ticketing_proto::v1::{self as pb, audit_service_client::AuditServiceClient};
use tonic::Status;

use crate::support::{Client, Desk};

fn auditing(client: Client) -> AuditServiceClient<Client> {
    AuditServiceClient::new(client)
}

fn listing(desk: &Desk, filter: &str) -> pb::ListAuditEntriesRequest {
    pb::ListAuditEntriesRequest {
        parent: desk.parent(),
        page_size: 200,
        filter: filter.into(),
        ..Default::default()
    }
}

/// The entries that a filter selects, the newest first.
async fn entries(desk: &Desk, filter: &str) -> Vec<pb::AuditEntry> {
    let page = auditing(desk.admin()).list_audit_entries(listing(desk, filter)).await.expect("a page");
    page.into_inner().entries
}

async fn head(desk: &Desk) -> Result<pb::AuditHead, Status> {
    let request = pb::GetAuditHeadRequest { parent: desk.parent() };
    let answer = auditing(desk.admin()).get_audit_head(request).await?.into_inner();
    Ok(answer.head.expect("a head"))
}

/// A way past everything, as whoever owns the database has it.
async fn owner(desk: &Desk) -> PgConnection {
    PgConnection::connect(&desk.url).await.expect("the database takes connections")
}

/// Gives every entry its place.
async fn extend(desk: &Desk) {
    while audit::extend::run_once(&desk.app, 100).await.expect("a tick").full {}
}
