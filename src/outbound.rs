//! One HTTP request to somebody else's server: over a connection of its own, following nothing, reading little.

use std::{path::Path, pin::pin, sync::Arc};

use anyhow::{Context as _, ensure};
use http::{HeaderMap, HeaderValue, Request, header};
use http_body_util::{BodyExt as _, Full};
use hyper::{
    body::{Bytes, Incoming},
    client::conn::http1,
};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{
        ClientConfig, RootCertStore,
        crypto::ring,
        pki_types::{CertificateDer, ServerName, pem::PemObject as _},
    },
};

use crate::error::{Error, Result};

/// What is kept of an answer's head and of parts that are read ahead, bytes.
const MAX_HEAD: usize = 64 << 10;

/// As what we come.
pub const USER_AGENT: &str = concat!("ticketing/", env!("CARGO_PKG_VERSION"));

/// The certificates in a file (PEM); there is at least one.
pub fn certificates(file: &Path) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let read = || CertificateDer::pem_file_iter(file)?.collect::<Result<Vec<_>, _>>();
    let found = read().with_context(|| file.display().to_string())?;
    ensure!(!found.is_empty(), "{} has no certificate", file.display());
    Ok(found)
}

/// Whom we believe to be whom they say.
#[derive(Clone, Debug)]
pub struct Trust(Arc<ClientConfig>);

impl Trust {
    /// The authorities that browsers trust, and these.
    pub fn with(authorities: &[CertificateDer<'static>]) -> Result<Self> {
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        for authority in authorities {
            roots.add(authority.clone()).map_err(Error::internal)?;
        }
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(Error::internal)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self(Arc::new(config)))
    }

    /// The same for gRPC: proxies choose the protocol by what a client says here.
    #[must_use]
    pub fn for_grpc(&self) -> Self {
        let mut config = ClientConfig::clone(&self.0);
        config.alpn_protocols = vec![b"h2".to_vec()];
        Self(Arc::new(config))
    }

    /// TLS over a connection, with a host of this name or address. The error is for people.
    pub async fn secure(&self, host: &str, stream: TcpStream) -> Result<TlsStream<TcpStream>, String> {
        let name = ServerName::try_from(host.trim_end_matches('.').to_owned())
            .map_err(|_| "the host has no name that a certificate could have".to_owned())?;
        let connector = TlsConnector::from(Arc::clone(&self.0));
        connector.connect(name, stream).await.map_err(|error| format!("TLS failed: {error}"))
    }
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    /// As much of it as was wanted.
    pub body: Vec<u8>,
    /// Whether that is all of it.
    pub whole: bool,
}

/// Sends a request and reads the answer, of its body at most `limit` bytes. The error is for people.
pub async fn exchange<S>(stream: S, request: Request<Full<Bytes>>, limit: usize) -> Result<Answer, String>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(MAX_HEAD)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|error| format!("no HTTP: {error}"))?;
    let mut exchange = pin!(async {
        let answer = sender.send_request(request).await.map_err(|error| format!("no answer: {error}"))?;
        read(answer, limit).await
    });
    let mut connection = pin!(connection);
    tokio::select! {
        biased;
        answer = &mut exchange => answer,
        // What came before the end is still to be read.
        _ = &mut connection => exchange.await,
    }
}

/// Sends a request to where its URL leads, and reads the answer as [`exchange`] does.
pub async fn send(trust: &Trust, request: Request<Full<Bytes>>, limit: usize) -> Result<Answer, String> {
    let (mut parts, body) = request.into_parts();
    let uri = std::mem::take(&mut parts.uri);
    let (Some(host), Some(authority)) = (uri.host(), uri.authority()) else {
        return Err(format!("{uri} is no URL"));
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let tls = uri.scheme_str() == Some("https");
    let port = uri.port_u16().unwrap_or(if tls { 443 } else { 80 });
    let value = |text: &str| HeaderValue::from_str(text).map_err(|error| error.to_string());
    parts.headers.insert(header::HOST, value(authority.as_str())?);
    parts.headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    parts.headers.insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
    let path = uri.path_and_query().map_or("/", |it| it.as_str());
    parts.uri = path.parse().map_err(|_| format!("{path} is no path"))?;
    let request = Request::from_parts(parts, body);
    let stream = TcpStream::connect((host, port)).await.map_err(|error| format!("{host}:{port}: {error}"))?;
    if tls {
        exchange(trust.secure(host, stream).await?, request, limit).await
    } else {
        exchange(stream, request, limit).await
    }
}

async fn read(answer: http::Response<Incoming>, limit: usize) -> Result<Answer, String> {
    let (parts, mut rest) = answer.into_parts();
    let status = parts.status.as_u16();
    let (mut body, mut whole) = (Vec::new(), true);
    while let Some(frame) = rest.frame().await {
        let frame = frame.map_err(|_| format!("the answer {status} broke off"))?;
        let Some(data) = frame.data_ref() else { continue };
        body.extend(data.iter().take(limit - body.len()));
        if body.len() >= limit {
            whole = false;
            break;
        }
    }
    Ok(Answer { status, headers: parts.headers, body, whole })
}
