//! What telemetry costs: the program itself with and without it, over one Postgres and in turn, so that a slow minute of the
//! machine hits both. With it, one call of twenty is traced, statement by statement, and told to a collector here.
//!
//! `cargo bench --bench telemetry`; `-- 10` measures by rounds of 10 seconds (default 4).

#[allow(dead_code)] // of the calls, some are for benches/load alone
#[path = "load/grpc.rs"]
mod grpc;

use std::{
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::Context as _;
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto::Builder,
    service::TowerToHyperService,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
    trace_service_server::{TraceService, TraceServiceServer},
};
use ticketing::db::embedded::{Embedded, Options};
use tokio::{net::TcpListener, runtime::Runtime};
use tonic::{Request, Response, Status};
use tower::ServiceExt as _;

use stage::Stage;

/// What the callers of benches/load call.
mod stage {
    use super::{Arc, Runtime, SocketAddr};

    pub struct Stage {
        pub runtime: Arc<Runtime>,
        pub address: SocketAddr,
    }
}

/// What one round gave.
#[derive(Clone, Copy, Debug)]
pub struct Round {
    /// Calls a second.
    pub rate: f64,
    /// Milliseconds.
    pub p50: f64,
    pub p99: f64,
}

/// Rounds of each side; odd, so that there is a median.
const ROUNDS: usize = 5;
const CLIENTS: usize = 32;

/// Counts what it is told.
#[derive(Clone, Default)]
struct Collector(Arc<AtomicU64>);

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let scopes = request.into_inner().resource_spans.into_iter().flat_map(|it| it.scope_spans);
        self.0.fetch_add(scopes.map(|scope| scope.spans.len() as u64).sum(), Ordering::Relaxed);
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

impl Collector {
    async fn listen(self) -> anyhow::Result<SocketAddr> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        #[allow(clippy::disallowed_methods)] // it ends with the program; no drain waits for it
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let service = TraceServiceServer::new(self.clone());
                let service =
                    service.map_request(|request: http::Request<_>| request.map(tonic::body::Body::new));
                tokio::spawn(async move {
                    let builder = Builder::new(TokioExecutor::new());
                    builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service)).await
                });
            }
        });
        Ok(address)
    }
}

/// The program, serving.
struct Server(Child, SocketAddr);

impl Server {
    fn start(url: &str, telemetry: &[&str]) -> anyhow::Result<Self> {
        let mut child = Command::new(env!("CARGO_BIN_EXE_ticketing"))
            .args(["serve", "--insecure", "--role", "api", "--listen", "127.0.0.1:0", "--log-format", "json"])
            // What is measured is the service, not what it lets one caller have.
            .args(["--caller-rate", "0", "--caller-calls", "0", "--tenant-rate", "0", "--tenant-calls", "0"])
            .args(["--database-url", url, "--database-connections", "16"])
            .args(telemetry)
            .env_clear()
            .stderr(Stdio::piped())
            .spawn()?;
        let mut log = BufReader::new(child.stderr.take().context("a pipe")?).lines();
        let address = log.by_ref().find_map(|line| {
            let line: serde_json::Value = serde_json::from_str(&line.ok()?).ok()?;
            (line["message"] == "serving").then(|| line["listen"].as_str()?.parse().ok()).flatten()
        });
        std::thread::spawn(move || log.for_each(drop));
        Ok(Self(child, address.context("it ended before it served")?))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

fn run(arguments: &[&str]) -> anyhow::Result<()> {
    let done = Command::new(env!("CARGO_BIN_EXE_ticketing")).args(arguments).env_clear().output()?;
    anyhow::ensure!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
    Ok(())
}

fn main() -> anyhow::Result<()> {
    let seconds = std::env::args().find_map(|word| word.parse().ok()).unwrap_or(4);
    let folder = tempfile::tempdir()?;
    let options =
        Options { dir: folder.path().join("pg"), durable: true, max_connections: 100, bin_dir: None };
    let postgres = Embedded::start(&options)?;
    let url = postgres.url();
    run(&["migrate", "--database-url", url])?;
    let runtime = Arc::new(tokio::runtime::Builder::new_multi_thread().enable_all().build()?);
    let collector = Collector::default();
    let endpoint = format!("http://{}", runtime.block_on(collector.clone().listen())?);
    let without = Server::start(url, &["--trace-ratio", "0"])?;
    let with = Server::start(
        url,
        &["--trace-ratio", "0.05", "--otlp-endpoint", &endpoint, "--health-listen", "127.0.0.1:0"],
    )?;
    let document = concat!(env!("CARGO_MANIFEST_DIR"), "/demo/configuration.yaml");
    run(&["config", "apply", "--address", &without.1.to_string(), "--tenant", "bench", "-f", document])?;
    let stages = [&without, &with].map(|server| Stage { runtime: Arc::clone(&runtime), address: server.1 });
    let mut rounds = [Vec::new(), Vec::new()];
    // The first of each is for warming up.
    for round in 0..=ROUNDS {
        for (stage, rounds) in stages.iter().zip(&mut rounds) {
            let measured = grpc::creates(stage, CLIENTS, Duration::from_secs(seconds))?;
            if round > 0 {
                rounds.push(measured);
            }
        }
    }
    let [without, with] = rounds.map(|mut rounds| {
        rounds.sort_by(|a, b| a.rate.total_cmp(&b.rate));
        rounds[ROUNDS / 2]
    });
    let (ratio, spans) = (with.rate / without.rate, collector.0.load(Ordering::Relaxed));
    println!(
        "CreateTicket, 32 clients: {:.0}/s without, {:.0}/s with, {spans} spans told",
        without.rate, with.rate
    );
    println!("ratio {ratio:.3}, >= 0.950 {}", if ratio >= 0.95 { "kept" } else { "MISSED" });
    anyhow::ensure!(spans > 0, "nothing was told");
    Ok(())
}
