//! How a delivery is signed: Standard Webhooks, `v1` (HMAC-SHA256) and `v1a` (Ed25519), by every key that is still good.

use data_encoding::BASE64;
use ring::{
    hmac,
    rand::{SecureRandom, SystemRandom},
    signature::{Ed25519KeyPair, KeyPair},
};
use serde::{Deserialize, Serialize};

use super::model::Scheme;
use crate::error::{Error, Result};

/// Bytes of a key.
const KEY: usize = 32;

/// A key as it is before it is sealed.
#[derive(Clone, Serialize, Deserialize)]
pub struct Secret(Vec<u8>);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

impl Secret {
    /// A fresh one.
    pub fn make() -> Result<Self> {
        let mut bytes = vec![0; KEY];
        SystemRandom::new().fill(&mut bytes).map_err(|_| Error::internal("no randomness"))?;
        Ok(Self(bytes))
    }

    /// What the subscriber gets: the key that is shared, or the half of it that is public.
    pub fn shown(&self, scheme: Scheme) -> Result<String> {
        Ok(match scheme {
            Scheme::V1 => format!("whsec_{}", BASE64.encode(&self.0)),
            Scheme::V1a => format!("whpk_{}", BASE64.encode(self.pair()?.public_key().as_ref())),
        })
    }

    fn pair(&self) -> Result<Ed25519KeyPair> {
        Ed25519KeyPair::from_seed_unchecked(&self.0).map_err(|_| Error::internal("a key of the wrong length"))
    }

    /// One entry of `webhook-signature`.
    pub fn sign(&self, scheme: Scheme, id: &str, timestamp: i64, body: &str) -> Result<String> {
        let text = format!("{id}.{timestamp}.{body}");
        Ok(match scheme {
            Scheme::V1 => {
                let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &self.0), text.as_bytes());
                format!("v1,{}", BASE64.encode(tag.as_ref()))
            }
            Scheme::V1a => format!("v1a,{}", BASE64.encode(self.pair()?.sign(text.as_bytes()).as_ref())),
        })
    }
}

#[cfg(test)]
mod tests {
    use ring::signature::{ED25519, UnparsedPublicKey};

    use super::*;

    #[test]
    fn a_shared_key_signs_as_the_standard_shows() {
        let key = BASE64.decode(b"MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").expect("base64");
        let body = r#"{"test": 2432232314}"#;
        let signed = Secret(key)
            .sign(Scheme::V1, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body)
            .expect("signed");
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn the_public_half_verifies() {
        let secret = Secret::make().expect("a key");
        let shown = secret.shown(Scheme::V1a).expect("a key");
        let public = BASE64.decode(shown.trim_start_matches("whpk_").as_bytes()).expect("base64");
        let signed = secret.sign(Scheme::V1a, "id", 7, "body").expect("signed");
        let signature = BASE64.decode(signed.trim_start_matches("v1a,").as_bytes()).expect("base64");
        let key = UnparsedPublicKey::new(&ED25519, public);
        assert!(key.verify(b"id.7.body", &signature).is_ok());
        assert!(key.verify(b"id.8.body", &signature).is_err());
        assert!(!format!("{secret:?}").contains(|it: char| it.is_ascii_digit()));
    }
}
