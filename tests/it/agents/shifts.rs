//! Shifts: by the agent's own calendar, else by the team's; who is off shift is given nothing.

use std::time::Duration;

use ticketing::time::Time;
use ticketing_proto::v1 as pb;

use super::{agent, agents, employ, record};
use crate::{
    escalation::{accept, escalate},
    routing::{adjust, push_once},
    support::{Desk, fields, reason},
    tickets::{claim, read, record as open, titled},
};

/// The sample, but `desk-de` is there in office hours: until 17:00 in Berlin, from Tuesday to Thursday from 08:00.
async fn with_office_hours(desk: &Desk) {
    adjust(desk, |document| document.teams[0].calendar = "office-hours".into()).await;
}

/// Moves the clock to this instant.
fn wait_until(desk: &Desk, time: &str) {
    let time: Time = time.parse().expect("a time");
    desk.advance(time.duration_since(*desk.now()).unsigned_abs());
}

async fn workload(desk: &Desk, key: &str) -> pb::Workload {
    let name = format!("{}/agents/{key}", desk.parent());
    let answer = agents(desk.agent(key)).get_workload(pb::GetWorkloadRequest { name }).await;
    answer.expect("a workload").into_inner().workload.expect("a workload")
}

/// Whether the agent is on shift, and when that changes.
async fn shift(desk: &Desk, key: &str) -> (bool, String) {
    let workload = workload(desk, key).await;
    let change = workload.shift_change_time.map(|time| time.to_string());
    (workload.on_shift, change.unwrap_or_default())
}

fn told(on: bool, change: &str) -> (bool, String) {
    (on, change.to_owned())
}

#[tokio::test]
async fn a_workload_tells_the_shift() {
    let desk = Desk::open().await;
    with_office_hours(&desk).await;
    employ(&desk, "anna", "desk-de", 4, &[]).await;
    employ(&desk, "emily", "desk-en", 4, &[]).await;
    employ(&desk, "jonas", "applications", 4, &[]).await;
    let round = pb::Agent { calendar: "around-the-clock".into(), ..agent(&desk, "ben", "desk-de", 4) };
    assert_eq!(record(&desk, round).await.calendar, "around-the-clock");
    let both = pb::Agent {
        teams: vec!["desk-de".into(), "applications".into()],
        ..agent(&desk, "dora", "desk-de", 4)
    };
    record(&desk, both).await;

    assert_eq!(shift(&desk, "anna").await, told(true, "2026-03-02T16:00:00Z"));
    for key in ["emily", "jonas", "ben", "dora"] {
        assert_eq!(shift(&desk, key).await, told(true, ""), "{key}");
    }
    wait_until(&desk, "2026-03-02T16:00:00Z");
    assert_eq!(shift(&desk, "anna").await, told(false, "2026-03-03T07:00:00Z"));
    for key in ["emily", "jonas", "ben", "dora"] {
        assert!(shift(&desk, key).await.0, "{key}");
    }
    // A calendar that is gone counts as none; her agent keeps its name.
    adjust(&desk, |document| {
        document.calendars.clear();
        document.teams.iter_mut().for_each(|team| team.calendar.clear());
    })
    .await;
    assert_eq!(shift(&desk, "anna").await, told(true, ""));
    assert_eq!(shift(&desk, "ben").await, told(true, ""));
    desk.finish().await;
}

#[tokio::test]
async fn an_unknown_calendar_is_refused() {
    let desk = Desk::open().await;
    let upsert = |calendar: &str| pb::UpsertAgentRequest {
        agent: Some(pb::Agent { calendar: calendar.into(), ..agent(&desk, "anna", "desk-de", 4) }),
        validate_only: false,
    };
    let mut manager = agents(desk.manager());
    let refused = manager.upsert_agent(upsert("ofice-hours")).await;
    assert_eq!(reason(&refused), "InvalidArgument FIELD_INVALID");
    assert_eq!(fields(&refused), ["agent.calendar"]);
    let text = refused.expect_err("refused").message().to_owned();
    assert!(text.contains("did you mean \"office-hours\"?"), "{text}");

    let first = manager.upsert_agent(upsert("office-hours")).await.expect("recorded").into_inner();
    let first = first.agent.expect("an agent");
    let again = manager.upsert_agent(upsert("office-hours")).await.expect("the same").into_inner();
    assert_eq!(again.agent, Some(first.clone()));
    let none = manager.upsert_agent(upsert("")).await.expect("changed").into_inner().agent.expect("an agent");
    assert_eq!((none.calendar.as_str(), none.etag.as_str()), ("", "\"2\""));
    let read = manager.get_agent(pb::GetAgentRequest { name: first.name }).await.expect("read").into_inner();
    assert_eq!(read.agent, Some(none));
    desk.finish().await;
}

#[tokio::test]
async fn who_is_off_shift_is_given_nothing_until_the_shift_begins() {
    let desk = Desk::open().await;
    with_office_hours(&desk).await;
    employ(&desk, "anna", "desk-de", 4, &["german"]).await;
    wait_until(&desk, "2026-03-02T16:00:00Z");
    let ticket = open(&desk, titled("Drucker druckt nicht")).await;
    push_once(&desk).await;
    let waits = read(&desk, &ticket.name).await;
    assert_eq!((waits.assignee.as_str(), waits.routing_exhausted), ("", true), "nobody is on shift");
    wait_until(&desk, "2026-03-03T06:59:59.999999Z");
    assert_eq!(push_once(&desk).await, 0);
    desk.advance(Duration::from_micros(1));
    assert_eq!(push_once(&desk).await, 1);
    let given = read(&desk, &ticket.name).await;
    assert_eq!((given.assignee.as_str(), given.routing_exhausted), ("tenants/acme/agents/anna", false));
    desk.finish().await;
}

#[tokio::test]
async fn what_comes_back_after_hours_waits_in_the_queue() {
    let desk = Desk::open().await;
    with_office_hours(&desk).await;
    employ(&desk, "anna", "desk-de", 4, &["german"]).await;
    employ(&desk, "jonas", "applications", 4, &[]).await;
    let mut owners = Vec::new();
    for hours in [0, 8] {
        let ticket = open(&desk, titled("Rechnung falsch")).await;
        claim(&desk, "anna", &ticket.name).await.expect("claimed");
        let handed =
            escalate(&desk, "anna", &ticket.name, "applications").await.expect("handed over").into_inner();
        let escalation = handed.escalation.expect("an escalation").name;
        accept(&desk, "jonas", &escalation).await.expect("accepted");
        desk.advance(Duration::from_hours(hours));
        let request = pb::HandBackTicketRequest {
            name: ticket.name.clone(),
            hand_back_reason: pb::HandBackReason::SolutionReady.into(),
            note: "Vorlage korrigiert".to_owned(),
            ..Default::default()
        };
        crate::escalation::escalations(desk.agent("jonas")).hand_back_ticket(request).await.expect("back");
        owners.push(read(&desk, &ticket.name).await.assignee);
    }
    assert_eq!(owners, ["tenants/acme/agents/anna", ""]);
    desk.finish().await;
}
