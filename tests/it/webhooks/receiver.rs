//! A receiver of webhooks that does as it is told: takes, refuses, keeps silent, breaks off, lies.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex},
};

use serde_json::Value;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpListener,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, crypto::ring, pki_types::CertificateDer},
};

use crate::support::Desk;

/// What it does with one request.
#[derive(Clone, Copy, Debug)]
pub enum Answer {
    /// These bytes, and the end.
    Raw(&'static str),
    /// Nothing, for as long as the sender waits.
    Silence,
}

pub const OK: Answer = Answer::Raw("HTTP/1.1 204 No Content\r\n\r\n");
pub const BROKEN: Answer = Answer::Raw("HTTP/1.1 500 Oops\r\ncontent-length: 4\r\n\r\noops");
pub const GONE: Answer = Answer::Raw("HTTP/1.1 410 Gone\r\ncontent-length: 0\r\n\r\n");
pub const LIE: Answer = Answer::Raw("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nshort");
pub const HALF: Answer = Answer::Raw("HTTP/1.1 20");
pub const BUSY: Answer =
    Answer::Raw("HTTP/1.1 429 Slow Down\r\nretry-after: 600\r\ncontent-length: 0\r\n\r\n");

/// A request that came.
#[derive(Clone, Debug)]
pub struct Request {
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

impl Request {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("JSON")
    }

    pub fn id(&self) -> &str {
        &self.headers["webhook-id"]
    }
}

/// The receiver.
#[derive(Clone, Debug)]
pub struct Receiver {
    pub url: String,
    state: Arc<Mutex<(VecDeque<Answer>, Vec<Request>)>>,
}

impl Receiver {
    pub async fn open(desk: &Desk) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}/hook", listener.local_addr().expect("bound"));
        let receiver = Self { url, state: Arc::default() };
        let (own, tasks) = (receiver.clone(), desk.app.tasks.clone());
        desk.app.tasks.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tasks.spawn(own.clone().take(stream));
            }
        });
        receiver
    }

    /// Over TLS, with a certificate for these names that vouches for itself.
    pub async fn open_tls(desk: &Desk, names: &[&str]) -> (Self, CertificateDer<'static>) {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let made = rcgen::generate_simple_self_signed(names).expect("a certificate");
        let (certificate, key) = (made.cert.der().clone(), made.signing_key.into());
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![certificate.clone()], key)
            .expect("a pair");
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("https://localhost:{}/hook", listener.local_addr().expect("bound").port());
        let receiver = Self { url, state: Arc::default() };
        let (own, tasks) = (receiver.clone(), desk.app.tasks.clone());
        desk.app.tasks.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (own, acceptor) = (own.clone(), acceptor.clone());
                tasks.spawn(async move {
                    if let Ok(stream) = acceptor.accept(stream).await {
                        own.take(stream).await;
                    }
                });
            }
        });
        (receiver, certificate)
    }

    /// What it does with the next requests; then it takes all.
    pub fn answer(&self, answers: &[Answer]) {
        self.state.lock().expect("not poisoned").0 = answers.iter().copied().collect();
    }

    /// What came since it was last asked.
    pub fn came(&self) -> Vec<Request> {
        std::mem::take(&mut self.state.lock().expect("not poisoned").1)
    }

    async fn take(self, mut stream: impl AsyncRead + AsyncWrite + Unpin) {
        let mut text = Vec::new();
        let mut buffer = [0; 4096];
        let request = loop {
            let read = stream.read(&mut buffer).await.unwrap_or_default();
            if read == 0 {
                return;
            }
            text.extend_from_slice(&buffer[..read]);
            if let Some(request) = whole(&String::from_utf8_lossy(&text)) {
                break request;
            }
        };
        let answer = {
            let mut state = self.state.lock().expect("not poisoned");
            state.1.push(request);
            state.0.pop_front().unwrap_or(OK)
        };
        match answer {
            Answer::Raw(bytes) => _ = stream.write_all(bytes.as_bytes()).await,
            Answer::Silence => _ = stream.read(&mut buffer).await,
        }
    }
}

/// The request, once all of it is there.
fn whole(text: &str) -> Option<Request> {
    let (head, body) = text.split_once("\r\n\r\n")?;
    let headers: BTreeMap<String, String> = head
        .lines()
        .skip(1)
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let length: usize = headers.get("content-length")?.parse().ok()?;
    (body.len() >= length).then(|| Request { headers, body: body.to_owned() })
}
