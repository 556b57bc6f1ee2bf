//! The work that no caller waits for: jobs, the broker, webhooks, timers, the audit log.

use std::time::Duration;

use opentelemetry::{
    KeyValue,
    metrics::{Counter, Gauge, Histogram, Meter},
};

use super::{
    database::seconds,
    instruments::{counter, gauge, histogram},
    table as t,
};
use crate::time::Time;

/// What waits for something: how many, and since when the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    pub count: i64,
    pub oldest: Option<Time>,
}

/// Two gauges that tell of a backlog.
#[derive(Debug)]
pub struct Waiting {
    count: Gauge<f64>,
    age: Gauge<f64>,
}

impl Waiting {
    fn new(meter: &Meter, count: &t::Metric, age: &t::Metric) -> Self {
        Self { count: gauge(meter, count), age: gauge(meter, age) }
    }

    pub fn set(&self, backlog: Backlog, now: Time) {
        self.count.record(backlog.count as f64, &[]);
        self.age.record(backlog.oldest.map_or(0.0, |oldest| seconds(oldest, now)), &[]);
    }
}

#[derive(Debug)]
pub struct Jobs {
    duration: Histogram<f64>,
    done: Counter<u64>,
    success: Gauge<f64>,
    pub outbox: Waiting,
    pub outbox_dead: Gauge<f64>,
}

impl Jobs {
    pub(super) fn new(meter: &Meter) -> Self {
        Self {
            duration: histogram(meter, &t::JOB_DURATION),
            done: counter(meter, &t::JOB_DONE),
            success: gauge(meter, &t::JOB_SUCCESS),
            outbox: Waiting::new(meter, &t::OUTBOX_EVENTS, &t::OUTBOX_AGE),
            outbox_dead: gauge(meter, &t::OUTBOX_DEAD),
        }
    }

    /// A tick did so much; `None`: it failed.
    pub fn tick(&self, name: &'static str, done: Option<usize>, took: Duration, now: Time) {
        let name = KeyValue::new("name", name);
        if let Some(done) = done {
            let name = std::slice::from_ref(&name);
            self.done.add(done as u64, name);
            self.success.record(now.as_second() as f64, name);
        }
        let outcome = KeyValue::new("outcome", if done.is_some() { "done" } else { "failed" });
        self.duration.record(took.as_secs_f64(), &[name, outcome]);
    }
}

#[derive(Debug)]
pub struct Relay {
    pub connected: Gauge<f64>,
    pub leases: Gauge<f64>,
    pub events: Waiting,
    taken: Counter<u64>,
    lost: Counter<u64>,
    duration: Histogram<f64>,
    labels: [KeyValue; 2],
    duplicates: Counter<u64>,
    restored: Counter<u64>,
}

impl Relay {
    pub(super) fn new(meter: &Meter) -> Self {
        Self {
            connected: gauge(meter, &t::RELAY_CONNECTED),
            leases: gauge(meter, &t::RELAY_LEASES),
            events: Waiting::new(meter, &t::RELAY_EVENTS, &t::RELAY_AGE),
            taken: counter(meter, &t::RELAY_TAKEN),
            lost: counter(meter, &t::RELAY_LOST),
            duration: histogram(meter, &t::RELAY_DURATION),
            labels: [
                KeyValue::new("messaging.system", "nats"),
                KeyValue::new("messaging.operation.name", "publish"),
            ],
            duplicates: counter(meter, &t::RELAY_DUPLICATES),
            restored: counter(meter, &t::RELAY_RESTORED),
        }
    }

    /// There is a broker: what it may ever be asked for is there, and zero.
    pub fn begin(&self) {
        for counter in [&self.taken, &self.lost, &self.duplicates, &self.restored] {
            counter.add(0, &[]);
        }
    }

    /// Buckets changed hands.
    pub fn leases(&self, held: usize, taken: usize) {
        self.leases.record(held as f64, &[]);
        self.taken.add(taken as u64, &[]);
    }

    pub fn lost(&self, buckets: usize) {
        self.lost.add(buckets as u64, &[]);
    }

    /// An event was told, or not; `known`: the broker had it.
    pub fn published(&self, known: Option<bool>, took: Duration) {
        let took = took.as_secs_f64();
        if let Some(known) = known {
            self.duration.record(took, &self.labels);
            self.duplicates.add(u64::from(known), &[]);
        } else {
            let [system, name] = self.labels.clone();
            self.duration.record(took, &[system, name, KeyValue::new("error.type", "_OTHER")]);
        }
    }

    /// The broker had lost so many events.
    pub fn restored(&self, events: usize) {
        self.restored.add(events as u64, &[]);
    }
}

#[derive(Debug)]
pub struct Webhooks {
    pub due: Waiting,
    attempts: Histogram<f64>,
    dead: Counter<u64>,
    disabled: Counter<u64>,
}

impl Webhooks {
    pub(super) fn new(meter: &Meter) -> Self {
        Self {
            due: Waiting::new(meter, &t::WEBHOOKS_DUE, &t::WEBHOOKS_AGE),
            attempts: histogram(meter, &t::WEBHOOKS_ATTEMPTS),
            dead: counter(meter, &t::WEBHOOKS_DEAD),
            disabled: counter(meter, &t::WEBHOOKS_DISABLED),
        }
    }

    /// What became of a delivery by an attempt.
    pub fn attempted(&self, outcome: &'static str, took: Duration) {
        self.attempts.record(took.as_secs_f64(), &[KeyValue::new("outcome", outcome)]);
    }

    pub fn dead(&self) {
        self.dead.add(1, &[]);
    }

    pub fn disabled(&self) {
        self.disabled.add(1, &[]);
    }
}

#[derive(Debug)]
pub struct Timers {
    pub due: Waiting,
    lateness: Histogram<f64>,
}

impl Timers {
    pub(super) fn new(meter: &Meter) -> Self {
        Self {
            due: Waiting::new(meter, &t::TIMERS_DUE, &t::TIMERS_AGE),
            lateness: histogram(meter, &t::TIMERS_LATENESS),
        }
    }

    /// What was due then is told now.
    pub fn fired(&self, due: Time, now: Time) {
        self.lateness.record(seconds(due, now), &[]);
    }
}

#[derive(Debug)]
pub struct Audit {
    pub waiting: Waiting,
}

impl Audit {
    pub(super) fn new(meter: &Meter) -> Self {
        Self { waiting: Waiting::new(meter, &t::AUDIT_WAITING, &t::AUDIT_AGE) }
    }
}
