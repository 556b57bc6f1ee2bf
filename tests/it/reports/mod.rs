//! Figures over real gRPC: what they count, the tickets behind them, who may ask, and that counting bit by bit and counting
//! anew come to the same.

#[allow(clippy::float_cmp)] // numbers of things are whole
mod count;
#[allow(clippy::float_cmp)] // numbers of things are whole
mod figures;
mod refusals;

use std::collections::BTreeMap;

use ticketing::{events::sequencer, reports::follow};
use ticketing_proto::v1::{self as pb, ReportInterval, report_service_client::ReportServiceClient};

use crate::support::{Client, Desk};

fn reports(client: Client) -> ReportServiceClient<Client> {
    ReportServiceClient::new(client)
}

/// Gives every event its place, and counts it.
pub async fn count(desk: &Desk) {
    while sequencer::run_once(&desk.app, 1000).await.expect("a pass").full {}
    while follow::run_once(&desk.app, 10).await.expect("a tick").full {}
}

fn asking(desk: &Desk, metrics: &[&str], dimensions: &[&str]) -> pb::QueryMetricsRequest {
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    pb::QueryMetricsRequest {
        parent: desk.parent(),
        metrics: words(metrics),
        dimensions: words(dimensions),
        // What happened just now is before it.
        end_time: Some(prost_types::Timestamp { seconds: desk.now().as_second() + 1, nanos: 0 }),
        ..Default::default()
    }
}

async fn ask(desk: &Desk, request: pb::QueryMetricsRequest) -> pb::QueryMetricsResponse {
    reports(desk.manager()).query_metrics(request).await.expect("answered").into_inner()
}

/// Value and count of each of these, of all time.
pub async fn values<const N: usize>(desk: &Desk, metrics: [&str; N]) -> [(f64, i64); N] {
    let answer = ask(desk, asking(desk, &metrics, &[])).await;
    let column = |place: usize| {
        let column = &answer.metrics[place];
        (column.values[0], column.counts[0])
    };
    std::array::from_fn(column)
}

/// The value of a metric by a dimension.
async fn by(desk: &Desk, metric: &str, dimension: &str) -> BTreeMap<String, f64> {
    let answer = ask(desk, asking(desk, &[metric], &[dimension])).await;
    let keys = answer.dimensions[0].values.iter().cloned();
    keys.zip(answer.metrics[0].values.iter().copied()).collect()
}

/// The titles of the tickets behind a figure.
async fn behind(desk: &Desk, client: Client, request: pb::ListMetricTicketsRequest) -> Vec<String> {
    let end_time = asking(desk, &[], &[]).end_time;
    let request = pb::ListMetricTicketsRequest { parent: desk.parent(), end_time, ..request };
    let answer = reports(client).list_metric_tickets(request).await.expect("listed").into_inner();
    answer.tickets.into_iter().map(|ticket| ticket.title).collect()
}

fn of(metric: &str) -> pb::ListMetricTicketsRequest {
    pb::ListMetricTicketsRequest { metric: metric.to_owned(), ..Default::default() }
}

fn monthly(request: pb::QueryMetricsRequest, zone: &str) -> pb::QueryMetricsRequest {
    pb::QueryMetricsRequest { interval: ReportInterval::Month.into(), time_zone: zone.to_owned(), ..request }
}
