//! Calling a server from the command line: the connection, who calls, and what a refusal says to people.

use std::{fmt::Write as _, fs, io, time::Duration};

use anyhow::{Context as _, anyhow};
use http::Uri;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use tonic::{
    Request, Status,
    metadata::{Ascii, MetadataValue},
    service::{Interceptor, interceptor::InterceptedService},
    transport::{Channel, Endpoint},
};
use tonic_types::StatusExt as _;
use tower::service_fn;

use crate::{
    config::Client,
    error::chain,
    outbound::{Trust, certificates},
};

/// A channel that says who calls.
pub type Caller = InterceptedService<Channel, Bearer>;

/// Puts the token on every call.
#[derive(Clone, Debug)]
pub struct Bearer(Option<MetadataValue<Ascii>>);

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(token) = &self.0 {
            request.metadata_mut().insert("authorization", token.clone());
        }
        Ok(request)
    }
}

/// A channel on which somebody calls who has this token.
pub fn speaking(channel: Channel, token: MetadataValue<Ascii>) -> Caller {
    InterceptedService::new(channel, Bearer(Some(token)))
}

/// Connects to the server.
pub async fn connect(client: &Client) -> anyhow::Result<Caller> {
    let Client { address, ca_file, token, token_file, .. } = client;
    let token = match token_file {
        Some(file) => Some(fs::read_to_string(file).with_context(|| file.display().to_string())?),
        None => token.as_ref().map(|token| token.expose().to_owned()),
    };
    let bearer = token.map(|token| format!("Bearer {}", token.trim()).parse());
    let bearer = bearer.transpose().context("the token has characters that no token has")?;
    let endpoint = Endpoint::from(address.0.clone())
        .connect_timeout(Duration::from_secs(5))
        .timeout(Duration::from_mins(1));
    let channel = if address.is_secure() {
        let authorities = ca_file.as_deref().map(certificates).transpose()?.unwrap_or_default();
        let trust = Trust::with(&authorities)?.for_grpc();
        let connector = service_fn(move |uri| secured(trust.clone(), uri));
        endpoint
            .connect_with_connector(connector)
            .await
            .map_err(|error| anyhow!("no server answers at {address}: {}", chain(&error)))?
    } else {
        endpoint.connect().await.map_err(|_| {
            anyhow!("no server answers at {address}; start one with `ticketing serve`, or name another with --address")
        })?
    };
    Ok(InterceptedService::new(channel, Bearer(bearer)))
}

async fn secured(trust: Trust, uri: Uri) -> io::Result<TokioIo<TlsStream<TcpStream>>> {
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    let stream = TcpStream::connect((host, uri.port_u16().unwrap_or(443))).await?;
    stream.set_nodelay(true)?;
    trust.secure(host, stream).await.map(TokioIo::new).map_err(io::Error::other)
}

/// A refusal as a sentence, with every fault on a line of its own.
pub fn refusal(status: &Status) -> anyhow::Error {
    let details = status.get_error_details();
    let reason = details.error_info().map(|info| format!(" ({})", info.reason)).unwrap_or_default();
    let faults = details.bad_request().map(|bad| bad.field_violations.as_slice()).unwrap_or_default();
    if faults.is_empty() {
        return anyhow!("the server refuses: {}{reason}", status.message());
    }
    let mut text = format!("the server refuses{reason}:");
    for fault in faults {
        _ = write!(text, "\n  {}: {}", fault.field, fault.description);
    }
    if let Some(more) = details.error_info().and_then(|info| info.metadata.get("violations_omitted")) {
        _ = write!(text, "\n  and {more} more");
    }
    anyhow!(text)
}
