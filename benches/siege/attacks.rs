//! What is done to the server, each in so many strokes and so much time.

use std::{
    collections::BTreeMap,
    io::{self, ErrorKind, Read as _},
    net::SocketAddr,
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use flate2::{Compression, read::GzEncoder};
use http_body_util::Full;
use hyper::body::Bytes;
use ticketing_proto::v1::{self as pb, ticket_service_client::TicketServiceClient};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinSet,
    time::{interval, sleep, timeout},
};
use tonic::{Code, Status, body::Body};
use tower::{Service as _, ServiceExt as _};

use super::{
    frames,
    stage::{TENANT_RATE, by, channel},
};

const CREATE: &str = "/ticketing.v1.TicketService/CreateTicket";
const MIB: usize = 1024 * 1024;
/// Strokes of a large message or header, and the time between two.
const LARGE: usize = 60;
const LARGE_PACE: Duration = Duration::from_millis(50);
/// Silent sockets: below the cap at a time, so that the others may still come.
const GROUPS: usize = 6;
const GROUP: usize = 1900;
/// Seconds that a storm goes on.
const STORM: u64 = 4;
/// Calls that are taken back in a millisecond.
const RESETS: u32 = 11;
/// The loud tenant's callers, and what each asks for in a second: 50 times what the tenant may, in all.
const LOUD: u32 = 20;
const LOUD_RATE: u32 = 50 * TENANT_RATE / LOUD;

#[derive(Clone, Copy, Debug)]
pub enum Attack {
    Silent,
    Reset,
    Headers,
    Gzip,
    Nesting,
    Loud,
}

impl Attack {
    pub const ALL: [Self; 6] =
        [Self::Silent, Self::Reset, Self::Headers, Self::Gzip, Self::Nesting, Self::Loud];

    pub fn name(self) -> &'static str {
        match self {
            Self::Silent => "silent",
            Self::Reset => "reset",
            Self::Headers => "headers",
            Self::Gzip => "gzip",
            Self::Nesting => "nesting",
            Self::Loud => "loud",
        }
    }

    /// What others may notice of it: their p99, by that in peace.
    pub fn ratio(self) -> f64 {
        if matches!(self, Self::Loud) { 1.5 } else { 2.0 }
    }

    /// The bytes that are thrown, made beforehand.
    pub fn weapon(self) -> anyhow::Result<Bytes> {
        Ok(match self {
            Self::Headers => frames::call(1, CREATE, MIB).into(),
            // 512 MiB of nothing.
            Self::Gzip => {
                let mut packed = Vec::new();
                let nothing = io::repeat(0).take(512 * MIB as u64);
                GzEncoder::new(nothing, Compression::best()).read_to_end(&mut packed)?;
                message(true, &packed)?
            }
            // Groups inside of groups, each of a field that nobody knows.
            Self::Nesting => message(false, &vec![0x7b; MIB - 1])?,
            Self::Silent | Self::Reset | Self::Loud => Bytes::new(),
        })
    }

    /// Does it, and says what became of it.
    pub async fn run(self, at: SocketAddr, weapon: Bytes) -> anyhow::Result<String> {
        match self {
            Self::Silent => silent(at).await,
            Self::Reset => reset(at).await,
            Self::Headers => headers(at, &weapon).await,
            Self::Gzip => throw(at, weapon, &[("grpc-encoding", "gzip")], Code::Unimplemented).await,
            Self::Nesting => throw(at, weapon, &[], Code::InvalidArgument).await,
            Self::Loud => loud(at).await,
        }
    }
}

/// A message in its gRPC frame.
fn message(compressed: bool, message: &[u8]) -> anyhow::Result<Bytes> {
    let length = u32::try_from(message.len())?.to_be_bytes();
    Ok([&[u8::from(compressed)][..], &length, message].concat().into())
}

/// Sockets that say nothing, or half of what a client says first. The last group waits until it is closed.
async fn silent(at: SocketAddr) -> anyhow::Result<String> {
    for group in 1..=GROUPS {
        let mut sockets = Vec::new();
        for n in 0..GROUP {
            let mut socket = TcpStream::connect(at).await?;
            if n % 2 == 0 {
                socket.write_all(b"PRI * HTTP/2.0").await?;
            }
            sockets.push(socket);
        }
        if group < GROUPS {
            sleep(Duration::from_millis(500)).await;
            continue;
        }
        let last = Instant::now();
        for mut socket in sockets {
            // Closed, or reset because what was sent was not read to its end.
            _ = socket.read_to_end(&mut Vec::new()).await;
        }
        ensure!(last.elapsed() < Duration::from_secs(6), "closed only after {:?}", last.elapsed());
    }
    Ok(format!("{} sockets in groups of {GROUP}, all closed in time", GROUPS * GROUP))
}

/// Calls that are taken back at once.
async fn reset(at: SocketAddr) -> anyhow::Result<String> {
    let (mut taken_back, mut connections) = (0, 0);
    let mut pace = interval(Duration::from_millis(1));
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(STORM) {
        let mut socket = frames::hello(at).await;
        connections += 1;
        let mut next = 1;
        while began.elapsed() < Duration::from_secs(STORM) {
            pace.tick().await;
            let strokes = (0..RESETS).map(|n| next + 2 * n);
            let bytes: Vec<u8> =
                strokes.flat_map(|n| [frames::call(n, CREATE, 0), frames::reset(n)].concat()).collect();
            if socket.write_all(&bytes).await.is_err() || is_closed(&socket) {
                break;
            }
            next += 2 * RESETS;
            taken_back += RESETS;
        }
    }
    let rate = f64::from(taken_back) / began.elapsed().as_secs_f64();
    Ok(format!("{taken_back} calls taken back, {rate:.0} a second, over {connections} connections"))
}

/// Reads what there is, and says whether that was the end.
fn is_closed(socket: &TcpStream) -> bool {
    let mut buffer = [0; 4096];
    loop {
        match socket.try_read(&mut buffer) {
            Ok(0) => return true,
            Ok(_) => {}
            Err(error) => return error.kind() != ErrorKind::WouldBlock,
        }
    }
}

/// Headers of 1 MiB.
async fn headers(at: SocketAddr, headers: &[u8]) -> anyhow::Result<String> {
    let mut pace = interval(LARGE_PACE);
    for _ in 0..LARGE {
        pace.tick().await;
        let mut socket = frames::hello(at).await;
        // The server need not read it all, and may be gone before the end.
        _ = socket.write_all(headers).await;
        let ended = frames::read(&mut socket, frames::GOAWAY);
        // Told to go, or cut.
        _ = timeout(Duration::from_secs(5), ended).await.context("the connection stays open")?;
    }
    Ok(format!("{LARGE} connections with 1 MiB each, all ended"))
}

/// Bodies that must be refused with a code.
async fn throw(
    at: SocketAddr,
    body: Bytes,
    headers: &[(&str, &str)],
    expected: Code,
) -> anyhow::Result<String> {
    let mut channel = channel(at).await?;
    let mut pace = interval(LARGE_PACE);
    let mut answers = BTreeMap::<String, usize>::new();
    for _ in 0..LARGE {
        pace.tick().await;
        let mut request = http::Request::post(format!("http://{at}{CREATE}"))
            .header("content-type", "application/grpc")
            .header("te", "trailers");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::new(Full::new(body.clone())))?;
        let answer = channel.ready().await?.call(request).await?;
        let code = Status::from_header_map(answer.headers()).context("a refusal")?.code();
        *answers.entry(format!("{code:?}")).or_default() += 1;
    }
    ensure!(answers.keys().eq([&format!("{expected:?}")]), "answered with {answers:?}");
    Ok(format!("{LARGE} messages of {} KiB, all {expected:?}", body.len() / 1024))
}

/// A tenant that asks for 50 times what it may.
async fn loud(at: SocketAddr) -> anyhow::Result<String> {
    let mut callers = JoinSet::new();
    for n in 0..LOUD {
        let mut service = TicketServiceClient::new(channel(at).await?);
        callers.spawn(async move {
            let mut pace = interval(Duration::from_secs(1) / LOUD_RATE);
            let (mut answered, mut refused) = (0, 0);
            let began = Instant::now();
            while began.elapsed() < Duration::from_secs(STORM) {
                pace.tick().await;
                let request =
                    pb::GetTicketRequest { name: "tenants/loud/tickets/1".into(), ..Default::default() };
                match service.get_ticket(by(&format!("c{n}"), "loud", request)?).await {
                    Err(status) if status.code() == Code::ResourceExhausted => refused += 1,
                    _ => answered += 1,
                }
            }
            anyhow::Ok((answered, refused))
        });
    }
    let (mut answered, mut refused) = (0, 0);
    for done in callers.join_all().await {
        let (more, less) = done?;
        (answered, refused) = (answered + more, refused + less);
    }
    let most = u64::from(TENANT_RATE) * (STORM + 2);
    ensure!(answered <= most, "{answered} calls were let in, {most} are due at most");
    let rate = (answered + refused) / STORM;
    Ok(format!("{rate} calls a second, {refused} refused, {answered} let in"))
}
