//! The broker: the only user of async-nats.

use std::{
    collections::HashSet,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_nats::{
    Client, ConnectOptions, Event, HeaderMap,
    connection::State,
    jetstream::{
        Context, ErrorCode,
        consumer::{DeliverPolicy, ReplayPolicy, pull::OrderedConfig},
        context::{ContextBuilder, GetStreamErrorKind},
        stream::{Config, StorageType},
    },
};
use futures_util::StreamExt as _;
use tokio::time::timeout;

use super::login::Login;
use crate::{
    error::{Error, Result},
    telemetry::hop::TRACEPARENT,
    time::Time,
};

/// What every subject of ours begins with.
const ROOT: &str = "ticketing.v1";
/// How long the broker drops what it has had already, by `Nats-Msg-Id`.
pub const DUPLICATE_WINDOW: Duration = Duration::from_mins(10);
/// How long the broker keeps an event; the event log is there for what is older.
const MAX_AGE: Duration = Duration::from_hours(30 * 24);
/// How long to wait for the broker's word.
const ACK: Duration = Duration::from_secs(5);
/// Messages on their way at most.
const IN_FLIGHT: usize = 4096;

/// What the broker is told.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `nats://host:4222`; several, with commas between.
    pub url: String,
    /// A file of credentials, as `nsc` writes it; read at each connection.
    pub credentials: Option<PathBuf>,
    /// The file from which the URL comes: user and password are read at each connection, the hosts once.
    pub url_file: Option<PathBuf>,
    /// Authorities that vouch for the server; `None`: those of the system.
    pub authorities: Option<PathBuf>,
    /// The certificate that is shown to it, and its key; read at each connection.
    pub certificate: Option<(PathBuf, PathBuf)>,
    /// The JetStream stream.
    pub stream: String,
    /// Servers that keep a copy of the stream that is made here.
    pub replicas: usize,
}

/// A message, as it will be however often it is sent.
#[derive(Clone, Debug)]
pub struct Message {
    pub subject: String,
    /// The type of the event.
    pub kind: &'static str,
    /// The call that brought it about, if that is known.
    pub traceparent: String,
    /// The id of the event: the broker drops another of the same.
    pub id: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// The subject of an event.
pub fn subject(bucket: i16, tenant: &str, kind: &str) -> String {
    format!("{ROOT}.{bucket}.{tenant}.{kind}")
}

/// The broker, connected or not.
pub struct Nats {
    client: Client,
    context: Context,
    settings: Settings,
    connections: Arc<AtomicU64>,
    /// The connection for which the stream was last seen to be as it should.
    checked: AtomicU64,
}

impl std::fmt::Debug for Nats {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Nats").field("stream", &self.settings.stream).finish_non_exhaustive()
    }
}

/// By whom the server is vouched for, and who we are to it.
fn secured(mut options: ConnectOptions, settings: &Settings) -> ConnectOptions {
    if let Some(authorities) = &settings.authorities {
        options = options.add_root_certificates(authorities.clone()).require_tls(true);
    }
    match &settings.certificate {
        Some((certificate, key)) => options.add_client_certificate(certificate.clone(), key.clone()),
        None => options,
    }
}

impl Nats {
    /// Begins to connect, and goes on trying for ever: calls do not need the broker.
    pub async fn connect(settings: Settings) -> anyhow::Result<Self> {
        let connections = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&connections);
        let options = match Login::of(&settings) {
            None => ConnectOptions::new(),
            Some(login) => {
                login.read(b"")?;
                ConnectOptions::with_auth_callback(move |nonce| std::future::ready(login.answer(&nonce)))
            }
        };
        let options = options
            .name("ticketing")
            .retry_on_initial_connect()
            .reconnect_delay_callback(|attempts| Duration::from_millis(100 * attempts.min(20) as u64))
            .event_callback(move |event| {
                let count = Arc::clone(&count);
                async move {
                    tracing::info!(%event, "broker");
                    if event == Event::Connected {
                        count.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        let options = secured(options, &settings);
        let servers: Vec<&str> = settings.url.split(',').map(str::trim).collect();
        let client = options.connect(servers).await?;
        let context = ContextBuilder::new()
            .timeout(ACK)
            .ack_timeout(ACK)
            .max_ack_inflight(IN_FLIGHT)
            .backpressure_on_inflight(true)
            .build(client.clone());
        Ok(Self { client, context, settings, connections, checked: AtomicU64::new(0) })
    }

    /// How often the connection was made: another number means that something may have been lost.
    pub fn connections(&self) -> u64 {
        self.connections.load(Ordering::Relaxed)
    }

    pub fn is_connected(&self) -> bool {
        self.client.connection_state() == State::Connected
    }

    /// Whether there is a connection, and behind it the stream. Makes the stream where there is none; complains about one
    /// that would not do.
    pub async fn is_ready(&self) -> Result<bool> {
        if !self.is_connected() {
            return Ok(false);
        }
        let connection = self.connections();
        if self.checked.load(Ordering::Relaxed) != connection {
            let stream = self.context.get_or_create_stream(self.wanted()).await.map_err(Error::internal)?;
            check(&stream.cached_info().config, &self.settings)?;
            self.checked.store(connection, Ordering::Relaxed);
        }
        Ok(true)
    }

    /// What there is, for people; waits a little for the connection.
    pub async fn examine(&self) -> Result<String> {
        // Whoever answers a ping is connected.
        timeout(ACK, self.client.flush()).await.map_err(Error::internal)?.map_err(Error::internal)?;
        match self.context.get_stream(&self.settings.stream).await {
            Ok(stream) => {
                let info = stream.cached_info();
                check(&info.config, &self.settings)?;
                Ok(format!("NATS with {} messages in {}", info.state.messages, info.config.name))
            }
            Err(error) => match error.kind() {
                GetStreamErrorKind::JetStream(told) if told.error_code() == ErrorCode::STREAM_NOT_FOUND => {
                    Ok(format!("NATS without {}; the first server makes it", self.settings.stream))
                }
                _ => Err(Error::internal(error)),
            },
        }
    }

    fn wanted(&self) -> Config {
        Config {
            name: self.settings.stream.clone(),
            subjects: vec![format!("{ROOT}.>")],
            description: Some("What happened to tickets, as CloudEvents".into()),
            storage: StorageType::File,
            num_replicas: self.settings.replicas,
            duplicate_window: DUPLICATE_WINDOW,
            max_age: MAX_AGE,
            allow_direct: true,
            ..Config::default()
        }
    }

    /// Sends a message and waits until the broker has it; says whether it had it already.
    pub async fn publish(&self, message: Message, hop: Option<String>) -> Result<bool> {
        let mut headers = HeaderMap::new();
        headers.insert("Nats-Msg-Id", message.id.as_str());
        headers.insert("Nats-Expected-Stream", self.settings.stream.as_str());
        for (name, value) in &message.headers {
            headers.insert(name.as_str(), value.as_str());
        }
        if let Some(hop) = hop {
            headers.insert(TRACEPARENT, hop.as_str());
        }
        let sent = self.context.publish_with_headers(message.subject, headers, message.body.into()).await;
        let ack = timeout(ACK, sent.map_err(Error::internal)?).await.map_err(Error::internal)?;
        Ok(ack.map_err(Error::internal)?.duplicate)
    }

    /// The ids of what the stream holds of a bucket, stored at this time or later.
    pub async fn ids(&self, bucket: i16, since: Time) -> Result<HashSet<String>> {
        let stream = self.context.get_stream(&self.settings.stream).await.map_err(Error::internal)?;
        let start_time = (*since).as_second();
        let consumer = stream
            .create_consumer(OrderedConfig {
                filter_subject: format!("{ROOT}.{bucket}.>"),
                headers_only: true,
                replay_policy: ReplayPolicy::Instant,
                deliver_policy: DeliverPolicy::ByStartTime {
                    start_time: async_nats::datetime::DateTime::from_unix_timestamp(start_time)
                        .map_err(Error::internal)?,
                },
                ..OrderedConfig::default()
            })
            .await
            .map_err(Error::internal)?;
        let count = consumer.cached_info().num_pending as usize;
        let mut messages = consumer.messages().await.map_err(Error::internal)?.take(count);
        let mut ids = HashSet::with_capacity(count);
        while let Some(message) = timeout(ACK, messages.next()).await.map_err(Error::internal)? {
            let message = message.map_err(Error::internal)?;
            let id = message.headers.as_ref().and_then(|headers| headers.get("Nats-Msg-Id"));
            ids.extend(id.map(|id| id.as_str().to_owned()));
        }
        Ok(ids)
    }

    /// Sends what is still in the process, for a while.
    pub async fn close(&self) {
        _ = timeout(ACK, self.client.drain()).await;
    }
}

/// Whether a stream that was there will do.
fn check(config: &Config, settings: &Settings) -> Result<()> {
    let all = format!("{ROOT}.>");
    if !config.subjects.iter().any(|subject| *subject == all || subject == ">") {
        return Err(Error::internal(format!(
            "the stream {} takes {:?} and not {all}; give it that subject, or name another stream",
            settings.stream, config.subjects
        )));
    }
    if config.duplicate_window < DUPLICATE_WINDOW {
        tracing::warn!(
            stream = settings.stream,
            seconds = config.duplicate_window.as_secs(),
            "the stream forgets ids sooner than it should: after a failure of the relay, more comes twice"
        );
    }
    Ok(())
}
