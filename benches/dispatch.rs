//! How fast a queue is given away: ten thousand tickets that wait for two hundred agents, by the job as it runs in the
//! service, with every assignment's decision, event, outbox row and capacity check, on a Postgres that keeps its promises.
//!
//! `cargo bench --bench dispatch` (or `make bench`); `-- 3` makes three rounds (default 3).

use std::{sync::Arc, time::Instant};

use comfy_table::{Table, presets};
use indicatif::ProgressBar;
use sqlx::{Connection as _, PgConnection};
use ticketing::{
    app::{App, Setup},
    configuration::Document,
    ctx::{Clock, Ids},
    db::{
        Db,
        embedded::{Embedded, Options},
    },
    routing::dispatch,
    serve::{Health, Quotas, Server, Settings},
    tokens::Insecure,
};
use ticketing_proto::v1::{
    self as pb, agent_service_client::AgentServiceClient,
    configuration_service_client::ConfigurationServiceClient, ticket_service_client::TicketServiceClient,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;

const TICKETS: usize = 10_000;
const AGENTS: usize = 200;
/// What the service promises on two cores.
const FLOOR: f64 = 1000.0;
/// Tickets that a tick looks at together, as in the table of jobs.
const BATCH: usize = 200;

fn main() -> anyhow::Result<()> {
    let rounds = std::env::args().find_map(|arg| arg.parse().ok()).unwrap_or(3);
    let mut table = Table::new();
    table.load_style(presets::UTF8_BORDERS_ONLY);
    table.set_header(["round", "assigned", "seconds", "assignments/s", "floor"]);
    for round in 1..=rounds {
        let folder = tempfile::tempdir()?;
        let options =
            Options { dir: folder.path().join("pg"), durable: true, max_connections: 50, bin_dir: None };
        let postgres = Embedded::start(&options)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let (assigned, seconds) = runtime.block_on(measure(postgres.url()))?;
        let rate = assigned as f64 / seconds;
        let kept = if rate >= FLOOR { "kept" } else { "MISSED" };
        table.add_row([
            round.to_string(),
            assigned.to_string(),
            format!("{seconds:.2}"),
            format!("{rate:.0}"),
            format!(">= {FLOOR:.0} {kept}"),
        ]);
    }
    println!("{table}");
    Ok(())
}

/// Fills a queue, and gives it away by ticks until nothing is left.
async fn measure(url: &str) -> anyhow::Result<(usize, f64)> {
    let db = Db::connect(url, 16).await?;
    db.migrate().await?;
    let app = App::start(db, Clock::system(), Ids::random(), Setup::default()).await?;
    let channel = serve(&app).await?;
    set_up(&channel).await?;
    record(&channel).await?;
    sqlx::query("vacuum analyze").execute(&mut PgConnection::connect(url).await?).await?;
    let begin = Instant::now();
    let mut assigned = 0;
    loop {
        match dispatch::run_once(&app, BATCH).await?.done {
            0 => return Ok((assigned, begin.elapsed().as_secs_f64())),
            more => assigned += more,
        }
    }
}

async fn serve(app: &Arc<App>) -> anyhow::Result<Channel> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    // What is measured is the service, not what it lets one caller have.
    let settings = Settings { quotas: Quotas::NONE, ..Settings::default() };
    let contract = ticketing_proto::DESCRIPTOR;
    let health = Health::of(contract).await?;
    let server = Server::new(&settings, contract, app.routes(), Arc::new(Insecure), &health, &app.metrics)?;
    health.set_ready(true).await;
    app.tasks.spawn(server.run(listener, None, CancellationToken::new()));
    Ok(Channel::from_shared(format!("http://{address}"))?.connect().await?)
}

/// The sample configuration, and agents with just enough room.
async fn set_up(channel: &Channel) -> anyhow::Result<()> {
    let document: Document = serde_saphyr::from_str(include_str!("../demo/configuration.yaml"))?;
    let mut configuration = ticketing::configuration::wire::message(&document);
    configuration.name = "tenants/bench/configuration".into();
    let request = pb::ApplyConfigurationRequest { configuration: Some(configuration), ..Default::default() };
    ConfigurationServiceClient::new(channel.clone()).apply_configuration(request).await?;
    for n in 0..AGENTS {
        let skills = ["german", "billing"].map(|skill| pb::AgentSkill { skill: skill.into(), level: 3 });
        let agent = pb::Agent {
            name: format!("tenants/bench/agents/agent-{n:03}"),
            display_name: format!("Agent {n}"),
            teams: vec!["desk-de".into()],
            skills: skills.into(),
            capacity: (TICKETS / AGENTS) as i32,
            ..Default::default()
        };
        let request = pb::UpsertAgentRequest { agent: Some(agent), validate_only: false };
        AgentServiceClient::new(channel.clone()).upsert_agent(request).await?;
    }
    Ok(())
}

async fn record(channel: &Channel) -> anyhow::Result<()> {
    let bar = ProgressBar::new(TICKETS as u64).with_message("recording tickets");
    let mut tickets = TicketServiceClient::new(channel.clone());
    let draft = |n: usize| pb::CreateTicketRequest {
        parent: "tenants/bench".into(),
        ticket: Some(pb::Ticket {
            title: "VPN bricht nach zehn Minuten ab".into(),
            language_code: "de".into(),
            category: if n.is_multiple_of(10) { "contract" } else { "network" }.into(),
            organization: format!("tenants/bench/organizations/{}", n % 500),
            ..Default::default()
        }),
        ..Default::default()
    };
    for batch in 0..TICKETS / 100 {
        let requests = (0..100).map(|n| draft(100 * batch + n)).collect();
        let parent = "tenants/bench".into();
        tickets
            .batch_create_tickets(pb::BatchCreateTicketsRequest { parent, requests, ..Default::default() })
            .await?;
        bar.inc(100);
    }
    bar.finish_and_clear();
    Ok(())
}
