//! Customers through the API.

mod erase;
pub use erase::found;
mod plan;

use std::time::Duration;

use ticketing::ctx::{ActorKind, Role};
use ticketing_proto::v1::{self as pb, customer_service_client::CustomerServiceClient};
use tonic_types::StatusExt;

use crate::support::{Desk, reason};

fn contact(desk: &Desk, key: &str, display_name: &str) -> pb::UpsertContactRequest {
    let contact = pb::Contact {
        name: format!("{}/contacts/{key}", desk.parent()),
        display_name: display_name.into(),
        email: format!("{key}@initech.example"),
        ..Default::default()
    };
    pb::UpsertContactRequest { contact: Some(contact), validate_only: false }
}

#[tokio::test]
async fn an_organization_is_recorded_changed_and_kept_from_the_slower() {
    let desk = Desk::open().await;
    let mut customers = CustomerServiceClient::new(desk.agent("anna"));
    let name = format!("{}/organizations/initech", desk.parent());
    let upsert = |etag: &str, display_name: &str, validate_only| pb::UpsertOrganizationRequest {
        organization: Some(pb::Organization {
            name: name.clone(),
            etag: etag.into(),
            display_name: display_name.into(),
            annotations: [("crm".to_owned(), "A".to_owned())].into(),
            ..Default::default()
        }),
        validate_only,
    };
    let answer = |response: pb::UpsertOrganizationResponse| response.organization.expect("an organization");
    let tried =
        answer(customers.upsert_organization(upsert("", "Initech", true)).await.expect("fine").into_inner());
    assert_eq!(tried.display_name, "Initech");
    let get = pb::GetOrganizationRequest { name: name.clone() };
    let missing = "NotFound RESOURCE_NOT_FOUND";
    assert_eq!(reason(&customers.get_organization(get.clone()).await), missing);

    let first = answer(
        customers.upsert_organization(upsert("", "Initech", false)).await.expect("recorded").into_inner(),
    );
    desk.advance(Duration::from_secs(1));
    let same =
        answer(customers.upsert_organization(upsert("", "Initech", false)).await.expect("fine").into_inner());
    assert_eq!(same, first, "nothing new");
    let second = answer(
        customers
            .upsert_organization(upsert(&first.etag, "Initrode", false))
            .await
            .expect("changed")
            .into_inner(),
    );
    assert_ne!(second.etag, first.etag);
    assert_eq!(second.create_time, first.create_time);
    let slower = customers.upsert_organization(upsert(&first.etag, "Initech", false)).await;
    assert_eq!(reason(&slower), "Aborted ETAG_MISMATCH");
    let read = customers.get_organization(get).await.expect("read").into_inner().organization;
    assert_eq!(read, Some(second));
    desk.finish().await;
}

#[tokio::test]
async fn every_fault_of_a_contact_is_named() {
    let desk = Desk::open().await;
    let mut customers = CustomerServiceClient::new(desk.agent("anna"));
    let mut request = contact(&desk, "peter", " ");
    let sent = request.contact.as_mut().expect("a contact");
    sent.email = "x".repeat(255);
    sent.organization = "tenants/other/organizations/x".into();
    sent.etag = "1".into();
    sent.annotations = (0..33).map(|n| (n.to_string(), String::new())).collect();
    let status = customers.upsert_contact(request).await.expect_err("refused");
    let details = status.get_error_details();
    let violations = &details.bad_request().expect("violations").field_violations;
    let fields: Vec<&str> = violations.iter().map(|violation| violation.field.as_str()).collect();
    assert_eq!(
        fields,
        [
            "contact.etag",
            "contact.display_name",
            "contact.organization",
            "contact.email",
            "contact.annotations"
        ]
    );
    desk.finish().await;
}

#[tokio::test]
async fn contacts_are_listed_by_key_and_filter() {
    let desk = Desk::open().await;
    let mut customers = CustomerServiceClient::new(desk.agent("anna"));
    for key in ["d", "b", "a", "c"] {
        customers.upsert_contact(contact(&desk, key, &format!("Name {key}"))).await.expect("recorded");
    }
    let list = |filter: &str, page_token: String| pb::ListContactsRequest {
        parent: desk.parent(),
        page_size: 3,
        page_token,
        filter: filter.into(),
    };
    let keys = |page: &pb::ListContactsResponse| {
        let key = |contact: &pb::Contact| contact.name.rsplit('/').next().map(str::to_owned);
        page.contacts.iter().filter_map(key).collect::<Vec<_>>()
    };
    let first = customers.list_contacts(list("", String::new())).await.expect("a page").into_inner();
    assert_eq!(keys(&first), ["a", "b", "c"]);
    // One that is recorded behind the page's end is on the next.
    customers.upsert_contact(contact(&desk, "cc", "Late")).await.expect("recorded");
    let second =
        customers.list_contacts(list("", first.next_page_token.clone())).await.expect("a page").into_inner();
    assert_eq!((keys(&second), second.next_page_token.as_str()), (vec!["cc".into(), "d".into()], ""));
    let by_mail = list("email = \"b@initech.example\" OR display_name:late", String::new());
    let found = customers.list_contacts(by_mail).await.expect("a page").into_inner();
    assert_eq!(keys(&found), ["b", "cc"]);

    let other = list("email:initech", first.next_page_token);
    let bad = "InvalidArgument PAGE_TOKEN_INVALID";
    assert_eq!(reason(&customers.list_contacts(other).await), bad);
    let unknown = list("phone = 1", String::new());
    let bad = "InvalidArgument FILTER_INVALID";
    assert_eq!(reason(&customers.list_contacts(unknown).await), bad);
    let organizations =
        pb::ListOrganizationsRequest { parent: desk.parent(), page_size: -1, ..Default::default() };
    let bad = "InvalidArgument FIELD_INVALID";
    assert_eq!(reason(&customers.list_organizations(organizations).await), bad);
    desk.finish().await;
}

#[tokio::test]
async fn a_tenant_without_a_configuration_takes_no_records_and_customers_see_none() {
    let desk = Desk::open().await;
    let mut customers = CustomerServiceClient::new(desk.channel());
    let mut request = contact(&desk, "peter", "Peter");
    request.contact.as_mut().expect("a contact").name = "tenants/empty/contacts/peter".into();
    let refused = reason(&customers.upsert_contact(request).await);
    assert_eq!(refused, "FailedPrecondition CONFIGURATION_MISSING");

    let mut peter = CustomerServiceClient::new(desk.caller(ActorKind::Customer, "peter", &[Role::Customer]));
    let refused = reason(&peter.upsert_contact(contact(&desk, "peter", "Peter")).await);
    assert_eq!(refused, "PermissionDenied PERMISSION_MISSING");
    desk.finish().await;
}
