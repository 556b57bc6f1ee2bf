//! Who may not ask, what cannot be asked, and whom nobody is shown.

use ticketing_proto::v1::{self as pb, ReportInterval};

use super::{asking, behind, count, monthly, of, reports};
use crate::{
    agents::employ,
    support::{Desk, fields, reason},
    tickets::{record, titled},
};

#[tokio::test]
async fn agents_and_customers_may_not_ask_but_see_their_queues() {
    let desk = Desk::open().await;
    for client in [desk.agent("anna"), desk.customer("kim")] {
        let refused = reports(client).query_metrics(asking(&desk, &["created"], &[])).await;
        assert_eq!(reason(&refused), "PermissionDenied PERMISSION_MISSING");
    }
    let request = pb::GetQueueSnapshotRequest { parent: desk.parent() };
    reports(desk.agent("anna")).get_queue_snapshot(request.clone()).await.expect("told");
    let refused = reports(desk.customer("kim")).get_queue_snapshot(request).await;
    assert_eq!(reason(&refused), "PermissionDenied PERMISSION_MISSING");
    desk.finish().await;
}

#[tokio::test]
async fn every_fault_of_a_question_is_named() {
    let desk = Desk::open().await;
    count(&desk).await;
    let mut wrong = asking(&desk, &["created", "created", "happiness"], &["team", "team", "team", "team"]);
    wrong.time_zone = "Europe/Bonn".to_owned();
    wrong.interval = 99;
    wrong.start_time = wrong.end_time;
    let refused = reports(desk.manager()).query_metrics(wrong).await;
    assert_eq!(
        fields(&refused),
        ["metrics[1]", "metrics[2]", "dimensions", "end_time", "interval", "time_zone"]
    );
    let refused = reports(desk.manager()).query_metrics(asking(&desk, &[], &[])).await;
    assert_eq!(fields(&refused), ["metrics"]);
    let refused = reports(desk.manager()).query_metrics(asking(&desk, &["created"], &["reason"])).await;
    assert_eq!(fields(&refused), ["dimensions[0]"]);
    let mut filtered = asking(&desk, &["created"], &[]);
    filtered.filter = "title = \"x\"".to_owned();
    let refused = reports(desk.manager()).query_metrics(filtered).await;
    assert_eq!(reason(&refused), "InvalidArgument FILTER_INVALID");
    let mut hours = asking(&desk, &["created"], &[]);
    hours.start_time = Some(prost_types::Timestamp::default());
    hours.interval = ReportInterval::Hour.into();
    let refused = reports(desk.manager()).query_metrics(hours).await;
    assert_eq!(fields(&refused), ["interval"]);
    let unknown = pb::ListMetricTicketsRequest { parent: desk.parent(), part: 9, ..of("nothing") };
    let refused = reports(desk.manager()).list_metric_tickets(unknown).await;
    assert_eq!(fields(&refused), ["metrics[0]", "part"]);
    let forged =
        pb::ListMetricTicketsRequest { parent: desk.parent(), page_token: "x".to_owned(), ..of("created") };
    let refused = reports(desk.manager()).list_metric_tickets(forged).await;
    assert_eq!(reason(&refused), "InvalidArgument PAGE_TOKEN_INVALID");
    desk.finish().await;
}

#[tokio::test]
async fn of_nothing_there_is_an_empty_answer() {
    let desk = Desk::open().await;
    let answer = super::ask(&desk, monthly(asking(&desk, &["created", "resolution_p50"], &[]), "")).await;
    assert_eq!((answer.start_times.len(), answer.metrics[1].counts.as_slice()), (1, [0].as_slice()));
    let answer = super::ask(&desk, asking(&desk, &["created"], &["team"])).await;
    assert_eq!(answer.start_times.len(), 0);
    desk.finish().await;
}

#[tokio::test]
async fn a_restricted_ticket_counts_and_is_shown_to_few() {
    let desk = Desk::open().await;
    employ(&desk, "anna", "desk-de", 5, &["german"]).await;
    record(&desk, titled("offen")).await;
    record(&desk, pb::Ticket { restricted: true, ..titled("geheim") }).await;
    count(&desk).await;
    let service = || desk.caller(ticketing::ctx::ActorKind::Service, "crm", &[ticketing::ctx::Role::Service]);
    let answer = reports(service()).query_metrics(asking(&desk, &["created"], &[])).await.expect("answered");
    assert_eq!(answer.into_inner().metrics[0].values, [2.0]);
    assert_eq!(behind(&desk, service(), of("created")).await, ["offen"]);
    assert_eq!(behind(&desk, desk.manager(), of("created")).await, ["offen", "geheim"]);
    desk.finish().await;
}
