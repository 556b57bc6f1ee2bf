//! Our side: callers over real gRPC connections, each with one call under way at a time. They do what pgbench does for
//! its side: send, receive all of the answer, look whether it is one; what a client makes of it is not measured.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use anyhow::ensure;
use http_body_util::{BodyExt as _, Full};
use hyper::{
    Request,
    body::Bytes,
    client::conn::http2::{SendRequest, handshake},
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use indicatif::ProgressBar;
use prost::Message;
use ticketing_proto::v1 as pb;
use tokio::net::TcpStream;

use super::{Round, stage::Stage};

/// Callers share this many connections.
const CONNECTIONS: usize = 4;

static REQUEST: AtomicU64 = AtomicU64::new(0);

/// A connection, for many callers at once.
#[derive(Clone)]
struct Connection {
    sender: SendRequest<Full<Bytes>>,
    address: String,
}

impl Connection {
    async fn open(stage: &Stage) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(stage.address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioExecutor::new(), TokioIo::new(stream)).await?;
        stage.runtime.spawn(connection);
        Ok(Self { sender, address: format!("http://{}/ticketing.v1.TicketService", stage.address) })
    }

    async fn call(mut self, method: &str, message: impl Message) -> anyhow::Result<()> {
        // A frame: not compressed, its length, the message.
        let length = message.encoded_len();
        let mut frame = Vec::with_capacity(5 + length);
        frame.push(0);
        frame.extend_from_slice(&u32::try_from(length)?.to_be_bytes());
        message.encode(&mut frame)?;
        let request = Request::post(format!("{}/{method}", self.address))
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .body(Full::new(Bytes::from(frame)))?;
        self.sender.ready().await?;
        let answer = self.sender.send_request(request).await?.into_body().collect().await?;
        let status = answer.trailers().and_then(|trailers| trailers.get("grpc-status"));
        ensure!(status.is_some_and(|status| status == "0"), "{method} failed: {:?}", answer.trailers());
        Ok(())
    }
}

pub fn creates(stage: &Stage, clients: usize, round: Duration) -> anyhow::Result<Round> {
    measure(stage, clients, round, |connection, _| connection.call("CreateTicket", draft()))
}

pub fn gets(stage: &Stage, among: u64, clients: usize, round: Duration) -> anyhow::Result<Round> {
    measure(stage, clients, round, move |connection, turn| {
        // A stride that is prime to the number of tickets visits them all in no order that a cache would like.
        let id = ticketing::ids::Id(uuid::Uuid::from_u128(u128::from(1 + turn.wrapping_mul(7919) % among)));
        let name = format!("tenants/bench/tickets/{id}");
        connection.call("GetTicket", pb::GetTicketRequest { name, ..Default::default() })
    })
}

pub fn lists(stage: &Stage, clients: usize, round: Duration) -> anyhow::Result<Round> {
    measure(stage, clients, round, |connection, _| {
        let parent = "tenants/bench".to_owned();
        connection.call("ListTickets", pb::ListTicketsRequest { parent, page_size: 50, ..Default::default() })
    })
}

/// Records tickets before anything is measured.
pub async fn record(stage: &Stage, count: u64) -> anyhow::Result<()> {
    let bar = ProgressBar::new(count).with_message("recording tickets");
    let connections = connect(stage).await?;
    let mut callers = tokio::task::JoinSet::new();
    for caller in 0..64 {
        let (connection, bar) = (connections[caller % CONNECTIONS].clone(), bar.clone());
        callers.spawn(async move {
            for _ in 0..count.div_ceil(64) {
                connection.clone().call("CreateTicket", draft()).await?;
                bar.inc(1);
            }
            anyhow::Ok(())
        });
    }
    while let Some(done) = callers.join_next().await {
        done??;
    }
    bar.finish_and_clear();
    Ok(())
}

fn measure<F>(
    stage: &Stage,
    clients: usize,
    round: Duration,
    call: impl Fn(Connection, u64) -> F + Clone + Send + 'static,
) -> anyhow::Result<Round>
where
    F: Future<Output = anyhow::Result<()>> + Send,
{
    stage.runtime.block_on(async {
        let connections = connect(stage).await?;
        let start = Instant::now();
        let mut callers = tokio::task::JoinSet::new();
        for caller in 0..clients {
            let (connection, call) = (connections[caller % CONNECTIONS].clone(), call.clone());
            callers.spawn(async move {
                let mut times = Vec::new();
                let mut turn = caller as u64 * 1_000_003;
                while start.elapsed() < round {
                    let begin = Instant::now();
                    call(connection.clone(), turn).await?;
                    times.push(begin.elapsed());
                    turn += 1;
                }
                anyhow::Ok(times)
            });
        }
        let mut times = Vec::new();
        while let Some(done) = callers.join_next().await {
            times.extend(done??);
        }
        let spent = start.elapsed().as_secs_f64();
        times.sort();
        let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1000.0;
        Ok(Round { rate: times.len() as f64 / spent, p50: at(0.5), p99: at(0.99) })
    })
}

async fn connect(stage: &Stage) -> anyhow::Result<Vec<Connection>> {
    let mut connections = Vec::new();
    for _ in 0..CONNECTIONS {
        connections.push(Connection::open(stage).await?);
    }
    Ok(connections)
}

/// A ticket as a help desk gets it.
fn draft() -> pb::CreateTicketRequest {
    pb::CreateTicketRequest {
        parent: "tenants/bench".into(),
        request_id: format!("bench-{}", REQUEST.fetch_add(1, Ordering::Relaxed)),
        ticket: Some(pb::Ticket {
            title: "VPN bricht nach zehn Minuten ab".into(),
            description: "Seit dem letzten Update trennt sich das VPN im Homeoffice etwa alle zehn Minuten. \
                          Neu verbinden geht sofort, offene Dateien auf dem Server sind dann aber gesperrt. "
                .repeat(2),
            requester: "tenants/bench/contacts/4711".into(),
            organization: "tenants/bench/organizations/100".into(),
            category: "network".into(),
            product: "VPN".into(),
            language_code: "de".into(),
            impact: pb::Impact::Medium.into(),
            urgency: pb::Urgency::High.into(),
            tags: vec!["vpn".into(), "home".into()],
            ..Default::default()
        }),
        ..Default::default()
    }
}
