//! Whether this server wants calls: NOT_SERVING until it is ready and again from the drain on, the same to gRPC
//! health, its watchers and the probes of the operations port. Whether it lives is another question, and has another name.

use std::{
    convert::Infallible,
    sync::Arc,
    task::{Context, Poll},
};

use futures_util::future::{BoxFuture, FutureExt as _};
use http::{HeaderValue, Method, StatusCode, header::CONTENT_TYPE};
use http_body_util::Full;
use hyper::body::Bytes;
use tokio::sync::Mutex;
use tonic::{body::Body, service::Routes};
use tonic_health::{
    ServingStatus,
    pb::health_server::HealthServer,
    server::{HealthReporter, HealthService},
};
use tower::Service;

use super::{
    layer::{Answer as _, Call, Reply},
    policy::{Policies, PolicyError},
};
use crate::{error::chain, metrics::Metrics};

/// The server's health; a clone tells of the same server.
#[derive(Clone, Debug)]
pub struct Health {
    reporter: HealthReporter,
    /// The names that clients ask for; "" is the server as a whole.
    names: Arc<[String]>,
    state: Arc<Mutex<State>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Unready,
    Ready,
    /// For good: a database that comes back must not undo a drain.
    Draining,
}

/// What orchestrators ask for. A process that listens has started and lives, whatever it waits for: ending it would not make
/// the database come.
const ALIVE: [&str; 2] = ["startup", "liveness"];
const READY: &str = "readiness";

impl Health {
    /// Of a server with the services that `descriptor` describes, an encoded `FileDescriptorSet`; not ready yet.
    pub async fn of(descriptor: &[u8]) -> Result<Self, PolicyError> {
        let services = Policies::declared(descriptor)?.services();
        let health = Self {
            reporter: HealthReporter::new(),
            names: [String::new(), READY.to_owned()].into_iter().chain(services).collect(),
            state: Arc::new(Mutex::new(State::Unready)),
        };
        for name in ALIVE {
            health.reporter.set_service_status(name, ServingStatus::Serving).await;
        }
        // tonic-health calls the server SERVING from its construction on.
        health.turn(State::Unready).await;
        Ok(health)
    }

    /// Says whether the server can work, for instance reach its database. Without effect once it drains.
    pub async fn set_ready(&self, ready: bool) {
        self.turn(if ready { State::Ready } else { State::Unready }).await;
    }

    /// Says that the server goes down.
    pub async fn set_draining(&self) {
        self.turn(State::Draining).await;
    }

    /// Whether the server is ready.
    pub async fn is_ready(&self) -> bool {
        *self.state.lock().await == State::Ready
    }

    async fn turn(&self, to: State) {
        let mut state = self.state.lock().await;
        if *state == State::Draining {
            return;
        }
        *state = to;
        let status = if to == State::Ready { ServingStatus::Serving } else { ServingStatus::NotServing };
        for name in &*self.names {
            self.reporter.set_service_status(name, status).await;
        }
    }

    /// grpc.health.v1.
    pub(super) fn service(&self) -> HealthServer<HealthService> {
        HealthServer::new(HealthService::from_health_reporter(self.reporter.clone()))
    }
}

/// How Prometheus knows its own text.
const METRICS: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What the operations port answers: `/livez`, `/readyz`, `/metrics` and grpc.health.v1.
#[derive(Clone)]
pub(super) struct Probes {
    health: Health,
    metrics: Arc<Metrics>,
    grpc: Routes,
}

impl Probes {
    pub(super) fn new(health: Health, metrics: Arc<Metrics>) -> Self {
        Self { grpc: Routes::new(health.service()), health, metrics }
    }

    /// What was measured. It is written down beside the calls, which it would keep waiting for some milliseconds.
    async fn metrics(&self) -> Reply {
        let metrics = Arc::clone(&self.metrics);
        metrics.set_ready(self.health.is_ready().await);
        match tokio::task::spawn_blocking(move || metrics.text()).await {
            Ok(Ok(text)) => answer(StatusCode::OK, METRICS, text),
            Ok(Err(error)) => unwritten(&chain(&error)),
            Err(panic) => unwritten(&chain(&panic)),
        }
    }

    async fn answer(self, call: Call) -> Reply {
        let told = |status, text: &'static str| answer(status, "text/plain; charset=utf-8", text);
        match (call.method(), call.uri().path()) {
            (&Method::GET, "/livez") => told(StatusCode::OK, "alive\n"),
            (&Method::GET, "/readyz") if self.health.is_ready().await => told(StatusCode::OK, "ready\n"),
            (&Method::GET, "/readyz") => told(StatusCode::SERVICE_UNAVAILABLE, "not ready\n"),
            (&Method::GET, "/metrics") => self.metrics().await,
            (&Method::POST, _) => self.grpc.answer(call).await,
            _ => {
                told(StatusCode::NOT_FOUND, "There are /livez, /readyz, /metrics and grpc.health.v1 here.\n")
            }
        }
    }
}

fn answer(status: StatusCode, kind: &'static str, text: impl Into<Bytes>) -> Reply {
    let mut reply = Reply::new(Body::new(Full::new(text.into())));
    *reply.status_mut() = status;
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    reply
}

fn unwritten(error: &str) -> Reply {
    tracing::error!(error, "metrics cannot be written down");
    answer(StatusCode::INTERNAL_SERVER_ERROR, "text/plain; charset=utf-8", "see the log\n")
}

impl Service<Call> for Probes {
    type Response = Reply;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Reply, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, call: Call) -> Self::Future {
        self.clone().answer(call).map(Ok).boxed()
    }
}
