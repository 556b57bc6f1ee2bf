//! The broker, as the settings name it.

use std::fs;

use anyhow::Context as _;

use crate::{
    config::Settings,
    db::Db,
    error::chain,
    events::relay::{self, Nats},
};

/// What the settings say of it; `None`: there is none.
pub async fn connect(settings: &Settings) -> anyhow::Result<Option<Nats>> {
    let url = match (&settings.nats_url, &settings.nats_url_file) {
        (Some(url), _) => url.expose().to_owned(),
        (None, Some(file)) => fs::read_to_string(file)
            .with_context(|| format!("nats_url_file: {}", file.display()))?
            .trim()
            .to_owned(),
        (None, None) => return Ok(None),
    };
    let nats = relay::Settings {
        url,
        credentials: settings.nats_credentials.clone(),
        url_file: settings.nats_url_file.clone(),
        authorities: settings.nats_ca_file.clone(),
        certificate: settings.nats_certificate_file.clone().zip(settings.nats_key_file.clone()),
        stream: settings.nats_stream.clone(),
        replicas: settings.nats_replicas.get() as usize,
    };
    Ok(Some(Nats::connect(nats).await.context("nats_url, nats_credentials: that leads nowhere")?))
}

/// Whether all is well with it, for `ticketing doctor`; `None`: there is none.
pub async fn examine(settings: &Settings, db: &Db) -> Option<Result<String, String>> {
    match connect(settings).await {
        Ok(None) => None,
        Ok(Some(nats)) => Some(look(&nats, db).await),
        Err(error) => Some(Err(format!("{error:#}"))),
    }
}

async fn look(nats: &Nats, db: &Db) -> Result<String, String> {
    let stream = nats.examine().await.map_err(|error| {
        format!("{}; see that nats_url is right and that the server has JetStream", chain(&error))
    })?;
    let waiting = relay::waiting(db).await.map_err(|error| chain(&error))?;
    Ok(format!("{stream}; events that it has not confirmed: {waiting}"))
}
