//! Tokens that look good and are not.

use data_encoding::BASE64URL_NOPAD;
use serde_json::json;

use super::{
    issuer::{Issuer, Key, Token},
    *,
};

type Forged = Vec<(&'static str, String)>;

/// Signatures that are none, each with what is wrong with it.
fn badly_signed(issuer: &Issuer, rsa: &Key, p256: &Key) -> Forged {
    let good = || Token::good(issuer, "rsa", rsa);
    let signed = |token: Token| token.signed(rsa);
    let whole = signed(good());
    let parts: Vec<&str> = whole.split('.').collect();
    let other = signed(good().claim("sub", json!("root")));
    let other: Vec<&str> = other.split('.').collect();
    let shown = rsa.shown("rsa");
    let modulus = shown["n"].as_str().expect("a modulus");
    let public = BASE64URL_NOPAD.decode(modulus.as_bytes()).expect("base64");
    let unsigned = |alg: &str| format!("{}.", good().header("alg", json!(alg)).text());
    vec![
        ("no signature", format!("{}.{}.", parts[0], parts[1])),
        ("two parts", format!("{}.{}", parts[0], parts[1])),
        ("four parts", format!("{whole}.x")),
        ("another's claims", format!("{}.{}.{}", parts[0], other[1], parts[2])),
        ("another's signature", format!("{}.{}.{}", parts[0], parts[1], other[2])),
        ("alg none", unsigned("none")),
        ("alg None", unsigned("None")),
        ("alg NONE, signed", signed(good().header("alg", json!("NONE")))),
        ("alg empty", unsigned("")),
        ("no alg", format!("{}.", good().header("alg", json!(null)).text())),
        ("HS256 with the modulus", good().header("alg", json!("HS256")).signed_by_secret(&public)),
        (
            "HS256 with the key set",
            good().header("alg", json!("HS256")).signed_by_secret(shown.to_string().as_bytes()),
        ),
        ("HS256 with nothing", good().header("alg", json!("HS256")).signed_by_secret(b"")),
        ("HS512", good().header("alg", json!("HS512")).signed_by_secret(&public)),
        ("an algorithm that is not pinned", signed(good().header("alg", json!("RS384")))),
        ("RSA said to be PSS", signed(good().header("alg", json!("PS256")))),
        ("RSA said to be a curve", signed(good().header("alg", json!("ES256")))),
        (
            "a curve said to be RSA",
            Token::good(issuer, "p256", p256).header("alg", json!("RS256")).signed(p256),
        ),
    ]
}

/// Keys that the issuer does not show, or that the token brings along.
fn of_other_keys(issuer: &Issuer, rsa: &Key, p256: &Key) -> Forged {
    let good = || Token::good(issuer, "rsa", rsa);
    let signed = |token: Token| token.signed(rsa);
    let stranger = Key::p256();
    vec![
        ("a key of another name", signed(good().header("kid", json!("p256")))),
        ("an unknown key", signed(good().header("kid", json!("../../etc/passwd")))),
        ("no key named", signed(good().header("kid", json!(null)))),
        ("kid no text", signed(good().header("kid", json!(["rsa"])))),
        ("a stranger's signature", Token::good(issuer, "p256", p256).signed(&stranger)),
        (
            "a stranger's key in the header",
            Token::good(issuer, "p256", p256).header("jwk", stranger.shown("p256")).signed(&stranger),
        ),
        (
            "a stranger's place for keys",
            Token::good(issuer, "x", &stranger)
                .header("jku", json!("http://127.0.0.1:9/keys"))
                .signed(&stranger),
        ),
        (
            "a stranger's certificate",
            Token::good(issuer, "x", &stranger)
                .header("x5u", json!("http://127.0.0.1:9/x"))
                .signed(&stranger),
        ),
        ("extensions that must be known", signed(good().header("crit", json!(["exp"])))),
        ("an id token's type", signed(good().header("typ", json!("logout+jwt")))),
    ]
}

/// Well signed, and not for us, not for now, or nobody's.
fn of_other_claims(issuer: &Issuer, rsa: &Key) -> Forged {
    let now = jsonwebtoken::get_current_timestamp();
    let good = || Token::good(issuer, "rsa", rsa);
    let signed = |token: Token| token.signed(rsa);
    vec![
        ("no issuer", signed(good().claim("iss", json!(null)))),
        ("a foreign issuer", signed(good().claim("iss", json!("https://login.example.com")))),
        ("almost the issuer", signed(good().claim("iss", json!(format!("{}/", issuer.url))))),
        ("two issuers", signed(good().claim("iss", json!([issuer.url, "https://login.example.com"])))),
        ("no audience", signed(good().claim("aud", json!(null)))),
        ("a foreign audience", signed(good().claim("aud", json!("billing")))),
        ("no audience in a list", signed(good().claim("aud", json!([])))),
        ("two audiences", signed(good().claim("aud", json!(["ticketing", "billing"])))),
        ("the other audience alone", signed(good().claim("aud", json!(["account"])))),
        ("an audience that is no text", signed(good().claim("aud", json!({"ticketing": true})))),
        ("expired", signed(good().claim("exp", json!(now - 60)))),
        ("no end", signed(good().claim("exp", json!(null)))),
        ("an end that is no number", signed(good().claim("exp", json!("never")))),
        ("not valid yet", signed(good().claim("nbf", json!(now + 300)))),
        ("nobody's", signed(good().claim("sub", json!(null)))),
        ("a bearer without a usable key", signed(good().claim("sub", json!("a/b")))),
        ("no tenant", signed(good().claim("tenant", json!(null)))),
        ("a tenant that is none", signed(good().claim("tenant", json!("..")))),
        ("100 KiB", signed(good().claim("padding", json!("x".repeat(100 << 10))))),
        ("a development token", "dev.eyJzdWIiOiJhbm5hIn0".to_owned()),
        ("nonsense", "nonsense".to_owned()),
        ("nothing", String::new()),
    ]
}

#[tokio::test]
async fn what_is_forged_is_refused_and_what_is_good_is_not() {
    let desk = Desk::open().await;
    let (rsa, p256, ed25519) = (Key::rsa(), Key::p256(), Key::ed25519());
    let keys = [rsa.shown("rsa"), p256.shown("p256"), ed25519.shown("ed25519")];
    let issuer = Issuer::open(&desk, &keys).await;
    let channel = channel(&guard(&desk, &issuer.document(), None).await).await;
    for (kid, key) in [("rsa", &rsa), ("p256", &p256), ("ed25519", &ed25519)] {
        let token = Token::good(&issuer, kid, key).signed(key);
        session(&channel, &token).await.unwrap_or_else(|status| panic!("{kid}: {status}"));
    }
    let forged = [
        badly_signed(&issuer, &rsa, &p256),
        of_other_keys(&issuer, &rsa, &p256),
        of_other_claims(&issuer, &rsa),
    ]
    .concat();
    assert!(forged.len() >= 40);
    for (what, token) in forged {
        // A header of 16 KiB and more is refused before anybody looks at it.
        let long = token.len() > 16 << 10;
        match session(&channel, &token).await {
            Ok(answer) => panic!("{what} was believed: {answer:?}"),
            Err(_) if long => {}
            refused => assert_eq!(reason(&refused), "Unauthenticated TOKEN_INVALID", "{what}"),
        }
    }
    let long = Token::good(&issuer, "rsa", &rsa).claim("padding", json!("x".repeat(9 << 10))).signed(&rsa);
    assert_eq!(reason(&session(&channel, &long).await), "Unauthenticated TOKEN_INVALID");
    desk.finish().await;
}

#[tokio::test]
async fn an_authorization_that_is_no_single_bearer_is_refused() {
    let desk = Desk::open().await;
    let rsa = Key::rsa();
    let issuer = Issuer::open(&desk, &[rsa.shown("rsa")]).await;
    let channel = channel(&guard(&desk, &issuer.document(), None).await).await;
    let token = Token::good(&issuer, "rsa", &rsa).signed(&rsa);
    let mut system = SystemServiceClient::new(channel.clone());
    let refused = system.get_session(pb::GetSessionRequest {}).await;
    assert_eq!(reason(&refused), "Unauthenticated TOKEN_INVALID", "nothing at all");
    for value in [token.clone(), format!("Basic {token}"), format!("Bearer  {token}"), "Bearer".to_owned()] {
        let mut request = Request::new(pb::GetSessionRequest {});
        request.metadata_mut().insert("authorization", value.parse().expect("ASCII"));
        assert_eq!(reason(&system.get_session(request).await), "Unauthenticated TOKEN_INVALID", "{value}");
    }
    let mut twice = bearing(pb::GetSessionRequest {}, &token);
    twice.metadata_mut().append("authorization", format!("Bearer {token}").parse().expect("ASCII"));
    assert_eq!(reason(&system.get_session(twice).await), "Unauthenticated TOKEN_INVALID", "two of them");
    desk.finish().await;
}
