//! What a client certificate makes of its bearer. That an authority vouches for it was checked when TLS began.

use tokio_rustls::rustls::pki_types::CertificateDer;
use webpki::EndEntityCert;

use super::{claims, document::Certificate};
use crate::{
    ctx::Actor,
    error::{Error, Result},
    serve::Peer,
};

/// The caller to whom one of the certificate's names belongs.
pub fn actor(known: &[Certificate], peer: &Peer) -> Result<Actor> {
    let names = names(&peer.certificate);
    let found = known.iter().find(|known| names.contains(&known.name)).ok_or_else(|| {
        Error::Unauthenticated("no caller is known by a name of this client certificate".into())
    })?;
    let (kind, roles) = claims::kind(found.roles.clone());
    let tenants = Some(found.tenants.clone()).filter(|tenants| !tenants.is_empty());
    Ok(Actor { kind, id: found.id.clone(), roles, tenants })
}

/// Its alternative names that are DNS names or URIs.
fn names(certificate: &CertificateDer<'_>) -> Vec<String> {
    let Ok(certificate) = EndEntityCert::try_from(certificate) else { return Vec::new() };
    let names = certificate.valid_dns_names().chain(certificate.valid_uri_names());
    names.map(str::to_owned).collect()
}
