//! One POST to an address that a subscriber chose: over a connection of its own, to the very address that was checked,
//! following nothing, reading little, within its time.

use std::{net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use http::{HeaderMap, Method, Request, header};
use http_body_util::{BodyExt as _, Full};
use hyper::{
    body::{Bytes, Incoming},
    client::conn::http1,
};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, lookup_host},
    time::timeout,
};
use tokio_rustls::{
    TlsConnector,
    rustls::{ClientConfig, RootCertStore, crypto::ring, pki_types::ServerName},
};

use super::target::{Reach, Target, may_reach};
use crate::error::{Error, Result};

/// What is read of an answer at most, bytes, and what is kept of it.
const MAX_ANSWER: usize = 64 << 10;
const KEPT: usize = 256;

/// How far and how long.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    pub reach: Reach,
    pub connect: Duration,
    /// From the beginning to the end of the answer.
    pub whole: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { reach: Reach::default(), connect: Duration::from_secs(5), whole: Duration::from_secs(15) }
    }
}

/// What sends.
#[derive(Clone, Debug)]
pub struct Poster {
    pub bounds: Bounds,
    tls: Arc<ClientConfig>,
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    /// Retry-After, where it is a number of seconds.
    pub retry_after: Option<Duration>,
    /// How it began.
    pub text: String,
}

impl Poster {
    pub fn new(bounds: Bounds) -> Result<Self> {
        let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(Error::internal)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self { bounds, tls: Arc::new(tls) })
    }

    /// Sends; the error says in a few words why there is no answer.
    pub async fn post(&self, url: &str, headers: HeaderMap, body: &str) -> Result<Answer, String> {
        let target = Target::parse(url, self.bounds.reach).map_err(|fault| format!("the URL {fault}"))?;
        let exchange = async {
            let stream = timeout(self.bounds.connect, self.connect(&target))
                .await
                .map_err(|_| "no connection in time".to_owned())??;
            let request = request(&target, headers, body)?;
            if !target.tls {
                return exchange(stream, request).await;
            }
            let name = ServerName::try_from(target.host.trim_end_matches('.').to_owned())
                .map_err(|_| "the host has no name that a certificate could have".to_owned())?;
            let connector = TlsConnector::from(Arc::clone(&self.tls));
            let stream = timeout(self.bounds.connect, connector.connect(name, stream))
                .await
                .map_err(|_| "no TLS in time".to_owned())?
                .map_err(|error| format!("TLS failed: {error}"))?;
            exchange(stream, request).await
        };
        timeout(self.bounds.whole, exchange).await.map_err(|_| "no answer in time".to_owned())?
    }

    /// Every address of the name is looked at before one of them is connected to; a name with a single one inside is
    /// refused.
    async fn connect(&self, target: &Target) -> Result<TcpStream, String> {
        let found = lookup_host((target.host.as_str(), target.port)).await;
        let found: Vec<SocketAddr> = found.map_err(|_| "the host is not known".to_owned())?.collect();
        if !found.iter().all(|it| may_reach(it.ip(), self.bounds.reach)) {
            return Err("the host leads into a private network".to_owned());
        }
        let mut failure = "the host has no address".to_owned();
        for address in found {
            match TcpStream::connect(address).await {
                Ok(stream) => return Ok(stream),
                Err(error) => failure = format!("no connection: {error}"),
            }
        }
        Err(failure)
    }
}

fn request(target: &Target, headers: HeaderMap, body: &str) -> Result<Request<Full<Bytes>>, String> {
    let mut request = Request::builder()
        .method(Method::POST)
        .uri(&target.path)
        .header(header::HOST, &target.authority)
        .header(header::CONNECTION, "close")
        .header(header::USER_AGENT, concat!("ticketing/", env!("CARGO_PKG_VERSION")))
        .body(Full::new(Bytes::copy_from_slice(body.as_bytes())))
        .map_err(|error| error.to_string())?;
    request.headers_mut().extend(headers);
    Ok(request)
}

async fn exchange<S>(stream: S, request: Request<Full<Bytes>>) -> Result<Answer, String>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(MAX_ANSWER)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|error| format!("no HTTP: {error}"))?;
    let mut exchange = pin!(async {
        let answer = sender.send_request(request).await.map_err(|error| format!("no answer: {error}"))?;
        read(answer).await
    });
    let mut connection = pin!(connection);
    tokio::select! {
        biased;
        answer = &mut exchange => answer,
        // What came before the end is still to be read.
        _ = &mut connection => exchange.await,
    }
}

async fn read(answer: http::Response<Incoming>) -> Result<Answer, String> {
    let (parts, mut body) = answer.into_parts();
    let mut start = Vec::new();
    let mut length = 0;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| format!("the answer {} broke off", parts.status.as_u16()))?;
        let Some(data) = frame.data_ref() else { continue };
        start.extend(data.iter().take(KEPT - start.len()));
        length += data.len();
        if length >= MAX_ANSWER {
            break;
        }
    }
    let seconds = |value: &http::HeaderValue| value.to_str().ok()?.trim().parse().ok();
    Ok(Answer {
        status: parts.status.as_u16(),
        retry_after: parts.headers.get(header::RETRY_AFTER).and_then(seconds).map(Duration::from_secs),
        text: String::from_utf8_lossy(&start).replace('\0', " "),
    })
}
