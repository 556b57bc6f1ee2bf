//! `ticketing.v1.BillingService`: wire in, wire out.

use std::sync::Arc;

use ticketing_proto::v1::{
    self as pb,
    billing_service_server::{BillingService, BillingServiceServer},
};

use super::{
    credit::{self, Credit},
    lock, read,
    store::Wanted,
    wire,
};
use crate::{
    app::App,
    call::{Call, MAX_REQUEST, service},
    entitlements::wire::organization,
    error::{Error, Result, Violations},
    ids::tenant_of,
    tickets::{MAX_NOTE, wire as ticket_wire},
    worklogs,
};

#[derive(Debug)]
struct Rpc(Arc<App>);

/// The service, ready to be mounted.
pub fn server(app: Arc<App>) -> BillingServiceServer<impl BillingService> {
    BillingServiceServer::new(Rpc(app)).max_decoding_message_size(MAX_REQUEST)
}

service! { BillingService, "BillingService":
    list_billables(ListBillablesRequest) -> ListBillablesResponse,
    lock_billables(LockBillablesRequest) -> LockBillablesResponse,
    create_credit_note(CreateCreditNoteRequest) -> CreateCreditNoteResponse,
    list_credit_notes(ListCreditNotesRequest) -> ListCreditNotesResponse,
}

async fn list_billables(call: &Call, request: pb::ListBillablesRequest) -> Result<pb::ListBillablesResponse> {
    let ctx = call.read(tenant_of(&request.parent)?)?;
    let mut faults = Violations::default();
    let window = ticket_wire::window(&mut faults, request.start_time.as_ref(), request.end_time.as_ref());
    let collection = "organizations";
    let organization =
        ticket_wire::reference(&mut faults, "organization", &request.organization, &ctx.tenant, collection);
    let ticket = worklogs::wire::ticket(&mut faults, &ctx.tenant, &request.ticket)?;
    let snapshot = wire::snapshot(&mut faults, &request.snapshot);
    faults.into_result()?;
    let wanted = Wanted { organization, ticket, from: window.from, until: window.until, snapshot: 0 };
    let (page, next_page_token, snapshot) =
        read::list(&call.app, &ctx, wanted, snapshot, request.page_size, &request.page_token).await?;
    let billables = page.iter().map(wire::billable).collect();
    Ok(pb::ListBillablesResponse { billables, next_page_token, snapshot: snapshot.to_string() })
}

async fn lock_billables(call: &Call, request: pb::LockBillablesRequest) -> Result<pb::LockBillablesResponse> {
    let ctx = call.write(tenant_of(&request.parent)?, &request.request_id, &request)?;
    let mut faults = Violations::default();
    let end_time = ticket_wire::time(&mut faults, "end_time", request.end_time.as_ref());
    faults.into_result()?;
    let end_time = end_time.ok_or_else(|| Error::field("end_time", "is required"))?;
    let (lock, totals, replayed) = lock::lock(&call.app, &ctx, end_time).await?;
    let totals = totals.into_iter().map(|it| pb::BillingTotal {
        organization: organization(&ctx.tenant, &it.organization),
        units: it.units,
        amount: Some(wire::money(it.amount, &it.currency)),
    });
    Ok(pb::LockBillablesResponse {
        start_time: lock.start_time.map(ticket_wire::timestamp),
        end_time: Some(ticket_wire::timestamp(lock.end_time)),
        snapshot: lock.position.to_string(),
        totals: totals.collect(),
        replayed,
    })
}

async fn create_credit_note(
    call: &Call,
    request: pb::CreateCreditNoteRequest,
) -> Result<pb::CreateCreditNoteResponse> {
    let (tenant, position) = wire::billable_name("billable", &request.billable)?;
    let ctx = call.write(tenant, &request.request_id, &request)?;
    let mut faults = Violations::default();
    let credit = Credit {
        position,
        amount: wire::amount(&mut faults, request.amount_minor_units),
        reason: ticket_wire::text(&mut faults, "reason", &request.reason, 64),
        note: ticket_wire::text(&mut faults, "note", &request.note, MAX_NOTE),
    };
    faults.into_result()?;
    let (note, done) = credit::credit(&call.app, &ctx, &credit).await?;
    Ok(pb::CreateCreditNoteResponse {
        credit_note: Some(wire::credit_note(&note)),
        revision: ticket_wire::revision(&done.ticket),
        replayed: done.replayed,
    })
}

async fn list_credit_notes(
    call: &Call,
    request: pb::ListCreditNotesRequest,
) -> Result<pb::ListCreditNotesResponse> {
    let ctx = call.read(tenant_of(&request.parent)?)?;
    let mut faults = Violations::default();
    let collection = "organizations";
    let organization =
        ticket_wire::reference(&mut faults, "organization", &request.organization, &ctx.tenant, collection);
    faults.into_result()?;
    let (page, next_page_token) =
        read::list_notes(&call.app, &ctx, &organization, request.page_size, &request.page_token).await?;
    let credit_notes = page.iter().map(wire::credit_note).collect();
    Ok(pb::ListCreditNotesResponse { credit_notes, next_page_token })
}
