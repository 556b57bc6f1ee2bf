//! The proof that a customer was asked: `{tenant}.{feedback}.{secret}`. Where it belongs stands in it, who may use it does not;
//! only the secret's hash is kept, and 256 random bits cannot be guessed.

use std::fmt;

use data_encoding::BASE64URL_NOPAD;
use ring::rand::{SecureRandom as _, SystemRandom};
use sha2::{Digest as _, Sha256};

use crate::{
    error::{Error, Result},
    ids::{Id, TenantId},
};

/// Bytes of a secret.
const SECRET: usize = 32;

#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    pub tenant: TenantId,
    pub id: Id,
    secret: [u8; SECRET],
}

impl Token {
    /// A new one.
    pub fn generate(tenant: TenantId, id: Id) -> Result<Self> {
        let mut secret = [0; SECRET];
        SystemRandom::new().fill(&mut secret).map_err(|_| Error::internal("no randomness"))?;
        Ok(Self { tenant, id, secret })
    }

    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('.');
        let (tenant, id, secret) = (parts.next()?, parts.next()?, parts.next()?);
        let secret = BASE64URL_NOPAD.decode(secret.as_bytes()).ok()?.try_into().ok()?;
        let token = Self { tenant: TenantId::parse(tenant)?, id: id.parse().ok()?, secret };
        parts.next().is_none().then_some(token)
    }

    /// As it goes into a link.
    pub fn spell(&self) -> String {
        format!("{}.{}.{}", self.tenant, self.id, BASE64URL_NOPAD.encode(&self.secret))
    }

    /// What is kept of it.
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.secret).into()
    }
}

/// Without the secret, which no log shall have.
impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token").field("tenant", &self.tenant).field("id", &self.id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::tickets::fixture;

    fn token() -> Token {
        let tenant = TenantId::parse("acme").expect("a tenant");
        Token::generate(tenant, fixture::id(7)).expect("randomness")
    }

    #[test]
    fn it_reads_back_fits_into_a_link_and_is_never_the_same() {
        let (one, other) = (token(), token());
        assert_eq!(Token::parse(&one.spell()), Some(one.clone()));
        assert!(one.spell().chars().all(|it| it.is_ascii_alphanumeric() || ".-_".contains(it)));
        assert_ne!(one.hash(), other.hash());
        let secret = one.spell().rsplit('.').next().map(str::to_owned).expect("three parts");
        assert!(!format!("{one:?}").contains(&secret));
    }

    #[test]
    fn what_is_no_token_is_none() {
        let good = token().spell();
        for bad in [
            "",
            ".",
            "..",
            "acme",
            &good[..good.len() - 1],
            &format!("{good}x"),
            &format!("{good}."),
            &good[1..].replace("cme", "A"),
        ] {
            assert_eq!(Token::parse(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn nothing_that_is_read_breaks_it(text in ".*") {
            Token::parse(&text);
        }
    }
}
