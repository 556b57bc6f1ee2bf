//! What the figures of a small desk are, counted by hand.

use std::{collections::BTreeMap, time::Duration};

use ticketing::reports::METRICS;
use ticketing_proto::v1::{
    self as pb, MetricPart, ReportInterval, comment_service_client::CommentServiceClient,
};

use super::{ask, asking, behind, by, count, monthly, of, reports, values};
use crate::{
    agents::employ,
    escalation::{accept, escalate, escalations},
    support::Desk,
    tickets::{claim, record, tickets, titled},
};

const MINUTE: Duration = Duration::from_mins(1);

async fn resolve(desk: &Desk, agent: &str, name: &str, code: &str) {
    let request = pb::ResolveTicketRequest {
        name: name.to_owned(),
        resolution: Some(pb::Resolution {
            code: code.to_owned(),
            summary: "erledigt".to_owned(),
            no_article_reason: "einmalig".to_owned(),
            ..Default::default()
        }),
        ..Default::default()
    };
    tickets(desk.agent(agent)).resolve_ticket(request).await.expect("resolved");
}

/// Three tickets: one is solved by the first contact after 10 minutes, one goes up and comes back and is solved after 50 and
/// again after 80 minutes, one waits for the customer.
async fn a_day(desk: &Desk) {
    employ(desk, "anna", "desk-de", 5, &["german"]).await;
    employ(desk, "bea", "applications", 5, &[]).await;
    let first = record(desk, titled("sofort")).await.name;
    claim(desk, "anna", &first).await.expect("claimed");
    desk.advance(10 * MINUTE);
    resolve(desk, "anna", &first, "first-contact").await;

    let second = record(desk, titled("hin und her")).await.name;
    claim(desk, "anna", &second).await.expect("claimed");
    desk.advance(5 * MINUTE);
    let asked = escalate(desk, "anna", &second, "applications").await.expect("escalated").into_inner();
    accept(desk, "bea", &asked.escalation.expect("an escalation").name).await.expect("accepted");
    desk.advance(15 * MINUTE);
    let back = pb::HandBackTicketRequest {
        name: second.clone(),
        hand_back_reason: pb::HandBackReason::SolutionReady.into(),
        note: "Neustart".to_owned(),
        ..Default::default()
    };
    escalations(desk.agent("bea")).hand_back_ticket(back).await.expect("handed back");

    let third = record(desk, titled("fragt nach")).await.name;
    claim(desk, "anna", &third).await.expect("claimed");
    desk.advance(10 * MINUTE);
    let comment = pb::CreateCommentRequest {
        parent: third.clone(),
        comment: Some(pb::Comment {
            text: "Welche Version?".to_owned(),
            visibility: pb::CommentVisibility::Public.into(),
            ..Default::default()
        }),
        ..Default::default()
    };
    CommentServiceClient::new(desk.agent("anna")).create_comment(comment).await.expect("said");
    let hold = pb::HoldTicketRequest {
        name: third.clone(),
        kind: pb::HoldKind::Customer.into(),
        note: "gefragt".to_owned(),
        ..Default::default()
    };
    tickets(desk.agent("anna")).hold_ticket(hold).await.expect("held");
    desk.advance(20 * MINUTE);
    resolve(desk, "anna", &second, "fixed").await;
    desk.advance(20 * MINUTE);
    let reopen =
        pb::ReopenTicketRequest { name: second.clone(), note: "wieder".to_owned(), ..Default::default() };
    tickets(desk.agent("anna")).reopen_ticket(reopen).await.expect("reopened");
    desk.advance(10 * MINUTE);
    resolve(desk, "anna", &second, "fixed").await;
    let resume = pb::ResumeTicketRequest { name: third, ..Default::default() };
    tickets(desk.agent("anna")).resume_ticket(resume).await.expect("resumed");
    count(desk).await;
}

#[tokio::test]
async fn a_day_is_counted_as_by_hand() {
    let desk = Desk::open().await;
    a_day(&desk).await;
    let counted =
        values(&desk, ["created", "solved", "cancelled", "backlog", "escalations", "hand_backs"]).await;
    assert_eq!(counted.map(|(value, _)| value), [3.0, 2.0, 0.0, 1.0, 1.0, 1.0]);
    let counted = values(&desk, ["returns", "reopenings", "transfers", "returned", "sla_breaches"]).await;
    assert_eq!(counted.map(|(value, _)| value), [1.0, 1.0, 0.0, 1.0, 0.0]);
    let shares =
        values(&desk, ["first_contact_rate", "push_to_front_rate", "reopen_rate", "escalation_rate"]).await;
    assert_eq!(shares, [(0.5, 2), (0.5, 2), (0.5, 2), (1.0 / 3.0, 3)]);
    // 10 and 80 minutes; 10, 10 and, without a word to the customer, 50.
    let [half, most] = values(&desk, ["resolution_p50", "resolution_p90"]).await;
    assert_eq!((half, most), ((45.0 * 60.0, 2), (73.0 * 60.0, 2)));
    let [half, most] = values(&desk, ["first_response_p50", "first_response_p90"]).await;
    assert_eq!((half, most), ((600.0, 3), (600.0 + 0.8 * 2400.0, 3)));
    // The third waited 50 of its 60 minutes; lived have 10, 60 (20 minutes it was solved), and 60.
    let [waited, seconds, share] =
        values(&desk, ["waited_on_customer", "waiting_on_customer_seconds", "waiting_on_customer_share"])
            .await;
    assert_eq!((waited.0, seconds.0), (1.0, 50.0 * 60.0));
    assert!((share.0 - 50.0 / 130.0).abs() < 1e-9, "{share:?}");
    let levels = |pairs: &[(&str, f64)]| -> BTreeMap<String, f64> {
        pairs.iter().map(|(level, count)| ((*level).to_owned(), *count)).collect()
    };
    assert_eq!(by(&desk, "created", "highest_level").await, levels(&[("L1", 2.0), ("L2", 1.0)]));
    assert_eq!(by(&desk, "escalations", "reason").await, levels(&[("COMPLEXITY", 1.0)]));
    assert_eq!(by(&desk, "escalations", "level").await, levels(&[("L1", 1.0)]));
    desk.finish().await;
}

#[tokio::test]
async fn promises_are_told_by_clock() {
    let desk = Desk::open().await;
    a_day(&desk).await;
    desk.advance(Duration::from_hours(24 * 90));
    while ticketing::sla::fire::run_once(&desk.app, 100).await.expect("a tick").full {}
    count(&desk).await;
    let answer =
        ask(&desk, asking(&desk, &["sla_attainment", "sla_breaches"], &["agreement", "clock"])).await;
    let rows: Vec<(String, String, f64, f64)> = (0..answer.start_times.len())
        .map(|row| {
            let key = |place: usize| answer.dimensions[place].values[row].clone();
            (key(0), key(1), answer.metrics[0].values[row], answer.metrics[1].values[row])
        })
        .collect();
    let found = |clock: &str| rows.iter().find(|(agreement, it, ..)| agreement == "SLA" && it == clock);
    assert_eq!(found("FIRST_RESPONSE").map(|it| (it.2, it.3)), Some((1.0, 0.0)), "{rows:?}");
    // The third was never solved.
    let (_, _, kept, broken) =
        found("TOTAL_RESOLUTION").or(found("FIRST_RESOLUTION")).expect("a clock of resolution");
    assert_eq!((*kept, *broken), (2.0 / 3.0, 1.0), "{rows:?}");
    let [open] = values(&desk, ["first_response_open_p50"]).await;
    assert_eq!(open, (600.0, 3));
    desk.finish().await;
}

#[tokio::test]
async fn time_is_divided_by_the_zone_and_a_backlog_carries_on() {
    let desk = Desk::open().await;
    record(&desk, titled("im Maerz")).await;
    desk.advance(Duration::from_hours(24 * 30 - 9));
    // 2026-03-31T23:00Z: April in Berlin, March in New York.
    record(&desk, titled("an der Grenze")).await;
    desk.advance(Duration::from_hours(24 * 35));
    count(&desk).await;
    let months = async |zone: &str| {
        let answer = ask(&desk, monthly(asking(&desk, &["created", "backlog"], &[]), zone)).await;
        let starts: Vec<i64> = answer.start_times.iter().map(|time| time.seconds).collect();
        (starts.len(), answer.metrics[0].values.clone(), answer.metrics[1].values.clone())
    };
    assert_eq!(months("Europe/Berlin").await, (3, vec![1.0, 1.0, 0.0], vec![1.0, 2.0, 2.0]));
    assert_eq!(months("America/New_York").await, (3, vec![2.0, 0.0, 0.0], vec![2.0, 2.0, 2.0]));
    let mut late = asking(&desk, &["backlog"], &[]);
    late.start_time = Some(prost_types::Timestamp { seconds: desk.now().as_second() - 60, nanos: 0 });
    assert_eq!(ask(&desk, late).await.metrics[0].values, [2.0], "what came before is there");
    desk.finish().await;
}

#[tokio::test]
async fn the_tickets_behind_a_figure_are_as_many_as_it_says() {
    let desk = Desk::open().await;
    a_day(&desk).await;
    let titles = async |metric: &str, part: MetricPart| {
        behind(&desk, desk.manager(), pb::ListMetricTicketsRequest { part: part.into(), ..of(metric) }).await
    };
    assert_eq!(titles("first_contact_rate", MetricPart::Counted).await, ["sofort"]);
    assert_eq!(titles("first_contact_rate", MetricPart::Whole).await, ["sofort", "hin und her"]);
    assert_eq!(titles("backlog", MetricPart::Counted).await, ["fragt nach"]);
    assert_eq!(titles("returns", MetricPart::Counted).await, ["hin und her"]);
    let mut request = pb::ListMetricTicketsRequest { page_size: 2, ..of("created") };
    request.parent = desk.parent();
    let first =
        reports(desk.manager()).list_metric_tickets(request.clone()).await.expect("a page").into_inner();
    assert_eq!(first.tickets.len(), 2);
    request.page_token = first.next_page_token;
    let last = reports(desk.manager()).list_metric_tickets(request).await.expect("a page").into_inner();
    assert_eq!((last.tickets.len(), last.next_page_token.as_str()), (1, ""));
    let filtered =
        pb::ListMetricTicketsRequest { filter: "highest_level = \"L2\"".to_owned(), ..of("created") };
    assert_eq!(behind(&desk, desk.manager(), filtered).await, ["hin und her"]);
    desk.finish().await;
}

/// Every figure can be asked for alone, by each of its dimensions, hour by hour, and be looked behind.
#[tokio::test]
async fn whatever_is_listed_can_be_asked_for() {
    let desk = Desk::open().await;
    a_day(&desk).await;
    let request = pb::ListMetricsRequest { parent: desk.parent(), page_size: 200, ..Default::default() };
    let listed = reports(desk.manager()).list_metrics(request).await.expect("listed").into_inner().metrics;
    assert_eq!(listed.len(), METRICS.len());
    for metric in listed {
        assert!(metric.unit != 0 && metric.revision > 0 && !metric.definition.is_empty(), "{metric:?}");
        for dimension in &metric.dimensions {
            let mut request = asking(&desk, &[&metric.key], &[dimension]);
            request.interval = ReportInterval::Hour.into();
            request.filter = format!("{dimension}:* OR NOT {dimension}:*");
            let answer = ask(&desk, request).await;
            let rows = answer.start_times.len();
            assert_eq!(answer.metrics[0].values.len(), rows, "{} by {dimension}", metric.key);
            assert_eq!(answer.dimensions[0].values.len(), rows, "{} by {dimension}", metric.key);
        }
        behind(&desk, desk.manager(), of(&metric.key)).await;
    }
    let all: Vec<&str> = METRICS.iter().map(|metric| metric.key).take(30).collect();
    assert_eq!(ask(&desk, asking(&desk, &all, &[])).await.metrics.len(), 30);
    desk.finish().await;
}

#[tokio::test]
async fn all_queues_are_told_at_once() {
    let desk = Desk::open().await;
    employ(&desk, "anna", "desk-de", 3, &["german"]).await;
    record(&desk, titled("eins")).await;
    desk.advance(MINUTE);
    record(&desk, titled("zwei")).await;
    let request = pb::GetQueueSnapshotRequest { parent: desk.parent() };
    let queues =
        reports(desk.agent("anna")).get_queue_snapshot(request).await.expect("told").into_inner().queues;
    assert!(queues.len() > 5, "{queues:?}");
    let waiting: Vec<_> =
        queues.iter().filter(|it| it.stats.as_ref().is_some_and(|it| it.depth > 0)).collect();
    let [load] = waiting.as_slice() else { panic!("{queues:?}") };
    let stats = load.stats.as_ref().expect("figures");
    assert_eq!(stats.depth, 2);
    assert_eq!(stats.oldest_queue_time.expect("a time").seconds, desk.now().as_second() - 60);
    assert_eq!(load.priorities.iter().map(|it| it.count).sum::<i64>(), 2);
    let desks: i32 = queues.iter().filter_map(|it| it.stats.as_ref()).map(|it| it.agent_count).sum();
    assert!(desks >= 1, "{queues:?}");
    desk.finish().await;
}

#[tokio::test]
async fn what_goes_on_in_another_is_counted_there() {
    let desk = Desk::open().await;
    employ(&desk, "anna", "desk-de", 5, &["german"]).await;
    employ(&desk, "bea", "applications", 5, &[]).await;
    let (stays, goes) =
        (record(&desk, titled("bleibt")).await.name, record(&desk, titled("geht auf")).await.name);
    claim(&desk, "anna", &goes).await.expect("claimed");
    let asked = escalate(&desk, "anna", &goes, "applications").await.expect("escalated").into_inner();
    accept(&desk, "bea", &asked.escalation.expect("an escalation").name).await.expect("accepted");
    count(&desk).await;
    let asked = ["created", "escalations", "backlog"];
    assert_eq!(values(&desk, asked).await.map(|it| it.0), [2.0, 1.0, 2.0]);
    desk.advance(MINUTE);
    let merged = pb::MergedTicket { name: goes.clone(), ..Default::default() };
    let merge = pb::MergeTicketsRequest { name: stays, tickets: vec![merged], ..Default::default() };
    tickets(desk.manager()).merge_tickets(merge).await.expect("merged");
    count(&desk).await;
    assert_eq!(values(&desk, asked).await.map(|it| it.0), [1.0, 0.0, 1.0]);
    let mut before = asking(&desk, &["backlog"], &[]);
    before.end_time = Some(prost_types::Timestamp { seconds: desk.now().as_second() - 30, nanos: 0 });
    assert_eq!(
        ask(&desk, before).await.metrics[0].values,
        [2.0],
        "then there was as much to do as there was"
    );
    desk.advance(MINUTE);
    let unmerge = pb::UnmergeTicketRequest { name: goes, ..Default::default() };
    tickets(desk.manager()).unmerge_ticket(unmerge).await.expect("unmerged");
    count(&desk).await;
    assert_eq!(values(&desk, asked).await.map(|it| it.0), [2.0, 1.0, 2.0]);
    desk.finish().await;
}
