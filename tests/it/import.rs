//! Histories of other systems over gRPC: all of a call or none, once, with every fault by its path.

use ticketing_proto::v1::{
    self as pb, event_service_client::EventServiceClient, ticket_service_client::TicketServiceClient,
};

use crate::support::{Client, Desk, fields, reason};

/// 2 March 2020, 08:00 UTC, and a minute more for each.
#[allow(clippy::unnecessary_wraps)] // as the messages want it
fn at(minute: i64) -> Option<prost_types::Timestamp> {
    Some(prost_types::Timestamp { seconds: 1_583_136_000 + 60 * minute, nanos: 0 })
}

fn step(minute: i64, state: pb::TicketState, level: &str, team: &str, assignee: &str) -> pb::ImportedStep {
    let solved = state == pb::TicketState::Resolved;
    pb::ImportedStep {
        occur_time: at(minute),
        state: state.into(),
        level: level.into(),
        team: team.into(),
        assignee: assignee.into(),
        reason: "theirs".into(),
        note: "secret".into(),
        resolution_code: if solved { "fixed".into() } else { String::new() },
        ..Default::default()
    }
}

/// A ticket that goes up a level too far, comes back and is solved.
pub fn told(id: &str) -> pb::ImportedTicket {
    use pb::TicketState::{Closed, New, Open, Resolved};
    pb::ImportedTicket {
        ticket: Some(pb::Ticket {
            title: format!("old {id}"),
            external_key: Some(pb::ExternalKey { source: "old".into(), id: id.into() }),
            ..Default::default()
        }),
        steps: vec![
            step(0, New, "L1", "desk-de", ""),
            step(1, Open, "L1", "desk-de", "anna"),
            step(2, Open, "L3", "engineering", "cora"),
            step(3, Open, "L1", "desk-de", "anna"),
            step(3, Resolved, "L1", "desk-de", "anna"),
            step(4, Closed, "L1", "desk-de", "anna"),
        ],
    }
}

pub fn request(desk: &Desk, tickets: Vec<pb::ImportedTicket>) -> pb::ImportTicketsRequest {
    pb::ImportTicketsRequest { parent: desk.parent(), tickets, validate_only: false }
}

fn tickets(desk: &Desk) -> TicketServiceClient<Client> {
    TicketServiceClient::new(desk.admin())
}

async fn count(desk: &Desk, table: &str) -> i64 {
    let sql = format!("select count(*) from {table}");
    sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(desk.root()).await.expect("a count")
}

#[tokio::test]
async fn a_history_is_brought_in_once() {
    let desk = Desk::open().await;
    let done = tickets(&desk).import_tickets(request(&desk, vec![told("1"), told("2")])).await;
    let results = done.expect("imported").into_inner().results;
    assert_eq!(results.iter().map(|it| (it.existing, it.event_count)).collect::<Vec<_>>(), [(false, 6); 2]);
    let refused = &results[0].refusals;
    assert_eq!(
        refused.iter().map(|it| (it.step, it.verb.as_str(), it.reason.as_str())).collect::<Vec<_>>(),
        [(2, "escalate", "ESCALATION_SKIPS_LEVEL")]
    );

    let name = results[1].name.clone();
    let read = tickets(&desk).get_ticket(pb::GetTicketRequest { name, ..Default::default() }).await;
    let ticket = read.expect("read").into_inner().ticket.expect("a ticket");
    assert_eq!(
        (ticket.state(), ticket.imported, ticket.title.as_str()),
        (pb::TicketState::Closed, true, "old 2")
    );
    assert_eq!((ticket.create_time, ticket.resolve_time, ticket.close_time), (at(0), at(3), at(4)));
    assert_eq!((ticket.first_level.as_str(), ticket.highest_level.as_str()), ("L1", "L3"));
    assert_eq!((ticket.transfer_count, ticket.team_count, ticket.return_count), (2, 2, 1));

    ticketing::events::sequencer::run_once(&desk.app, 100).await.expect("a pass");
    let log = EventServiceClient::new(desk.agent("anna"))
        .list_events(pb::ListEventsRequest { parent: desk.parent(), ..Default::default() })
        .await
        .expect("the log")
        .into_inner();
    assert_eq!(log.events.len(), 12);
    assert!(log.events.iter().all(|event| event.imported && event.reason == "theirs"));
    assert!(!format!("{log:?}").contains("secret"));
    let types: Vec<&str> = log.events[..6].iter().map(|event| event.r#type.as_str()).collect();
    let expected = ["created", "assigned", "escalated", "handed_back", "resolved", "closed"];
    assert_eq!(types, expected.map(|kind| format!("ticket.{kind}")));

    let again = tickets(&desk).import_tickets(request(&desk, vec![told("2"), told("3"), told("1")])).await;
    let again = again.expect("imported").into_inner().results;
    assert_eq!(
        again.iter().map(|it| (it.existing, it.event_count)).collect::<Vec<_>>(),
        [(true, 0), (false, 6), (true, 0)]
    );
    assert_eq!((&again[0].name, &again[2].name), (&results[1].name, &results[0].name));
    assert_eq!(count(&desk, "events").await, 18);
    desk.finish().await;
}

#[tokio::test]
async fn all_of_a_call_or_none() {
    let desk = Desk::open().await;
    let mut bad = told("2");
    bad.ticket.as_mut().expect("a ticket").category = "moon".into();
    bad.steps[1].team = "moon".into();
    bad.steps[2].state = 99;
    bad.steps[3].occur_time = at(0);
    bad.steps[4].resolution_code = String::new();
    bad.steps[5].occur_time = at(60 * 24 * 365 * 100);
    let refused = tickets(&desk).import_tickets(request(&desk, vec![told("1"), bad, told("1")])).await;
    assert_eq!(
        fields(&refused),
        [
            "tickets[1].steps[1].team",
            "tickets[1].steps[3].occur_time",
            "tickets[1].steps[4].resolution_code",
            "tickets[1].steps[5].occur_time",
            "tickets[1].steps[2].state",
            "tickets[1].ticket.category",
            "tickets[2].ticket.external_key",
        ]
    );
    let refused = tickets(&desk).import_tickets(request(&desk, Vec::new())).await;
    assert_eq!(fields(&refused), ["tickets"]);
    let empty = pb::ImportedTicket { steps: Vec::new(), ..told("1") };
    let refused = tickets(&desk).import_tickets(request(&desk, vec![told("2"), empty])).await;
    assert_eq!(fields(&refused), ["tickets[1].steps"]);
    let refused =
        TicketServiceClient::new(desk.manager()).import_tickets(request(&desk, vec![told("1")])).await;
    assert_eq!(reason(&refused), "PermissionDenied PERMISSION_MISSING");
    let only = pb::ImportTicketsRequest { validate_only: true, ..request(&desk, vec![told("1")]) };
    let said = tickets(&desk).import_tickets(only).await.expect("checked").into_inner().results;
    assert_eq!((said[0].name.as_str(), said[0].event_count, said[0].refusals.len()), ("", 6, 1));
    assert_eq!((count(&desk, "tickets").await, count(&desk, "events").await), (0, 0));
    desk.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_that_bring_in_the_same_bring_it_in_once() {
    let desk = Desk::open().await;
    let other = desk.replica().await;
    let all: Vec<_> = (0..40).map(|n| told(&n.to_string())).collect();
    let mut reversed = all.clone();
    reversed.reverse();
    let (mut left, mut right) = (tickets(&desk), tickets(&other));
    let (left, right) = tokio::join!(
        left.import_tickets(request(&desk, all)),
        right.import_tickets(request(&desk, reversed))
    );
    let events = |results: &[pb::ImportedTicketResult]| results.iter().map(|it| it.event_count).sum::<i32>();
    let (left, right) = (left.expect("one").into_inner(), right.expect("the other").into_inner());
    assert_eq!(events(&left.results) + events(&right.results), 240);
    assert_eq!((count(&desk, "tickets").await, count(&desk, "events").await), (40, 240));
    desk.finish().await;
}
