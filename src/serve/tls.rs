//! TLS of the server: its certificate, whom it believes about clients, and both anew when their files change.

use std::{fs, io, path::PathBuf, sync::Arc, time::Duration};

use anyhow::Context as _;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::watch,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        RootCertStore, ServerConfig,
        crypto::ring,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
        server::WebPkiClientVerifier,
    },
    server::TlsStream,
};
use tokio_util::sync::CancellationToken;

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(10);

/// Where everything is, as PEM.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// The server's certificate, with those that lead to its authority behind it.
    pub certificate: PathBuf,
    pub key: PathBuf,
    /// Authorities that vouch for clients; without it, clients show no certificates.
    pub client_authorities: Option<PathBuf>,
}

/// The certificate that a client has shown, and that an authority of ours vouches for.
#[derive(Clone, Debug)]
pub struct Peer {
    pub certificate: CertificateDer<'static>,
}

/// TLS as it is at the moment.
#[derive(Clone, Debug)]
pub struct Tls(watch::Receiver<Arc<ServerConfig>>);

/// What was read, to tell whether it changed.
#[derive(PartialEq, Eq)]
struct Contents {
    certificate: Vec<u8>,
    key: Vec<u8>,
    client_authorities: Option<Vec<u8>>,
}

impl TlsFiles {
    fn read(&self) -> anyhow::Result<Contents> {
        let read = |path: &PathBuf| fs::read(path).with_context(|| path.display().to_string());
        Ok(Contents {
            certificate: read(&self.certificate)?,
            key: read(&self.key)?,
            client_authorities: self.client_authorities.as_ref().map(read).transpose()?,
        })
    }
}

impl Contents {
    fn config(&self) -> anyhow::Result<ServerConfig> {
        let certificates = |pem: &[u8]| CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>();
        let provider = Arc::new(ring::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()?;
        let builder = match &self.client_authorities {
            None => builder.with_no_client_auth(),
            Some(pem) => {
                let mut roots = RootCertStore::empty();
                for authority in certificates(pem).context("the clients' authorities")? {
                    roots.add(authority).context("the clients' authorities")?;
                }
                // A token will do as well.
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                    .allow_unauthenticated()
                    .build()
                    .context("the clients' authorities")?;
                builder.with_client_cert_verifier(verifier)
            }
        };
        let chain = certificates(&self.certificate).context("the server's certificate")?;
        let key = PrivateKeyDer::from_pem_slice(&self.key).context("the server's key")?;
        let mut config = builder.with_single_cert(chain, key).context("the server's certificate and key")?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(config)
    }
}

impl Tls {
    /// Reads the files, and what becomes of them until `drain`. New ones that are faulty are told of and not used.
    pub fn open(
        files: TlsFiles,
        drain: CancellationToken,
    ) -> anyhow::Result<(Self, impl Future<Output = ()> + Send + 'static)> {
        let mut contents = files.read()?;
        let (sender, receiver) = watch::channel(Arc::new(contents.config()?));
        let follow = async move {
            while drain.run_until_cancelled(tokio::time::sleep(LOOK)).await.is_some() {
                match renew(&files, &contents) {
                    Ok(None) => {}
                    Ok(Some((new, config))) => {
                        contents = new;
                        sender.send_replace(Arc::new(config));
                        tracing::info!("TLS goes on with new files");
                    }
                    Err(error) => {
                        let error = format!("{error:#}");
                        tracing::warn!(error, "TLS goes on with its old files: the new ones are faulty");
                    }
                }
            }
        };
        Ok((Self(receiver), follow))
    }

    /// Begins TLS with a client.
    pub(super) async fn accept<S>(&self, stream: S) -> io::Result<(TlsStream<S>, Option<Peer>)>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let acceptor = TlsAcceptor::from(Arc::clone(&self.0.borrow()));
        let stream = acceptor.accept(stream).await?;
        let shown = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
        let peer = shown.map(|certificate| Peer { certificate: certificate.clone().into_owned() });
        Ok((stream, peer))
    }
}

fn renew(files: &TlsFiles, old: &Contents) -> anyhow::Result<Option<(Contents, ServerConfig)>> {
    let new = files.read()?;
    if new == *old {
        return Ok(None);
    }
    let config = new.config()?;
    Ok(Some((new, config)))
}
