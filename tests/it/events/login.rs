//! How the broker knows us: passwords and credentials change while the service runs, and what is told goes on.

use std::{
    fs,
    path::{Path, PathBuf},
};

use async_nats::ConnectOptions;
use data_encoding::BASE64URL_NOPAD;
use nkeys::KeyPair;
use rcgen::{CertificateParams, IsCa, Issuer as Authority, SanType};
use serde_json::{Value, json};
use ticketing::events::relay::{Nats, Relay, Settings};

use super::{
    create,
    relay::{LEASE, tell},
};
use crate::support::{Broker, Desk};

fn settings(url: String) -> Settings {
    let stream = "TICKETING".into();
    Settings {
        url,
        credentials: None,
        url_file: None,
        authorities: None,
        certificate: None,
        stream,
        replicas: 1,
    }
}

async fn relay(url: String, credentials: Option<&Path>, url_file: Option<&Path>) -> Relay {
    let (credentials, url_file) = (credentials.map(Path::to_owned), url_file.map(Path::to_owned));
    let nats = Nats::connect(Settings { credentials, url_file, ..settings(url) });
    Relay::new(nats.await.expect("a client"), LEASE)
}

async fn messages(broker: &Broker, options: ConnectOptions) -> u64 {
    let client = options.connect(broker.url()).await.expect("it is let in");
    let stream = async_nats::jetstream::new(client).get_stream("TICKETING").await.expect("a stream");
    stream.cached_info().state.messages
}

#[tokio::test]
async fn a_password_is_read_again_when_the_broker_wants_another() {
    let asks = |password: &str| format!("authorization {{ user: desk, password: {password} }}");
    let mut broker = Broker::start_as(&asks("one")).await;
    let file = tempfile::NamedTempFile::new().expect("a file");
    let url = |password: &str| broker.url().replace("//", &format!("//desk:{password}@"));
    let (one, two) = (url("one"), url("two"));
    fs::write(file.path(), format!("{one}\n")).expect("written");
    let desk = Desk::open_with(relay(one, None, Some(file.path())).await).await;
    create(&desk, "before").await;
    tell(&desk).await;

    fs::write(file.path(), two).expect("written");
    broker.restart_as(&asks("two")).await;
    create(&desk, "after").await;
    tell(&desk).await;
    let options = ConnectOptions::with_user_and_password("desk".into(), "two".into());
    assert_eq!(messages(&broker, options).await, 2);
    desk.finish().await;
}

/// Keys as an operator has them.
struct Keys {
    operator: KeyPair,
    account: KeyPair,
    system: KeyPair,
}

impl Keys {
    fn make() -> Self {
        Self {
            operator: KeyPair::new_operator(),
            account: KeyPair::new_account(),
            system: KeyPair::new_account(),
        }
    }

    /// A server that knows the account, but for those of its users that are revoked.
    fn configuration(&self, revoked: &[&KeyPair]) -> String {
        let revoked: serde_json::Map<String, Value> =
            revoked.iter().map(|user| (user.public_key(), json!(i64::from(u32::MAX)))).collect();
        let account = |key: &KeyPair, disk: i64| {
            let limits = json!({
                "subs": -1, "data": -1, "payload": -1, "imports": -1, "exports": -1, "wildcards": true, "conn": -1,
                "leaf": -1, "mem_storage": disk, "disk_storage": disk, "streams": disk, "consumer": disk,
            });
            let claims = json!({ "type": "account", "version": 2, "limits": limits, "revocations": revoked });
            token(&self.operator, key, &claims)
        };
        let operator = token(&self.operator, &self.operator, &json!({ "type": "operator", "version": 2 }));
        let (desk, system) = (self.account.public_key(), self.system.public_key());
        format!(
            "operator: {operator}\nsystem_account: {system}\nresolver: MEMORY\n\
             resolver_preload: {{ {desk}: {}, {system}: {} }}\n",
            account(&self.account, -1),
            account(&self.system, 0),
        )
    }

    /// What `nsc` writes for a user.
    fn credentials(&self, user: &KeyPair) -> String {
        let claims = json!({ "type": "user", "version": 2, "pub": {}, "sub": {}, "subs": -1, "data": -1, "payload": -1 });
        let (jwt, seed) = (token(&self.account, user, &claims), user.seed().expect("a seed"));
        format!(
            "-----BEGIN NATS USER JWT-----\n{jwt}\n------END NATS USER JWT------\n\n\
             -----BEGIN USER NKEY SEED-----\n{seed}\n------END USER NKEY SEED------\n"
        )
    }
}

fn token(by: &KeyPair, of: &KeyPair, claims: &Value) -> String {
    let encoded = |value: &Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
    let head = encoded(&json!({ "typ": "JWT", "alg": "ed25519-nkey" }));
    let body = json!({
        "jti": of.public_key(), "iat": 1_767_225_600, "iss": by.public_key(), "name": "desk", "sub": of.public_key(),
        "nats": claims,
    });
    let signed = format!("{head}.{}", encoded(&body));
    let signature = by.sign(signed.as_bytes()).expect("a signature");
    format!("{signed}.{}", BASE64URL_NOPAD.encode(&signature))
}

#[tokio::test]
async fn credentials_are_read_again_when_a_user_is_revoked() {
    let (keys, first, second) = (Keys::make(), KeyPair::new_user(), KeyPair::new_user());
    let mut broker = Broker::start_as(&keys.configuration(&[])).await;
    let file = tempfile::NamedTempFile::new().expect("a file");
    fs::write(file.path(), keys.credentials(&first)).expect("written");
    let desk = Desk::open_with(relay(broker.url(), Some(file.path()), None).await).await;
    create(&desk, "before").await;
    tell(&desk).await;

    fs::write(file.path(), keys.credentials(&second)).expect("written");
    broker.restart_as(&keys.configuration(&[&first])).await;
    create(&desk, "after").await;
    tell(&desk).await;
    let stranger = ConnectOptions::with_credentials(&keys.credentials(&first)).expect("credentials");
    assert!(stranger.connect(broker.url()).await.is_err(), "it is revoked");
    let options = ConnectOptions::with_credentials(&keys.credentials(&second)).expect("credentials");
    assert_eq!(messages(&broker, options).await, 2);
    desk.finish().await;
}

/// A certificate that an authority vouches for, in files of this name: for a server at this address, or for a client.
fn certified(folder: &Path, name: &str, authority: &Authority<'_, rcgen::KeyPair>) -> (PathBuf, PathBuf) {
    let mut params = CertificateParams::new(Vec::new()).expect("names");
    params.subject_alt_names = vec![SanType::IpAddress([127, 0, 0, 1].into())];
    let key = rcgen::KeyPair::generate().expect("a key");
    let certificate = params.signed_by(&key, authority).expect("signed");
    let file = |end: &str, text: String| {
        let path = folder.join(format!("{name}.{end}"));
        fs::write(&path, text).expect("written");
        path
    };
    (file("crt", certificate.pem()), file("key", key.serialize_pem()))
}

fn authority(file: &Path) -> Authority<'static, rcgen::KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).expect("names");
    params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let key = rcgen::KeyPair::generate().expect("a key");
    fs::write(file, params.self_signed(&key).expect("signed").pem()).expect("written");
    Authority::new(params, key)
}

#[tokio::test]
async fn server_and_service_show_certificates_and_neither_goes_without() {
    let folder = tempfile::tempdir().expect("a folder");
    let ca = folder.path().join("ca.pem");
    let vouching = authority(&ca);
    let (certificate, key) = certified(folder.path(), "server", &vouching);
    let own = certified(folder.path(), "service", &vouching);
    let strangers = certified(folder.path(), "stranger", &authority(&folder.path().join("other.pem")));
    let tls =
        format!("tls {{ cert_file: {certificate:?}, key_file: {key:?}, ca_file: {ca:?}, verify: true }}");
    let broker = Broker::start_as(&tls).await;
    let reached = async |authorities: &Path, certificate: Option<(PathBuf, PathBuf)>| {
        let authorities = Some(authorities.to_owned());
        let nats = Nats::connect(Settings { authorities, certificate, ..settings(broker.url()) }).await;
        Relay::new(nats.expect("a client"), LEASE)
    };
    let desk = Desk::open_with(reached(&ca, Some(own.clone())).await).await;
    create(&desk, "told in private").await;
    tell(&desk).await;
    let options = ConnectOptions::new().add_root_certificates(ca.clone());
    let options = options.add_client_certificate(own.0.clone(), own.1.clone());
    assert_eq!(messages(&broker, options).await, 1);

    // The server is vouched for by somebody else; the service by nobody, or by somebody else.
    let refused = [(folder.path().join("other.pem"), Some(own)), (ca.clone(), None), (ca, Some(strangers))];
    for (authorities, certificate) in refused {
        let mut options = ConnectOptions::new().add_root_certificates(authorities);
        if let Some((certificate, key)) = certificate.clone() {
            options = options.add_client_certificate(certificate, key);
        }
        assert!(options.connect(broker.url()).await.is_err(), "{certificate:?}");
    }
    desk.finish().await;
}

#[tokio::test]
async fn a_file_that_is_no_credentials_is_named_at_once() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    fs::write(file.path(), "SUAIO3").expect("written");
    let settings =
        Settings { credentials: Some(file.path().to_owned()), ..settings("nats://127.0.0.1:1".into()) };
    let Err(error) = Nats::connect(settings).await else { panic!("a refusal") };
    let error = error.to_string();
    assert!(error.ends_with("has no credentials as nsc writes them"), "{error}");
}
