//! Figures as messages, and questions out of them.

use jiff::tz::TimeZone;
use ticketing_proto::v1 as pb;

use super::{
    intervals::Length,
    metrics::{Metric, Unit},
    query::{MAX_METRICS, Query, State, Table},
    snapshot::Load,
};
use crate::{
    calendar::zone,
    error::Violations,
    ids::TenantId,
    routing::wire as routing_wire,
    tickets::wire::{time, timestamp},
    time::Time,
};

pub fn metric(metric: &Metric) -> pb::Metric {
    pb::Metric {
        key: metric.key.to_owned(),
        display_name: metric.display_name.to_owned(),
        definition: metric.definition.to_owned(),
        unit: unit(metric.unit).into(),
        revision: metric.revision,
        time: metric.by.column().to_owned(),
        dimensions: metric.dimensions().0.iter().map(|field| field.name.to_owned()).collect(),
    }
}

fn unit(unit: Unit) -> pb::MetricUnit {
    match unit {
        Unit::Count => pb::MetricUnit::Count,
        Unit::Share => pb::MetricUnit::Share,
        Unit::Seconds => pb::MetricUnit::Seconds,
        Unit::MinorUnits => pb::MetricUnit::MinorUnits,
        Unit::Score => pb::MetricUnit::Score,
    }
}

/// The metrics of these keys, each once.
pub fn metrics(faults: &mut Violations, keys: &[String]) -> Vec<&'static Metric> {
    if keys.is_empty() || keys.len() > MAX_METRICS {
        faults.add("metrics", format!("must be 1 to {MAX_METRICS}"));
    }
    let mut metrics: Vec<&'static Metric> = Vec::new();
    for (place, key) in keys.iter().enumerate() {
        match Metric::find(key) {
            Some(metric) if metrics.iter().any(|other| other.key == metric.key) => {
                faults.add(format!("metrics[{place}]"), "is asked for twice");
            }
            Some(metric) => metrics.push(metric),
            None => faults.add_with(format!("metrics[{place}]"), || {
                format!("there is no metric {key:?}; ListMetrics tells all")
            }),
        }
    }
    metrics
}

/// From when on, and before when.
pub fn window(
    faults: &mut Violations,
    start: Option<&prost_types::Timestamp>,
    end: Option<&prost_types::Timestamp>,
) -> (Option<Time>, Option<Time>) {
    let window = (time(faults, "start_time", start), time(faults, "end_time", end));
    if let (Some(start), Some(end)) = window
        && start >= end
    {
        faults.add("end_time", "must be after start_time");
    }
    window
}

pub fn length(faults: &mut Violations, interval: i32) -> Length {
    match pb::ReportInterval::try_from(interval) {
        Ok(pb::ReportInterval::Unspecified | pb::ReportInterval::Whole) => Length::Whole,
        Ok(pb::ReportInterval::Hour) => Length::Hour,
        Ok(pb::ReportInterval::Day) => Length::Day,
        Ok(pb::ReportInterval::Week) => Length::Week,
        Ok(pb::ReportInterval::Month) => Length::Month,
        Err(_) => {
            faults.add("interval", "is no known interval");
            Length::Whole
        }
    }
}

pub fn zone(faults: &mut Violations, name: &str) -> TimeZone {
    let name = if name.is_empty() { "UTC" } else { name };
    zone::find(name).unwrap_or_else(|| {
        faults.add("time_zone", format!("there is no time zone {name:?}; say for instance Europe/Berlin"));
        TimeZone::UTC
    })
}

/// Of a share: whether all that it is about is asked for.
pub fn whole(faults: &mut Violations, part: i32) -> bool {
    let part = pb::MetricPart::try_from(part);
    if part.is_err() {
        faults.add("part", "is no known part");
    }
    part == Ok(pb::MetricPart::Whole)
}

pub fn table(asked: &Query<'_>, table: Table) -> pb::QueryMetricsResponse {
    let dimensions = asked.dimensions.iter().zip(table.dimensions);
    let columns = asked.metrics.iter().zip(table.columns);
    pb::QueryMetricsResponse {
        start_times: table.starts.into_iter().map(timestamp).collect(),
        dimensions: dimensions
            .map(|(key, values)| pb::DimensionColumn { key: key.clone(), values })
            .collect(),
        metrics: columns
            .map(|(metric, cells)| pb::MetricColumn {
                key: metric.key.to_owned(),
                unit: unit(metric.unit).into(),
                revision: metric.revision,
                values: cells.iter().map(|cell| cell.value).collect(),
                counts: cells.iter().map(|cell| cell.count).collect(),
            })
            .collect(),
        state: Some(state(table.state)),
    }
}

fn state(state: State) -> pb::ReportState {
    pb::ReportState {
        as_of_time: state.as_of.map(timestamp),
        rebuilding: state.rebuilding,
        waiting: state.waiting,
    }
}

pub fn load(tenant: &TenantId, load: Load) -> pb::QueueLoad {
    let count = |(priority, count)| pb::PriorityCount { priority, count };
    pb::QueueLoad {
        stats: Some(routing_wire::queue_stats(tenant, &load.queue, &load.stats)),
        priorities: load.priorities.into_iter().map(count).collect(),
    }
}
