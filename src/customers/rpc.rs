//! `ticketing.v1.CustomerService`: wire in, wire out.

use std::{collections::BTreeMap, sync::Arc};

use ticketing_proto::v1::{
    self as pb,
    customer_service_server::{CustomerService, CustomerServiceServer},
};

use super::{
    Contact, Erasure, Organization,
    erase_contact::{self as erase_verb, Erase},
    model::{MAX_DISPLAY_NAME, MAX_EMAIL, MAX_LANGUAGE_CODE, MAX_PHONE, check_display_name, check_plan},
    read::{self, List},
    upsert_contact::{self as contact_verb, UpsertContact},
    upsert_organization::{self as organization_verb, UpsertOrganization},
};
use crate::{
    app::App,
    call::{Call, MAX_REQUEST, service},
    error::{Result, Violations},
    ids::{child_of, tenant_of},
    tickets::{intake::check_annotations, wire},
};

#[derive(Debug)]
struct Rpc(Arc<App>);

/// The service, ready to be mounted.
pub fn server(app: Arc<App>) -> CustomerServiceServer<impl CustomerService> {
    CustomerServiceServer::new(Rpc(app)).max_decoding_message_size(MAX_REQUEST)
}

service! { CustomerService, "CustomerService":
    upsert_organization(UpsertOrganizationRequest) -> UpsertOrganizationResponse,
    get_organization(GetOrganizationRequest) -> GetOrganizationResponse,
    list_organizations(ListOrganizationsRequest) -> ListOrganizationsResponse,
    upsert_contact(UpsertContactRequest) -> UpsertContactResponse,
    get_contact(GetContactRequest) -> GetContactResponse,
    list_contacts(ListContactsRequest) -> ListContactsResponse,
    erase_contact(EraseContactRequest) -> EraseContactResponse,
}

async fn upsert_organization(
    call: &Call,
    request: pb::UpsertOrganizationRequest,
) -> Result<pb::UpsertOrganizationResponse> {
    let sent = request.organization.unwrap_or_default();
    let (tenant, key) = child_of("organization.name", &sent.name, "organizations")?;
    let ctx = call.read(tenant)?;
    let mut faults = Violations::default();
    check_plan(&mut faults, "organization.plan", &sent.plan);
    let upsert = UpsertOrganization {
        key: key.to_owned(),
        version: wire::version(&mut faults, "organization.etag", &sent.etag),
        display_name: display_name(&mut faults, "organization", &sent.display_name),
        plan: sent.plan,
        annotations: annotations(&mut faults, "organization", &sent.annotations),
        validate_only: request.validate_only,
    };
    faults.into_result()?;
    let done = organization_verb::upsert_organization(&call.app, &ctx, upsert).await?;
    Ok(pb::UpsertOrganizationResponse { organization: Some(organization(done)) })
}

async fn get_organization(
    call: &Call,
    request: pb::GetOrganizationRequest,
) -> Result<pb::GetOrganizationResponse> {
    let (tenant, key) = child_of("name", &request.name, "organizations")?;
    let ctx = call.read(tenant)?;
    let found = read::get_organization(&call.app, &ctx, key).await?;
    Ok(pb::GetOrganizationResponse { organization: Some(organization(found)) })
}

async fn list_organizations(
    call: &Call,
    request: pb::ListOrganizationsRequest,
) -> Result<pb::ListOrganizationsResponse> {
    let ctx = call.read(tenant_of(&request.parent)?)?;
    let list =
        List { page_size: request.page_size, page_token: &request.page_token, filter: &request.filter };
    let (page, next_page_token) = read::list_organizations(&call.app, &ctx, list).await?;
    let organizations = page.into_iter().map(organization).collect();
    Ok(pb::ListOrganizationsResponse { organizations, next_page_token })
}

async fn upsert_contact(call: &Call, request: pb::UpsertContactRequest) -> Result<pb::UpsertContactResponse> {
    let sent = request.contact.unwrap_or_default();
    let (tenant, key) = child_of("contact.name", &sent.name, "contacts")?;
    let ctx = call.read(tenant)?;
    let mut faults = Violations::default();
    let upsert = UpsertContact {
        key: key.to_owned(),
        version: wire::version(&mut faults, "contact.etag", &sent.etag),
        display_name: display_name(&mut faults, "contact", &sent.display_name),
        organization: wire::reference(
            &mut faults,
            "contact.organization",
            &sent.organization,
            &ctx.tenant,
            "organizations",
        ),
        email: wire::text(&mut faults, "contact.email", &sent.email, MAX_EMAIL),
        phone: wire::text(&mut faults, "contact.phone", &sent.phone, MAX_PHONE),
        language_code: wire::text(
            &mut faults,
            "contact.language_code",
            &sent.language_code,
            MAX_LANGUAGE_CODE,
        ),
        annotations: annotations(&mut faults, "contact", &sent.annotations),
        validate_only: request.validate_only,
    };
    faults.into_result()?;
    let done = contact_verb::upsert_contact(&call.app, &ctx, upsert).await?;
    Ok(pb::UpsertContactResponse { contact: Some(contact(done)) })
}

async fn get_contact(call: &Call, request: pb::GetContactRequest) -> Result<pb::GetContactResponse> {
    let (tenant, key) = child_of("name", &request.name, "contacts")?;
    let ctx = call.read(tenant)?;
    let found = read::get_contact(&call.app, &ctx, key).await?;
    Ok(pb::GetContactResponse { contact: Some(contact(found)) })
}

async fn list_contacts(call: &Call, request: pb::ListContactsRequest) -> Result<pb::ListContactsResponse> {
    let ctx = call.read(tenant_of(&request.parent)?)?;
    let list =
        List { page_size: request.page_size, page_token: &request.page_token, filter: &request.filter };
    let (page, next_page_token) = read::list_contacts(&call.app, &ctx, list).await?;
    Ok(pb::ListContactsResponse { contacts: page.into_iter().map(contact).collect(), next_page_token })
}

async fn erase_contact(call: &Call, request: pb::EraseContactRequest) -> Result<pb::EraseContactResponse> {
    let (tenant, key) = child_of("name", &request.name, "contacts")?;
    let ctx = call.write(tenant, &request.request_id, &request)?;
    let mut faults = Violations::default();
    let erase = Erase { key: key.to_owned(), version: wire::version(&mut faults, "etag", &request.etag) };
    faults.into_result()?;
    let (done, replayed) = erase_verb::erase_contact(&call.app, &ctx, &erase).await?;
    Ok(pb::EraseContactResponse { erasure: Some(erasure(&done)), replayed })
}

fn display_name(faults: &mut Violations, path: &str, display_name: &str) -> String {
    let field = format!("{path}.display_name");
    check_display_name(faults, &field, display_name);
    wire::text(faults, &field, display_name, MAX_DISPLAY_NAME)
}

fn annotations(
    faults: &mut Violations,
    path: &str,
    annotations: &BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    let field = format!("{path}.annotations");
    check_annotations(annotations, &field, faults);
    if annotations.iter().any(|(key, value)| key.contains('\0') || value.contains('\0')) {
        faults.add(field, "must not contain NUL");
    }
    annotations.clone()
}

fn etag(version: i64) -> String {
    format!("\"{version}\"")
}

fn organization(organization: Organization) -> pb::Organization {
    pb::Organization {
        name: organization.name(),
        etag: etag(organization.version),
        display_name: organization.display_name,
        annotations: organization.annotations.0,
        create_time: Some(wire::timestamp(organization.create_time)),
        update_time: Some(wire::timestamp(organization.update_time)),
        plan: organization.plan,
    }
}

fn contact(contact: Contact) -> pb::Contact {
    pb::Contact {
        name: contact.name(),
        etag: etag(contact.version),
        display_name: contact.display_name,
        organization: if contact.organization.is_empty() {
            String::new()
        } else {
            format!("tenants/{}/organizations/{}", contact.tenant_id, contact.organization)
        },
        email: contact.email,
        phone: contact.phone,
        language_code: contact.language_code,
        annotations: contact.annotations.0,
        create_time: Some(wire::timestamp(contact.create_time)),
        update_time: Some(wire::timestamp(contact.update_time)),
    }
}

fn erasure(erasure: &Erasure) -> pb::Erasure {
    pb::Erasure {
        contact: format!("tenants/{}/contacts/{}", erasure.tenant_id, erasure.alias()),
        create_time: Some(wire::timestamp(erasure.create_time)),
        complete_time: erasure.complete_time.map(wire::timestamp),
        ticket_count: erasure.tickets,
        comment_count: erasure.comments,
        event_count: erasure.events,
        escalation_count: erasure.escalations,
        delivery_count: erasure.deliveries,
        receipt_count: erasure.receipts,
        attachment_count: erasure.attachments.unwrap_or_default(),
        article_count: erasure.articles.unwrap_or_default(),
    }
}
