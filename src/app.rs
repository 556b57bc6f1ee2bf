//! The service as a whole: what the verbs need, wired once, and drained in order.

use std::sync::Arc;

use tokio::sync::Notify;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tonic::service::Routes;

use crate::{
    agents, comments,
    configuration::{self, Configurations},
    ctx::{Clock, Ids},
    customers,
    db::Db,
    error::Result,
    escalation,
    events::{self, Heads},
    jobs::{JOBS, drive},
    routing,
    seal::Sealer,
    sla, system,
    tickets::{self, Lines, Numbers},
    webhooks,
};

/// What every verb gets.
#[derive(Debug)]
pub struct App {
    pub db: Db,
    pub clock: Clock,
    pub ids: Ids,
    pub configurations: Configurations,
    pub sealer: Sealer,
    pub numbers: Numbers,
    pub lines: Lines,
    /// Rung when a ticket or an agent may have begun to wait for the other; the push job listens.
    pub dispatch_due: Notify,
    pub heads: Heads,
    /// Sends webhooks.
    pub sender: webhooks::send::Sender,
    /// Whether the first configuration of an unknown tenant makes the tenant.
    pub create_tenants: bool,
    /// Every task of the service; drain waits for them.
    pub tasks: TaskTracker,
    /// Cancelled when the service goes down.
    pub drain: CancellationToken,
}

impl App {
    pub async fn start(db: Db, clock: Clock, ids: Ids, create_tenants: bool) -> Result<Arc<Self>> {
        Self::start_with(db, clock, ids, create_tenants, webhooks::Bounds::default()).await
    }

    /// As [`Self::start`], with other bounds for webhooks.
    pub async fn start_with(
        db: Db,
        clock: Clock,
        ids: Ids,
        create_tenants: bool,
        webhooks: webhooks::Bounds,
    ) -> Result<Arc<Self>> {
        let tasks = TaskTracker::new();
        let app = Arc::new(Self {
            sealer: Sealer::load(&db).await?,
            configurations: Configurations::new(db.clone(), clock.clone()),
            numbers: Numbers::new(db.clone()),
            // Whoever waits in a line is a call, and calls are waited for: the lines end with the App.
            lines: Lines::start(&TaskTracker::new(), &db),
            dispatch_due: Notify::new(),
            heads: Heads::default(),
            sender: webhooks::send::Sender::new(webhooks)?,
            create_tenants,
            db,
            clock,
            ids,
            tasks,
            drain: CancellationToken::new(),
        });
        app.tasks.spawn(events::heads::follow(Arc::clone(&app)));
        Ok(app)
    }

    /// The services of the contract, to be mounted by the server.
    pub fn routes(self: &Arc<Self>) -> Routes {
        Routes::new(tickets::rpc::server(Arc::clone(self)))
            .add_service(routing::rpc::server(Arc::clone(self)))
            .add_service(escalation::rpc::server(Arc::clone(self)))
            .add_service(agents::rpc::server(Arc::clone(self)))
            .add_service(events::rpc::server(Arc::clone(self)))
            .add_service(configuration::rpc::server(Arc::clone(self)))
            .add_service(comments::rpc::server(Arc::clone(self)))
            .add_service(customers::rpc::server(Arc::clone(self)))
            .add_service(sla::rpc::server(Arc::clone(self)))
            .add_service(system::rpc::server(Arc::clone(self)))
    }

    /// Starts every job; each runs until the service drains.
    pub fn spawn_jobs(self: &Arc<Self>) {
        for job in JOBS {
            self.tasks.spawn(drive(Arc::clone(self), job));
        }
    }
}
