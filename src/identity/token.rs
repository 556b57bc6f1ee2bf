//! An access token, taken apart and proved. Nothing that it says is believed before its signature is checked with a key of
//! the issuer that it names; what its header says about keys and where to find them is not believed at all.

use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header, errors::ErrorKind};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::document::Issuer;
use crate::error::{Error, Result};

/// The longest token, bytes.
pub const MAX_TOKEN: usize = 8 << 10;
/// How far the issuer's clock and ours may be apart, seconds.
const LEEWAY: u64 = 30;

/// What a token says about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presented {
    pub issuer: String,
    pub kid: String,
    pub algorithm: Algorithm,
}

#[derive(Deserialize)]
struct Origin {
    iss: String,
}

fn refused(text: &str) -> Error {
    Error::Unauthenticated(format!("the access token {text}"))
}

/// Reads what is needed to prove the token.
pub fn read(token: &str) -> Result<Presented> {
    if token.len() > MAX_TOKEN {
        return Err(refused("is longer than 8 KiB"));
    }
    let header = decode_header(token).map_err(|_| refused("is no signed JWT of a known algorithm"))?;
    if header.crit.is_some() {
        return Err(refused("demands extensions (crit) that are not known here"));
    }
    let kind = header.typ.as_deref().unwrap_or("JWT").to_ascii_lowercase();
    if !matches!(kind.trim_start_matches("application/"), "jwt" | "at+jwt") {
        return Err(refused("is of another type (typ) than JWT and at+jwt"));
    }
    let kid = header.kid.ok_or_else(|| refused("does not name its key (kid)"))?;
    let origin: Origin = jsonwebtoken::dangerous::insecure_decode_claims(token)
        .map_err(|_| refused("does not name its issuer (iss)"))?;
    Ok(Presented { issuer: origin.iss, kid, algorithm: header.alg })
}

/// Whether the issuer signs like that.
pub fn check_algorithm(presented: &Presented, issuer: &Issuer) -> Result<()> {
    if issuer.algorithms.contains(&presented.algorithm) {
        Ok(())
    } else {
        Err(refused("is signed by an algorithm that its issuer is not known for"))
    }
}

/// The token's claims, once they are proved and made for us and for now.
pub fn verify(
    token: &str,
    presented: &Presented,
    issuer: &Issuer,
    key: &DecodingKey,
) -> Result<Map<String, Value>> {
    let mut validation = Validation::new(presented.algorithm);
    validation.leeway = LEEWAY;
    validation.validate_nbf = true;
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    validation.set_issuer(&[&issuer.issuer]);
    validation.set_audience(&issuer.audiences);
    let proved =
        decode::<Map<String, Value>>(token, key, &validation).map_err(|error| match error.kind() {
            ErrorKind::ExpiredSignature => refused("has expired"),
            ErrorKind::ImmatureSignature => refused("is not valid yet (nbf)"),
            ErrorKind::InvalidAudience => refused("is made for another audience (aud)"),
            ErrorKind::InvalidIssuer => refused("is of another issuer (iss)"),
            ErrorKind::MissingRequiredClaim(claim) => refused(&format!("lacks the claim {claim}")),
            ErrorKind::InvalidSignature => refused("is not signed by its issuer"),
            _ => refused("does not verify"),
        })?;
    check_audiences(&proved.claims, issuer)?;
    Ok(proved.claims)
}

/// A token that others may use too could be sent here by them.
fn check_audiences(claims: &Map<String, Value>, issuer: &Issuer) -> Result<()> {
    let known = |it: &Value| {
        it.as_str()
            .is_some_and(|it| issuer.audiences.iter().chain(&issuer.other_audiences).any(|known| known == it))
    };
    let all_known = match claims.get("aud") {
        Some(Value::Array(all)) => all.iter().all(known),
        Some(one) => known(one),
        None => false,
    };
    if all_known { Ok(()) } else { Err(refused("is also made for other audiences (aud)")) }
}
