//! What is due is told once, whoever is at it, and ladders do what they say.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::Value;
use sqlx::Row;
use ticketing::{configuration::SlaPolicy, sla::fire::run_once};
use ticketing_proto::v1::{self as pb, event_service_client::EventServiceClient};

use crate::{
    agents::{self, agent, employ},
    comments::comments,
    escalation::{escalate, escalations, handing_over},
    routing::adjust,
    support::{Desk, fields},
    tickets::{claim, read, record, resolving, tickets, titled},
};

const HOUR: Duration = Duration::from_hours(1);

/// Around the clock: an answer in two hours, a solution in ten, with a ladder of these steps (YAML).
async fn promise(desk: &Desk, steps: &str) {
    let policies = r"
- key: gold
  clocks:
    - {clock: FIRST_RESPONSE, target_duration: 2h, warnings: [{percent: 50}]}
    - {clock: FIRST_RESOLUTION, target_duration: 10h, pause_in: [WAITING_ON_CUSTOMER], ladder: hot}
";
    let policies: Vec<SlaPolicy> = serde_saphyr::from_str(policies).expect("policies");
    let steps = serde_saphyr::from_str(steps).expect("steps");
    adjust(desk, |document| {
        document.sla_policies = policies;
        document.ladders[0].key = "hot".into();
        document.ladders[0].steps = steps;
    })
    .await;
}

/// One tick; of how many tickets there was something to tell.
async fn tick(desk: &Desk) -> usize {
    run_once(&desk.app, 100).await.expect("a tick").done
}

/// What happened to a ticket since it was recorded: type, and what of which clock.
async fn told(desk: &Desk, ticket: &str) -> Vec<String> {
    log(desk, ticket).await.into_iter().map(|(kind, _, _)| kind).collect()
}

/// As [`told`], with details and reason.
async fn log(desk: &Desk, ticket: &str) -> Vec<(String, Value, String)> {
    let id: ticketing::ids::Id = ticket.rsplit('/').next().expect("a name").parse().expect("an id");
    let rows = sqlx::query(
        "select type, details, reason from events where ticket_id = $1 and version > 1 order by version",
    )
    .bind(id)
    .fetch_all(desk.root())
    .await
    .expect("read");
    rows.into_iter()
        .map(|row| {
            let (kind, details): (String, Value) = (row.get(0), row.get(1));
            let of = details["clock_kind"].as_str().map(|of| format!(" {of}")).unwrap_or_default();
            (format!("{kind}{of}"), details, row.get(2))
        })
        .collect()
}

const NOTIFY: &str = "[{at: {percent: 90}, action: NOTIFY, audience: [OWNER, MANAGER]}]";

#[tokio::test]
async fn warnings_breaches_and_steps_come_at_their_time_and_once() {
    let desk = Desk::open().await;
    let other = desk.replica().await;
    promise(&desk, NOTIFY).await;
    let born = desk.now();
    let ticket = record(&desk, titled("dead")).await;
    for (hours, seconds, expected) in [
        (0, 3599, None),
        (0, 1, Some("sla.warned FIRST_RESPONSE")),
        (0, 3600, None),
        (0, 1, Some("sla.breached FIRST_RESPONSE")),
        (6, 3599, Some("ladder.climbed FIRST_RESOLUTION")),
        (1, 0, None),
        (0, 1, Some("sla.breached FIRST_RESOLUTION")),
        (1000, 0, None),
    ] {
        desk.advance(HOUR * hours + Duration::from_secs(seconds));
        let before = told(&desk, &ticket.name).await.len();
        let (one, two) = futures_util::join!(tick(&desk), tick(&other));
        let told = told(&desk, &ticket.name).await;
        assert_eq!(told.get(before).map(String::as_str), expected, "{told:?}");
        assert!(told.len() <= before + 1, "{told:?}");
        assert!(one + two >= usize::from(expected.is_some()));
    }
    let log = log(&desk, &ticket.name).await;
    assert_eq!(log[2].1["audience"], serde_json::json!(["agent:ben"]), "nobody owns it");
    assert_eq!(log[3].1["breach_time"], serde_json::json!(born.after(HOUR * 10)));
    other.finish().await;
    desk.finish().await;
}

#[tokio::test]
async fn a_pause_moves_what_is_left() {
    let desk = Desk::open().await;
    promise(&desk, NOTIFY).await;
    let ticket = record(&desk, titled("waits")).await;
    let mut anna = tickets(desk.agent("anna"));
    desk.advance(HOUR * 8);
    tick(&desk).await;
    let hold = pb::HoldTicketRequest {
        name: ticket.name.clone(),
        kind: pb::HoldKind::Customer.into(),
        ..Default::default()
    };
    anna.hold_ticket(hold).await.expect("held");
    desk.advance(HOUR * 500);
    tick(&desk).await;
    let resume = pb::ResumeTicketRequest { name: ticket.name.clone(), ..Default::default() };
    anna.resume_ticket(resume).await.expect("resumed");
    let quiet = |told: &[String]| !told.iter().any(|it| it.contains("FIRST_RESOLUTION"));
    assert!(quiet(&told(&desk, &ticket.name).await));
    desk.advance(Duration::from_secs(3599));
    tick(&desk).await;
    assert!(quiet(&told(&desk, &ticket.name).await));
    desk.advance(Duration::from_secs(1));
    tick(&desk).await;
    let told = told(&desk, &ticket.name).await;
    assert_eq!(told.last().map(String::as_str), Some("ladder.climbed FIRST_RESOLUTION"), "{told:?}");
    desk.finish().await;
}

#[tokio::test]
async fn who_comes_late_tells_of_the_breach_and_the_job_does_not_again() {
    let desk = Desk::open().await;
    promise(&desk, NOTIFY).await;
    let ticket = record(&desk, titled("late")).await;
    desk.advance(HOUR * 11);
    let resolved =
        tickets(desk.agent("anna")).resolve_ticket(resolving(&ticket.name)).await.expect("resolved");
    let resolved = resolved.into_inner().ticket.expect("a ticket");
    let told = told(&desk, &ticket.name).await;
    assert_eq!(told, ["ticket.resolved", "sla.breached FIRST_RESPONSE", "sla.breached FIRST_RESOLUTION"]);
    assert_eq!(read(&desk, &ticket.name).await.etag, resolved.etag, "the answer is the last version");
    assert_eq!(tick(&desk).await, 0);
    desk.finish().await;
}

#[tokio::test]
async fn a_step_raises_the_priority_and_the_clock_begins_by_its_new_target() {
    let desk = Desk::open().await;
    promise(&desk, "[{at: {percent: 50}, action: RAISE_PRIORITY}]").await;
    let ticket = record(&desk, titled("hot")).await;
    desk.advance(HOUR * 5);
    tick(&desk).await;
    while tick(&desk).await > 0 {}
    let raised = read(&desk, &ticket.name).await;
    assert_eq!(raised.priority, "P2");
    assert_eq!(raised.sla_policies, ["gold"]);
    let log = log(&desk, &ticket.name).await;
    let step = log.iter().find(|(kind, ..)| kind == "ladder.climbed FIRST_RESOLUTION").expect("a step");
    assert_eq!((&step.1["action"], step.2.as_str()), (&"RAISE_PRIORITY".into(), ""));
    desk.finish().await;
}

#[tokio::test]
async fn a_step_hands_over_or_says_why_it_cannot() {
    let desk = Desk::open().await;
    promise(&desk, "[{at: {percent: 50}, action: ESCALATE}]").await;
    let (free, asked) = (record(&desk, titled("free")).await, record(&desk, titled("asked")).await);
    escalate(&desk, "anna", &asked.name, "applications").await.expect("escalated");
    desk.advance(HOUR * 5);
    tick(&desk).await;
    while tick(&desk).await > 0 {}
    let up = read(&desk, &free.name).await;
    assert_eq!(up.level, "L2");
    let handed = log(&desk, &free.name).await;
    let handed = handed.iter().find(|(kind, ..)| kind.starts_with("ticket.escalated")).expect("escalated");
    assert_eq!((&handed.1["escalation_reason"], handed.1["clock"].is_i64()), (&"SLA_RISK".into(), true));
    let refused = log(&desk, &asked.name).await;
    let refused: Vec<_> = refused.iter().filter(|(kind, ..)| kind.starts_with("ladder")).collect();
    assert_eq!(refused.len(), 1, "it is not tried again: {refused:?}");
    assert_eq!(refused[0].2, "ESCALATION_PENDING");
    desk.finish().await;
}

#[tokio::test]
async fn the_next_in_the_chain_is_called_when_somebody_is_not_there() {
    let desk = Desk::open().await;
    let page =
        r#"[{at: {percent: 50}, action: PAGE, audience: ["agent:zoe", MANAGER, "team:infrastructure"]}]"#;
    promise(&desk, page).await;
    employ(&desk, "ben", "desk-de", 5, &[]).await;
    employ(&desk, "ida", "infrastructure", 5, &[]).await;
    agents::record(&desk, pb::Agent { calendar: "office-hours".into(), ..agent(&desk, "ben", "desk-de", 5) })
        .await;
    let ticket = record(&desk, titled("night")).await;
    // 18:00 in Berlin: the office is closed.
    desk.advance(HOUR * 9);
    tick(&desk).await;
    let log = log(&desk, &ticket.name).await;
    let (_, details, reason) = log.iter().find(|(kind, ..)| kind.starts_with("ladder")).expect("a step");
    assert_eq!((&details["called"], reason.as_str()), (&"ida".into(), ""));
    assert_eq!(
        details["passed_over"],
        serde_json::json!([{"agent": "zoe", "reason": "UNKNOWN"}, {"agent": "ben", "reason": "OFF_SHIFT"}])
    );
    desk.finish().await;
}

#[tokio::test]
async fn who_watches_learns_which_clock_it_was_and_whom_it_is_for() {
    let desk = Desk::open().await;
    let steps = r#"
- {at: {percent: 20}, action: NOTIFY, audience: [OWNER, "team:infrastructure"]}
- {at: {after_duration: 1h}, action: ESCALATE_TO_MANAGER}
"#;
    promise(&desk, steps).await;
    employ(&desk, "ben", "desk-de", 5, &[]).await;
    let born = desk.now();
    let ticket = record(&desk, titled("hot")).await;
    claim(&desk, "ben", &ticket.name).await.expect("claimed");
    for hours in [2, 0, 9] {
        desk.advance(HOUR * hours + Duration::from_secs(1));
        tick(&desk).await;
    }
    while ticketing::events::sequencer::run_once(&desk.app, 100).await.expect("a tick").done > 0 {}
    let request = pb::ListEventsRequest { parent: desk.parent(), ..Default::default() };
    let events = EventServiceClient::new(desk.agent("anna")).list_events(request).await.expect("events");
    let events = events.into_inner().events;
    let of =
        |kind: &str| events.iter().find(|event| event.r#type == kind).unwrap_or_else(|| panic!("no {kind}"));
    let clock = |event: &pb::Event| event.clock.clone().expect("a clock");
    let breach = clock(of("sla.breached"));
    assert_eq!(breach.name, format!("{}/clocks/1", ticket.name));
    assert_eq!((breach.kind(), breach.agreement()), (pb::ClockKind::FirstResponse, pb::Agreement::Sla));
    assert_eq!((breach.policy.as_str(), breach.threshold.as_str()), ("gold", "due"));
    assert_eq!(breach.point(), pb::ClockPointKind::Breach);
    assert_eq!(breach.due_time, super::at(&born.after(HOUR * 2).to_string()));
    let told = of("ladder.climbed");
    let step = clock(told);
    assert_eq!((step.action(), step.threshold.as_str()), (pb::LadderAction::Notify, "20 %"));
    let audience = told.audience.clone().expect("an audience");
    assert_eq!(audience.agents, [format!("{}/agents/ben", desk.parent())]);
    assert_eq!((audience.teams, audience.called), (vec!["infrastructure".to_owned()], String::new()));
    let manager = of("ticket.escalated_to_manager");
    assert_eq!(clock(manager).action(), pb::LadderAction::EscalateToManager);
    assert_eq!(
        manager.audience.clone().expect("an audience").called,
        format!("{}/agents/ben", desk.parent())
    );
    assert_eq!((&of("ticket.created").clock, &of("ticket.created").audience), (&None, &None));
    let request = pb::ListTimelineRequest { name: ticket.name.clone(), page_size: 200, ..Default::default() };
    let timeline = tickets(desk.agent("anna")).list_timeline(request).await.expect("a timeline").into_inner();
    let entry = timeline.entries.into_iter().find(|entry| entry.r#type == "sla.breached").expect("an entry");
    assert_eq!(entry.clock, Some(breach));
    desk.finish().await;
}

#[tokio::test]
async fn a_manager_is_told_by_hand_too() {
    let desk = Desk::open().await;
    let ticket = record(&desk, titled("angry")).await;
    claim(&desk, "anna", &ticket.name).await.expect_err("anna is no agent on record");
    let hierarchical = |target| pb::EscalateTicketRequest {
        kind: pb::EscalationKind::Hierarchical.into(),
        target,
        ..handing_over(&ticket.name, "applications")
    };
    let mut anna = escalations(desk.agent("anna"));
    let wrong = anna.escalate_ticket(hierarchical(handing_over("", "applications").target)).await;
    assert_eq!(fields(&wrong), ["target"]);
    let told = anna.escalate_ticket(hierarchical(None)).await.expect("told").into_inner();
    assert_eq!(told.escalation, None);
    let after = told.ticket.expect("a ticket");
    assert_eq!((after.queue, after.level), (ticket.queue.clone(), ticket.level.clone()));
    let log = log(&desk, &ticket.name).await;
    let (kind, details, reason) = log.last().expect("an event");
    assert_eq!(kind, "ticket.escalated_to_manager");
    assert_eq!(
        (&details["audience"], reason.as_str()),
        (&serde_json::json!(["agent:ben"]), "NOBODY_ON_SHIFT"),
        "ben is no agent on record"
    );
    desk.finish().await;
}

#[tokio::test]
async fn whoever_is_at_it_at_once_each_is_told_once() {
    let desk = Desk::open().await;
    let other = desk.replica().await;
    promise(&desk, NOTIFY).await;
    let mut names = Vec::new();
    for number in 0..30 {
        names.push(record(&desk, titled(&number.to_string())).await.name);
    }
    desk.advance(HOUR * 3);
    let answer = |name: String| {
        let mut anna = comments(desk.agent("anna"));
        async move {
            let comment = pb::Comment {
                text: "wir sind dran".into(),
                visibility: pb::CommentVisibility::Public.into(),
                ..Default::default()
            };
            let request =
                pb::CreateCommentRequest { parent: name, comment: Some(comment), ..Default::default() };
            anna.create_comment(request).await.expect("said");
        }
    };
    let answers = join_all(names.iter().cloned().map(answer));
    futures_util::join!(answers, tick(&desk), tick(&other), tick(&desk), tick(&other));
    while tick(&desk).await > 0 {}
    for name in &names {
        let told = told(&desk, name).await;
        let breaches = told.iter().filter(|it| *it == "sla.breached FIRST_RESPONSE").count();
        assert_eq!(breaches, 1, "{told:?}");
    }
    other.finish().await;
    desk.finish().await;
}
