//! The plan that was sold to an organization: which one a ticket has, and what asks for it.

use std::time::Duration;

use prost_types::FieldMask;
use ticketing::configuration::Document;
use ticketing_proto::v1::{
    self as pb, comment_service_client::CommentServiceClient, customer_service_client::CustomerServiceClient,
    sla_service_client::SlaServiceClient,
};

use crate::{
    routing::{adjust, routing},
    support::{Desk, reason, sample},
    tickets::{read, record, recording, resolve, tickets, titled},
};

/// The organization has this plan from now on.
async fn sell(desk: &Desk, organization: &str, plan: &str) {
    let organization = pb::Organization {
        name: format!("{}/organizations/{organization}", desk.parent()),
        display_name: organization.into(),
        plan: plan.into(),
        ..Default::default()
    };
    let request =
        pb::UpsertOrganizationRequest { organization: Some(organization.clone()), ..Default::default() };
    let mut customers = CustomerServiceClient::new(desk.agent("anna"));
    let done = customers.upsert_organization(request).await.expect("recorded").into_inner();
    assert_eq!(done.organization.expect("an organization").plan, plan);
}

/// Peter is of Initech, which has bought gold; Umbrella has silver, Hooli is on record and has none.
async fn customers(desk: &Desk) {
    for (organization, plan) in [("initech", "gold"), ("umbrella", "silver"), ("hooli", "")] {
        sell(desk, organization, plan).await;
    }
    let peter = pb::Contact {
        name: format!("{}/contacts/peter", desk.parent()),
        display_name: "Peter".into(),
        organization: format!("{}/organizations/initech", desk.parent()),
        ..Default::default()
    };
    let request = pb::UpsertContactRequest { contact: Some(peter), ..Default::default() };
    CustomerServiceClient::new(desk.agent("anna")).upsert_contact(request).await.expect("recorded");
}

fn of_contact(desk: &Desk, contact: &str) -> pb::Ticket {
    pb::Ticket { requester: format!("{}/contacts/{contact}", desk.parent()), ..titled("printer") }
}

fn of_organization(desk: &Desk, organization: &str) -> pb::Ticket {
    pb::Ticket {
        organization: format!("{}/organizations/{organization}", desk.parent()),
        ..titled("printer")
    }
}

/// Gives the ticket to another organization.
async fn give(desk: &Desk, name: &str, organization: &str) -> pb::Ticket {
    let ticket = pb::Ticket { name: name.into(), ..of_organization(desk, organization) };
    let update_mask = Some(FieldMask { paths: vec!["organization".into()] });
    let request = pb::UpdateTicketRequest { ticket: Some(ticket), update_mask, ..Default::default() };
    let done = tickets(desk.agent("anna")).update_ticket(request).await.expect("updated").into_inner();
    done.ticket.expect("a ticket")
}

/// The names of the tickets that pass the filter.
async fn found(desk: &Desk, filter: &str) -> Vec<String> {
    let request =
        pb::ListTicketsRequest { parent: desk.parent(), filter: filter.into(), ..Default::default() };
    let page = tickets(desk.agent("anna")).list_tickets(request).await.expect("a page").into_inner();
    page.tickets.into_iter().map(|ticket| ticket.name).collect()
}

/// Gold is promised more, and has a desk of its own.
fn by_plan(document: &mut Document) {
    let policies = r#"[
        {key: gold, condition: 'ticket.plan == "gold"', clocks: [{clock: FIRST_RESOLUTION, target_duration: 1h}]},
        {key: rest, clocks: [{clock: FIRST_RESOLUTION, target_duration: 8h}]}]"#;
    document.sla_policies = serde_saphyr::from_str(policies).expect("policies");
    let rules = r#"[{key: gold, condition: 'ticket.plan == "gold"', queue: desk-en}]"#;
    document.routing_rules = serde_saphyr::from_str(rules).expect("rules");
}

#[tokio::test]
async fn a_ticket_has_the_plan_that_was_sold_when_it_came_in() {
    let desk = Desk::open().await;
    customers(&desk).await;
    let claimed = pb::Ticket { plan: "gold".into(), ..of_organization(&desk, "umbrella") };
    let drafts = [
        (of_contact(&desk, "peter"), "gold"),
        (of_organization(&desk, "initech"), "gold"),
        // What is named counts, whoever asks.
        (pb::Ticket { requester: of_contact(&desk, "peter").requester, ..claimed }, "silver"),
        (of_organization(&desk, "hooli"), ""),
        (of_organization(&desk, "unheard-of"), ""),
        (of_contact(&desk, "nobody"), ""),
        (titled("printer"), ""),
    ];
    let requests = drafts.iter().map(|(draft, _)| recording(&desk, draft.clone())).collect();
    let batch = pb::BatchCreateTicketsRequest { parent: desk.parent(), requests, ..Default::default() };
    let batch = tickets(desk.agent("anna")).batch_create_tickets(batch).await.expect("recorded").into_inner();
    for ((draft, plan), together) in drafts.iter().zip(&batch.tickets) {
        let alone = record(&desk, draft.clone()).await;
        assert_eq!((alone.plan.as_str(), together.plan.as_str()), (*plan, *plan), "{draft:?}");
        assert_eq!(alone.organization, together.organization);
    }

    sell(&desk, "initech", "platinum").await;
    let name = &batch.tickets[0].name;
    assert_eq!(read(&desk, name).await.plan, "gold", "a promise is not changed behind anyone's back");
    assert_eq!(give(&desk, name, "initech").await.plan, "gold", "it was theirs already");
    let later = record(&desk, of_contact(&desk, "peter")).await;
    assert_eq!(later.plan, "platinum");
    assert_eq!(found(&desk, "plan = platinum").await, [later.name.as_str()]);
    assert_eq!(found(&desk, "plan = gold").await.len(), 4);

    let list = pb::ListOrganizationsRequest {
        parent: desk.parent(),
        filter: "plan = silver OR plan = plat*".into(),
        ..Default::default()
    };
    let mut customers = CustomerServiceClient::new(desk.agent("anna"));
    let page = customers.list_organizations(list).await.expect("a page").into_inner().organizations;
    let page: Vec<_> = page.iter().map(|it| (it.display_name.as_str(), it.plan.as_str())).collect();
    assert_eq!(page, [("initech", "platinum"), ("umbrella", "silver")]);

    let mut peter = tickets(desk.customer("peter"));
    let get = pb::GetTicketRequest { name: later.name.clone(), ..Default::default() };
    let shown = peter.get_ticket(get).await.expect("read").into_inner().ticket.expect("a ticket");
    assert_eq!((shown.organization, shown.plan.as_str()), (later.organization, ""), "the house's own");
    let filter = "plan = platinum".into();
    let list = pb::ListTicketsRequest { parent: desk.parent(), filter, ..Default::default() };
    assert_eq!(reason(&peter.list_tickets(list).await), "InvalidArgument FILTER_INVALID");
    desk.finish().await;
}

#[tokio::test]
async fn a_plan_chooses_the_queue_and_the_promise() {
    let desk = Desk::open().await;
    customers(&desk).await;
    adjust(&desk, by_plan).await;
    let gold = record(&desk, of_contact(&desk, "peter")).await;
    assert_eq!((gold.queue.as_str(), gold.sla_policies.as_slice()), ("desk-en", &["gold".to_owned()][..]));
    let rest = record(&desk, of_organization(&desk, "umbrella")).await;
    assert_eq!((rest.queue.as_str(), rest.sla_policies.as_slice()), ("desk-de", &["rest".to_owned()][..]));

    let draft = Some(of_contact(&desk, "peter"));
    let preview = pb::PreviewSlaRequest { parent: desk.parent(), draft: draft.clone(), ..Default::default() };
    let mut sla = SlaServiceClient::new(desk.agent("anna"));
    assert_eq!(sla.preview_sla(preview).await.expect("previewed").into_inner().sla_policies, ["gold"]);
    let subject = draft.map(pb::preview_routing_request::Subject::Draft);
    let preview = pb::PreviewRoutingRequest { parent: desk.parent(), subject, ..Default::default() };
    let previewed = routing(desk.agent("anna")).preview_routing(preview).await.expect("previewed");
    assert_eq!(previewed.into_inner().decision.expect("a decision").queue, "desk-en");

    let given = give(&desk, &rest.name, "initech").await;
    assert_eq!((given.plan.as_str(), given.sla_policies.as_slice()), ("gold", &["gold".to_owned()][..]));
    assert_eq!(given.queue, "desk-de", "an update moves nothing");
    let timeline = pb::ListTimelineRequest { name: rest.name.clone(), ..Default::default() };
    let told = tickets(desk.agent("anna")).list_timeline(timeline).await.expect("listed").into_inner();
    let plan = told.entries[1].changes.iter().find(|change| change.field == "plan").expect("told");
    assert_eq!((plan.before_json.as_str(), plan.after_json.as_str()), ("\"silver\"", "\"gold\""));
    let gone = give(&desk, &gold.name, "hooli").await;
    assert_eq!((gone.plan.as_str(), gone.sla_policies.as_slice()), ("", &["rest".to_owned()][..]));
    desk.finish().await;
}

#[tokio::test]
async fn a_follow_up_has_the_plan_of_today_and_an_imported_ticket_none() {
    let desk = Desk::open().await;
    customers(&desk).await;
    let ticket = record(&desk, of_contact(&desk, "peter")).await;
    resolve(&desk, &ticket.name).await;
    let close = pb::CloseTicketRequest { name: ticket.name.clone(), ..Default::default() };
    tickets(desk.agent("anna")).close_ticket(close).await.expect("closed");
    sell(&desk, "initech", "silver").await;
    let comment = Some(pb::Comment { text: "Geht nicht".into(), ..Default::default() });
    let request = pb::CreateCommentRequest { parent: ticket.name.clone(), comment, ..Default::default() };
    let mut peter = CommentServiceClient::new(desk.customer("peter"));
    let said = peter.create_comment(request).await.expect("said").into_inner().ticket.expect("a ticket");
    assert_eq!(said.follow_up_of, ticket.name);
    assert_eq!(read(&desk, &said.name).await.plan, "silver");

    let external_key = Some(pb::ExternalKey { source: "old".into(), id: "1".into() });
    let old = pb::Ticket { external_key, plan: "gold".into(), ..of_organization(&desk, "umbrella") };
    let step = pb::ImportedStep {
        occur_time: ticket.create_time,
        state: pb::TicketState::Open.into(),
        level: "L1".into(),
        team: "desk-de".into(),
        ..Default::default()
    };
    let old = pb::ImportedTicket { ticket: Some(old), steps: vec![step] };
    let request =
        pb::ImportTicketsRequest { parent: desk.parent(), tickets: vec![old], ..Default::default() };
    let done = tickets(desk.admin()).import_tickets(request).await.expect("imported").into_inner();
    let old = read(&desk, &done.results[0].name).await;
    assert_eq!(old.plan, "", "nobody knows what was sold then");
    assert_eq!(give(&desk, &old.name, "initech").await.plan, "silver");
    desk.finish().await;
}

#[tokio::test]
async fn the_past_is_simulated_by_the_plan_of_then() {
    let desk = Desk::open().await;
    customers(&desk).await;
    adjust(&desk, |document| document.sla_policies.clear()).await;
    let gold = record(&desk, of_contact(&desk, "peter")).await;
    desk.advance(Duration::from_hours(2));
    give(&desk, &gold.name, "hooli").await;
    record(&desk, of_organization(&desk, "umbrella")).await;
    let mut document = sample();
    by_plan(&mut document);
    let configuration = Some(ticketing::configuration::wire::message(&document));
    let request = pb::SimulateRoutingRequest {
        parent: desk.parent(),
        configuration: configuration.clone(),
        ..Default::default()
    };
    let mut parts = routing(desk.manager()).simulate_routing(request).await.expect("begun").into_inner();
    let mut differing = Vec::new();
    while let Some(part) = parts.message().await.expect("a part") {
        if let Some(pb::simulate_routing_response::Body::Differences(part)) = part.body {
            differing.extend(part.differences.into_iter().map(|it| it.ticket));
        }
    }
    assert_eq!(differing, [gold.name.as_str()], "it came in as gold");

    let request = pb::SimulateSlaRequest { parent: desk.parent(), configuration, ..Default::default() };
    let mut sla = SlaServiceClient::new(desk.manager());
    let mut parts = sla.simulate_sla(request).await.expect("begun").into_inner();
    let mut missed = Vec::new();
    while let Some(part) = parts.message().await.expect("a part") {
        if let Some(pb::simulate_sla_response::Body::Differences(part)) = part.body {
            missed.extend(part.differences.into_iter().map(|it| (it.ticket, it.policy)));
        }
    }
    assert_eq!(missed, [(gold.name, "gold".to_owned())], "an hour late before it went to Hooli");
    desk.finish().await;
}
