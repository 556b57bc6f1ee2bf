//! How a call reaches its service: the layers that it passes, in order, and the server around them.

mod auth;
mod deadline;
mod health;
mod layer;
mod listen;
mod observe;
mod origin;
mod panic;
mod policy;
mod quota;
mod share;
mod shed;
mod tls;
mod trace;
mod web;

use std::{convert::Infallible, sync::Arc, time::Duration};

use http::HeaderMap;
use hyper::body::{Bytes, Frame};
use jiff::fmt::serde::unsigned_duration::friendly::compact::required as friendly;
use serde::Deserialize;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::{Status, service::Routes};
use tonic_reflection::server as reflection;
use tower::{ServiceBuilder, util::BoxCloneSyncService};

pub use self::{
    auth::Authenticate,
    deadline::{Leaving, Why},
    health::Health,
    listen::Limits,
    policy::{Access, Audience, Idempotency, MethodPolicy, Policies, PolicyError},
    quota::{Allowance, Quota, Quotas},
    tls::{Peer, Tls, TlsFiles},
    web::is_origin,
};
use self::{
    auth::Authentication,
    deadline::Deadline,
    health::Probes,
    layer::{Call, Reply},
    listen::listen,
    observe::Observe,
    panic::Guard,
    policy::Lookup,
    quota::{Apportion, Shares},
    shed::Shed,
    web::{Pages, Split},
};
use crate::{error::Error, metrics::Metrics};

/// Why the server cannot start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The contract is at fault.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// A setting is at fault.
    #[error("{0:?} is no origin: it must be `scheme://host` or `scheme://host:port`, or `*` alone")]
    Origin(String),
    /// The contract does not reflect.
    #[error("the contract does not reflect: {0}")]
    Reflection(#[from] tonic_reflection::server::Error),
}

/// What the operator decides about serving.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Origins whose pages may call; none by default.
    pub origins: Vec<String>,
    /// Unary calls at work at a time; one more is told to come again.
    pub max_calls: usize,
    /// Streams open at a time; one more is told to come again.
    pub max_streams: usize,
    /// What each caller and each tenant may have of that.
    pub quotas: Quotas,
    /// How long a stream has for its goodbye when its connection is to close.
    #[serde(with = "friendly")]
    pub goodbye: Duration,
    /// The share of calls that are traced although the caller does not ask for it, 0 to 1.
    pub trace_ratio: f64,
    /// Whether strangers may read the contract by reflection.
    pub reflection: bool,
    /// What connections are allowed.
    pub limits: Limits,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            origins: Vec::new(),
            max_calls: 512,
            max_streams: 4096,
            quotas: Quotas::default(),
            goodbye: Duration::from_secs(5),
            trace_ratio: 0.01,
            reflection: true,
            limits: Limits::default(),
        }
    }
}

/// Serves plain HTTP requests that put and get files, also of pages of the origins, until `drain`.
pub fn files<F, A>(
    listener: TcpListener,
    tls: Option<Tls>,
    answer: F,
    settings: &Settings,
    drain: CancellationToken,
) -> Result<impl Future<Output = ()> + Send + use<F, A>, ServeError>
where
    F: Fn(Call) -> A + Clone + Send + 'static,
    A: Future<Output = Reply> + Send + 'static,
{
    let cors = web::cors_of_files(&settings.origins)?;
    let service = tower::service_fn(move |request| {
        let answered = answer(request);
        async { Ok::<_, Infallible>(answered.await) }
    });
    // A file takes as long as it takes; who is silent is cut by whoever reads.
    let limits = Limits { age_grace: LONGEST_FILE, ..settings.limits.clone() };
    let service = ServiceBuilder::new().layer(cors).service(service);
    Ok(async move {
        listen(listener, tls, service, limits, drain, None).await;
    })
}

/// How long a file may be on its way over a connection that is old otherwise.
const LONGEST_FILE: Duration = Duration::from_hours(1);

type Stack = BoxCloneSyncService<Call, Reply, Infallible>;

/// The layers, outermost first.
fn stack(
    settings: &Settings,
    policies: Policies,
    authenticate: Arc<dyn Authenticate>,
    metrics: &Arc<Metrics>,
    services: Routes,
) -> Result<Stack, ServeError> {
    let Settings { max_calls, max_streams, goodbye, trace_ratio, .. } = *settings;
    let shares = Arc::new(Shares::new(&settings.quotas));
    let cors = Arc::new(web::cors(&settings.origins)?);
    let layers = ServiceBuilder::new()
        // Pages of the origins may read every answer, also those of the layers below.
        .layer_fn(|next| Pages { cors: Arc::clone(&cors), next })
        // From here inward all is gRPC, so each error is made once and reaches every caller in its protocol.
        .layer_fn(Split::new)
        // Everything below is in the log and the trace, refusals and panics too, and no fault shows its text outside.
        .layer_fn(|next| Observe {
            trace_ratio,
            metrics: Arc::clone(metrics),
            policies: policies.clone(),
            next,
        })
        // A panic ends its call alone.
        .layer_fn(|next| Guard { next })
        // All layers from here on know what the method declares about itself; there are no other methods.
        .layer_fn(|next| Lookup { policies: policies.clone(), next })
        // What finds no room is turned away before it costs anything.
        .layer_fn(|next| Shed::new(max_calls, max_streams, next))
        // What is let in has its time, however it spends it.
        .layer_fn(|next| Deadline { goodbye, next })
        // No service meets a stranger.
        .layer_fn(|next| Authentication { authenticate: Arc::clone(&authenticate), next })
        // Nobody takes what is everybody's.
        .layer_fn(|next| Apportion { shares: Arc::clone(&shares), next })
        .service(services);
    Ok(Stack::new(layers))
}

/// The answer to a call that a layer refuses, for no fault of ours: only such names the call.
fn refuse(error: Error) -> Reply {
    error.into_status("").into_http()
}

/// The end of a body that a layer cuts.
fn trailers(status: Status) -> Frame<Bytes> {
    let mut trailers = HeaderMap::new();
    status.add_header(&mut trailers).expect("a status is made of what trailers can carry");
    Frame::trailers(trailers)
}

/// The server, not listening yet.
pub struct Server {
    stack: Stack,
    health: Health,
    limits: Limits,
    metrics: Arc<Metrics>,
}

impl Server {
    /// A server of these services, which `descriptor` describes: an encoded `FileDescriptorSet` with its options.
    /// `health`, and reflection if it is set, come along.
    pub fn new(
        settings: &Settings,
        descriptor: &[u8],
        services: Routes,
        authenticate: Arc<dyn Authenticate>,
        health: &Health,
        metrics: &Arc<Metrics>,
    ) -> Result<Self, ServeError> {
        let mut policies = Policies::declared(descriptor)?;
        let mut services = services.add_service(health.service());
        policies = policies.with_open(tonic_health::pb::FILE_DESCRIPTOR_SET)?;
        if settings.reflection {
            let reflection = || {
                reflection::Builder::configure()
                    .register_encoded_file_descriptor_set(descriptor)
                    .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
                    .register_encoded_file_descriptor_set(tonic_types::pb::FILE_DESCRIPTOR_SET)
            };
            services =
                services.add_service(reflection().build_v1()?).add_service(reflection().build_v1alpha()?);
            policies = policies
                .with_open(tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET)?
                .with_open(tonic_reflection::pb::v1alpha::FILE_DESCRIPTOR_SET)?;
        }
        let stack = stack(settings, policies, authenticate, metrics, services.prepare())?;
        let (health, metrics) = (health.clone(), Arc::clone(metrics));
        Ok(Self { stack, health, limits: settings.limits.clone(), metrics })
    }

    /// Serves calls on `public`, over TLS where there is such, until `drain`. Then the server is not ready any more, takes no
    /// connection and has each one end; returns how many had to be cut.
    pub async fn run(self, public: TcpListener, tls: Option<Tls>, drain: CancellationToken) -> usize {
        let Self { stack, health, limits, metrics } = self;
        let unready = async {
            drain.cancelled().await;
            metrics.drain_begins();
            health.set_draining().await;
        };
        let calls = listen(public, tls, stack, limits, drain.clone(), Some(Arc::clone(&metrics)));
        let ((), cut) = tokio::join!(unready, calls);
        if cut > 0 {
            metrics.drain_cut(cut);
            tracing::warn!(connections = cut, "the drain took too long: connections were cut");
        }
        cut
    }
}

/// Serves health and metrics in plain text, from before there is anything else to serve to the very end.
pub async fn operations(
    listener: TcpListener,
    health: &Health,
    metrics: Arc<Metrics>,
    limits: Limits,
    end: CancellationToken,
) {
    let limits = Limits { drain_grace: Duration::ZERO, ..limits };
    listen(listener, None, Probes::new(health.clone(), metrics), limits, end, None).await;
}
