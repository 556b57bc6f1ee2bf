//! How fast figures of a year are answered: a million tickets with three million steps and as many clocks, asked for through the
//! service, beside the time in which PostgreSQL only counts the year's tickets.
//!
//! `cargo bench --bench reports`; `-- 10` with a tenth of the tickets, in percent.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use comfy_table::{Table, presets};
use indicatif::{ProgressBar, ProgressStyle};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use ticketing::{
    app::{App, Setup},
    ctx::{Clock, Ids},
    db::{
        Db,
        embedded::{Embedded, Options},
    },
    serve::{Health, Server, Settings},
    tokens::Insecure,
};
use ticketing_proto::v1::{self as pb, ReportInterval, report_service_client::ReportServiceClient};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

const TICKETS: u64 = 1_000_000;
/// How long an answer may take.
const FLOOR: Duration = Duration::from_secs(1);
const ROUNDS: usize = 15;

/// What managers ask.
const QUESTIONS: &[(&str, &[&str], &[&str])] = &[
    ("recorded by priority", &["created", "escalation_rate", "waiting_on_customer_share"], &["priority"]),
    ("solved by team", &["solved", "first_contact_rate", "push_to_front_rate"], &["team"]),
    ("how long, by priority", &["resolution_p50", "resolution_p90"], &["priority"]),
    ("first response", &["first_response_p50", "first_response_p90"], &[]),
    ("promises kept, by clock", &["sla_attainment", "sla_breaches"], &["agreement", "clock"]),
    ("backlog by level", &["backlog"], &["level"]),
    ("escalations by reason and level", &["escalations"], &["reason", "level"]),
    ("recorded by organization", &["created"], &["organization"]),
];

fn main() -> anyhow::Result<()> {
    let percent: u64 = std::env::args().find_map(|word| word.parse().ok()).unwrap_or(100);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(run(TICKETS * percent / 100))
}

async fn run(tickets: u64) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let dir = folder.path().join("pg");
    let postgres = Embedded::start(&Options { dir, durable: true, max_connections: 50, bin_dir: None })?;
    let (app, address) = serve(postgres.url()).await?;
    let mut owner = PgConnection::connect(postgres.url()).await?;
    fill(&mut owner, tickets).await?;
    let alone = fastest(async || {
        let sql =
            "select count(*) from report_tickets where tenant_id = 'bench' and create_time >= '2025-01-01'
                   and create_time < '2026-01-01'";
        sqlx::query(sql).execute(&mut owner).await.map(drop).map_err(Into::into)
    })
    .await?;
    let mut table = Table::new();
    table.load_style(presets::UTF8_BORDERS_ONLY);
    table.set_header([
        "a year, month by month",
        "rows",
        "half within",
        "all within",
        "counting alone is",
        "floor",
    ]);
    for (name, metrics, dimensions) in QUESTIONS {
        let (rows, half, most) = ask(address, metrics, dimensions).await?;
        table.add_row([
            (*name).to_owned(),
            rows.to_string(),
            format!("{half:.0?}"),
            format!("{most:.0?}"),
            format!("{:.2} of it", alone.as_secs_f64() / half.as_secs_f64()),
            format!("<= {FLOOR:?} {}", if most <= FLOOR { "kept" } else { "MISSED" }),
        ]);
    }
    println!("{tickets} tickets; load at the end {}\n{table}", load());
    app.drain.cancel();
    postgres.stop()?;
    Ok(())
}

async fn serve(url: &str) -> anyhow::Result<(Arc<App>, SocketAddr)> {
    let db = Db::connect(url, 16).await?;
    db.migrate().await?;
    let document = include_str!("../demo/configuration.yaml");
    let document: ticketing::configuration::Document = serde_saphyr::from_str(document)?;
    let mut owner = PgConnection::connect(url).await?;
    sqlx::query("insert into tenants (id, create_time) values ('bench', '2025-01-01')")
        .execute(&mut owner)
        .await?;
    sqlx::query(
        "insert into configurations (tenant_id, revision, document, author, comment, create_time)
         values ('bench', 1, $1, 'bench', '', '2025-01-01')",
    )
    .bind(serde_json::to_value(&document)?)
    .execute(&mut owner)
    .await?;
    let app = App::start(db, Clock::system(), Ids::random(), Setup::default()).await?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let contract = ticketing_proto::DESCRIPTOR;
    let health = Health::of(contract).await?;
    let server =
        Server::new(&Settings::default(), contract, app.routes(), Arc::new(Insecure), &health, &app.metrics)?;
    health.set_ready(true).await;
    app.tasks.spawn(server.run(listener, None, CancellationToken::new()));
    Ok((app, address))
}

/// A year of tickets as the job would have counted them, in parts that the terminal can follow.
async fn fill(owner: &mut PgConnection, tickets: u64) -> anyhow::Result<()> {
    let bar = ProgressBar::new(tickets)
        .with_style(ProgressStyle::with_template("counting a year {wide_bar} {pos} of {len} ({eta})")?);
    let every = 31_536_000.0 / tickets as f64;
    let common = "(array['INCIDENT','QUESTION','REQUEST'])[n % 3 + 1], (array['EMAIL','PHONE','PORTAL'])[n % 3 + 1],
        'P' || n % 4 + 1, 'category ' || n % 30, 'product ' || n % 20, 'organization ' || n % 500, 'L' || n % 3 + 1,
        'queue ' || n % 12, 'team ' || n % 12";
    let ids = "('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid";
    sqlx::raw_sql("set synchronous_commit = off; set timezone = 'UTC'").execute(&mut *owner).await?;
    let part = 50_000;
    for from in (0..tickets).step_by(part) {
        let to = (from + part as u64).min(tickets) - 1;
        let series = format!(
            "(select n, timestamptz '2025-01-01' + n * interval '{every} seconds' as at, n % 20 <> 0 as solved,
                     timestamptz '2025-01-01 01:00' + n * interval '{every} seconds' + n % 5000 * interval '1 minute' as done
              from generate_series({from}, {to}) n) t"
        );
        let statements = [
            format!(
                "insert into report_tickets select 'bench', {ids}, 9, 1, case when solved then 'CLOSED' else 'OPEN' end, {common},
                     'agent ' || n % 150, 'L1', 'L' || n % 3 + 1, case when n % 5 = 0 then 'first-contact' else 'fixed' end,
                     false, n % 4 = 0, 9, (n % 3 > 0)::int, (n % 17 = 0)::int, (n % 23 = 0)::int, n % 3, 1000000::bigint * (n % 9000),
                     1000000::bigint * (n % 3000), 0, 0, at, done, at + n % 77 * interval '1 minute', done,
                     case when solved then done end, null from {series}"
            ),
            format!(
                "insert into report_steps select 'bench', {ids}, 1, 1, 'backlog', 1, at, false, '', '', {common} from {series}
                 union all select 'bench', {ids}, 9, 1, 'backlog', -1, done, false, '', '', {common} from {series} where solved
                 union all select 'bench', {ids}, 2, 1, 'escalated', 1, at, false,
                     (array['COMPLEXITY','CODE_CHANGE','MISSING_SKILL'])[n % 3 + 1], '', {common} from {series} where n % 3 > 0"
            ),
            format!(
                "insert into report_clocks select 'bench', {ids}, clock, 'SLA', 'standard',
                     (array['FIRST_RESPONSE','FIRST_RESOLUTION','TOTAL_RESOLUTION'])[clock], n % 13 > 0, done, n % 9000, {common}
                 from {series}, generate_series(1, 3) clock"
            ),
        ];
        for statement in statements {
            sqlx::query(AssertSqlSafe(statement)).execute(&mut *owner).await?;
        }
        bar.set_position(to + 1);
    }
    bar.finish_and_clear();
    sqlx::raw_sql("vacuum analyze report_tickets").execute(&mut *owner).await?;
    sqlx::raw_sql("vacuum analyze report_steps").execute(&mut *owner).await?;
    sqlx::raw_sql("vacuum analyze report_clocks").execute(&mut *owner).await?;
    sqlx::raw_sql("checkpoint").execute(owner).await?;
    Ok(())
}

/// Rows of the answer, and how long half of the rounds and all of them took at most.
async fn ask(
    address: SocketAddr,
    metrics: &[&str],
    dimensions: &[&str],
) -> anyhow::Result<(usize, Duration, Duration)> {
    let mut client = ReportServiceClient::connect(format!("http://{address}")).await?;
    let time = |text: &str| -> anyhow::Result<Option<prost_types::Timestamp>> {
        let time: jiff::Timestamp = text.parse()?;
        Ok(Some(prost_types::Timestamp { seconds: time.as_second(), nanos: 0 }))
    };
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    let request = pb::QueryMetricsRequest {
        parent: "tenants/bench".to_owned(),
        metrics: words(metrics),
        dimensions: words(dimensions),
        start_time: time("2025-01-01T00:00:00Z")?,
        end_time: time("2026-01-01T00:00:00Z")?,
        interval: ReportInterval::Month.into(),
        time_zone: "Europe/Berlin".to_owned(),
        ..Default::default()
    };
    let (mut took, mut rows) = (Vec::with_capacity(ROUNDS), 0);
    for _ in 0..ROUNDS {
        let began = Instant::now();
        rows = client.query_metrics(request.clone()).await?.into_inner().start_times.len();
        took.push(began.elapsed());
    }
    took.sort_unstable();
    Ok((rows, took[ROUNDS / 2], took[ROUNDS - 1]))
}

async fn fastest(mut work: impl AsyncFnMut() -> anyhow::Result<()>) -> anyhow::Result<Duration> {
    let mut best = Duration::MAX;
    for _ in 0..5 {
        let began = Instant::now();
        work().await?;
        best = best.min(began.elapsed());
    }
    Ok(best)
}

fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().unwrap_or_default().to_owned()
}
