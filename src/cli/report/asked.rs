//! What is asked of ReportService, and its answer as it is read here.

use std::time::{Duration, Instant};

use ticketing_proto::v1::{self as pb, report_service_client::ReportServiceClient};

use crate::{
    cli::caller::{Caller, refusal},
    tickets::wire::timestamp,
    time::Time,
};

/// How often it is looked whether everything is counted.
const LOOK: Duration = Duration::from_millis(100);

/// A tenant's figures, of a window of time.
#[derive(Debug)]
pub struct Reports {
    service: ReportServiceClient<Caller>,
    parent: String,
    from: Option<Time>,
    until: Option<Time>,
    time_zone: String,
    as_of: Option<Time>,
}

/// A table by columns.
#[derive(Clone, Debug)]
pub struct Answer(pub pb::QueryMetricsResponse);

impl Reports {
    pub fn new(caller: Caller, tenant: &str) -> Self {
        Self {
            service: ReportServiceClient::new(caller),
            parent: format!("tenants/{tenant}"),
            from: None,
            until: None,
            time_zone: "UTC".to_owned(),
            as_of: None,
        }
    }

    /// Of what happened between these, by the clocks of a zone.
    pub fn window(&mut self, from: Option<Time>, until: Option<Time>, time_zone: &str) {
        (self.from, self.until, self.time_zone) = (from, until, time_zone.to_owned());
    }

    /// Of what happened before; what was said before it says otherwise stays.
    pub fn until(&mut self, end: Time) {
        self.until.get_or_insert(end);
    }

    pub fn parent(&self) -> &str {
        &self.parent
    }

    pub fn time_zone(&self) -> &str {
        &self.time_zone
    }

    /// Of when the last answer was.
    pub fn as_of(&self) -> Option<Time> {
        self.as_of
    }

    /// Waits until everything is counted, for so long at most; says whether it is.
    pub async fn caught_up(&mut self, patience: Duration, tick: impl Fn()) -> anyhow::Result<bool> {
        let due = Instant::now() + patience;
        loop {
            let state =
                self.ask(&["created"], &[], pb::ReportInterval::Whole).await?.0.state.unwrap_or_default();
            if !state.rebuilding && !state.waiting {
                return Ok(true);
            }
            if Instant::now() >= due {
                return Ok(false);
            }
            tick();
            tokio::time::sleep(LOOK).await;
        }
    }

    pub async fn ask(
        &mut self,
        metrics: &[&str],
        dimensions: &[&str],
        interval: pb::ReportInterval,
    ) -> anyhow::Result<Answer> {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        let request = pb::QueryMetricsRequest {
            parent: self.parent.clone(),
            metrics: words(metrics),
            dimensions: words(dimensions),
            start_time: self.from.map(timestamp),
            end_time: self.until.map(timestamp),
            interval: interval.into(),
            time_zone: self.time_zone.clone(),
            ..Default::default()
        };
        let answer =
            self.service.query_metrics(request).await.map_err(|status| refusal(&status))?.into_inner();
        self.as_of = answer.state.as_ref().and_then(|state| state.as_of_time).and_then(time);
        Ok(Answer(answer))
    }

    pub async fn metrics(&mut self) -> anyhow::Result<Vec<pb::Metric>> {
        let request =
            pb::ListMetricsRequest { parent: self.parent.clone(), page_size: 200, ..Default::default() };
        let answer = self.service.list_metrics(request).await.map_err(|status| refusal(&status))?;
        Ok(answer.into_inner().metrics)
    }
}

impl Answer {
    pub fn rows(&self) -> usize {
        self.0.start_times.len()
    }

    /// When the interval behind the last begins in which any of these was not 0; `None`: it is the last of all, or there is none.
    pub fn end_of_what_happened(&self, metrics: &[&str]) -> Option<Time> {
        let last = (0..self.rows()).rev().find(|row| metrics.iter().any(|it| self.value(it, *row) > 0.0))?;
        self.start(last + 1)
    }

    /// When a row's interval begins.
    pub fn start(&self, row: usize) -> Option<Time> {
        self.0.start_times.get(row).copied().and_then(time)
    }

    /// The value of a dimension in a row; empty: none.
    pub fn key(&self, dimension: usize, row: usize) -> &str {
        self.0.dimensions.get(dimension).and_then(|column| column.values.get(row)).map_or("", String::as_str)
    }

    /// Value and count of a metric in a row.
    pub fn cell(&self, metric: &str, row: usize) -> (f64, i64) {
        let column = self.0.metrics.iter().find(|column| column.key == metric);
        let cell = column.and_then(|it| Some((*it.values.get(row)?, *it.counts.get(row)?)));
        cell.unwrap_or_default()
    }

    pub fn value(&self, metric: &str, row: usize) -> f64 {
        self.cell(metric, row).0
    }

    /// A number of things; the whole answer is one row.
    pub fn number(&self, metric: &str) -> u64 {
        self.value(metric, 0).round() as u64
    }
}

fn time(time: prost_types::Timestamp) -> Option<Time> {
    jiff::Timestamp::new(time.seconds, time.nanos).ok().map(Time::new)
}
