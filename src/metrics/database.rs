//! The way to the database, and what is seen of its state.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use opentelemetry::{
    KeyValue,
    metrics::{Counter, Gauge, Histogram, Meter},
};
use sqlx::PgPool;

use super::{
    Inside, Level,
    instruments::{asked, counter, gauge, histogram},
    table as t,
};
use crate::{db::Horizon, time::Time};

#[derive(Debug)]
pub struct Database {
    meter: Meter,
    waiting: Level,
    wait: Histogram<f64>,
    timeouts: Counter<u64>,
    operations: Histogram<f64>,
    begin: [KeyValue; 2],
    commit: [KeyValue; 2],
    schema: Gauge<f64>,
    horizon_age: Gauge<f64>,
    horizon_transactions: Gauge<f64>,
    /// What held back the clearing up when it was looked at last, and since when.
    held: Mutex<Option<(String, Time)>>,
}

impl Database {
    pub(super) fn new(meter: &Meter) -> Self {
        let waiting = Level::default();
        let level = waiting.clone();
        asked(meter, &t::POOL_PENDING, move |gauge| gauge.observe(level.get(), &[]));
        let operation = |name: &'static str| {
            [KeyValue::new("db.system.name", "postgresql"), KeyValue::new("db.operation.name", name)]
        };
        Self {
            waiting,
            wait: histogram(meter, &t::POOL_WAIT),
            timeouts: counter(meter, &t::POOL_TIMEOUTS),
            operations: histogram(meter, &t::DB_DURATION),
            begin: operation("BEGIN"),
            commit: operation("COMMIT"),
            schema: gauge(meter, &t::SCHEMA_VERSION),
            horizon_age: gauge(meter, &t::HORIZON_AGE),
            horizon_transactions: gauge(meter, &t::HORIZON_TRANSACTIONS),
            held: Mutex::default(),
            meter: meter.clone(),
        }
    }

    /// Tells of this pool from now on.
    pub fn follow(&self, pool: PgPool) {
        let max = f64::from(pool.options().get_max_connections());
        asked(&self.meter, &t::POOL_MAX, move |gauge| gauge.observe(max, &[]));
        let states = ["used", "idle"].map(|state| [KeyValue::new("state", state)]);
        asked(&self.meter, &t::POOL_CONNECTIONS, move |gauge| {
            let (all, idle) = (f64::from(pool.size()), pool.num_idle() as f64);
            gauge.observe((all - idle).max(0.0), &states[0]);
            gauge.observe(idle, &states[1]);
        });
    }

    /// A transaction begins to wait for a connection.
    pub fn wait(&self) -> Wait<'_> {
        Wait { database: self, since: Instant::now(), _waits: self.waiting.enter() }
    }

    /// A transaction began, or not.
    pub fn began<T>(&self, since: Instant, done: &Result<T, sqlx::Error>) {
        self.operation(&self.begin, since, done.as_ref().err());
    }

    /// A transaction was committed, or not.
    pub fn committed<T>(&self, since: Instant, done: &Result<T, sqlx::Error>) {
        self.operation(&self.commit, since, done.as_ref().err());
    }

    fn operation(&self, labels: &[KeyValue; 2], since: Instant, error: Option<&sqlx::Error>) {
        let took = since.elapsed().as_secs_f64();
        if let Some(error) = error {
            let [system, name] = labels.clone();
            self.operations.record(took, &[system, name, KeyValue::new("error.type", kind(error))]);
        } else {
            self.operations.record(took, labels);
        }
    }

    /// The newest migration that the database has seen.
    pub fn schema(&self, version: i64) {
        self.schema.record(version as f64, &[]);
    }

    /// What holds back the clearing up now.
    pub fn horizon(&self, seen: Option<Horizon>, now: Time) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        // Where nothing is written, a snapshot holds nothing back, however old it is.
        let seen = seen.filter(|seen| seen.transactions > 0);
        let since = match (&seen, held.take()) {
            (Some(seen), Some((xmin, since))) if xmin == seen.xmin => since,
            _ => now,
        };
        self.horizon_age.record(seconds(since, now), &[]);
        self.horizon_transactions.record(seen.as_ref().map_or(0, |seen| seen.transactions) as f64, &[]);
        *held = seen.map(|seen| (seen.xmin, since));
    }
}

/// A transaction that waits.
#[derive(Debug)]
pub struct Wait<'a> {
    database: &'a Database,
    since: Instant,
    _waits: Inside,
}

impl Wait<'_> {
    /// It has its connection, or none.
    pub fn end<T>(self, done: &Result<T, sqlx::Error>) {
        self.database.wait.record(self.since.elapsed().as_secs_f64(), &[]);
        if matches!(done, Err(sqlx::Error::PoolTimedOut)) {
            self.database.timeouts.add(1, &[]);
        }
    }
}

/// The class of an error: SQLSTATE, if PostgreSQL said no. There are a few dozen.
fn kind(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(said) => said.code().map_or("_OTHER".into(), |code| code.into_owned()),
        sqlx::Error::Io(_) => "connection".into(),
        _ => "_OTHER".into(),
    }
}

/// How long ago that was; clocks differ, and nothing is in the future.
pub(super) fn seconds(then: Time, now: Time) -> f64 {
    Duration::try_from(now.duration_since(*then)).map_or(0.0, |age| age.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Metrics;

    fn time(second: i64) -> Time {
        Time::new(jiff::Timestamp::from_second(second).expect("a time"))
    }

    fn line(metrics: &Metrics, name: &str) -> String {
        let text = metrics.text().expect("metrics");
        let line = text.lines().find(|line| line.starts_with(name)).expect("it is there");
        line.rsplit(' ').next().expect("a value").to_owned()
    }

    #[test]
    fn the_same_snapshot_ages_and_another_begins_anew() {
        let metrics = Metrics::new();
        let seen = |xmin: &str, transactions| Some(Horizon { xmin: xmin.into(), transactions });
        for (horizon, second, age) in [
            (seen("100", 3), 1000, "0"),
            (seen("100", 9), 1060, "60"),
            (seen("108", 1), 1120, "0"),
            (seen("108", 4), 1150, "30"),
            (seen("108", 0), 1160, "0"),
            (seen("108", 1), 1170, "0"),
            (None, 1180, "0"),
        ] {
            metrics.database.horizon(horizon, time(second));
            assert_eq!(line(&metrics, "ticketing_horizon_age_seconds "), age, "at {second}");
        }
    }

    #[test]
    fn what_lies_ahead_is_not_old() {
        assert!(seconds(time(10), time(5)).abs() < f64::EPSILON);
        assert!((seconds(time(5), time(10)) - 5.0).abs() < f64::EPSILON);
    }
}
