//! Every metric that there is: its name, kind, unit and labels, and what it tells. `docs/metrics.md` is this table. Names
//! are those of OpenTelemetry's semantic conventions where there are such; Prometheus reads them with `_` and the unit.

/// What a metric does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// It grows.
    Counter,
    /// It goes up and down.
    Gauge,
    /// It counts what fell below each of these bounds.
    Histogram(&'static [f64]),
}

/// A metric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Metric {
    pub name: &'static str,
    pub kind: Kind,
    /// As UCUM writes it; in braces: a number of these.
    pub unit: &'static str,
    pub labels: &'static [&'static str],
    pub doc: &'static str,
}

impl Metric {
    /// The name as Prometheus reads it.
    pub fn prometheus(&self) -> String {
        let unit = match self.unit {
            "s" => "_seconds",
            _ => "",
        };
        let total = if self.kind == Kind::Counter { "_total" } else { "" };
        format!("{}{unit}{total}", self.name.replace('.', "_"))
    }
}

/// Of calls, in seconds, as the semantic conventions have them.
const CALLS: Kind =
    Kind::Histogram(&[0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0]);
/// Of the database, in seconds, likewise.
const TRIPS: Kind = Kind::Histogram(&[0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0]);
/// Of waiting for a connection: nothing most times, and 5 seconds at most.
const WAITS: Kind = Kind::Histogram(&[0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0]);
/// Of what is late.
const LATE: Kind = Kind::Histogram(&[0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0]);

macro_rules! metrics {
    ($($id:ident: $kind:expr, $name:literal $unit:literal [$($label:literal),*] $doc:literal)*) => {
        $(pub const $id: Metric = Metric {
            name: $name, kind: $kind, unit: $unit, labels: &[$($label),*], doc: $doc,
        };)*
        /// All that the service measures, in the order of the page.
        pub const TABLE: &[Metric] = &[$($id),*];
    };
}

metrics! {
    CALL_DURATION: CALLS, "rpc.server.call.duration" "s"
        ["rpc.system.name", "rpc.method", "rpc.response.status_code", "error.type"]
        "How long calls took, streams to their end. A method that there is not is `_OTHER`; `error.type` is there only when the server is at fault."
    CALLS_OPEN: Kind::Gauge, "ticketing.calls.open" "{call}" ["kind"]
        "Calls at work: `unary` and `stream`."
    CALLS_FAILED: Kind::Counter, "ticketing.calls.failed" "{call}" ["reason"]
        "Calls that failed, by the reason that the caller was told: `OVERLOADED` is shed, `CALLER_…_EXCEEDED` and `TENANT_…_EXCEEDED` are over a quota."
    CONNECTIONS_OPEN: Kind::Gauge, "ticketing.connections.open" "{connection}" []
        "Connections of callers."
    CONNECTIONS_REFUSED: Kind::Counter, "ticketing.connections.refused" "{connection}" []
        "Connections that were closed at once, for want of room (`max_connections`)."
    WATCHERS_OPEN: Kind::Gauge, "ticketing.watchers.open" "{stream}" []
        "Readers of WatchEvents."
    READY: Kind::Gauge, "ticketing.ready" "" []
        "1: the process takes calls, as grpc.health.v1 says."
    DRAIN_ELAPSED: Kind::Gauge, "ticketing.drain.elapsed" "s" []
        "How long the process has been draining; 0: it does not."
    DRAIN_CUT: Kind::Counter, "ticketing.drain.cut" "{connection}" []
        "Connections that the drain had to cut. Seen only if the process is scraped between the cut and its end."
    ISSUER_KEYS_AGE: Kind::Gauge, "ticketing.issuer.keys.age" "s" ["issuer"]
        "How long ago the keys of an issuer of tokens were fetched; if never, how long ago that began."
    POOL_CONNECTIONS: Kind::Gauge, "ticketing.pool.connections" "{connection}" ["state"]
        "Connections to the database: `used` and `idle`."
    POOL_MAX: Kind::Gauge, "ticketing.pool.max" "{connection}" []
        "As many there may be (`database_connections`)."
    POOL_PENDING: Kind::Gauge, "ticketing.pool.pending" "{transaction}" []
        "Transactions that wait for a connection."
    POOL_WAIT: WAITS, "ticketing.pool.wait" "s" []
        "How long transactions of tenants waited for a connection."
    POOL_TIMEOUTS: Kind::Counter, "ticketing.pool.timeouts" "{transaction}" []
        "Transactions that waited in vain."
    DB_DURATION: TRIPS, "db.client.operation.duration" "s"
        ["db.system.name", "db.operation.name", "error.type"]
        "How long `BEGIN` and `COMMIT` of tenants' transactions took; `COMMIT` waits for the disk. Statements are not timed here: pg_stat_statements has them."
    SCHEMA_VERSION: Kind::Gauge, "ticketing.schema.version" "{migration}" []
        "The newest migration that the database has seen. Of workers, like all below that tells of the database, as of the last look."
    SCHEMA_WANTED: Kind::Gauge, "ticketing.schema.wanted" "{migration}" []
        "The newest migration that the program knows."
    HORIZON_AGE: Kind::Gauge, "ticketing.horizon.age" "s" []
        "How long the same snapshot, prepared transaction or replication slot has kept PostgreSQL from clearing up, as far as the process has seen."
    HORIZON_TRANSACTIONS: Kind::Gauge, "ticketing.horizon.transactions" "{transaction}" []
        "How many transactions have begun since that one."
    OUTBOX_EVENTS: Kind::Gauge, "ticketing.outbox.events" "{event}" []
        "Committed events without a place in the stream, counted up to 100,000."
    OUTBOX_AGE: Kind::Gauge, "ticketing.outbox.oldest.age" "s" []
        "How old the oldest of them is; 0: there is none."
    OUTBOX_DEAD: Kind::Gauge, "ticketing.outbox.dead_rows" "{row}" []
        "Rows of the outbox that are gone and not cleared up, as PostgreSQL estimates."
    RELAY_CONNECTED: Kind::Gauge, "ticketing.relay.connected" "" []
        "1: there is a connection to NATS. This and what follows of the relay: only where NATS is set."
    RELAY_EVENTS: Kind::Gauge, "ticketing.relay.events" "{event}" []
        "Events with a place in the stream that NATS has not confirmed."
    RELAY_AGE: Kind::Gauge, "ticketing.relay.oldest.age" "s" []
        "How old the oldest of them is; 0: there is none."
    RELAY_LEASES: Kind::Gauge, "ticketing.relay.leases" "{bucket}" []
        "Buckets of which this process tells NATS; all processes together have 256."
    RELAY_TAKEN: Kind::Counter, "ticketing.relay.taken" "{bucket}" []
        "Buckets that this process took over, at its start or from another."
    RELAY_LOST: Kind::Counter, "ticketing.relay.lost" "{bucket}" []
        "Buckets that another took over while this process thought it had them."
    RELAY_DURATION: TRIPS, "messaging.client.operation.duration" "s"
        ["messaging.system", "messaging.operation.name", "error.type"]
        "How long NATS took to confirm an event."
    RELAY_DUPLICATES: Kind::Counter, "ticketing.relay.duplicates" "{event}" []
        "Events that NATS had already."
    RELAY_RESTORED: Kind::Counter, "ticketing.relay.restored" "{event}" []
        "Events that NATS had confirmed and lost; they were sent again."
    WEBHOOKS_DUE: Kind::Gauge, "ticketing.webhooks.due" "{delivery}" []
        "Deliveries that are due and nobody is at, counted up to 1,000 for each subscription."
    WEBHOOKS_AGE: Kind::Gauge, "ticketing.webhooks.oldest.age" "s" []
        "How long the first of them has been due; 0: none is."
    WEBHOOKS_ATTEMPTS: CALLS, "ticketing.webhooks.attempt.duration" "s" ["outcome"]
        "How long attempts took: `delivered`, `failed` (to be tried again) and `dead` (to be tried no more)."
    WEBHOOKS_DEAD: Kind::Counter, "ticketing.webhooks.dead" "{delivery}" []
        "Deliveries that were given up."
    WEBHOOKS_DISABLED: Kind::Counter, "ticketing.webhooks.disabled" "{subscription}" []
        "Subscriptions that were disabled because their receiver failed for days or is gone."
    TIMERS_DUE: Kind::Gauge, "ticketing.timers.due" "{clock}" []
        "SLA clocks of which something is due and not told, counted up to 1,000 for each tenant."
    TIMERS_AGE: Kind::Gauge, "ticketing.timers.oldest.age" "s" []
        "How long the first of them has been due; 0: none is."
    TIMERS_LATENESS: LATE, "ticketing.timers.lateness" "s" []
        "How late warnings, breaches and steps of ladders were told."
    AUDIT_WAITING: Kind::Gauge, "ticketing.audit.waiting" "{entry}" []
        "Entries of audit logs that have no place in their chain, counted up to 1,000 for each tenant."
    AUDIT_AGE: Kind::Gauge, "ticketing.audit.oldest.age" "s" []
        "How old the oldest of them is; 0: there is none."
    JOB_DURATION: CALLS, "ticketing.job.duration" "s" ["name", "outcome"]
        "How long ticks of jobs took: `done` and `failed`."
    JOB_DONE: Kind::Counter, "ticketing.job.done" "{item}" ["name"]
        "What jobs did: events placed, clocks told, deliveries started."
    JOB_SUCCESS: Kind::Gauge, "ticketing.job.success.time" "s" ["name"]
        "When a tick of a job last ended well, as Unix time."
    BUILD: Kind::Gauge, "ticketing.build.info" "" ["version"]
        "1, for the release that runs."
}

/// What the kernel says of the process, under the names that all have for it; only on Linux.
pub const PROCESS: &[(&str, &str, &str)] = &[
    ("process_cpu_seconds_total", "counter", "CPU that was used."),
    ("process_max_fds", "gauge", "Files that may be open."),
    ("process_open_fds", "gauge", "Files that are open, connections among them."),
    ("process_resident_memory_bytes", "gauge", "Memory that is held."),
    ("process_start_time_seconds", "gauge", "When the process began, as Unix time."),
    ("process_threads", "gauge", "Threads."),
    ("process_virtual_memory_bytes", "gauge", "Memory that is mapped."),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_metric_has_a_name_of_its_own() {
        let names: BTreeSet<_> = TABLE.iter().map(Metric::prometheus).collect();
        assert_eq!(names.len(), TABLE.len());
    }

    #[test]
    fn nobody_is_named_by_a_label() {
        let names =
            ["tenant", "ticket", "user", "customer", "agent", "caller", "id", "url", "job", "instance"];
        for metric in TABLE {
            assert!(!metric.labels.iter().any(|label| names.contains(label)), "{}", metric.name);
        }
    }
}
