//! TLS: what it begins with, and what happens when its files change.

use std::{path::Path, sync::Arc, time::Duration};

use ticketing::serve::{Tls, TlsFiles};
use tokio::{io::AsyncWriteExt as _, net::TcpStream, time::timeout};
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{
        ClientConfig, RootCertStore,
        crypto::ring,
        pki_types::{CertificateDer, ServerName},
    },
};
use tokio_util::sync::CancellationToken;

use super::toy::{Running, pass, run_over, settings};

/// Longer than any of this takes.
const LONG: Duration = Duration::from_secs(30);

/// Writes a new certificate, which vouches for itself.
fn renew(folder: &Path) -> CertificateDer<'static> {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    std::fs::write(folder.join("tls.crt"), made.cert.pem()).expect("written");
    std::fs::write(folder.join("tls.key"), made.signing_key.serialize_pem()).expect("written");
    made.cert.der().clone()
}

fn files(folder: &Path) -> TlsFiles {
    TlsFiles { certificate: folder.join("tls.crt"), key: folder.join("tls.key"), client_authorities: None }
}

async fn serve(folder: &Path) -> (Running, CancellationToken) {
    let drain = CancellationToken::new();
    let (tls, follow) = Tls::open(files(folder), drain.clone()).expect("TLS");
    let running = run_over(settings(), Some(tls)).await;
    running.tasks.spawn(follow);
    (running, drain)
}

async fn connect(
    running: &Running,
    trusted: &CertificateDer<'static>,
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).expect("an authority");
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let stream = TcpStream::connect(running.addr).await?;
    let name = ServerName::try_from("localhost").expect("a name");
    TlsConnector::from(Arc::new(config)).connect(name, stream).await
}

#[tokio::test]
async fn a_new_certificate_is_taken_and_a_faulty_one_is_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let first = renew(folder.path());
    let (running, drain) = serve(folder.path()).await;
    let stream = connect(&running, &first).await.expect("TLS");
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));

    let second = renew(folder.path());
    let taken = async {
        while connect(&running, &second).await.is_err() {
            pass(Duration::from_secs(10)).await;
        }
    };
    timeout(LONG, taken).await.expect("the new one is taken");
    assert!(connect(&running, &first).await.is_err(), "the old one is shown no more");

    std::fs::write(folder.path().join("tls.key"), "no key").expect("written");
    for _ in 0..3 {
        pass(Duration::from_secs(10)).await;
        connect(&running, &second).await.expect("TLS goes on with what was good");
    }
    drain.cancel();
    running.drain.cancel();
    running.end.await.expect("an end");
}

#[tokio::test]
async fn what_is_no_tls_gets_no_answer() {
    let folder = tempfile::tempdir().expect("a folder");
    renew(folder.path());
    let (running, drain) = serve(folder.path()).await;
    let mut stream = TcpStream::connect(running.addr).await.expect("connected");
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.expect("written");
    let mut answer = Vec::new();
    let read = tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut answer);
    // An alert at most.
    timeout(LONG, read).await.expect("it is closed").ok();
    assert!(answer.len() < 16, "{answer:?}");
    drain.cancel();
    running.drain.cancel();
    running.end.await.expect("an end");
}

#[tokio::test]
async fn files_that_do_not_fit_keep_the_server_from_starting() {
    let folder = tempfile::tempdir().expect("a folder");
    let open = |files: TlsFiles| Tls::open(files, CancellationToken::new()).map(drop);
    assert!(open(files(folder.path())).is_err(), "there are none");
    renew(folder.path());
    open(files(folder.path())).expect("a pair");
    let authorities = Some(folder.path().join("tls.key"));
    assert!(
        open(TlsFiles { client_authorities: authorities, ..files(folder.path()) }).is_err(),
        "a key is no authority"
    );
    let other = tempfile::tempdir().expect("a folder");
    renew(other.path());
    let crossed = TlsFiles { key: other.path().join("tls.key"), ..files(folder.path()) };
    assert!(open(crossed).is_err(), "another certificate's key");
}
