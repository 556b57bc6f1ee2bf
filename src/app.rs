//! The service as a whole: what the verbs need, wired once, and drained in order.

use std::sync::{Arc, Mutex};

use tokio::sync::Notify;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tonic::service::Routes;

use crate::{
    agents,
    attachments::{self, objects::Objects},
    audit, billing, comments,
    configuration::{self, Configurations},
    ctx::{Clock, Ids},
    customers,
    db::Db,
    entitlements,
    error::Result,
    escalation,
    events::{self, Feeds, Heads, relay::Relay},
    feedback,
    jobs::{JOBS, drive},
    knowledge,
    metrics::Metrics,
    reports, routing,
    seal::Sealer,
    sla, system,
    tickets::{self, Lines, Names, Numbers},
    webhooks, worklogs,
};

/// What every verb gets.
#[derive(Debug)]
pub struct App {
    pub db: Db,
    pub clock: Clock,
    pub ids: Ids,
    pub configurations: Configurations,
    pub sealer: Sealer,
    /// Of cursors alone: their key changes when the log is set back.
    pub cursor_sealer: Sealer,
    pub numbers: Numbers,
    pub lines: Lines,
    pub names: Arc<Names>,
    /// Rung when a ticket or an agent may have begun to wait for the other; the push job listens.
    pub dispatch_due: Notify,
    pub heads: Heads,
    pub feeds: Feeds,
    /// How far the outbox is known to be empty.
    pub passed: Mutex<events::sequencer::Passed>,
    /// The way to the broker, if there is one.
    pub relay: Option<Relay>,
    /// What the process measures.
    pub metrics: Arc<Metrics>,
    /// Where the bytes of attachments lie, if anywhere.
    pub objects: Option<Objects>,
    /// Sends webhooks.
    pub sender: webhooks::send::Sender,
    /// Every task of the service; drain waits for them.
    pub tasks: TaskTracker,
    /// Cancelled when the service goes down.
    pub drain: CancellationToken,
}

/// What seals.
#[derive(Debug)]
pub struct Seals {
    pub tokens: Sealer,
    pub cursors: Sealer,
}

/// What differs from one installation to the next.
#[derive(Debug, Default)]
pub struct Setup {
    /// The way to the broker.
    pub relay: Option<Relay>,
    /// Where the bytes of attachments lie.
    pub objects: Option<Objects>,
    /// How far webhooks reach, and how long they may take.
    pub webhooks: webhooks::Bounds,
    /// Cancelled when the service goes down.
    pub drain: CancellationToken,
}

impl App {
    /// Wires the service to its database, and follows what is written there.
    pub async fn start(db: Db, clock: Clock, ids: Ids, setup: Setup) -> Result<Arc<Self>> {
        let seals = Seals {
            tokens: Sealer::load(&db, "token-seal").await?,
            cursors: events::cursor::sealer(&db).await?,
        };
        let app = Self::wire(db, seals, clock, ids, setup)?;
        app.tasks.spawn(events::heads::follow(Arc::clone(&app)));
        Ok(app)
    }

    /// The wiring alone: asks nothing of the database.
    pub fn wire(db: Db, seals: Seals, clock: Clock, ids: Ids, setup: Setup) -> Result<Arc<Self>> {
        let names = Arc::new(Names::new(clock.clone()));
        let metrics = Arc::clone(db.metrics());
        if setup.relay.is_some() {
            metrics.relay.begin();
        }
        Ok(Arc::new(Self {
            sealer: seals.tokens,
            cursor_sealer: seals.cursors,
            configurations: Configurations::new(db.clone(), clock.clone()),
            numbers: Numbers::new(db.clone()),
            // Whoever waits in a line is a call, and calls are waited for: the lines end with the App.
            lines: Lines::start(&TaskTracker::new(), &db, &names),
            names,
            dispatch_due: Notify::new(),
            heads: Heads::default(),
            feeds: Feeds::default(),
            passed: Mutex::default(),
            sender: webhooks::send::Sender::new(setup.webhooks)?,
            relay: setup.relay,
            metrics,
            objects: setup.objects,
            db,
            clock,
            ids,
            tasks: TaskTracker::new(),
            drain: setup.drain,
        }))
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
            .add_service(attachments::rpc::server(Arc::clone(self)))
            .add_service(reports::rpc::server(Arc::clone(self)))
            .add_service(knowledge::rpc::server(Arc::clone(self)))
            .add_service(customers::rpc::server(Arc::clone(self)))
            .add_service(worklogs::rpc::server(Arc::clone(self)))
            .add_service(billing::rpc::server(Arc::clone(self)))
            .add_service(entitlements::rpc::server(Arc::clone(self)))
            .add_service(feedback::rpc::server(Arc::clone(self)))
            .add_service(sla::rpc::server(Arc::clone(self)))
            .add_service(audit::rpc::server(Arc::clone(self)))
            .add_service(system::rpc::server(Arc::clone(self)))
    }

    /// Starts every job; each runs until the service drains.
    pub fn spawn_jobs(self: &Arc<Self>) {
        for job in JOBS {
            self.tasks.spawn(drive(Arc::clone(self), job));
        }
    }
}
