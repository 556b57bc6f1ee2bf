//! Simulations: what another configuration would have done with the tickets that there are, told without a trace.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use sqlx::AssertSqlSafe;
use ticketing::configuration::{Document, wire};
use ticketing_proto::v1::{self as pb, preview_routing_request::Subject, simulate_routing_response::Body};
use tonic::{Response, Status};

use super::routing;
use crate::{
    agents::employ,
    support::{Client, Desk, fields, reason, sample},
    tickets::{claim, edit, record, resolve, tickets, titled},
};

/// What a simulation said.
#[derive(Debug, Default)]
struct Told {
    progress: Vec<(i64, i64)>,
    differences: Vec<pb::SimulationDifference>,
    teams: BTreeMap<String, pb::SimulatedTeam>,
    summary: pb::SimulationSummary,
}

fn request(desk: &Desk) -> pb::SimulateRoutingRequest {
    pb::SimulateRoutingRequest { parent: desk.parent(), ..Default::default() }
}

async fn ask(
    client: Client,
    request: pb::SimulateRoutingRequest,
) -> Result<Response<tonic::Streaming<pb::SimulateRoutingResponse>>, Status> {
    routing(client).simulate_routing(request).await
}

/// Listens to the end, which is the summary.
async fn simulate(desk: &Desk, request: pb::SimulateRoutingRequest) -> Told {
    let mut parts = ask(desk.manager(), request).await.expect("a stream").into_inner();
    let mut told = Told::default();
    let mut ended = false;
    while let Some(part) = parts.message().await.expect("a part") {
        assert!(!ended, "the summary is the last");
        match part.body.expect("a body") {
            Body::Progress(it) => told.progress.push((it.done_count, it.total_count)),
            Body::Differences(it) => told.differences.extend(it.differences),
            Body::Teams(it) => told.teams.extend(it.teams.into_iter().map(|team| (team.team.clone(), team))),
            Body::Summary(it) => {
                told.summary = it;
                ended = true;
            }
        }
    }
    assert!(ended);
    told
}

/// Without the rule for English.
fn candidate() -> Document {
    let mut document = sample();
    document.routing_rules.retain(|rule| rule.key != "english");
    document
}

fn english(title: &str) -> pb::Ticket {
    pb::Ticket { language_code: "en".into(), ..titled(title) }
}

/// Every row of every table that is not bookkeeping of the database, counted and summed up; a row that changes, changes it.
async fn contents(desk: &Desk) -> BTreeMap<String, (i64, Option<String>)> {
    let pool = desk.root();
    let tables: Vec<String> =
        sqlx::query_scalar("select tablename::text from pg_tables where schemaname = 'public'")
            .fetch_all(pool)
            .await
            .expect("tables");
    let mut contents = BTreeMap::new();
    for table in tables {
        let sql =
            format!("select count(*), md5(string_agg(it::text, chr(10) order by it::text)) from {table} it");
        let found = sqlx::query_as(AssertSqlSafe(sql)).fetch_one(pool).await.expect("a sum");
        contents.insert(table, found);
    }
    contents
}

/// A German ticket, and a day later two English ones, of which the second was solved by another team than it came to and is
/// no longer in English.
async fn three_tickets(desk: &Desk) -> [pb::Ticket; 3] {
    employ(desk, "emma", "desk-en", 2, &["english"]).await;
    employ(desk, "anna", "desk-de", 3, &["german"]).await;
    employ(desk, "bert", "desk-de", 4, &["german"]).await;
    let german = record(desk, titled("Drucker druckt nicht")).await;
    desk.advance(Duration::from_hours(30));
    let first = record(desk, english("Printer does not print")).await;
    claim(desk, "emma", &first.name).await.expect("claimed");
    resolve(desk, &first.name).await;
    let second = record(desk, english("Screen is dark")).await;
    edit(desk, &second.name, |ticket| {
        ticket.language_code = "de".into();
        ticket.team = "desk-de".into();
        ticket.resolve_time = Some(ticket.create_time.after(Duration::from_hours(1)));
    })
    .await;
    while ticketing::events::sequencer::run_once(&desk.app, 100).await.expect("a pass").full {}
    [german, first, second]
}

#[tokio::test]
async fn a_candidate_is_tried_on_what_came_in_and_leaves_no_trace() {
    let desk = Desk::open().await;
    let [german, first, second] = three_tickets(&desk).await;
    let before = contents(&desk).await;
    assert!(before.contains_key("stream_heads") && before["events"].0 >= 5);
    let trying =
        pb::SimulateRoutingRequest { configuration: Some(wire::message(&candidate())), ..request(&desk) };
    let told = simulate(&desk, trying).await;
    let same = simulate(&desk, request(&desk)).await;
    assert_eq!(contents(&desk).await, before);

    assert_eq!((told.progress.first(), told.progress.last()), (Some(&(0, 3)), Some(&(3, 3))));
    let names: Vec<&str> = told.differences.iter().map(|it| it.ticket.as_str()).collect();
    assert_eq!(names, [&first.name, &second.name]);
    let place = |rule: &str, queue: &str| pb::SimulatedPlace {
        rule: rule.into(),
        queue: queue.into(),
        team: queue.into(),
        level: "L1".into(),
        priority: "P3".into(),
    };
    assert_eq!(told.differences[1].actual, Some(place("english", "desk-en")));
    assert_eq!(told.differences[1].simulated, Some(place("german", "desk-de")));
    assert_eq!(told.differences[1].last_team, "desk-de");
    assert_eq!(
        (told.differences[1].number, told.differences[1].create_time),
        (second.number, second.create_time)
    );

    let summary = &told.summary;
    assert_eq!((summary.configuration_revision, summary.ticket_count, summary.differing_count), (0, 3, 2));
    assert_eq!((summary.solved_count, summary.actual_right_count, summary.simulated_right_count), (2, 1, 1));
    let rules: Vec<_> = summary.rules.iter().map(|it| (it.rule.as_str(), it.matched_count)).collect();
    assert_eq!(rules, [("outage", 0), ("invoices", 0), ("german", 3)]);
    let queues: Vec<_> =
        summary.queues.iter().map(|it| (it.queue.as_str(), it.actual_count, it.simulated_count)).collect();
    assert_eq!(queues, [("desk-de", 1, 3), ("desk-en", 2, 0)]);
    let day = 24 * 60 * 60;
    assert_eq!(summary.interval_duration, Some(prost_types::Duration { seconds: day, nanos: 0 }));
    assert_eq!(summary.bucket_count, 2);
    let midnight = german.create_time.expect("a time").seconds / day * day;
    assert_eq!(summary.start_time, Some(prost_types::Timestamp { seconds: midnight, nanos: 0 }));

    let load = |tickets, peak, arrivals: [i64; 2], open: [i64; 2]| {
        Some(pb::SimulatedLoad {
            ticket_count: tickets,
            peak_count: peak,
            arrival_counts: arrivals.into(),
            open_counts: open.into(),
        })
    };
    let team = &told.teams["desk-de"];
    assert_eq!((&team.actual, team.capacity), (&load(1, 1, [1, 0], [1, 1]), 7));
    assert_eq!(team.simulated, load(3, 1, [1, 2], [1, 1]));
    let team = &told.teams["desk-en"];
    assert_eq!((&team.actual, team.capacity), (&load(2, 0, [0, 2], [0, 0]), 2));
    assert_eq!(team.simulated, load(0, 0, [0, 0], [0, 0]));

    assert_eq!((same.summary.configuration_revision, same.summary.differing_count), (1, 0));
    assert!(same.differences.is_empty() && same.teams.values().all(|it| it.actual == it.simulated));
    desk.finish().await;
}

#[tokio::test]
async fn only_the_window_and_the_filter_are_looked_at() {
    let desk = Desk::open().await;
    let mut times = Vec::new();
    for title in ["one", "two", "three", "four"] {
        times.push(record(&desk, english(title)).await.create_time);
        desk.advance(Duration::from_hours(2));
    }
    let within = pb::SimulateRoutingRequest {
        configuration: Some(wire::message(&candidate())),
        start_time: times[1],
        end_time: times[3],
        interval_duration: Some(prost_types::Duration { seconds: 3600, nanos: 0 }),
        ..request(&desk)
    };
    let told = simulate(&desk, within.clone()).await;
    assert_eq!((told.summary.ticket_count, told.summary.start_time), (2, times[1]));
    assert_eq!(told.teams["desk-en"].actual.as_ref().expect("a load").arrival_counts, [1, 0, 1, 0]);
    let filtered = pb::SimulateRoutingRequest { filter: "number = 3".into(), ..within.clone() };
    let told = simulate(&desk, filtered).await;
    assert_eq!(told.differences.iter().map(|it| it.number).collect::<Vec<_>>(), [3]);
    let none = pb::SimulateRoutingRequest { filter: "state = CLOSED".into(), ..within };
    let told = simulate(&desk, none).await;
    assert_eq!((told.progress, told.teams.len()), (vec![(0, 0)], 0));
    assert_eq!((told.summary.ticket_count, told.summary.bucket_count, told.summary.start_time), (0, 0, None));
    assert_eq!(told.summary.rules.len(), 3);
    desk.finish().await;
}

/// More than one batch, and more differences than one part carries.
#[tokio::test]
async fn batches_join_without_a_gap() {
    let desk = Desk::open().await;
    for _ in 0..11 {
        let requests = (0..100).map(|n| crate::tickets::recording(&desk, english(&n.to_string()))).collect();
        let batch = pb::BatchCreateTicketsRequest { parent: desk.parent(), requests, ..Default::default() };
        tickets(desk.agent("anna")).batch_create_tickets(batch).await.expect("recorded");
    }
    let trying =
        pb::SimulateRoutingRequest { configuration: Some(wire::message(&candidate())), ..request(&desk) };
    let told = simulate(&desk, trying.clone()).await;
    let numbers: std::collections::BTreeSet<i64> = told.differences.iter().map(|it| it.number).collect();
    assert_eq!((told.differences.len(), numbers.len()), (1100, 1100));
    assert_eq!((told.summary.ticket_count, told.progress.last()), (1100, Some(&(1100, 1100))));

    // Neither a reader who leaves nor one who does not read keeps the service from ending: every task is waited for.
    drop(ask(desk.manager(), trying.clone()).await.expect("a stream"));
    let unread = ask(desk.manager(), trying).await.expect("a stream");
    let app = Arc::clone(&desk.app);
    desk.finish().await;
    app.tasks.close();
    app.tasks.wait().await;
    drop(unread);
}

/// A field that is younger than the event has the value of today, or none if it may.
#[tokio::test]
async fn events_from_before_a_field_was_there_are_read() {
    let desk = Desk::open().await;
    record(&desk, english("old")).await;
    sqlx::query("update events set changes = changes - 'skills' - 'routing_rule' - 'cool_downs' - 'plan'")
        .execute(desk.root())
        .await
        .expect("older");
    let told = simulate(&desk, request(&desk)).await;
    assert_eq!((told.summary.ticket_count, told.summary.differing_count), (1, 0));
    desk.finish().await;
}

#[tokio::test]
async fn what_is_wrong_is_told_by_its_path() {
    let desk = Desk::open().await;
    let times = |from: i64, to: i64| {
        let time = |seconds| Some(prost_types::Timestamp { seconds, nanos: 0 });
        (time(from), time(to))
    };
    let (start_time, end_time) = times(10, 10);
    let interval_duration = Some(prost_types::Duration { seconds: 59, nanos: 0 });
    let wrong = pb::SimulateRoutingRequest { start_time, end_time, interval_duration, ..request(&desk) };
    let refused = ask(desk.manager(), wrong).await;
    assert_eq!(reason(&refused), "InvalidArgument FIELD_INVALID");
    assert_eq!(fields(&refused), ["end_time", "interval_duration"]);

    let unreadable = pb::SimulateRoutingRequest { filter: "colour = red".into(), ..request(&desk) };
    assert_eq!(reason(&ask(desk.manager(), unreadable).await), "InvalidArgument FILTER_INVALID");

    let mut document = candidate();
    document.routing_rules[0].condition = "ticket.prodct".into();
    document.default_queue = "moon".into();
    let mut configuration = wire::message(&document);
    let faulty = pb::SimulateRoutingRequest { configuration: Some(configuration.clone()), ..request(&desk) };
    let refused = ask(desk.manager(), faulty).await;
    assert_eq!(reason(&refused), "InvalidArgument CONFIGURATION_INVALID");
    let expected = ["configuration.routing_rules[key=\"outage\"].condition", "configuration.default_queue"];
    assert_eq!(fields(&refused), expected);
    let previewed = routing(desk.manager())
        .preview_routing(pb::PreviewRoutingRequest {
            parent: desk.parent(),
            subject: Some(Subject::Draft(titled("x"))),
            configuration: Some(configuration.clone()),
        })
        .await;
    assert_eq!(fields(&previewed), expected);
    configuration.name = "tenants/other/configuration".into();
    let strange = pb::SimulateRoutingRequest { configuration: Some(configuration), ..request(&desk) };
    assert_eq!(fields(&ask(desk.manager(), strange).await), ["configuration.name"]);

    record(&desk, titled("one")).await;
    desk.advance(Duration::from_hours(17));
    record(&desk, titled("two")).await;
    let minutes = Some(prost_types::Duration { seconds: 60, nanos: 0 });
    let many = pb::SimulateRoutingRequest { interval_duration: minutes, ..request(&desk) };
    assert_eq!(fields(&ask(desk.manager(), many).await), ["interval_duration"]);

    let refused = ask(desk.customer("kunde"), request(&desk)).await;
    assert_eq!(reason(&refused), "PermissionDenied PERMISSION_MISSING");
    desk.finish().await;
}

#[tokio::test]
async fn a_preview_takes_a_candidate() {
    let desk = Desk::open().await;
    let ticket = record(&desk, english("Printer does not print")).await;
    for subject in [Subject::Ticket(ticket.name.clone()), Subject::Draft(english("Screen is dark"))] {
        let preview = pb::PreviewRoutingRequest {
            parent: desk.parent(),
            subject: Some(subject),
            configuration: Some(wire::message(&candidate())),
        };
        let decided = routing(desk.manager()).preview_routing(preview).await.expect("a preview");
        let decided = decided.into_inner().decision.expect("a decision");
        assert_eq!((decided.queue.as_str(), decided.rule.as_str()), ("desk-de", "german"));
        assert_eq!(decided.configuration_revision, 0);
    }
    desk.finish().await;
}
