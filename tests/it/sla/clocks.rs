//! Clocks as they are told: listed, explained, thought of, and thought through for the past.

use std::time::Duration;

use ticketing::configuration::SlaPolicy;
use ticketing_proto::v1::{self as pb, simulate_sla_response::Body, sla_service_client::SlaServiceClient};

use super::seconds;
use crate::{
    routing::adjust,
    support::{Client, Desk, fields, reason, sample},
    tickets::{record, resolving, tickets, titled},
};

const HOUR: Duration = Duration::from_hours(1);

fn sla(desk: &Desk) -> SlaServiceClient<Client> {
    SlaServiceClient::new(desk.agent("anna"))
}

fn policies(target: &str) -> Vec<SlaPolicy> {
    let policies = format!(
        "[{{key: gold, clocks: [{{clock: FIRST_RESPONSE, target_duration: 2h, warnings: [{{percent: 50}}]}}, \
         {{clock: FIRST_RESOLUTION, target_duration: {target}, pause_in: [WAITING_ON_CUSTOMER]}}]}}]"
    );
    serde_saphyr::from_str(&policies).expect("policies")
}

async fn promise(desk: &Desk) {
    adjust(desk, |document| document.sla_policies = policies("10h")).await;
}

async fn of_ticket(desk: &Desk, ticket: &str) -> Vec<pb::Clock> {
    let request = pb::ListTicketClocksRequest { parent: ticket.to_owned(), ..Default::default() };
    sla(desk).list_ticket_clocks(request).await.expect("listed").into_inner().clocks
}

async fn wait_for_the_customer(desk: &Desk, ticket: &str) {
    let hold = pb::HoldTicketRequest {
        name: ticket.to_owned(),
        kind: pb::HoldKind::Customer.into(),
        ..Default::default()
    };
    tickets(desk.agent("anna")).hold_ticket(hold).await.expect("held");
}

#[tokio::test]
async fn a_ticket_s_clocks_are_told_as_they_stand_now() {
    let desk = Desk::open().await;
    promise(&desk).await;
    let ticket = record(&desk, titled("dead")).await;
    assert_eq!(ticket.sla_policies, ["gold"]);
    desk.advance(HOUR * 3);
    let [response, resolution] = &of_ticket(&desk, &ticket.name).await[..] else { panic!("two clocks") };
    assert_eq!(response.state(), pb::ClockState::Breaching, "nobody has told it yet");
    assert_eq!(response.business_overrun_duration, seconds(3600));
    assert_eq!((&response.breach_time, &response.detect_time), (&response.due_time, &None));
    assert_eq!(resolution.state(), pb::ClockState::Running);
    assert_eq!(resolution.business_remaining_duration, seconds(7 * 3600));
    assert_eq!(resolution.name, format!("{}/clocks/2", ticket.name));
    wait_for_the_customer(&desk, &ticket.name).await;
    let [response, resolution] = &of_ticket(&desk, &ticket.name).await[..] else { panic!("two clocks") };
    assert!(response.detect_time.is_some(), "who wrote to the ticket told of it");
    assert_eq!((resolution.state(), resolution.due_time), (pb::ClockState::Paused, None));
    let first =
        pb::ListTicketClocksRequest { parent: ticket.name.clone(), page_size: 1, ..Default::default() };
    let page = sla(&desk).list_ticket_clocks(first.clone()).await.expect("listed").into_inner();
    let second = pb::ListTicketClocksRequest { page_token: page.next_page_token, ..first };
    let rest = sla(&desk).list_ticket_clocks(second).await.expect("listed").into_inner();
    assert_eq!((rest.clocks[0].name.as_str(), rest.next_page_token.as_str()), (resolution.name.as_str(), ""));
    let peter = SlaServiceClient::new(desk.customer("peter"))
        .list_ticket_clocks(pb::ListTicketClocksRequest { parent: ticket.name, ..Default::default() })
        .await;
    assert_eq!(reason(&peter), "PermissionDenied PERMISSION_MISSING");
    desk.finish().await;
}

#[tokio::test]
async fn a_clock_accounts_for_every_second() {
    let desk = Desk::open().await;
    promise(&desk).await;
    let ticket = record(&desk, titled("dead")).await;
    desk.advance(HOUR);
    wait_for_the_customer(&desk, &ticket.name).await;
    desk.advance(HOUR * 50);
    let resume = pb::ResumeTicketRequest { name: ticket.name.clone(), ..Default::default() };
    tickets(desk.agent("anna")).resume_ticket(resume).await.expect("resumed");
    desk.advance(HOUR * 2);
    tickets(desk.agent("anna")).resolve_ticket(resolving(&ticket.name)).await.expect("resolved");
    let explain = |number: &str| {
        let mut sla = sla(&desk);
        let name = format!("{}/clocks/{number}", ticket.name);
        async move { sla.explain_clock(pb::ExplainClockRequest { name }).await }
    };
    let told = explain("2").await.expect("explained").into_inner();
    assert!(told.matches, "{:?}", told.differences);
    let lines: Vec<_> = told
        .lines
        .iter()
        .map(|line| {
            let actor = line.actor.as_ref().map(|actor| actor.id.as_str()).unwrap_or_default();
            let open = line.business_duration.as_ref().map_or(0, |span| span.seconds);
            (line.phase(), line.event_type.as_str(), actor, line.counts, open)
        })
        .collect();
    assert_eq!(
        lines,
        [
            (pb::ClockPhase::Running, "ticket.created", "anna", true, 3600),
            (pb::ClockPhase::Paused, "ticket.held", "anna", false, 50 * 3600),
            (pb::ClockPhase::Running, "ticket.resumed", "anna", true, 2 * 3600),
        ]
    );
    let clock = told.clock.expect("a clock");
    assert_eq!(
        (clock.state(), clock.business_elapsed_duration),
        (pb::ClockState::Achieved, seconds(3 * 3600))
    );
    for nothing in ["3", "0", "x"] {
        let missing = explain(nothing).await;
        assert_eq!(reason(&missing), "NotFound RESOURCE_NOT_FOUND", "{nothing}");
    }
    // A row that somebody has tampered with is found out.
    sqlx::query("update sla_clocks set elapsed_seconds = 1 where number = 2")
        .execute(desk.root())
        .await
        .expect("tampered");
    let told = explain("2").await.expect("explained").into_inner();
    assert!(!told.matches);
    assert_eq!(told.differences.len(), 1, "{:?}", told.differences);
}

#[tokio::test]
async fn open_clocks_are_listed_by_their_due_time_page_by_page() {
    let desk = Desk::open().await;
    promise(&desk).await;
    let mut names = Vec::new();
    for number in 0..5 {
        names.push(record(&desk, titled(&number.to_string())).await.name);
        desk.advance(Duration::from_mins(1));
    }
    wait_for_the_customer(&desk, &names[0]).await;
    let request = pb::ListClocksRequest {
        parent: desk.parent(),
        kinds: vec![pb::ClockKind::FirstResolution.into()],
        page_size: 2,
        ..Default::default()
    };
    let (mut seen, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = pb::ListClocksRequest { page_token, ..request.clone() };
        let page = sla(&desk).list_clocks(request).await.expect("a page").into_inner();
        seen.extend(page.clocks.into_iter().map(|clock| clock.name.replace("/clocks/2", "")));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    names.rotate_left(1);
    assert_eq!(seen, names, "what stands still comes last");
    let soon = pb::ListClocksRequest {
        due_before_time: super::at("2026-03-02T10:02:00Z"),
        page_size: 200,
        ..pb::ListClocksRequest { parent: desk.parent(), ..Default::default() }
    };
    let soon = sla(&desk).list_clocks(soon).await.expect("a page").into_inner().clocks;
    assert!(soon.iter().all(|clock| clock.kind() == pb::ClockKind::FirstResponse), "{soon:?}");
    let wrong = pb::ListClocksRequest { kinds: vec![99], ..request };
    assert_eq!(fields(&sla(&desk).list_clocks(wrong).await), ["kinds[0]"]);
    desk.finish().await;
}

#[tokio::test]
async fn a_draft_is_promised_what_the_ticket_will_be() {
    let desk = Desk::open().await;
    promise(&desk).await;
    let preview = |draft: Option<pb::Ticket>, configuration| {
        let mut sla = sla(&desk);
        let request = pb::PreviewSlaRequest { parent: desk.parent(), draft, configuration, start_time: None };
        async move { sla.preview_sla(request).await }
    };
    let thought = preview(Some(titled("dead")), None).await.expect("previewed").into_inner();
    assert_eq!(thought.sla_policies, ["gold"]);
    let ticket = record(&desk, titled("dead")).await;
    let real = of_ticket(&desk, &ticket.name).await;
    let nameless: Vec<pb::Clock> =
        real.into_iter().map(|clock| pb::Clock { name: String::new(), ..clock }).collect();
    assert_eq!(thought.clocks, nameless);
    let mut other = sample();
    other.sla_policies = policies("1h");
    let other = ticketing::configuration::wire::message(&other);
    let other = preview(Some(titled("dead")), Some(other)).await.expect("previewed").into_inner();
    assert_eq!(other.clocks[1].business_target_duration, seconds(3600));
    assert_eq!(fields(&preview(None, None).await), ["draft"]);
    let faulty = pb::Ticket { category: "moon".into(), ..titled("") };
    assert_eq!(fields(&preview(Some(faulty), None).await), ["draft.title", "draft.category"]);
    desk.finish().await;
}

#[tokio::test]
async fn the_past_by_other_promises_changes_nothing() {
    let desk = Desk::open().await;
    promise(&desk).await;
    let quick = record(&desk, titled("quick")).await;
    let slow = record(&desk, titled("slow")).await;
    tickets(desk.agent("anna")).resolve_ticket(resolving(&quick.name)).await.expect("resolved");
    desk.advance(HOUR * 9);
    tickets(desk.agent("anna")).resolve_ticket(resolving(&slow.name)).await.expect("resolved");
    let rows = "select (select md5(string_agg(t::text, '' order by id)) from tickets t)
                    || (select md5(string_agg(c::text, '' order by ticket_id, number)) from sla_clocks c)
                    || (select count(*) from events) || (select count(*) from configurations)";
    let before: String = sqlx::query_scalar(rows).fetch_one(desk.root()).await.expect("read");
    let mut strict = sample();
    strict.sla_policies = policies("8h");
    let request = pb::SimulateSlaRequest {
        parent: desk.parent(),
        configuration: Some(ticketing::configuration::wire::message(&strict)),
        ..Default::default()
    };
    let mut parts = sla(&desk).simulate_sla(request).await.expect("begun").into_inner();
    let (mut differences, mut summary) = (Vec::new(), None);
    while let Some(part) = parts.message().await.expect("a part") {
        match part.body.expect("something") {
            Body::Progress(_) => {}
            Body::Differences(part) => differences.extend(part.differences),
            Body::Summary(part) => summary = Some(part),
        }
    }
    let summary = summary.expect("a summary");
    assert_eq!((summary.ticket_count, summary.newly_breached_count), (2, 1));
    assert_eq!((summary.breached_ticket_count, summary.breached_ticket_today_count), (1, 1));
    let [one] = &differences[..] else { panic!("{differences:?}") };
    assert_eq!((one.ticket.as_str(), one.breached, one.breached_today), (slow.name.as_str(), true, false));
    assert_eq!(one.business_overrun_duration, seconds(3600));
    let after: String = sqlx::query_scalar(rows).fetch_one(desk.root()).await.expect("read");
    assert_eq!(before, after, "nothing was written");
    strict.sla_policies[0].clocks[0].calendar = "moon".into();
    let broken = pb::SimulateSlaRequest {
        parent: desk.parent(),
        configuration: Some(ticketing::configuration::wire::message(&strict)),
        ..Default::default()
    };
    let refused = sla(&desk).simulate_sla(broken).await;
    assert_eq!(fields(&refused), ["configuration.sla_policies[key=\"gold\"].clocks[0].calendar"]);
    desk.finish().await;
}
