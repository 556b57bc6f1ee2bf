//! What was sold, and whether support is covered, over real gRPC.

use std::time::Duration;

use ticketing_proto::v1::{
    self as pb, EntitlementOutcome, EntitlementReason, entitlement_service_client::EntitlementServiceClient,
    event_service_client::EventServiceClient,
};

use crate::{
    support::{Client, Desk, fields, reason},
    tickets::{read, record, tickets, titled},
};

pub fn entitlements(client: Client) -> EntitlementServiceClient<Client> {
    EntitlementServiceClient::new(client)
}

pub fn organization(desk: &Desk, key: &str) -> String {
    format!("{}/organizations/{key}", desk.parent())
}

/// The plan that is sold to the organization orion from the beginning of the year on.
pub fn sold(desk: &Desk, plan: &str) -> pb::Entitlement {
    pb::Entitlement {
        name: format!("{}/entitlements/c-1", desk.parent()),
        organization: organization(desk, "orion"),
        plan: plan.to_owned(),
        start_time: Some(at("2026-01-01T00:00:00Z")),
        ..Default::default()
    }
}

pub fn at(time: &str) -> prost_types::Timestamp {
    time.parse().expect("a time")
}

pub async fn sell(desk: &Desk, entitlement: pb::Entitlement) -> pb::Entitlement {
    let request = pb::UpsertEntitlementRequest { entitlement: Some(entitlement), validate_only: false };
    let done = entitlements(desk.admin()).upsert_entitlement(request).await.expect("sold").into_inner();
    done.entitlement.expect("an entitlement")
}

pub fn of_orion(desk: &Desk, category: &str) -> pb::Ticket {
    let organization = organization(desk, "orion");
    pb::Ticket { organization, category: category.to_owned(), ..titled("VPN") }
}

/// All that was told, oldest first.
pub async fn told(desk: &Desk) -> Vec<pb::Event> {
    while ticketing::events::sequencer::run_once(&desk.app, 1000).await.expect("a pass").done > 0 {}
    let list = pb::ListEventsRequest { parent: desk.parent(), page_size: 200, ..Default::default() };
    EventServiceClient::new(desk.admin()).list_events(list).await.expect("a page").into_inner().events
}

async fn check(desk: &Desk, subject: pb::check_entitlement_request::Subject) -> pb::EntitlementDecision {
    let request =
        pb::CheckEntitlementRequest { parent: desk.parent(), subject: Some(subject), ..Default::default() };
    let done = entitlements(desk.agent("anna")).check_entitlement(request).await.expect("checked");
    done.into_inner().decision.expect("a decision")
}

fn draft(desk: &Desk, channel: pb::Channel) -> pb::check_entitlement_request::Subject {
    pb::check_entitlement_request::Subject::Draft(pb::EntitlementSubject {
        organization: organization(desk, "orion"),
        channel: channel.into(),
        ..Default::default()
    })
}

#[tokio::test]
async fn what_is_sold_has_versions_and_is_confirmed() {
    let desk = Desk::open().await;
    let first = sell(&desk, sold(&desk, "standard")).await;
    assert_eq!((first.version, first.effective_time), (1, first.start_time));
    desk.advance(Duration::from_mins(1));
    let again = sell(&desk, pb::Entitlement { etag: first.etag.clone(), ..sold(&desk, "standard") }).await;
    assert_eq!((again.version, again.create_time), (1, first.create_time));
    assert!(again.confirm_time.expect("a time").seconds > first.confirm_time.expect("a time").seconds);
    let gold = sell(&desk, sold(&desk, "gold")).await;
    assert_eq!((gold.version, gold.plan.as_str()), (2, "gold"));

    let mut reader = entitlements(desk.agent("anna"));
    let get = |version| pb::GetEntitlementRequest { name: first.name.clone(), version };
    let read = reader.get_entitlement(get(1)).await.expect("read").into_inner().entitlement;
    assert_eq!(read, Some(again.clone()));
    let read = reader.get_entitlement(get(0)).await.expect("read").into_inner().entitlement;
    assert_eq!(read, Some(gold.clone()));
    assert_eq!(reason(&reader.get_entitlement(get(3)).await), "NotFound RESOURCE_NOT_FOUND");
    let list = |of: &str| pb::ListEntitlementsRequest {
        parent: desk.parent(),
        organization: organization(&desk, of),
        ..Default::default()
    };
    let page = reader.list_entitlements(list("orion")).await.expect("a page").into_inner();
    assert_eq!(page.entitlements, [gold]);
    let none = reader.list_entitlements(list("sirius")).await.expect("a page").into_inner();
    assert!(none.entitlements.is_empty());

    let upsert =
        |entitlement| pb::UpsertEntitlementRequest { entitlement: Some(entitlement), validate_only: false };
    let mut admin = entitlements(desk.admin());
    let stale = pb::Entitlement { etag: first.etag.clone(), ..sold(&desk, "standard") };
    assert_eq!(reason(&admin.upsert_entitlement(upsert(stale)).await), "Aborted ETAG_MISMATCH");
    let mut wrong = sold(&desk, "platinum");
    wrong.start_time = Some(prost_types::Timestamp { seconds: 1_770_000_000, nanos: 1000 });
    let refused = admin.upsert_entitlement(upsert(wrong)).await;
    assert_eq!(fields(&refused), ["entitlement.start_time", "entitlement.plan"]);
    let agent = entitlements(desk.agent("anna")).upsert_entitlement(upsert(sold(&desk, "gold"))).await;
    assert_eq!(reason(&agent), "PermissionDenied PERMISSION_MISSING");
    desk.finish().await;
}

#[tokio::test]
async fn a_ticket_keeps_what_was_decided_when_it_was_recorded() {
    let desk = Desk::open().await;
    assert_eq!(
        check(&desk, draft(&desk, pb::Channel::Phone)).await.reason(),
        EntitlementReason::NoEntitlement
    );
    sell(&desk, sold(&desk, "standard")).await;
    let phone = check(&desk, draft(&desk, pb::Channel::Phone)).await;
    assert_eq!((phone.outcome(), phone.plan.as_str()), (EntitlementOutcome::CoveredUntil, "standard"));
    assert_eq!(phone.remaining_duration.map(|left| left.seconds), Some(36_000));
    let chat = check(&desk, draft(&desk, pb::Channel::Chat)).await;
    assert_eq!((chat.outcome(), chat.reason()), (EntitlementOutcome::Chargeable, EntitlementReason::Channel));
    let price = chat.price.expect("a price");
    assert_eq!((price.currency_code.as_str(), price.units, chat.rate.as_str()), ("EUR", 25, "day"));

    let ticket = record(&desk, of_orion(&desk, "training")).await;
    let kept = ticket.entitlement.clone().expect("decided");
    assert_eq!(
        (kept.outcome(), kept.reason()),
        (EntitlementOutcome::Chargeable, EntitlementReason::Extended)
    );
    let mut batch = tickets(desk.agent("anna"));
    let create = crate::tickets::recording(&desk, of_orion(&desk, ""));
    let request = pb::BatchCreateTicketsRequest {
        parent: desk.parent(),
        requests: vec![create.clone(), create],
        ..Default::default()
    };
    let made = batch.batch_create_tickets(request).await.expect("recorded").into_inner().tickets;
    assert!(made.iter().all(|it| it.entitlement.as_ref().is_some_and(|it| it.plan == "standard")));

    // What is sold otherwise reaches the next ticket, and the check, not what was decided.
    sell(&desk, sold(&desk, "gold")).await;
    assert_eq!(read(&desk, &ticket.name).await.entitlement, Some(kept));
    let now = check(&desk, pb::check_entitlement_request::Subject::Ticket(made[0].name.clone())).await;
    assert_eq!((now.outcome(), now.plan.as_str()), (EntitlementOutcome::Covered, "gold"));
    desk.advance(Duration::from_hours(31 * 24));
    let stale = check(&desk, draft(&desk, pb::Channel::Phone)).await;
    assert_eq!((stale.outcome(), stale.reason()), (EntitlementOutcome::Unknown, EntitlementReason::Stale));
    assert!(stale.allowed, "the sample goes on");
    desk.finish().await;
}

#[tokio::test]
async fn consent_is_an_event_and_the_last_word_holds() {
    let desk = Desk::open().await;
    let asked =
        pb::Ticket { requester: format!("{}/contacts/peter", desk.parent()), ..of_orion(&desk, "training") };
    let ticket = record(&desk, asked).await;
    let consent = |answer: pb::ConsentAnswer, request_id: &str| pb::RecordConsentRequest {
        name: ticket.name.clone(),
        answer: answer.into(),
        request_id: request_id.to_owned(),
        note: "am Telefon".to_owned(),
        ..Default::default()
    };
    let mut anna = entitlements(desk.agent("anna"));
    let accepted = consent(pb::ConsentAnswer::Accepted, "r-1");
    let done = anna.record_consent(accepted.clone()).await.expect("recorded").into_inner();
    let said = done.decision.clone().expect("a decision").consent.expect("said");
    assert_eq!((said.answer(), said.tariff.as_str()), (pb::ConsentAnswer::Accepted, "standard"));
    let again = anna.record_consent(accepted).await.expect("repeated").into_inner();
    assert!(again.replayed && again.decision == done.decision);
    let mut peter = entitlements(desk.customer("peter"));
    let declined = consent(pb::ConsentAnswer::Declined, "");
    let done = peter.record_consent(declined.clone()).await.expect("recorded").into_inner();
    let seen = done.decision.expect("a decision");
    assert_eq!((seen.plan.as_str(), seen.price.is_some()), ("", true), "a customer learns the price");
    assert_eq!(seen.consent.expect("said").answer(), pb::ConsentAnswer::Declined);
    let stranger = entitlements(desk.customer("paul")).record_consent(declined).await;
    assert_eq!(reason(&stranger), "NotFound RESOURCE_NOT_FOUND");
    let nothing = anna.record_consent(consent(pb::ConsentAnswer::Unspecified, "")).await;
    assert_eq!(fields(&nothing), ["answer"]);

    let told: Vec<(String, pb::ConsentAnswer)> = told(&desk)
        .await
        .into_iter()
        .filter_map(|event| Some((event.actor.unwrap_or_default().id, event.consent?.answer())))
        .collect();
    let expected =
        [("anna".to_owned(), pb::ConsentAnswer::Accepted), (String::new(), pb::ConsentAnswer::Declined)];
    assert_eq!(told, expected);
    desk.finish().await;
}
