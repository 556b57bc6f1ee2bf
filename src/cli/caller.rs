//! Calling a server from the command line: the connection, who calls, and what a refusal says to people.

use std::{fmt::Write as _, time::Duration};

use anyhow::{Context as _, anyhow};
use tonic::{
    Request, Status,
    metadata::{Ascii, MetadataValue},
    service::{Interceptor, interceptor::InterceptedService},
    transport::{Channel, Endpoint},
};
use tonic_types::StatusExt as _;

use crate::config::Client;

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

/// Connects to the server.
pub async fn connect(client: &Client) -> anyhow::Result<Caller> {
    let token = client.token.as_ref().map(|token| format!("Bearer {}", token.expose()).parse());
    let token = token.transpose().context("the token has characters that no token has")?;
    let endpoint = Endpoint::from(client.address.clone())
        .connect_timeout(Duration::from_secs(5))
        .timeout(Duration::from_mins(1));
    let channel = endpoint.connect().await.map_err(|_| {
        anyhow!(
            "no server answers at {}; start one with `ticketing serve`, or name another with --address",
            client.address
        )
    })?;
    Ok(InterceptedService::new(channel, Bearer(token)))
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
