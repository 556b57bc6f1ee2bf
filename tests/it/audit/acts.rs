//! Every act of administration leaves its entry, once; what is refused, only tried or says nothing new leaves none.

use std::collections::{BTreeMap, BTreeSet};

use ticketing::{configuration::wire, serve::MethodPolicy};
use ticketing_proto::v1::{
    self as pb, configuration_service_client::ConfigurationServiceClient,
    customer_service_client::CustomerServiceClient, event_service_client::EventServiceClient,
    replay_subscription_request, routing_service_client::RoutingServiceClient,
    sla_service_client::SlaServiceClient,
};

use super::{auditing, entries, listing, owner};
use crate::{
    agents::{agent, agents, employ},
    attachments::{adding, attach, attachments},
    comments::comments,
    contract::methods,
    entitlements::{entitlements, of_orion, sold},
    feedback,
    knowledge::{draft, knowledge, saying},
    support::{Desk, reason, sample},
    tickets::{record, tickets, titled},
    webhooks::fan_out,
    worklogs::{billing, worklogs},
};

/// Makes a call, and makes it again; answers what the first was answered.
macro_rules! twice {
    ($client:expr, $method:ident, $request:expr) => {{
        let request = $request;
        let first = $client.$method(request.clone()).await.expect(stringify!($method)).into_inner();
        $client.$method(request).await.expect(stringify!($method));
        first
    }};
}

/// The methods whose calls administer, by what they declare.
fn administering() -> BTreeSet<String> {
    let administers = |policy: &MethodPolicy| policy.action().administers;
    methods()
        .iter()
        .filter(|(_, policy)| administers(policy))
        .map(|(_, policy)| policy.name.to_string())
        .collect()
}

/// How many entries each method has left.
async fn left(desk: &Desk) -> BTreeMap<String, i64> {
    let counts: Vec<(String, i64)> = sqlx::query_as("select action, count(*) from audit group by action")
        .fetch_all(&mut owner(desk).await)
        .await
        .expect("counts");
    counts.into_iter().collect()
}

async fn administer_records(desk: &Desk) {
    let mut staff = agents(desk.admin());
    let zoe = agent(desk, "zoe", "desk-de", 4);
    let name = zoe.name.clone();
    twice!(staff, upsert_agent, pb::UpsertAgentRequest { agent: Some(zoe), ..Default::default() });
    let delete = pb::DeleteAgentRequest { name, request_id: "r1".into(), ..Default::default() };
    twice!(staff, delete_agent, delete);
    let mut crm = CustomerServiceClient::new(desk.admin());
    let organization = pb::Organization {
        name: format!("{}/organizations/initech", desk.parent()),
        display_name: "Initech".into(),
        ..Default::default()
    };
    let request = pb::UpsertOrganizationRequest { organization: Some(organization), ..Default::default() };
    twice!(crm, upsert_organization, request);
    let name = format!("{}/contacts/peter", desk.parent());
    let contact = pb::Contact { name: name.clone(), display_name: "Peter".into(), ..Default::default() };
    twice!(crm, upsert_contact, pb::UpsertContactRequest { contact: Some(contact), ..Default::default() });
    let erase = pb::EraseContactRequest { name, request_id: "r2".into(), ..Default::default() };
    twice!(crm, erase_contact, erase);
}

async fn administer_rules(desk: &Desk) {
    let mut rules = ConfigurationServiceClient::new(desk.admin());
    let name = format!("{}/configuration", desk.parent());
    let mut document = sample();
    document.default_language_code = "fr".into();
    let configuration = Some(pb::Configuration { name: name.clone(), ..wire::message(&document) });
    let request =
        pb::ApplyConfigurationRequest { configuration, request_id: "r3".into(), ..Default::default() };
    twice!(rules, apply_configuration, request);
    let request =
        pb::RollbackConfigurationRequest { name, revision: 1, request_id: "r4".into(), ..Default::default() };
    twice!(rules, rollback_configuration, request);
    let mut promises = SlaServiceClient::new(desk.admin());
    let outage = pb::Outage {
        service: "erp".into(),
        start_time: Some(prost_types::Timestamp { seconds: desk.now().as_second() - 60, nanos: 0 }),
        ..Default::default()
    };
    let request = pb::RecordOutageRequest {
        parent: desk.parent(),
        outage: Some(outage),
        request_id: "r5".into(),
        ..Default::default()
    };
    twice!(promises, record_outage, request);
    let request =
        pb::MigrateClocksRequest { parent: desk.parent(), request_id: "r6".into(), ..Default::default() };
    assert_ne!(twice!(promises, migrate_clocks, request).tickets, []);
}

async fn administer_webhooks(desk: &Desk) {
    let mut hooks = EventServiceClient::new(desk.admin());
    let subscription = Some(pb::Subscription { url: "http://127.0.0.1:9/".into(), ..Default::default() });
    let request = pb::CreateSubscriptionRequest {
        parent: desk.parent(),
        subscription,
        request_id: "r7".into(),
        ..Default::default()
    };
    let subscription = twice!(hooks, create_subscription, request).subscription.expect("a subscription");
    let name = subscription.name.clone();
    let renamed = pb::Subscription { display_name: "crm".into(), ..subscription };
    let request = pb::UpdateSubscriptionRequest { subscription: Some(renamed), request_id: "r8".into() };
    twice!(hooks, update_subscription, request);
    record(desk, titled("Drucker")).await;
    fan_out(desk).await;
    let request = pb::ListDeliveriesRequest { parent: name.clone(), ..Default::default() };
    let deliveries = hooks.list_deliveries(request).await.expect("a page").into_inner().deliveries;
    let request = pb::RedeliverEventRequest { name: deliveries[0].name.clone(), request_id: "r9".into() };
    twice!(hooks, redeliver_event, request);
    macro_rules! each {
        ($($method:ident($request:ident) $id:literal),*) => {$(
            let request = pb::$request { name: name.clone(), request_id: $id.into(), ..Default::default() };
            twice!(hooks, $method, request);
        )*};
    }
    let start = replay_subscription_request::Start::StartTime(prost_types::Timestamp::default());
    let replay = pb::ReplaySubscriptionRequest {
        name: name.clone(),
        request_id: "r12".into(),
        start: Some(start),
        ..Default::default()
    };
    twice!(hooks, replay_subscription, replay);
    each! {
        pause_subscription(PauseSubscriptionRequest) "r10",
        resume_subscription(ResumeSubscriptionRequest) "r11",
        rotate_subscription_secret(RotateSubscriptionSecretRequest) "r13",
        delete_subscription(DeleteSubscriptionRequest) "r14"
    }
}

async fn administer_tickets(desk: &Desk) {
    employ(desk, "anna", "desk-de", 9, &[]).await;
    let ticket = record(desk, titled("Drucker")).await.name;
    let mut work = tickets(desk.admin());
    let routing =
        pb::RouteTicketRequest { name: ticket.clone(), request_id: "r15".into(), ..Default::default() };
    twice!(RoutingServiceClient::new(desk.admin()), route_ticket, routing);
    let request = pb::AssignTicketRequest {
        name: ticket.clone(),
        assignee: format!("{}/agents/anna", desk.parent()),
        request_id: "r16".into(),
        ..Default::default()
    };
    twice!(work, assign_ticket, request);
    let comment = Some(pb::Comment { text: "Kennwort 4711".into(), ..Default::default() });
    let request = pb::CreateCommentRequest { parent: ticket.clone(), comment, ..Default::default() };
    let said = comments(desk.agent("anna")).create_comment(request).await.expect("said").into_inner();
    let name = said.comment.expect("a comment").name;
    let request = pb::RedactCommentRequest { name, request_id: "r17".into(), reason: "Kennwort".into() };
    twice!(comments(desk.admin()), redact_comment, request);
    let file = attach(desk.agent("anna"), adding(&ticket, "4711.txt", b"4711"), b"4711").await.name;
    let request = pb::DeleteAttachmentRequest { name: file, request_id: "r19".into(), ..Default::default() };
    twice!(attachments(desk.admin()), delete_attachment, request);
    let request = pb::CancelTicketRequest { name: ticket, request_id: "r18".into(), ..Default::default() };
    twice!(work, cancel_ticket, request);
    let request = crate::import::request(desk, vec![crate::import::told("1")]);
    twice!(work, import_tickets, request);
}

async fn administer_knowledge(desk: &Desk) {
    let name = draft(desk, saying("Toner", "Wechseln.")).await.name;
    let (mut author, mut reviewer) = (knowledge(desk.agent("anna")), knowledge(desk.admin()));
    let submit = pb::SubmitArticleRequest { name: name.clone(), ..Default::default() };
    author.submit_article(submit.clone()).await.expect("submitted");
    let request = pb::RejectArticleRequest {
        name: name.clone(),
        request_id: "r20".into(),
        reason: "zu kurz".into(),
        ..Default::default()
    };
    twice!(reviewer, reject_article, request);
    author.submit_article(submit).await.expect("submitted");
    let request =
        pb::PublishArticleRequest { name: name.clone(), request_id: "r21".into(), ..Default::default() };
    twice!(reviewer, publish_article, request);
    let request =
        pb::ArchiveArticleRequest { name: name.clone(), request_id: "r22".into(), ..Default::default() };
    twice!(reviewer, archive_article, request);
    let request = pb::RestoreArticleRequest { name, request_id: "r23".into(), ..Default::default() };
    twice!(reviewer, restore_article, request);
}

async fn administer_books(desk: &Desk) {
    let sell = pb::UpsertEntitlementRequest { entitlement: Some(sold(desk, "gold")), ..Default::default() };
    twice!(entitlements(desk.admin()), upsert_entitlement, sell);
    let ticket = record(desk, of_orion(desk, "training")).await;
    let worklog = pb::Worklog {
        activity: "call".into(),
        start_time: Some("2026-03-02T07:00:00Z".parse().expect("a time")),
        duration: Some(prost_types::Duration { seconds: 600, nanos: 0 }),
        billable: true,
        ..Default::default()
    };
    let request =
        pb::CreateWorklogRequest { parent: ticket.name, worklog: Some(worklog), ..Default::default() };
    worklogs(desk.agent("anna")).create_worklog(request).await.expect("entered");
    let mut books = billing(desk.admin());
    let lock = pb::LockBillablesRequest {
        parent: desk.parent(),
        end_time: Some("2026-03-02T08:00:00Z".parse().expect("a time")),
        request_id: "r20".into(),
    };
    twice!(books, lock_billables, lock);
    let credit = pb::CreateCreditNoteRequest {
        billable: format!("{}/billables/1", desk.parent()),
        amount_minor_units: 100,
        request_id: "r21".into(),
        ..Default::default()
    };
    twice!(books, create_credit_note, credit);
}

#[tokio::test]
async fn every_act_leaves_one_entry_however_often_it_is_repeated() {
    let desk = Desk::open().await;
    administer_books(&desk).await;
    administer_tickets(&desk).await;
    record(&desk, titled("Drucker")).await;
    administer_records(&desk).await;
    administer_rules(&desk).await;
    administer_webhooks(&desk).await;
    administer_knowledge(&desk).await;
    // Each token is another one, so this is done once.
    feedback::administer(&desk).await;
    let mut expected: BTreeMap<String, i64> = administering().into_iter().map(|method| (method, 1)).collect();
    // Anna was employed, too.
    *expected.get_mut("ticketing.v1.AgentService/UpsertAgent").expect("it administers") += 1;
    assert_eq!(left(&desk).await, expected);
    desk.finish().await;
}

#[tokio::test]
async fn an_entry_says_who_did_what_to_what() {
    let desk = Desk::open().await;
    administer_records(&desk).await;
    record(&desk, titled("Drucker")).await;
    administer_rules(&desk).await;
    let list = entries(&desk, "").await;
    let told = |action: &str| {
        let found = list.iter().find(|entry| entry.action.ends_with(action));
        found.unwrap_or_else(|| panic!("no {action}"))
    };
    let (upsert, delete) = (told("/UpsertAgent"), told("/DeleteAgent"));
    assert_eq!(upsert.action, "ticketing.v1.AgentService/UpsertAgent");
    assert_eq!(upsert.target, format!("{}/agents/zoe", desk.parent()));
    let actor = upsert.actor.as_ref().expect("an actor");
    assert_eq!((actor.kind(), actor.id.as_str()), (pb::ActorKind::Agent, "admin"));
    assert!(!upsert.request_id.is_empty() && upsert.time.is_some());
    assert_eq!((upsert.before_digest.len(), upsert.after_digest.len()), (0, 32));
    assert_eq!((&delete.before_digest, delete.after_digest.len()), (&upsert.after_digest, 0));
    let erase = told("/EraseContact");
    assert!(erase.target.contains("/contacts/erased-"), "{}", erase.target);
    assert_eq!((erase.request_id.as_str(), erase.after_digest.len()), ("", 0));
    let (apply, rollback) = (told("/ApplyConfiguration"), told("/RollbackConfiguration"));
    assert_eq!(
        (&rollback.before_digest, &rollback.after_digest),
        (&apply.after_digest, &apply.before_digest)
    );
    assert_eq!(told("/UpsertOrganization").target, format!("{}/organizations/initech", desk.parent()));
    desk.finish().await;
}

#[tokio::test]
async fn what_did_not_happen_leaves_nothing() {
    let desk = Desk::open().await;
    let ticket = record(&desk, titled("Drucker")).await;
    let mut staff = agents(desk.admin());
    let zoe = agent(&desk, "zoe", "desk-de", 4);
    let only = pb::UpsertAgentRequest { agent: Some(zoe.clone()), validate_only: true };
    staff.upsert_agent(only).await.expect("checked");
    let stale = pb::Agent { etag: "\"9\"".into(), ..zoe.clone() };
    let stale = staff.upsert_agent(pb::UpsertAgentRequest { agent: Some(stale), validate_only: false }).await;
    assert_eq!(reason(&stale), "Aborted ETAG_MISMATCH");
    let upsert = pb::UpsertAgentRequest { agent: Some(zoe.clone()), validate_only: false };
    let refused = agents(desk.agent("anna")).upsert_agent(upsert).await;
    assert_eq!(reason(&refused), "PermissionDenied PERMISSION_MISSING");
    let missing = pb::DeleteAgentRequest { name: zoe.name.clone(), ..Default::default() };
    assert_eq!(reason(&staff.delete_agent(missing).await), "NotFound RESOURCE_NOT_FOUND");
    let assign =
        pb::AssignTicketRequest { name: ticket.name.clone(), assignee: zoe.name, ..Default::default() };
    assert!(tickets(desk.admin()).assign_ticket(assign).await.is_err());
    let cancel =
        pb::CancelTicketRequest { name: ticket.name.clone(), validate_only: true, ..Default::default() };
    tickets(desk.admin()).cancel_ticket(cancel).await.expect("checked");
    let name = format!("{}/configuration", desk.parent());
    let same = Some(pb::Configuration { name, ..wire::message(&sample()) });
    let same = pb::ApplyConfigurationRequest { configuration: same, ..Default::default() };
    ConfigurationServiceClient::new(desk.admin()).apply_configuration(same).await.expect("nothing new");
    // Work on a ticket is told by its timeline.
    crate::tickets::resolve(&desk, &ticket.name).await;
    assert_eq!(left(&desk).await, BTreeMap::new());
    desk.finish().await;
}

#[tokio::test]
async fn who_sends_another_agent_home_administers() {
    let desk = Desk::open().await;
    let anna = employ(&desk, "anna", "desk-de", 4, &[]).await.name;
    let away = pb::SetAvailabilityRequest {
        name: anna.clone(),
        availability: pb::Availability::Away.into(),
        ..Default::default()
    };
    let back =
        pb::SetAvailabilityRequest { availability: pb::Availability::Available.into(), ..away.clone() };
    agents(desk.agent("anna")).set_availability(away.clone()).await.expect("her own");
    agents(desk.manager()).set_availability(back.clone()).await.expect("another's");
    agents(desk.manager()).set_availability(back).await.expect("nothing new");
    let found = entries(&desk, "action = \"ticketing.v1.AgentService/SetAvailability\"").await;
    assert_eq!(found.iter().map(|entry| &entry.target).collect::<Vec<_>>(), [&anna]);
    assert_eq!((found[0].before_digest.len(), found[0].after_digest.len()), (32, 32));
    desk.finish().await;
}

#[tokio::test]
async fn administrators_alone_read_and_find_by_who_what_and_when() {
    let desk = Desk::open().await;
    employ(&desk, "anna", "desk-de", 4, &[]).await;
    desk.advance(std::time::Duration::from_mins(1));
    let noon = desk.now();
    employ(&desk, "bert", "desk-de", 4, &[]).await;
    let targets = async |filter: &str| -> Vec<String> {
        let list = entries(&desk, filter).await;
        list.iter().map(|it| it.target.rsplit('/').next().unwrap_or_default().to_owned()).collect()
    };
    assert_eq!(targets("").await, ["bert", "anna"], "the newest first");
    assert_eq!(targets("actor = \"manager\"").await, ["bert", "anna"]);
    assert_eq!(targets("actor = \"admin\"").await, Vec::<String>::new());
    assert_eq!(targets(&format!("time < {noon}")).await, ["anna"]);
    assert_eq!(targets("target = \"tenants/acme/agents/bert\"").await, ["bert"]);
    assert_eq!(targets("action = \"ticketing.v1.AgentService/*\"").await, ["bert", "anna"]);
    let mut admin = auditing(desk.admin());
    let first = pb::ListAuditEntriesRequest { page_size: 1, ..listing(&desk, "") };
    let page = admin.list_audit_entries(first.clone()).await.expect("a page").into_inner();
    let next = pb::ListAuditEntriesRequest { page_token: page.next_page_token.clone(), ..first };
    let rest = admin.list_audit_entries(next.clone()).await.expect("a page").into_inner();
    assert_eq!((page.entries.len(), rest.entries.len(), rest.next_page_token.as_str()), (1, 1, ""));
    assert_ne!(page.entries, rest.entries);
    let other = pb::ListAuditEntriesRequest { filter: "actor = \"manager\"".into(), ..next };
    assert_eq!(reason(&admin.list_audit_entries(other).await), "InvalidArgument PAGE_TOKEN_INVALID");
    let wrong = admin.list_audit_entries(listing(&desk, "link = \"x\"")).await;
    assert_eq!(reason(&wrong), "InvalidArgument FILTER_INVALID");
    let refused = auditing(desk.manager()).list_audit_entries(listing(&desk, "")).await;
    assert_eq!(reason(&refused), "PermissionDenied PERMISSION_MISSING");
    desk.finish().await;
}
