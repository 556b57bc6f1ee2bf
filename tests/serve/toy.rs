//! Services that do as a test tells them, behind the real contract and stack.

use std::{
    net::SocketAddr,
    sync::{Arc, Once},
    time::Duration,
};

use futures_util::{Stream, StreamExt as _, future::BoxFuture, stream};
use http::HeaderMap;
use ticketing::{
    access::Permission,
    call::CallId,
    ctx::{Actor, ActorKind},
    error::Error,
    metrics::Metrics,
    serve::{
        self, Access, Authenticate, Health, Leaving, Limits, MethodPolicy, Peer, Server, Settings, Tls, Why,
    },
};
use ticketing_proto::v1::{
    GetServerInfoRequest, GetServerInfoResponse, GetSessionRequest, GetSessionResponse, Goodbye,
    GoodbyeReason, ListEventsRequest, ListEventsResponse, WatchEventsRequest, WatchEventsResponse,
    event_service_server::{EventService, EventServiceServer},
    system_service_server::{SystemService, SystemServiceServer},
    watch_events_response,
};
use tokio::{net::TcpListener, sync::Semaphore, task::JoinHandle};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tonic::{Request, Response, Status, service::Routes};
use tracing_subscriber::{filter::LevelFilter, layer::SubscriberExt as _};

pub const INFO: &str = "/ticketing.v1.SystemService/GetServerInfo";
pub const SESSION: &str = "/ticketing.v1.SystemService/GetSession";
pub const WATCH: &str = "/ticketing.v1.EventService/WatchEvents";

/// What happened inside, to wait for.
#[derive(Clone)]
pub struct Toy {
    pub entered: Arc<Semaphore>,
    pub dropped: Arc<Semaphore>,
}

impl Toy {
    fn new() -> Self {
        let none = || Arc::new(Semaphore::new(0));
        Self { entered: none(), dropped: none() }
    }

    /// Never ends; tells when it begins and when it is dropped.
    async fn hang(&self) {
        let _told = Told(Arc::clone(&self.dropped));
        self.entered.add_permits(1);
        std::future::pending::<()>().await;
    }
}

struct Told(Arc<Semaphore>);

impl Drop for Told {
    fn drop(&mut self) {
        self.0.add_permits(1);
    }
}

/// Waits for one more `entered` or `dropped`.
pub async fn once(happened: &Semaphore) {
    happened.acquire().await.expect("never closed").forget();
}

fn told<T>(request: &Request<T>) -> &str {
    request.metadata().get("toy").and_then(|value| value.to_str().ok()).unwrap_or_default()
}

#[tonic::async_trait]
impl SystemService for Toy {
    async fn get_server_info(
        &self,
        request: Request<GetServerInfoRequest>,
    ) -> Result<Response<GetServerInfoResponse>, Status> {
        match told(&request) {
            "hang" => self.hang().await,
            "panic" => panic!("secret of the panic"),
            "fail" => return Err(Error::internal("secret of the fault").into_status("desk-42")),
            "bare" => return Err(Status::internal("secret of the bare fault")),
            _ => {}
        }
        Ok(Response::new(GetServerInfoResponse { version: "1.2.3".to_owned(), ..Default::default() }))
    }

    /// Echoes what the layers know.
    async fn get_session(
        &self,
        request: Request<GetSessionRequest>,
    ) -> Result<Response<GetSessionResponse>, Status> {
        let actor = request.extensions().get::<Actor>().expect("an actor").id.clone();
        let id = request.extensions().get::<CallId>().expect("a request id").0.to_string();
        Ok(Response::new(GetSessionResponse { tenants: vec![actor, id], ..Default::default() }))
    }
}

type Events = std::pin::Pin<Box<dyn Stream<Item = Result<WatchEventsResponse, Status>> + Send>>;

/// The methods that are written out, and those that no test calls.
macro_rules! event_service {
    ($($method:ident($request:ident) -> $response:ident),*; $($rest:item)*) => {
        #[tonic::async_trait]
        impl EventService for Toy {
            $(async fn $method(
                &self,
                _: Request<ticketing_proto::v1::$request>,
            ) -> Result<Response<ticketing_proto::v1::$response>, Status> {
                Err(Status::unimplemented("a toy"))
            })*
            $($rest)*
        }
    };
}

event_service! {
    create_subscription(CreateSubscriptionRequest) -> CreateSubscriptionResponse,
    get_subscription(GetSubscriptionRequest) -> GetSubscriptionResponse,
    list_subscriptions(ListSubscriptionsRequest) -> ListSubscriptionsResponse,
    update_subscription(UpdateSubscriptionRequest) -> UpdateSubscriptionResponse,
    delete_subscription(DeleteSubscriptionRequest) -> DeleteSubscriptionResponse,
    pause_subscription(PauseSubscriptionRequest) -> PauseSubscriptionResponse,
    resume_subscription(ResumeSubscriptionRequest) -> ResumeSubscriptionResponse,
    replay_subscription(ReplaySubscriptionRequest) -> ReplaySubscriptionResponse,
    rotate_subscription_secret(RotateSubscriptionSecretRequest) -> RotateSubscriptionSecretResponse,
    list_deliveries(ListDeliveriesRequest) -> ListDeliveriesResponse,
    redeliver_event(RedeliverEventRequest) -> RedeliverEventResponse;

    type WatchEventsStream = Events;

    /// One message, then what it was told: to hang, to panic, or to say goodbye.
    async fn watch_events(&self, request: Request<WatchEventsRequest>) -> Result<Response<Events>, Status> {
        let first = stream::iter([Ok(WatchEventsResponse { cursor: "first".to_owned(), body: None })]);
        let toy = self.clone();
        let told = told(&request).to_owned();
        let leaving = request.extensions().get::<Leaving>().expect("a notice").clone();
        let rest = stream::once(async move {
            match &*told {
                "panic" => panic!("secret of the panic"),
                "polite" => {
                    toy.entered.add_permits(1);
                    let reason = match leaving.wait().await {
                        Why::Age => GoodbyeReason::MaxAge,
                        Why::Drain => GoodbyeReason::Drain,
                    };
                    let goodbye = Goodbye { reason: reason.into(), reconnect_after_duration: None };
                    let body = Some(watch_events_response::Body::Goodbye(goodbye));
                    Ok(WatchEventsResponse { cursor: "last".to_owned(), body })
                }
                _ => {
                    toy.hang().await;
                    unreachable!("it hangs")
                }
            }
        });
        Ok(Response::new(Box::pin(first.chain(rest))))
    }

    async fn list_events(
        &self,
        _: Request<ListEventsRequest>,
    ) -> Result<Response<ListEventsResponse>, Status> {
        Ok(Response::new(ListEventsResponse::default()))
    }
}

/// Lets `good` and `other` in everywhere and `poor` only where the events are read.
struct Tokens;

impl Authenticate for Tokens {
    fn authenticate<'a>(
        &'a self,
        headers: &'a HeaderMap,
        _: Option<&'a Peer>,
        method: &'a MethodPolicy,
    ) -> BoxFuture<'a, Result<Actor, Error>> {
        let token = headers.get("authorization").map_or(&b""[..], |value| value.as_bytes());
        let events = matches!(&method.access, Access::Granted { permission: Permission::EventsRead, .. });
        let named = |id: &str| Actor {
            kind: ActorKind::Service,
            id: id.to_owned(),
            roles: Vec::new(),
            tenants: Some(Vec::new()),
        };
        let caller = match token {
            b"Bearer good" => Ok(named("someone")),
            b"Bearer other" => Ok(named("another")),
            b"Bearer poor" if events => Ok(named("someone")),
            b"Bearer poor" => Err(Error::Forbidden { permission: "SYSTEM_READ".to_owned() }),
            _ => Err(Error::Unauthenticated("no token".to_owned())),
        };
        Box::pin(std::future::ready(caller))
    }
}

/// A running server.
pub struct Running {
    pub addr: SocketAddr,
    pub operations: SocketAddr,
    pub health: Health,
    pub metrics: Arc<Metrics>,
    pub toy: Toy,
    pub drain: CancellationToken,
    pub tasks: TaskTracker,
    pub end: JoinHandle<usize>,
}

/// Lets time pass at once: what is due meanwhile is due now.
pub async fn pass(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

/// Settings for tests: one origin, and nothing that a slow machine could trip over.
pub fn settings() -> Settings {
    let long = Duration::from_mins(10);
    Settings {
        origins: vec!["https://desk.example".to_owned()],
        goodbye: long,
        trace_ratio: 0.0,
        limits: Limits { opening: long, drain_grace: long, ..Limits::default() },
        ..Settings::default()
    }
}

/// tracing keeps for each place in the code whether anybody listens to it, and may ask only the thread that comes there
/// first. So somebody listens in all of them.
fn listen_everywhere() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let subscriber = tracing_subscriber::registry().with(LevelFilter::INFO);
        tracing::subscriber::set_global_default(subscriber).expect("the first one");
    });
}

pub async fn run(settings: Settings) -> Running {
    run_over(settings, None).await
}

pub async fn run_over(settings: Settings, tls: Option<Tls>) -> Running {
    listen_everywhere();
    let (toy, metrics) = (Toy::new(), Arc::<Metrics>::default());
    let services = Routes::new(SystemServiceServer::new(toy.clone()).max_decoding_message_size(1024))
        .add_service(EventServiceServer::new(toy.clone()));
    let health = Health::of(ticketing_proto::DESCRIPTOR).await.expect("a contract");
    let server =
        Server::new(&settings, ticketing_proto::DESCRIPTOR, services, Arc::new(Tokens), &health, &metrics)
            .expect("a server");
    let (public, operations) = (bind().await, bind().await);
    let (addr, probes) = (public.local_addr().expect("bound"), operations.local_addr().expect("bound"));
    let (drain, tasks) = (CancellationToken::new(), TaskTracker::new());
    let end = tasks.spawn({
        let (health, drain, over) = (health.clone(), drain.clone(), CancellationToken::new());
        let metrics = Arc::clone(&metrics);
        async move {
            let calls = async {
                let _over = over.clone().drop_guard();
                server.run(public, tls, drain).await
            };
            let probes = serve::operations(operations, &health, metrics, settings.limits, over.clone());
            tokio::join!(calls, probes).0
        }
    });
    Running { addr, operations: probes, health, metrics, toy, drain, tasks, end }
}

async fn bind() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.expect("a port")
}
