//! What Prometheus reads of a whole service: a real scrape after real calls, and what waits in the database, which grows old
//! while nobody works on it.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write as _,
    process::{Command, Stdio},
    sync::Arc,
    time::Duration,
};

use sqlx::Connection as _;
use ticketing::{
    audit,
    configuration::SlaPolicy,
    metrics::{
        look,
        table::{Kind, PROCESS, TABLE},
    },
    serve::{self, Health, Server, Settings},
    sla::fire,
    tokens::Insecure,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use tonic::Code;

use crate::{
    agents::employ,
    routing::adjust,
    support::Desk,
    tickets::{read, record, tickets, titled},
    webhooks::{Answer, Receiver, fan_out, send, subscribe},
};

/// What a server of the desk shows at `/metrics`, after a look into the database.
async fn scrape(desk: &Desk) -> String {
    look::run_once(&desk.app).await.expect("a look");
    desk.app.metrics.text().expect("metrics")
}

/// The value of a series; `None`: it is not there.
fn value(text: &str, series: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '))?;
    Some(line.parse().expect("a number"))
}

#[track_caller]
fn assert_values(text: &str, expected: &[(&str, f64)]) {
    for (series, expected) in expected {
        let found = value(text, series);
        let near = found.is_some_and(|found| (found - expected).abs() < 0.001);
        assert!(near, "{series} is {found:?} and not {expected}:\n{text}");
    }
}

/// As Prometheus asks for it.
async fn get(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).await.expect("connected");
    let request = format!("GET {path} HTTP/1.1\r\nhost: desk\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    body.to_owned()
}

/// What promtool has to say against it.
fn faults(text: &str) -> String {
    let found = Command::new("scripts/prometheus").arg("bin").output().expect("scripts/prometheus runs");
    assert!(found.status.success(), "there is no promtool: run `make test`, or install Debian's prometheus");
    let program = String::from_utf8(found.stdout).expect("a path");
    let mut promtool = Command::new(program.trim())
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool starts");
    promtool.stdin.take().expect("a pipe").write_all(text.as_bytes()).expect("it reads");
    let done = promtool.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(done.status.success() || !said.is_empty());
    said
}

/// A server beside the desk's own one, with a port for operations; answers where that is.
async fn operations(desk: &Desk) -> String {
    let (settings, contract, app) = (Settings::default(), ticketing_proto::DESCRIPTOR, &desk.app);
    let health = Health::of(contract).await.expect("a contract");
    let server = Server::new(&settings, contract, app.routes(), Arc::new(Insecure), &health, &app.metrics);
    health.set_ready(true).await;
    let (public, operations) = (bind().await, bind().await);
    let address = operations.local_addr().expect("bound").to_string();
    app.tasks.spawn(server.expect("a server").run(public, None, app.drain.clone()));
    let (metrics, limits, drain) = (Arc::clone(&app.metrics), settings.limits, app.drain.clone());
    app.tasks.spawn(async move { serve::operations(operations, &health, metrics, limits, drain).await });
    address
}

#[tokio::test]
async fn a_scrape_after_calls_shows_them_and_prometheus_likes_it() {
    let desk = Desk::open().await;
    let address = operations(&desk).await;
    let ticket = record(&desk, titled("Drucker druckt nicht")).await;
    for _ in 0..3 {
        read(&desk, &ticket.name).await;
    }
    let name = format!("tenants/acme/tickets/{}", "0".repeat(26));
    let missing = ticketing_proto::v1::GetTicketRequest { name, ..Default::default() };
    let refused = tickets(desk.agent("anna")).get_ticket(missing).await.expect_err("there is none");
    assert_eq!(refused.code(), Code::NotFound);
    look::run_once(&desk.app).await.expect("a look");
    let text = get(&address, "/metrics").await;
    let calls = |method: &str, code: &str| {
        format!(
            "rpc_server_call_duration_seconds_count{{rpc_method=\"ticketing.v1.TicketService/{method}\",\
             rpc_response_status_code=\"{code}\",rpc_system_name=\"grpc\"}}"
        )
    };
    let version = format!("ticketing_build_info{{version=\"{}\"}}", env!("CARGO_PKG_VERSION"));
    let expected = [
        (&*calls("CreateTicket", "OK"), 1.0),
        (&*calls("GetTicket", "OK"), 3.0),
        (&*calls("GetTicket", "NOT_FOUND"), 1.0),
        ("ticketing_calls_failed_total{reason=\"RESOURCE_NOT_FOUND\"}", 1.0),
        ("ticketing_ready", 1.0),
        ("ticketing_pool_max", 16.0),
        ("ticketing_pool_pending", 0.0),
        ("ticketing_pool_timeouts_total", 0.0),
        ("ticketing_outbox_events", 1.0),
        (&*version, 1.0),
    ];
    assert_values(&text, &expected);
    assert_tells_of_the_database_and_the_process(&text);
    assert_is_in_the_table(&text);
    assert_eq!(faults(&text), "");
    assert!(faults("# TYPE nonsense counter\nnonsense 1\n").contains("nonsense"), "promtool looks");
    desk.finish().await;
}

fn assert_tells_of_the_database_and_the_process(text: &str) {
    let sum = |series: &str| value(text, series).expect(series);
    let pool = |state: &str| sum(&format!("ticketing_pool_connections{{state=\"{state}\"}}"));
    assert!(pool("used") + pool("idle") >= 1.0);
    assert!(sum("ticketing_pool_wait_seconds_count") >= 1.0);
    for operation in ["BEGIN", "COMMIT"] {
        let labels = format!("{{db_operation_name=\"{operation}\",db_system_name=\"postgresql\"}}");
        assert!(sum(&format!("db_client_operation_duration_seconds_count{labels}")) >= 1.0, "{labels}");
    }
    assert!((sum("ticketing_schema_version") - sum("ticketing_schema_wanted")).abs() < f64::EPSILON);
    assert!(sum("process_resident_memory_bytes") > 1e6);
    assert!(sum("process_open_fds") > 3.0);
}

async fn bind() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.expect("a free port")
}

/// Everything shown is in the table, of its kind and with its labels.
fn assert_is_in_the_table(text: &str) {
    let mut kinds: BTreeMap<String, &str> = BTreeMap::new();
    let mut labels: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for metric in TABLE {
        let kind = match metric.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram(_) => "histogram",
        };
        kinds.insert(metric.prometheus(), kind);
        let names = metric.labels.iter().map(|label| label.replace('.', "_"));
        labels.insert(metric.prometheus(), names.collect());
    }
    kinds.extend(PROCESS.iter().map(|(name, kind, _)| ((*name).to_owned(), *kind)));
    let shown = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
    for (name, kind) in shown {
        assert_eq!(kinds.get(name), Some(&kind), "{name}");
    }
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let Some((name, rest)) = line.split_once('{') else { continue };
        let name =
            ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
        let (has, _) = rest.rsplit_once('}').expect("it ends");
        let mut has: BTreeSet<String> =
            has.split("\",").filter_map(|label| Some(label.split_once('=')?.0.to_owned())).collect();
        has.remove("le");
        assert!(has.is_subset(&labels[name]), "{name} has {has:?}");
    }
}

#[tokio::test]
async fn what_waits_for_its_place_grows_old_until_it_gets_one() {
    let desk = Desk::open().await;
    assert_values(
        &scrape(&desk).await,
        &[("ticketing_outbox_events", 0.0), ("ticketing_outbox_oldest_age_seconds", 0.0)],
    );
    record(&desk, titled("the first")).await;
    desk.advance(Duration::from_secs(90));
    record(&desk, titled("the second")).await;
    let text = scrape(&desk).await;
    assert_values(&text, &[("ticketing_outbox_events", 2.0), ("ticketing_outbox_oldest_age_seconds", 90.0)]);
    desk.advance(Duration::from_secs(30));
    assert_values(&scrape(&desk).await, &[("ticketing_outbox_oldest_age_seconds", 120.0)]);
    while ticketing::events::sequencer::run_once(&desk.app, 1000).await.expect("a pass").done > 0 {}
    let text = scrape(&desk).await;
    assert_values(&text, &[("ticketing_outbox_events", 0.0), ("ticketing_outbox_oldest_age_seconds", 0.0)]);
    assert_eq!(value(&text, "ticketing_relay_events"), None, "there is no broker here");
    desk.finish().await;
}

#[tokio::test]
async fn clocks_that_nobody_tells_of_are_late() {
    let desk = Desk::open().await;
    let policies = "[{key: gold, clocks: [{clock: FIRST_RESPONSE, target_duration: 2h}]}]";
    let policies: Vec<SlaPolicy> = serde_saphyr::from_str(policies).expect("policies");
    adjust(&desk, |document| document.sla_policies = policies).await;
    record(&desk, titled("waits")).await;
    desk.advance(Duration::from_secs(2 * 3600 - 1));
    let none = [("ticketing_timers_due", 0.0), ("ticketing_timers_oldest_age_seconds", 0.0)];
    assert_values(&scrape(&desk).await, &none);
    desk.advance(Duration::from_secs(42));
    let late = [("ticketing_timers_due", 1.0), ("ticketing_timers_oldest_age_seconds", 40.0)];
    assert_values(&scrape(&desk).await, &late);
    assert_eq!(fire::run_once(&desk.app, 100).await.expect("a tick").done, 1);
    let text = scrape(&desk).await;
    assert_values(&text, &none);
    let told =
        [("ticketing_timers_lateness_seconds_count", 1.0), ("ticketing_timers_lateness_seconds_sum", 40.0)];
    assert_values(&text, &told);
    desk.finish().await;
}

#[tokio::test]
async fn deliveries_that_nobody_makes_are_late_and_attempts_are_counted() {
    const BROKEN: Answer = Answer::Raw("HTTP/1.1 500 Oops\r\ncontent-length: 0\r\n\r\n");
    let desk = Desk::open().await;
    let receiver = Receiver::open(&desk).await;
    subscribe(&desk, &receiver).await;
    record(&desk, titled("told")).await;
    fan_out(&desk).await;
    desk.advance(Duration::from_secs(70));
    let late = [("ticketing_webhooks_due", 1.0), ("ticketing_webhooks_oldest_age_seconds", 70.0)];
    assert_values(&scrape(&desk).await, &late);
    receiver.answer(&[BROKEN]);
    send(&desk).await;
    let text = scrape(&desk).await;
    assert_values(&text, &[("ticketing_webhooks_due", 0.0), ("ticketing_webhooks_oldest_age_seconds", 0.0)]);
    let attempts =
        |outcome: &str| format!("ticketing_webhooks_attempt_duration_seconds_count{{outcome=\"{outcome}\"}}");
    assert_values(&text, &[(&attempts("failed"), 1.0)]);
    desk.advance(Duration::from_hours(1));
    send(&desk).await;
    assert_values(&scrape(&desk).await, &[(&attempts("delivered"), 1.0)]);
    // One that goes on failing is given up some day, and so is its subscription.
    record(&desk, titled("never told")).await;
    receiver.answer(&[BROKEN; 40]);
    for _ in 0..40 {
        send(&desk).await;
        desk.advance(Duration::from_hours(30));
    }
    let text = scrape(&desk).await;
    let dead = value(&text, "ticketing_webhooks_dead_total").expect("it is there from the start");
    let disabled = value(&text, "ticketing_webhooks_disabled_total").expect("it is there from the start");
    assert!(dead + disabled >= 1.0, "{text}");
    desk.finish().await;
}

#[tokio::test]
async fn audit_entries_outside_of_their_chain_grow_old() {
    let desk = Desk::open().await;
    employ(&desk, "ben", "desk-de", 5, &[]).await;
    desk.advance(Duration::from_secs(20));
    let text = scrape(&desk).await;
    assert!(value(&text, "ticketing_audit_waiting").expect("it is there") >= 1.0, "{text}");
    assert_values(&text, &[("ticketing_audit_oldest_age_seconds", 20.0)]);
    while audit::extend::run_once(&desk.app, 100).await.expect("a tick").full {}
    let text = scrape(&desk).await;
    assert_values(&text, &[("ticketing_audit_waiting", 0.0), ("ticketing_audit_oldest_age_seconds", 0.0)]);
    desk.finish().await;
}

#[tokio::test]
async fn who_keeps_postgres_from_clearing_up_is_noticed() {
    let desk = Desk::open().await;
    let mut forgetful = sqlx::PgConnection::connect(&desk.url).await.expect("a connection");
    for sql in ["begin isolation level repeatable read", "select count(*) from tickets"] {
        sqlx::query(sql).execute(&mut forgetful).await.expect("a snapshot");
    }
    record(&desk, titled("one more transaction")).await;
    // Until nobody else is there with an older one, for a moment.
    let seen = async {
        loop {
            scrape(&desk).await;
            desk.advance(Duration::from_mins(10));
            let text = scrape(&desk).await;
            if value(&text, "ticketing_horizon_age_seconds") == Some(600.0) {
                break text;
            }
        }
    };
    let text = tokio::time::timeout(Duration::from_secs(30), seen).await.expect("seen");
    assert!(value(&text, "ticketing_horizon_transactions").expect("it is there") >= 1.0);
    forgetful.close().await.expect("gone");
    // A backend goes a little later than its client.
    let gone = async {
        while value(&scrape(&desk).await, "ticketing_horizon_age_seconds").expect("it is there") > 0.0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), gone).await.expect("noticed");
    desk.finish().await;
}

#[tokio::test]
async fn readers_of_the_stream_are_counted() {
    let desk = Desk::open().await;
    assert_values(&scrape(&desk).await, &[("ticketing_watchers_open", 0.0)]);
    let request = ticketing_proto::v1::WatchEventsRequest { parent: desk.parent(), ..Default::default() };
    let mut events = ticketing_proto::v1::event_service_client::EventServiceClient::new(desk.agent("anna"));
    let watching = events.watch_events(request).await.expect("a stream");
    assert_values(&scrape(&desk).await, &[("ticketing_watchers_open", 1.0)]);
    drop((watching, events));
    desk.finish().await;
}
