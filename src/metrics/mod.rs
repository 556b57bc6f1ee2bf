//! What the process measures, for Prometheus to read at `/metrics`. A process has one [`Metrics`], which begins with its
//! database; `table.rs` says what there is. No label names a tenant, a ticket or a person: such would be as many series as
//! there are of them.

mod calls;
mod database;
mod instruments;
pub mod look;
pub mod table;
mod work;

use std::{
    sync::{Arc, OnceLock},
    time::Instant,
};

use opentelemetry::{
    KeyValue,
    metrics::{Counter, Gauge, Meter, MeterProvider as _},
};
use opentelemetry_sdk::{Resource, metrics::SdkMeterProvider};
use prometheus::{Registry, TextEncoder};

pub use self::{
    calls::Calls,
    database::Database,
    instruments::{Inside, Level},
    work::{Audit, Backlog, Jobs, Relay, Timers, Webhooks},
};
use self::{
    instruments::{asked, counter, gauge},
    table as t,
};
use crate::{
    db::MIGRATIONS,
    error::{Error, Result},
};

/// Everything that is measured.
pub struct Metrics {
    registry: Registry,
    meter: Meter,
    /// Keeps the instruments.
    _provider: SdkMeterProvider,
    pub calls: Calls,
    pub database: Database,
    pub jobs: Jobs,
    pub relay: Relay,
    pub webhooks: Webhooks,
    pub timers: Timers,
    pub audit: Audit,
    /// Connections of callers.
    pub connections: Level,
    pub connections_refused: Counter<u64>,
    pub watchers: Level,
    ready: Gauge<f64>,
    drain: Arc<OnceLock<Instant>>,
    cut: Counter<u64>,
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    pub fn new() -> Self {
        let registry = Registry::new();
        let provider = provider(&registry);
        let meter = provider.meter("ticketing");
        gauge(&meter, &t::BUILD).record(1.0, &[KeyValue::new("version", env!("CARGO_PKG_VERSION"))]);
        let newest = MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or(0);
        gauge(&meter, &t::SCHEMA_WANTED).record(newest as f64, &[]);
        let level = |metric| {
            let level = Level::default();
            let asked_for = level.clone();
            asked(&meter, metric, move |gauge| gauge.observe(asked_for.get(), &[]));
            level
        };
        let drain = Arc::<OnceLock<Instant>>::default();
        let since = Arc::clone(&drain);
        asked(&meter, &t::DRAIN_ELAPSED, move |gauge| {
            gauge.observe(since.get().map_or(0.0, |since| since.elapsed().as_secs_f64()), &[]);
        });
        Self {
            calls: Calls::new(&meter),
            database: Database::new(&meter),
            jobs: Jobs::new(&meter),
            relay: Relay::new(&meter),
            webhooks: Webhooks::new(&meter),
            timers: Timers::new(&meter),
            audit: Audit::new(&meter),
            connections: level(&t::CONNECTIONS_OPEN),
            connections_refused: counter(&meter, &t::CONNECTIONS_REFUSED),
            watchers: level(&t::WATCHERS_OPEN),
            ready: gauge(&meter, &t::READY),
            cut: counter(&meter, &t::DRAIN_CUT),
            drain,
            registry,
            meter,
            _provider: provider,
        }
    }

    /// Whether the process takes calls.
    pub fn set_ready(&self, ready: bool) {
        self.ready.record(f64::from(u8::from(ready)), &[]);
    }

    /// The process goes down.
    pub fn drain_begins(&self) {
        self.drain.get_or_init(Instant::now);
    }

    /// The drain cut so many connections.
    pub fn drain_cut(&self, connections: usize) {
        self.cut.add(connections as u64, &[]);
    }

    /// Asks this for the ages of issuers' keys, in seconds, at each scrape.
    pub fn follow_keys(&self, ages: impl Fn() -> Vec<(String, f64)> + Send + Sync + 'static) {
        asked(&self.meter, &t::ISSUER_KEYS_AGE, move |gauge| {
            for (issuer, age) in ages() {
                gauge.observe(age, &[KeyValue::new("issuer", issuer)]);
            }
        });
    }

    /// All of it, as Prometheus reads it.
    pub fn text(&self) -> Result<String> {
        TextEncoder::new().encode_to_string(&self.registry.gather()).map_err(Error::internal)
    }
}

/// What makes instruments that this registry shows, beside what the kernel says of the process.
fn provider(registry: &Registry) -> SdkMeterProvider {
    let exporter = opentelemetry_prometheus::exporter()
        .with_registry(registry.clone())
        .scope_info_enabled(false)
        .without_target_info()
        .build()
        .expect("the registry is empty");
    // Under names that are not OpenTelemetry's but everybody's.
    #[cfg(target_os = "linux")]
    registry
        .register(Box::new(prometheus::process_collector::ProcessCollector::for_self()))
        .expect("nobody else has these names");
    SdkMeterProvider::builder().with_resource(Resource::builder_empty().build()).with_reader(exporter).build()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::{db::Horizon, time::Time};

    #[tokio::test]
    async fn everything_in_the_table_can_be_seen_and_nothing_else() {
        let (metrics, now, took) = (Metrics::new(), Time::default(), std::time::Duration::ZERO);
        metrics.set_ready(true);
        metrics.follow_keys(|| vec![("https://issuer.example".to_owned(), 1.0)]);
        metrics.calls.end(None, "UNIMPLEMENTED", took);
        metrics.calls.failed("METHOD_UNKNOWN");
        let pool = sqlx::PgPool::connect_lazy_with(sqlx::postgres::PgConnectOptions::new_without_pgpass());
        metrics.database.follow(pool);
        metrics.database.wait().end(&Ok(()));
        metrics.database.committed(Instant::now(), &Ok(()));
        metrics.database.schema(24);
        metrics.database.horizon(Some(Horizon { xmin: "1".into(), transactions: 1 }), now);
        metrics.jobs.tick("look", Some(1), took, now);
        metrics.jobs.outbox_dead.record(0.0, &[]);
        metrics.relay.begin();
        metrics.relay.connected.record(1.0, &[]);
        metrics.relay.leases(1, 1);
        metrics.relay.published(Some(true), took);
        metrics.webhooks.attempted("dead", took);
        metrics.timers.fired(now, now);
        let backlogs = [
            &metrics.jobs.outbox,
            &metrics.relay.events,
            &metrics.webhooks.due,
            &metrics.timers.due,
            &metrics.audit.waiting,
        ];
        for waiting in backlogs {
            waiting.set(Backlog::default(), now);
        }
        let text = metrics.text().expect("metrics");
        let shown = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next());
        let shown: BTreeSet<&str> = shown.filter(|name| !name.starts_with("process_")).collect();
        let known: Vec<String> = t::TABLE.iter().map(t::Metric::prometheus).collect();
        assert_eq!(shown, known.iter().map(String::as_str).collect());
    }

    #[test]
    fn what_the_database_refuses_is_counted_by_its_class() {
        let metrics = Metrics::new();
        metrics.database.wait().end::<()>(&Err(sqlx::Error::PoolTimedOut));
        let broken = sqlx::Error::Io(std::io::ErrorKind::BrokenPipe.into());
        metrics.database.began::<()>(Instant::now(), &Err(broken));
        let text = metrics.text().expect("metrics");
        assert!(text.contains("\nticketing_pool_timeouts_total 1\n"), "{text}");
        let series =
            "{db_operation_name=\"BEGIN\",db_system_name=\"postgresql\",error_type=\"connection\"} 1";
        assert!(text.contains(&format!("db_client_operation_duration_seconds_count{series}")), "{text}");
    }
}
