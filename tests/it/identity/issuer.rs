//! An issuer of tokens, as small as one can be that OpenID Connect Discovery describes: two documents and some keys. What it
//! signs is up to the test, so it can also lie. RSA keys take long to make, so it has one that everybody knows.

use std::{
    convert::Infallible,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
};

use data_encoding::{BASE64, BASE64URL_NOPAD};
use http_body_util::Full;
use hyper::{
    body::{Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use ring::{
    hmac,
    rand::SystemRandom,
    signature::{self, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RsaKeyPair},
};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::support::Desk;

/// What signs.
pub enum Key {
    Rsa(RsaKeyPair),
    P256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl Key {
    pub fn rsa() -> Self {
        let text: String = include_str!("rsa.b64").split_whitespace().collect();
        Self::Rsa(RsaKeyPair::from_pkcs8(&BASE64.decode(text.as_bytes()).expect("base64")).expect("a key"))
    }

    pub fn p256() -> Self {
        let (scheme, random) = (&signature::ECDSA_P256_SHA256_FIXED_SIGNING, SystemRandom::new());
        let made = EcdsaKeyPair::generate_pkcs8(scheme, &random).expect("a key");
        Self::P256(EcdsaKeyPair::from_pkcs8(scheme, made.as_ref(), &random).expect("a key"))
    }

    pub fn ed25519() -> Self {
        let made = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).expect("a key");
        Self::Ed25519(Ed25519KeyPair::from_pkcs8(made.as_ref()).expect("a key"))
    }

    pub fn algorithm(&self) -> &'static str {
        match self {
            Self::Rsa(_) => "RS256",
            Self::P256(_) => "ES256",
            Self::Ed25519(_) => "EdDSA",
        }
    }

    pub fn sign(&self, text: &str) -> Vec<u8> {
        let (text, random) = (text.as_bytes(), SystemRandom::new());
        match self {
            Self::Rsa(key) => {
                let mut signed = vec![0; key.public().modulus_len()];
                key.sign(&signature::RSA_PKCS1_SHA256, &random, text, &mut signed).expect("signed");
                signed
            }
            Self::P256(key) => key.sign(&random, text).expect("signed").as_ref().to_vec(),
            Self::Ed25519(key) => key.sign(text).as_ref().to_vec(),
        }
    }

    /// Its public half, as the issuer shows it.
    pub fn shown(&self, kid: &str) -> Value {
        let text = |bytes: &[u8]| BASE64URL_NOPAD.encode(bytes);
        let mut shown = match self {
            Self::Rsa(key) => {
                let public = signature::RsaPublicKeyComponents::<Vec<u8>>::from(key.public());
                json!({"kty": "RSA", "n": text(&public.n), "e": text(&public.e)})
            }
            Self::P256(key) => {
                let (x, y) = key.public_key().as_ref()[1..].split_at(32);
                json!({"kty": "EC", "crv": "P-256", "x": text(x), "y": text(y)})
            }
            Self::Ed25519(key) => {
                json!({"kty": "OKP", "crv": "Ed25519", "x": text(key.public_key().as_ref())})
            }
        };
        shown["kid"] = kid.into();
        shown["use"] = "sig".into();
        shown
    }
}

/// A token before it is signed.
#[derive(Clone, Debug)]
pub struct Token {
    pub header: Value,
    pub claims: Value,
}

impl Token {
    /// A good one: of Anna, who works at the desk.
    pub fn good(issuer: &Issuer, kid: &str, key: &Key) -> Self {
        let now = jsonwebtoken::get_current_timestamp();
        Self {
            header: json!({"alg": key.algorithm(), "typ": "at+jwt", "kid": kid}),
            claims: json!({
                "iss": issuer.url, "aud": "ticketing", "sub": "anna", "exp": now + 600, "nbf": now - 10, "iat": now - 10,
                "tenant": "acme", "realm_access": {"roles": ["desk"]},
            }),
        }
    }

    /// With another claim; null: without it.
    pub fn claim(mut self, name: &str, value: Value) -> Self {
        replace(&mut self.claims, name, value);
        self
    }

    pub fn header(mut self, name: &str, value: Value) -> Self {
        replace(&mut self.header, name, value);
        self
    }

    /// What is signed.
    pub fn text(&self) -> String {
        let part = |value: &Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
        format!("{}.{}", part(&self.header), part(&self.claims))
    }

    pub fn signed(&self, key: &Key) -> String {
        let text = self.text();
        format!("{text}.{}", BASE64URL_NOPAD.encode(&key.sign(&text)))
    }

    /// As somebody signs who takes public bytes for a secret.
    pub fn signed_by_secret(&self, secret: &[u8]) -> String {
        let text = self.text();
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), text.as_bytes());
        format!("{text}.{}", BASE64URL_NOPAD.encode(tag.as_ref()))
    }
}

fn replace(object: &mut Value, name: &str, value: Value) {
    let object = object.as_object_mut().expect("an object");
    if value.is_null() {
        object.remove(name);
    } else {
        object.insert(name.to_owned(), value);
    }
}

/// The issuer's server.
#[derive(Clone)]
pub struct Issuer {
    pub url: String,
    keys: Arc<Mutex<Option<Vec<Value>>>>,
    fetches: Arc<AtomicU32>,
}

impl Issuer {
    pub async fn open(desk: &Desk, keys: &[Value]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/realms/desk", listener.local_addr().expect("bound"));
        let issuer = Self { url, keys: Arc::default(), fetches: Arc::default() };
        issuer.show(keys);
        let (own, tasks) = (issuer.clone(), desk.app.tasks.clone());
        desk.app.tasks.spawn(desk.app.drain.clone().run_until_cancelled_owned(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let own = own.clone();
                let service =
                    service_fn(move |request| std::future::ready(Ok::<_, Infallible>(own.answer(&request))));
                tasks.spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        }));
        issuer
    }

    /// What it shows from now on.
    pub fn show(&self, keys: &[Value]) {
        *self.keys.lock().expect("not poisoned") = Some(keys.to_vec());
    }

    /// From now on nothing comes of asking.
    pub fn fail(&self) {
        *self.keys.lock().expect("not poisoned") = None;
    }

    /// How often the keys were asked for.
    pub fn fetches(&self) -> u32 {
        self.fetches.load(Ordering::SeqCst)
    }

    /// The document with which a server lets in those whom this issuer knows.
    pub fn document(&self) -> String {
        format!(
            "issuers:
  - issuer: {}
    audiences: [ticketing]
    other_audiences: [account]
    algorithms: [RS256, ES256, EdDSA]
    tenants: {{claim: tenant}}
    roles: {{claim: realm_access.roles, map: {{desk: [AGENT], lead: [MANAGER], portal: [CUSTOMER]}}}}
    subjects: {{'system:serviceaccount:crm:sync': [SERVICE]}}
",
            self.url
        )
    }

    fn answer(&self, request: &http::Request<Incoming>) -> http::Response<Full<Bytes>> {
        let host = self.url.trim_end_matches("/realms/desk");
        let body = match request.uri().path() {
            "/realms/desk/.well-known/openid-configuration" => {
                Some(json!({"issuer": self.url, "jwks_uri": format!("{host}/keys")}))
            }
            "/keys" => {
                self.fetches.fetch_add(1, Ordering::SeqCst);
                self.keys.lock().expect("not poisoned").clone().map(|keys| json!({"keys": keys}))
            }
            _ => None,
        };
        let status = if body.is_some() { 200 } else { 503 };
        let body = Full::new(Bytes::from(body.unwrap_or_default().to_string()));
        http::Response::builder().status(status).body(body).expect("a response")
    }
}
