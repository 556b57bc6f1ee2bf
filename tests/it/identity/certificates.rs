//! Callers that prove themselves by certificates, over TLS.

use std::path::Path;

use hyper_util::rt::TokioIo;
use rcgen::{CertificateParams, IsCa, Issuer as Authority, KeyPair, SanType};
use ticketing::serve::TlsFiles;
use tokio::net::TcpStream;
use tokio_rustls::{
    TlsConnector,
    rustls::{
        ClientConfig, RootCertStore,
        crypto::ring,
        pki_types::{CertificateDer, PrivateKeyDer, ServerName},
    },
};
use tower::service_fn;

use super::{
    issuer::{Issuer, Key, Token},
    *,
};

/// Vouches for a server and for clients.
struct Vouching {
    authority: Authority<'static, KeyPair>,
    certificate: rcgen::Certificate,
}

struct Made {
    certificate: rcgen::Certificate,
    key: KeyPair,
}

impl Vouching {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("names");
        params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.self_signed(&key).expect("signed");
        Self { authority: Authority::new(params, key), certificate }
    }

    fn vouch(&self, name: SanType) -> Made {
        let mut params = CertificateParams::new(Vec::new()).expect("names");
        params.subject_alt_names = vec![name];
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.authority).expect("signed");
        Made { certificate, key }
    }
}

fn dns(name: &str) -> SanType {
    SanType::DnsName(name.try_into().expect("a name"))
}

fn uri(name: &str) -> SanType {
    SanType::URI(name.try_into().expect("a name"))
}

fn files(folder: &Path, server: &Made, clients: &Vouching) -> TlsFiles {
    let file = |name: &str, text: String| {
        let path = folder.join(name);
        std::fs::write(&path, text).expect("written");
        path
    };
    TlsFiles {
        certificate: file("tls.crt", server.certificate.pem()),
        key: file("tls.key", server.key.serialize_pem()),
        client_authorities: Some(file("clients.crt", clients.certificate.pem())),
    }
}

/// A channel over TLS, with a certificate or without one.
async fn secured(
    address: &str,
    authority: &Vouching,
    own: Option<&Made>,
) -> Result<Channel, tonic::transport::Error> {
    let mut roots = RootCertStore::empty();
    roots.add(authority.certificate.der().clone()).expect("an authority");
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots);
    let mut config = match own {
        None => builder.with_no_client_auth(),
        Some(Made { certificate, key }) => {
            let chain: Vec<CertificateDer<'static>> = vec![certificate.der().clone()];
            let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
            builder.with_client_auth_cert(chain, key).expect("a pair")
        }
    };
    config.alpn_protocols = vec![b"h2".to_vec()];
    let (connector, target) = (TlsConnector::from(Arc::new(config)), address.to_owned());
    let connect = service_fn(move |_| {
        let (connector, target) = (connector.clone(), target.clone());
        async move {
            let stream = TcpStream::connect(target).await?;
            let name = ServerName::try_from("localhost").expect("a name");
            std::io::Result::Ok(TokioIo::new(connector.connect(name, stream).await?))
        }
    });
    Endpoint::from_shared(format!("http://{address}"))
        .expect("an address")
        .connect_with_connector(connect)
        .await
}

const CALLERS: &str = "
certificates:
  - {name: 'spiffe://prod/ns/crm/sa/sync', id: crm-sync, roles: [SERVICE], tenants: [acme]}
  - {name: portal.example.com, id: portal, roles: [SERVICE], tenants: [beta]}
";

#[tokio::test]
async fn a_client_is_who_its_certificate_says_and_a_token_goes_before() {
    let desk = Desk::open().await;
    let key = Key::p256();
    let issuer = Issuer::open(&desk, &[key.shown("a")]).await;
    let (ours, theirs, folder) = (Vouching::new(), Vouching::new(), tempfile::tempdir().expect("a folder"));
    let tls = Tls::open(files(folder.path(), &ours.vouch(dns("localhost")), &ours), desk.app.drain.clone());
    let address = guard(&desk, &format!("{}{CALLERS}", issuer.document()), Some(tls.expect("TLS").0)).await;
    let who = async |channel: &Channel| {
        let session = SystemServiceClient::new(channel.clone()).get_session(pb::GetSessionRequest {}).await;
        session.map(|session| session.into_inner().actor.expect("an actor").id)
    };

    let sync =
        secured(&address, &ours, Some(&ours.vouch(uri("spiffe://prod/ns/crm/sa/sync")))).await.expect("TLS");
    assert_eq!(who(&sync).await.expect("a session"), "crm-sync");
    let portal = secured(&address, &ours, Some(&ours.vouch(dns("portal.example.com")))).await.expect("TLS");
    assert_eq!(who(&portal).await.expect("a session"), "portal");
    let ticket = Some(pb::Ticket { title: "Drucker".into(), ..Default::default() });
    let request = pb::CreateTicketRequest { parent: desk.parent(), ticket, ..Default::default() };
    TicketServiceClient::new(sync.clone()).create_ticket(request.clone()).await.expect("created");
    let foreign = TicketServiceClient::new(portal).create_ticket(request).await;
    assert_eq!(reason(&foreign), "NotFound RESOURCE_NOT_FOUND");

    let token = Token::good(&issuer, "a", &key).signed(&key);
    let actor = session(&sync, &token).await.expect("a session").into_inner().actor.expect("an actor");
    assert_eq!(actor.id, "anna");
    let bare = secured(&address, &ours, None).await.expect("TLS");
    assert_eq!(
        session(&bare, &token).await.expect("a session").into_inner().actor.expect("an actor").id,
        "anna"
    );
    let refused = SystemServiceClient::new(bare).get_session(pb::GetSessionRequest {}).await;
    assert_eq!(reason(&refused), "Unauthenticated TOKEN_INVALID");

    let unknown = secured(&address, &ours, Some(&ours.vouch(dns("unknown.example.com")))).await.expect("TLS");
    let refused = SystemServiceClient::new(unknown).get_session(pb::GetSessionRequest {}).await;
    assert_eq!(reason(&refused), "Unauthenticated TOKEN_INVALID");
    // In TLS 1.3 the server's word about the certificate comes behind the handshake, so it may be the call that fails.
    let forged = theirs.vouch(uri("spiffe://prod/ns/crm/sa/sync"));
    if let Ok(channel) = secured(&address, &ours, Some(&forged)).await {
        assert!(SystemServiceClient::new(channel).get_session(pb::GetSessionRequest {}).await.is_err());
    }
    assert!(secured(&address, &theirs, None).await.is_err(), "the server is not whom theirs vouches for");
    desk.finish().await;
}

#[tokio::test]
async fn the_command_line_calls_by_https_with_a_token_from_a_file() {
    let desk = Desk::open().await;
    let key = Key::p256();
    let issuer = Issuer::open(&desk, &[key.shown("a")]).await;
    let (ours, theirs, folder) = (Vouching::new(), Vouching::new(), tempfile::tempdir().expect("a folder"));
    let tls = Tls::open(files(folder.path(), &ours.vouch(dns("localhost")), &ours), desk.app.drain.clone());
    let at =
        guard(&desk, &issuer.document(), Some(tls.expect("TLS").0)).await.replace("127.0.0.1", "localhost");
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("written");
        path.to_str().expect("a path").to_owned()
    };
    let token = write("token", &format!("{}\n", Token::good(&issuer, "a", &key).signed(&key)));
    let (ours, theirs) = (write("ours", &ours.certificate.pem()), write("theirs", &theirs.certificate.pem()));
    let read = async |address: &str, ca: &str, token: &str| {
        let arguments = ["config", "get", "--tenant", "acme", "--address", address];
        run(&[&arguments[..], &["--ca-file", ca, "--token-file", token]].concat()).await
    };
    let secure = format!("https://{at}");
    let (code, out, err) = read(&secure, &ours, &token).await;
    assert!(code == Some(0) && out.contains("levels:"), "{out}{err}");
    for (what, (code, _, err), told) in [
        ("a stranger's authority", read(&secure, &theirs, &token).await, "TLS failed"),
        ("no token", read(&secure, &ours, &write("empty", "")).await, "TOKEN_INVALID"),
        ("no file", read(&secure, &ours, "/nowhere/token").await, "/nowhere/token"),
    ] {
        assert!(code == Some(1) && err.contains(told), "{what}: {err}");
    }
    desk.finish().await;
}
