//! Who calls: tokens of issuers that the operator trusts, and client certificates. `document.rs` is what the operator writes,
//! `claims.rs` and `certificate.rs` are the rules that make a caller of what was proved, `token.rs` proves tokens, `keys.rs`
//! keeps the issuers' keys.

mod certificate;
mod claims;
mod crypto;
mod document;
mod fetch;
mod keys;
mod token;

use futures_util::future::BoxFuture;
use http::{HeaderMap, header::AUTHORIZATION};

use self::{document::Issuer, keys::Keys};
pub use self::{
    document::{Document, Faults},
    keys::follow,
};
use crate::{
    ctx::Actor,
    error::{Error, Result},
    serve::{Authenticate, MethodPolicy, Peer},
};

/// Tells callers apart by what the operator's document says.
#[derive(Debug)]
pub struct Identity {
    issuers: Vec<Trusted>,
    certificates: Vec<document::Certificate>,
}

/// An issuer with its keys.
#[derive(Debug)]
struct Trusted {
    issuer: Issuer,
    keys: Keys,
}

impl Identity {
    /// Nothing is fetched yet; see [`follow`].
    pub fn new(document: Document) -> anyhow::Result<Self> {
        crypto::install();
        let trusted = |issuer: Issuer| anyhow::Ok(Trusted { keys: Keys::new(&issuer)?, issuer });
        Ok(Self {
            issuers: document.issuers.into_iter().map(trusted).collect::<anyhow::Result<_>>()?,
            certificates: document.certificates,
        })
    }

    /// Fetches the keys of every issuer: how many there are, or why they cannot be had.
    pub async fn examine(&self) -> Vec<(&str, std::result::Result<usize, String>)> {
        let looks =
            self.issuers.iter().map(|it| async { (it.issuer.issuer.as_str(), it.keys.count().await) });
        futures_util::future::join_all(looks).await
    }

    /// How old the keys of each issuer are, in seconds.
    pub fn ages(&self) -> Vec<(String, f64)> {
        self.issuers.iter().map(|it| (it.issuer.issuer.clone(), it.keys.age().as_secs_f64())).collect()
    }

    /// Callers that prove themselves by certificates.
    pub fn certificates(&self) -> usize {
        self.certificates.len()
    }

    fn keys(&self) -> impl Iterator<Item = &Keys> {
        self.issuers.iter().map(|trusted| &trusted.keys)
    }

    async fn caller(&self, headers: &HeaderMap, peer: Option<&Peer>) -> Result<Actor> {
        let mut given = headers.get_all(AUTHORIZATION).iter();
        match (given.next(), given.next(), peer) {
            (Some(value), None, _) => {
                let token = value.to_str().ok().and_then(|value| value.split_once(' '));
                let Some(("Bearer" | "bearer", token)) = token else {
                    return Err(Error::Unauthenticated("authorization must be `Bearer TOKEN`".into()));
                };
                self.bearer(token).await
            }
            (Some(_), Some(_), _) => {
                Err(Error::Unauthenticated("there must be one authorization, not several".into()))
            }
            (None, _, Some(peer)) => certificate::actor(&self.certificates, peer),
            (None, _, None) => {
                Err(Error::Unauthenticated("send `authorization: Bearer TOKEN` with an access token".into()))
            }
        }
    }

    async fn bearer(&self, token: &str) -> Result<Actor> {
        let presented = token::read(token)?;
        let trusted = self.issuers.iter().find(|trusted| trusted.issuer.issuer == presented.issuer);
        let Trusted { issuer, keys } = trusted.ok_or_else(|| {
            Error::Unauthenticated("the token is of an issuer that is not trusted here".into())
        })?;
        token::check_algorithm(&presented, issuer)?;
        let key = keys.find(&presented.kid).await?;
        let claims = token::verify(token, &presented, issuer, &key)?;
        claims::actor(&claims, issuer)
    }
}

impl Authenticate for Identity {
    fn authenticate<'a>(
        &'a self,
        headers: &'a HeaderMap,
        peer: Option<&'a Peer>,
        method: &'a MethodPolicy,
    ) -> BoxFuture<'a, Result<Actor>> {
        Box::pin(async move {
            let actor = self.caller(headers, peer).await?;
            method.access.require(&actor)?;
            Ok(actor)
        })
    }
}
