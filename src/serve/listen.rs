//! How connections live: how many there may be, how slow and how old, and how they end when the server does.

use std::{convert::Infallible, io, pin::pin, sync::Arc, time::Duration};

use hyper::{
    body::Incoming,
    rt::{Executor, Read, Write},
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::conn::auto,
    service::TowerToHyperService,
};
use jiff::fmt::serde::unsigned_duration::friendly::compact::required as friendly;
use serde::Deserialize;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::{sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tonic::body::Body;
use tower::{Service, ServiceExt as _};

use super::{
    deadline::Leaving,
    layer::{Call, Reply},
    origin::Origin,
    tls::{Peer, Tls},
};
use crate::metrics::Metrics;

/// Request headers of one call, bytes.
const MAX_HEADERS: u32 = 16 * 1024;
/// Calls at a time on one HTTP/2 connection.
const MAX_STREAMS: u32 = 128;
/// Calls that may be taken back before they were looked at, and streams that may break for a fault of the client's, until
/// its connection is ended.
const MAX_RESETS: (usize, usize) = (20, 100);
/// A peer that is silent for this long is asked whether it lives, and has so long to answer.
const KEEPALIVE: (Duration, Duration) = (Duration::from_secs(20), Duration::from_secs(10));
/// What an HTTP/2 client says first.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// How long to wait after an accept that failed for want of something, file descriptors mostly.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What connections are allowed.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Connections at a time; one more is closed at once, so that its client turns to another server.
    pub connections: usize,
    /// How long a client may take for TLS and its first bytes, and over HTTP/1.1 for the headers of each request.
    #[serde(with = "friendly")]
    pub opening: Duration,
    /// How old a connection grows before it is asked to go; each connection varies by a fifth, so that they do not all
    /// come back at once.
    #[serde(with = "friendly")]
    pub age: Duration,
    /// How long calls of an aged connection may go on; longer than any method's longest deadline.
    #[serde(with = "friendly")]
    pub age_grace: Duration,
    /// How long calls may go on when the server goes down.
    #[serde(with = "friendly")]
    pub drain_grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 2000,
            opening: Duration::from_secs(5),
            age: Duration::from_mins(10),
            age_grace: Duration::from_secs(150),
            drain_grace: Duration::from_secs(20),
        }
    }
}

/// Serves the listener until `drain`, then ends every connection: asked at first, cut after the grace. Returns how
/// many had to be cut. `metrics`: where the connections count.
pub(super) async fn listen<S>(
    listener: TcpListener,
    tls: Option<Tls>,
    service: S,
    limits: Limits,
    drain: CancellationToken,
    metrics: Option<Arc<Metrics>>,
) -> usize
where
    S: Service<Call, Response = Reply, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send + 'static,
{
    let tasks = TaskTracker::new();
    let cut = CancellationToken::new();
    // Whoever drops this future wants no connection to outlive it.
    let _cut = cut.clone().drop_guard();
    let room = Arc::new(Semaphore::new(limits.connections));
    let mut was_full = false;
    while let Some(accepted) = drain.run_until_cancelled(listener.accept()).await {
        let (stream, origin) = match accepted {
            Ok((stream, address)) => (stream, Origin::of(address.ip())),
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                drain.run_until_cancelled(sleep(ACCEPT_PAUSE)).await;
                continue;
            }
        };
        let Ok(place) = Arc::clone(&room).try_acquire_owned() else {
            if !was_full {
                tracing::warn!(
                    limit = limits.connections,
                    "no room for more connections: new ones are closed"
                );
            }
            was_full = true;
            if let Some(metrics) = &metrics {
                metrics.connections_refused.add(1, &[]);
            }
            continue;
        };
        was_full = false;
        let (limits, service, tls) = (limits.clone(), service.clone(), tls.clone());
        let (cut, drain, calls) = (cut.clone(), drain.clone(), tasks.clone());
        let open = metrics.as_ref().map(|metrics| metrics.connections.enter());
        tasks.spawn(async move {
            let served =
                cut.run_until_cancelled(serve((stream, origin), tls, service, &limits, drain, calls)).await;
            if let Some(Err(error)) = served {
                tracing::debug!(%error, "a connection broke");
            }
            drop((place, open));
        });
    }
    drop(listener);
    tasks.close();
    if timeout(limits.drain_grace, tasks.wait()).await.is_ok() {
        return 0;
    }
    let left = limits.connections - room.available_permits();
    cut.cancel();
    tasks.wait().await;
    left
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Serves one connection to its end.
async fn serve<S>(
    (stream, origin): (TcpStream, Origin),
    tls: Option<Tls>,
    service: S,
    limits: &Limits,
    drain: CancellationToken,
    calls: TaskTracker,
) -> Result<(), Failure>
where
    S: Service<Call, Response = Reply, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send + 'static,
{
    stream.set_nodelay(true)?;
    let opened = timeout(limits.opening, open(stream, tls));
    let Some(opened) = drain.run_until_cancelled(opened).await else {
        return Ok(());
    };
    let (io, peer) = opened.map_err(|_| "the client said nothing in time")??;
    let leaving = drain.child_token();
    let notice = Leaving::new(leaving.clone(), drain);
    let service = service.map_request(move |request: http::Request<Incoming>| {
        let mut call = request.map(Body::new);
        call.extensions_mut().insert(notice.clone());
        call.extensions_mut().insert(origin);
        if let Some(peer) = &peer {
            call.extensions_mut().insert(peer.clone());
        }
        call
    });
    let builder = builder(limits, calls);
    let mut connection = pin!(builder.serve_connection(io, TowerToHyperService::new(service)));
    tokio::select! {
        ended = connection.as_mut() => return ended,
        () = sleep(limits.age.mul_f64(0.8 + 0.4 * fastrand::f64())) => leaving.cancel(),
        () = leaving.cancelled() => {}
    }
    connection.as_mut().graceful_shutdown();
    timeout(limits.age_grace.max(limits.drain_grace), connection)
        .await
        .map_err(|_| "calls outlived their connection")?
}

/// A connection on which the client has begun to speak, of whatever kind.
type Opened = Box<dyn ReadWrite>;

trait ReadWrite: Read + Write + Unpin + Send {}

impl<T: Read + Write + Unpin + Send> ReadWrite for T {}

async fn open(stream: TcpStream, tls: Option<Tls>) -> io::Result<(Opened, Option<Peer>)> {
    let Some(tls) = tls else {
        let (read, write) = stream.into_split();
        return Ok((Box::new(first_words(read, write).await?), None));
    };
    let (stream, peer) = tls.accept(stream).await?;
    let (read, write) = tokio::io::split(stream);
    Ok((Box::new(first_words(read, write).await?), peer))
}

/// Reads until it is plain which HTTP the client speaks. hyper would wait for that without end, and so hold a place.
async fn first_words<R, W>(mut read: R, write: W) -> io::Result<impl Read + Write + Unpin + Send + 'static>
where
    R: AsyncRead + Unpin + Send + 'static,
    W: AsyncWrite + Unpin + Send + 'static,
{
    let mut first = Vec::with_capacity(PREFACE.len());
    while first.len() < PREFACE.len() && PREFACE.starts_with(&first) {
        let room = (PREFACE.len() - first.len()) as u64;
        if (&mut read).take(room).read_buf(&mut first).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(TokioIo::new(tokio::io::join(io::Cursor::new(first).chain(read), write)))
}

fn builder(limits: &Limits, calls: TaskTracker) -> auto::Builder<Tracked> {
    let mut builder = auto::Builder::new(Tracked(calls));
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.opening)
        .max_buf_size(MAX_HEADERS as usize);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(KEEPALIVE.0)
        .keep_alive_timeout(KEEPALIVE.1)
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(MAX_HEADERS)
        .max_pending_accept_reset_streams(MAX_RESETS.0)
        .max_local_error_reset_streams(MAX_RESETS.1);
    builder
}

/// Runs HTTP/2 calls as tasks that the drain waits for.
#[derive(Clone)]
struct Tracked(TaskTracker);

impl<F> Executor<F> for Tracked
where
    F: Future<Output: Send> + Send + 'static,
{
    fn execute(&self, call: F) {
        self.0.spawn(call);
    }
}
