//! How the broker knows us: by what stands in files at the time of each connection, so that they may change while the process runs.

use std::{fs, path::PathBuf};

use anyhow::{Context as _, anyhow};
use async_nats::{Auth, AuthError, ServerAddr};
use nkeys::KeyPair;

use super::nats::Settings;

/// The files.
#[derive(Clone, Debug)]
pub(super) struct Login {
    credentials: Option<PathBuf>,
    url_file: Option<PathBuf>,
}

impl Login {
    /// What the settings say that stands in files; `None`: nothing does.
    pub(super) fn of(settings: &Settings) -> Option<Self> {
        let (credentials, url_file) = (settings.credentials.clone(), settings.url_file.clone());
        (credentials.is_some() || url_file.is_some()).then_some(Self { credentials, url_file })
    }

    /// The answer to a server that wants this signed.
    pub(super) fn answer(&self, nonce: &[u8]) -> Result<Auth, AuthError> {
        self.read(nonce).map_err(|error| AuthError::new(format!("{error:#}")))
    }

    pub(super) fn read(&self, nonce: &[u8]) -> anyhow::Result<Auth> {
        let read = |file: &PathBuf| fs::read_to_string(file).with_context(|| file.display().to_string());
        let mut auth = Auth::new();
        if let Some(file) = &self.credentials {
            let text = read(file)?;
            let (jwt, seed) = parts(&text)
                .with_context(|| format!("{} has no credentials as nsc writes them", file.display()))?;
            let key = KeyPair::from_seed(seed).map_err(|error| anyhow!("{}: {error}", file.display()))?;
            auth.jwt = Some(jwt.to_owned());
            auth.signature = Some(key.sign(nonce)?);
        } else if let Some(file) = &self.url_file {
            let text = read(file)?;
            let first = text.split(',').next().unwrap_or_default().trim();
            let url: ServerAddr = first.parse().with_context(|| format!("{} has no URL", file.display()))?;
            auth.username = url.username().map(str::to_owned);
            auth.password = url.password().map(str::to_owned);
        }
        Ok(auth)
    }
}

/// Token and seed, each between lines of dashes.
fn parts(text: &str) -> Option<(&str, &str)> {
    let mut within = text.lines().map(str::trim).skip_while(|line| !line.starts_with("---"));
    let mut next = || {
        within.find(|line| line.starts_with("---") && line.contains("BEGIN"))?;
        within.next().filter(|line| !line.is_empty() && !line.starts_with("---"))
    };
    Some((next()?, next()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_read_as_nsc_writes_them() {
        let text = "-----BEGIN NATS USER JWT-----\neyJ0.eyJq.c2ln\n------END NATS USER JWT------\n\n\
                    ************************* IMPORTANT *************************\nNKEY Seed printed below.\n\n\
                    -----BEGIN USER NKEY SEED-----\nSUAIO3\n------END USER NKEY SEED------\n";
        assert_eq!(parts(text), Some(("eyJ0.eyJq.c2ln", "SUAIO3")));
        assert_eq!(parts(&text.replace('\n', "\r\n")), Some(("eyJ0.eyJq.c2ln", "SUAIO3")));
        for broken in ["", "eyJ0", "-----BEGIN NATS USER JWT-----\neyJ0\n", &text.replace("SUAIO3\n", "")] {
            assert_eq!(parts(broken), None, "{broken}");
        }
    }
}
