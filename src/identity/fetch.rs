//! Where an issuer's keys come from: its discovery document names a place, and there they are.

use std::{path::PathBuf, sync::OnceLock, time::Duration};

use anyhow::Context as _;
use http::{Request, header};
use http_body_util::Full;
use hyper::body::Bytes;
use serde::Deserialize;
use serde_json::Value;
use tokio::time::timeout;

use super::document::{Issuer, is_guarded};
use crate::outbound::{self, Trust};

/// The largest document, bytes.
const MAX_DOCUMENT: usize = 256 << 10;
/// How long a fetch may take, discovery and keys together.
const TIME: Duration = Duration::from_secs(5);

/// An issuer's server.
pub struct Source {
    issuer: String,
    /// Where the keys are; found once.
    place: OnceLock<String>,
    token_file: Option<PathBuf>,
    trust: Trust,
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.issuer)
    }
}

#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
}

#[derive(Deserialize)]
struct KeySet {
    keys: Vec<Value>,
}

impl Source {
    pub fn of(issuer: &Issuer) -> anyhow::Result<Self> {
        let authorities = match &issuer.ca_file {
            Some(file) => {
                outbound::certificates(file).with_context(|| format!("ca_file of {}", issuer.issuer))?
            }
            None => Vec::new(),
        };
        Ok(Self {
            issuer: issuer.issuer.clone(),
            place: issuer.keys_url.clone().map_or_else(OnceLock::new, OnceLock::from),
            token_file: issuer.token_file.clone(),
            trust: Trust::with(&authorities)?,
        })
    }

    /// The keys as they are now. The error is for people.
    pub async fn fetch(&self) -> Result<Vec<Value>, String> {
        timeout(TIME, self.keys()).await.map_err(|_| "no answer in time".to_owned())?
    }

    async fn keys(&self) -> Result<Vec<Value>, String> {
        if self.place.get().is_none() {
            let found = self.discover().await?;
            self.place.get_or_init(|| found);
        }
        let place = self.place.get().ok_or("nobody says where the keys are")?;
        let set: KeySet = self.get(place).await?;
        Ok(set.keys)
    }

    async fn discover(&self) -> Result<String, String> {
        let url = format!("{}/.well-known/openid-configuration", self.issuer.trim_end_matches('/'));
        let found: Discovery = self.get(&url).await?;
        if found.issuer != self.issuer {
            return Err(format!("{url} is the document of another issuer: {}", found.issuer));
        }
        if !is_guarded(&found.jwks_uri) {
            return Err(format!("{url} names an unguarded place for the keys: {}", found.jwks_uri));
        }
        Ok(found.jwks_uri)
    }

    async fn get<T: for<'a> Deserialize<'a>>(&self, url: &str) -> Result<T, String> {
        let mut request = Request::get(url).header(header::ACCEPT, "application/json");
        if let Some(file) = &self.token_file {
            let token =
                std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
            request = request.header(header::AUTHORIZATION, format!("Bearer {}", token.trim()));
        }
        let request = request.body(Full::<Bytes>::default()).map_err(|_| format!("{url} is no URL"))?;
        let answer = outbound::send(&self.trust, request, MAX_DOCUMENT).await?;
        if answer.status != 200 || !answer.whole {
            return Err(format!("{url} answered {}, or more than 256 KiB", answer.status));
        }
        serde_json::from_slice(&answer.body)
            .map_err(|error| format!("{url} is not what it should be: {error}"))
    }
}
