//! How a metric of the table becomes something that can be measured with. Whoever measures holds the instrument, and its
//! labels, once: a measurement looks nothing up but the series.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use opentelemetry::metrics::{Counter, Gauge, Histogram, Meter};

use super::table::{Kind, Metric};

pub fn counter(meter: &Meter, metric: &Metric) -> Counter<u64> {
    let counter = meter.u64_counter(metric.name).with_unit(metric.unit).with_description(metric.doc).build();
    // Those without labels are there from the beginning: who asks for an increase finds a zero before it.
    if metric.labels.is_empty() && !metric.name.starts_with(RELAY) {
        counter.add(0, &[]);
    }
    counter
}

/// Only where there is a broker.
const RELAY: &str = "ticketing.relay.";

pub fn gauge(meter: &Meter, metric: &Metric) -> Gauge<f64> {
    meter.f64_gauge(metric.name).with_unit(metric.unit).with_description(metric.doc).build()
}

pub fn histogram(meter: &Meter, metric: &Metric) -> Histogram<f64> {
    let Kind::Histogram(bounds) = metric.kind else { unreachable!("the table says that it is one") };
    let histogram = meter.f64_histogram(metric.name).with_unit(metric.unit).with_description(metric.doc);
    histogram.with_boundaries(bounds.to_vec()).build()
}

/// A gauge whose values are asked for at each scrape. The question must not wait for anything.
pub fn asked<F>(meter: &Meter, metric: &Metric, values: F)
where
    F: Fn(&dyn opentelemetry::metrics::AsyncInstrument<f64>) + Send + Sync + 'static,
{
    let gauge = meter.f64_observable_gauge(metric.name).with_unit(metric.unit);
    // The meter keeps it.
    let _ = gauge.with_description(metric.doc).with_callback(values).build();
}

/// How many there are at a time.
#[derive(Clone, Debug, Default)]
pub struct Level(Arc<AtomicI64>);

/// One of them, until it is dropped.
#[derive(Debug)]
#[must_use = "it counts as long as it is held"]
pub struct Inside(Arc<AtomicI64>);

impl Level {
    /// One more.
    pub fn enter(&self) -> Inside {
        self.0.fetch_add(1, Ordering::Relaxed);
        Inside(Arc::clone(&self.0))
    }

    pub fn get(&self) -> f64 {
        self.0.load(Ordering::Relaxed) as f64
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_inside_counts_until_he_leaves() {
        let level = Level::default();
        let (one, other) = (level.enter(), level.enter());
        assert!((level.get() - 2.0).abs() < f64::EPSILON);
        drop(one);
        drop(other);
        assert!(level.get().abs() < f64::EPSILON);
    }
}
