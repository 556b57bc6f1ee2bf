//! Who may call, and over what, as the settings say.

use std::sync::Arc;

use anyhow::Context as _;

use crate::{
    app::App,
    config::{Role, Settings},
    identity::{self, Document, Identity},
    serve::{Authenticate, Tls, TlsFiles},
    tokens::Insecure,
};

/// Who may call; the keys of issuers are kept fresh until the service drains.
pub fn callers(app: &Arc<App>, settings: &Settings) -> anyhow::Result<Arc<dyn Authenticate>> {
    // Nobody calls a process that only works.
    if !settings.role.contains(&Role::Api) {
        return Ok(Arc::new(Insecure));
    }
    let Some(identity) = open(settings)? else {
        tracing::warn!("there is no authentication: whoever reaches the port may do everything");
        return Ok(Arc::new(Insecure));
    };
    let known = Arc::clone(&identity);
    app.metrics.follow_keys(move || known.ages());
    app.tasks.spawn(identity::follow(Arc::clone(&identity), app.drain.clone()));
    Ok(identity)
}

/// TLS, whose files are looked at until the service drains; `None`: calls come in plain text.
pub fn tls(app: &Arc<App>, settings: &Settings) -> anyhow::Result<Option<Tls>> {
    let (Some(certificate), Some(key)) = (&settings.tls_certificate_file, &settings.tls_key_file) else {
        if settings.identity_file.is_some() && !settings.listen.ip().is_loopback() {
            tracing::warn!("calls come in plain text: tokens are safe only behind something that does TLS");
        }
        return Ok(None);
    };
    let files = TlsFiles {
        certificate: certificate.clone(),
        key: key.clone(),
        client_authorities: settings.tls_client_ca_file.clone(),
    };
    let (tls, follow) = Tls::open(files, app.drain.clone()).context("TLS cannot begin")?;
    app.tasks.spawn(follow);
    Ok(Some(tls))
}

/// What the document says; `None`: there is none.
fn open(settings: &Settings) -> anyhow::Result<Option<Arc<Identity>>> {
    let Some(file) = &settings.identity_file else { return Ok(None) };
    let text = std::fs::read_to_string(file).with_context(|| format!("identity_file {}", file.display()))?;
    let document = Document::parse(&text).with_context(|| format!("identity_file {}", file.display()))?;
    Ok(Some(Arc::new(Identity::new(document)?)))
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
