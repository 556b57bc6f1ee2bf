//! Who may call, as the settings say.

use std::sync::Arc;

use anyhow::Context as _;

use crate::{
    config::Settings,
    identity::{Document, Identity},
    serve::TlsFiles,
};

/// What the settings say of it; `None`: whoever reaches the port may do everything.
pub fn open(settings: &Settings) -> anyhow::Result<Option<Arc<Identity>>> {
    let Some(file) = &settings.identity_file else { return Ok(None) };
    let text = std::fs::read_to_string(file).with_context(|| format!("identity_file {}", file.display()))?;
    let document = Document::parse(&text).with_context(|| format!("identity_file {}", file.display()))?;
    Ok(Some(Arc::new(Identity::new(document)?)))
}

/// Where TLS has its files; `None`: calls come in plain text.
pub fn tls(settings: &Settings) -> Option<TlsFiles> {
    Some(TlsFiles {
        certificate: settings.tls_certificate_file.clone()?,
        key: settings.tls_key_file.clone()?,
        client_authorities: settings.tls_client_ca_file.clone(),
    })
}

/// Whether the keys of all issuers can be had, for `ticketing doctor`; `None`: there is no document.
pub async fn examine(settings: &Settings) -> Option<Result<String, String>> {
    let identity = match open(settings) {
        Ok(identity) => identity?,
        Err(error) => return Some(Err(format!("{error:#}"))),
    };
    let (mut well, mut ill) = (Vec::new(), Vec::new());
    for (issuer, found) in identity.examine().await {
        match found {
            Ok(0) => ill.push(format!("{issuer} shows no key that signs")),
            Ok(keys) => well.push(format!("{issuer}: {keys} keys")),
            Err(fault) => ill.push(format!("{issuer}: {fault}")),
        }
    }
    let callers = identity.certificates();
    well.extend((callers > 0).then(|| format!("{callers} callers by certificate")));
    Some(if ill.is_empty() { Ok(well.join("; ")) } else { Err(ill.join("; ")) })
}
