//! Development tokens: unsigned claims, for `demo` and `--insecure` alone, where whoever reaches the port may do
//! everything anyway. They exist so that roles and tenants can be tried before there is an issuer.

use data_encoding::BASE64URL_NOPAD;
use futures_util::future::BoxFuture;
use http::{HeaderMap, header::AUTHORIZATION};
use serde::{Deserialize, Serialize};

use crate::{
    ctx::{Actor, ActorKind, Role},
    error::{Error, Result},
    ids::TenantId,
    serve::{Authenticate, MethodPolicy, Peer},
};

const PREFIX: &str = "dev.";

/// Who the bearer is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claims {
    /// An agent's or contact's key, or a service's name.
    pub sub: String,
    pub kind: ActorKind,
    pub roles: Vec<Role>,
    /// `None`: any tenant.
    pub tenants: Option<Vec<TenantId>>,
}

impl Claims {
    pub fn encode(&self) -> String {
        let json = serde_json::to_vec(self).expect("claims are plain data");
        format!("{PREFIX}{}", BASE64URL_NOPAD.encode(&json))
    }

    pub fn decode(token: &str) -> Result<Self> {
        token
            .strip_prefix(PREFIX)
            .and_then(|rest| BASE64URL_NOPAD.decode(rest.as_bytes()).ok())
            .and_then(|json| serde_json::from_slice(&json).ok())
            .ok_or_else(|| {
                Error::Unauthenticated("this is no development token; `ticketing token` makes one".into())
            })
    }
}

/// Believes every development token; takes a caller without one for a service that may do everything.
#[derive(Clone, Copy, Debug)]
pub struct Insecure;

impl Insecure {
    fn caller(headers: &HeaderMap) -> Result<Actor> {
        let Some(value) = headers.get(AUTHORIZATION) else { return Ok(anonymous()) };
        let token = value.to_str().ok().and_then(|value| value.strip_prefix("Bearer "));
        let token =
            token.ok_or_else(|| Error::Unauthenticated("authorization must be `Bearer TOKEN`".into()))?;
        let Claims { sub, kind, roles, tenants } = Claims::decode(token)?;
        Ok(Actor { kind, id: sub, roles, tenants })
    }
}

impl Authenticate for Insecure {
    fn authenticate<'a>(
        &'a self,
        headers: &'a HeaderMap,
        _: Option<&'a Peer>,
        method: &'a MethodPolicy,
    ) -> BoxFuture<'a, Result<Actor>> {
        let permitted = |actor: Actor| method.access.require(&actor).map(|()| actor);
        Box::pin(std::future::ready(Self::caller(headers).and_then(permitted)))
    }
}

fn anonymous() -> Actor {
    let roles = vec![Role::Admin, Role::Manager, Role::Service];
    Actor { kind: ActorKind::Service, id: "anonymous".to_owned(), roles, tenants: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_read_back_and_junk_does_not() {
        let claims = Claims {
            sub: "anna".into(),
            kind: ActorKind::Agent,
            roles: vec![Role::Agent],
            tenants: TenantId::parse("acme").map(|tenant| vec![tenant]),
        };
        assert_eq!(Claims::decode(&claims.encode()).ok(), Some(claims));
        for junk in ["", "dev.", "dev.e30", "abc", "dev.äöü"] {
            assert!(Claims::decode(junk).is_err(), "{junk}");
        }
    }
}
