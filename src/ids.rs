//! Identities: ticket ids as they are shown, resource names as they are written, tenants as they are spelt.

use std::{fmt, str::FromStr};

use data_encoding::{Encoding, Specification};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::error::Error;

/// Parts of the event stream. Fixed for ever: positions depend on it.
pub const BUCKETS: usize = 256;

/// An id made by the server: UUIDv7, shown as 26 lower-case base32 characters that sort by time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, sqlx::Type)]
#[serde(transparent)]
#[sqlx(transparent)]
pub struct Id(pub Uuid);

impl Id {
    /// Before all others; nothing has it.
    pub const NIL: Self = Self(Uuid::nil());
}

/// Crockford's idea with a lower-case alphabet in ASCII order, so that text sorts as the bytes do.
fn base32() -> &'static Encoding {
    static ENCODING: std::sync::LazyLock<Encoding> = std::sync::LazyLock::new(|| {
        let mut spec = Specification::new();
        spec.symbols.push_str("0123456789abcdefghjkmnpqrstvwxyz");
        spec.encoding().expect("32 distinct symbols make a base32")
    });
    &ENCODING
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&base32().encode(self.0.as_bytes()))
    }
}

impl FromStr for Id {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        let bytes = base32().decode(text.as_bytes()).map_err(|_| ())?;
        Uuid::from_slice(&bytes).map(Self).map_err(|_| ())
    }
}

/// A tenant's id: 1 to 63 lower-case letters, digits and inner hyphens.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, sqlx::Type)]
#[serde(transparent)]
#[sqlx(transparent)]
pub struct TenantId(String);

impl TenantId {
    pub fn parse(text: &str) -> Option<Self> {
        let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let ok = (1..=63).contains(&text.len())
            && text.chars().all(inner)
            && !text.starts_with('-')
            && !text.ends_with('-');
        ok.then(|| Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part of the event stream in which the tenant lives, below [`BUCKETS`].
    pub fn bucket(&self) -> i16 {
        use sha2::{Digest, Sha256};
        i16::from(Sha256::digest(self.0.as_bytes())[0])
    }
}

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A key that the caller chose (an agent, a contact, an organization, a queue): 1 to 128 characters, no `/`, no control
/// characters, no blanks at either end.
pub fn is_key(text: &str) -> bool {
    (1..=128).contains(&text.chars().count())
        && text.trim() == text
        && !text.chars().any(|c| c == '/' || c.is_control())
}

/// Takes `tenants/{tenant}` apart.
pub fn tenant_of(parent: &str) -> Result<TenantId, Error> {
    parent.strip_prefix("tenants/").and_then(TenantId::parse).ok_or_else(|| {
        Error::field("parent", "must be tenants/{tenant}; a tenant is 1 to 63 of a-z, 0-9 and inner -")
    })
}

/// Takes `tenants/{tenant}/{collection}/{id}` apart; `field` is named in the refusal.
pub fn child_of<'a>(field: &str, name: &'a str, collection: &str) -> Result<(TenantId, &'a str), Error> {
    let mut parts = name.splitn(4, '/');
    let found = match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some("tenants"), Some(tenant), Some(kind), Some(id)) if kind == collection && is_key(id) => {
            TenantId::parse(tenant).map(|tenant| (tenant, id))
        }
        _ => None,
    };
    found.ok_or_else(|| Error::field(field, &format!("must be tenants/{{tenant}}/{collection}/{{id}}")))
}

/// Takes `tenants/{tenant}/tickets/{ticket}/{collection}/{id}` apart.
pub fn grandchild_of<'a>(
    field: &str,
    name: &'a str,
    collection: &str,
) -> Result<(TenantId, Id, &'a str), Error> {
    let refusal =
        || Error::field(field, &format!("must be tenants/{{tenant}}/tickets/{{ticket}}/{collection}/{{id}}"));
    let parts: Vec<&str> = name.split('/').collect();
    match parts.as_slice() {
        ["tenants", tenant, "tickets", ticket, kind, id] if *kind == collection => {
            let tenant = TenantId::parse(tenant).ok_or_else(refusal)?;
            let ticket = ticket.parse().map_err(|()| Error::not_found("ticket", name))?;
            Ok((tenant, ticket, id))
        }
        _ => Err(refusal()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn ids_read_back_and_sort_as_their_bytes(a: u128, b: u128) {
            let (a, b) = (Id(Uuid::from_u128(a)), Id(Uuid::from_u128(b)));
            prop_assert_eq!(a.to_string().parse(), Ok(a));
            prop_assert_eq!(a.to_string().len(), 26);
            prop_assert_eq!(a.cmp(&b), a.to_string().cmp(&b.to_string()));
        }
    }

    #[test]
    fn names_come_apart() {
        let (tenant, id) = child_of("name", "tenants/acme/agents/nl-Ilona", "agents").expect("a name");
        assert_eq!((tenant.as_str(), id), ("acme", "nl-Ilona"));
        for bad in [
            "",
            "tenants/acme",
            "tenants/acme/agents/",
            "tenants/Acme/agents/a",
            "tenants/acme/agents/a/b",
            "tenants/acme/teams/a",
        ] {
            assert!(child_of("name", bad, "agents").is_err(), "{bad}");
        }
        assert!(tenant_of("tenants/-a").is_err());
        assert!(tenant_of("tenants/a").is_ok());
    }
}
