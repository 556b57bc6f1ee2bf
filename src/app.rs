//! The service as a whole: what the verbs need, wired once, and drained in order.

use std::sync::Arc;

use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tonic::service::Routes;

use crate::{
    configuration::Configurations,
    ctx::{Clock, Ids},
    db::Db,
    error::Result,
    events::{self, Heads},
    seal::Sealer,
    tickets::{self, Lines, Numbers},
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
    pub heads: Heads,
    /// Every task of the service; drain waits for them.
    pub tasks: TaskTracker,
    /// Cancelled when the service goes down.
    pub drain: CancellationToken,
}

impl App {
    pub async fn start(db: Db, clock: Clock, ids: Ids) -> Result<Arc<Self>> {
        let tasks = TaskTracker::new();
        Ok(Arc::new(Self {
            sealer: Sealer::load(&db).await?,
            configurations: Configurations::new(db.clone(), clock.clone()),
            numbers: Numbers::new(db.clone()),
            lines: Lines::start(&tasks, &db),
            heads: Heads::default(),
            db,
            clock,
            ids,
            tasks,
            drain: CancellationToken::new(),
        }))
    }

    /// The services of the contract, to be mounted by the server.
    pub fn routes(self: &Arc<Self>) -> Routes {
        Routes::new(tickets::rpc::server(Arc::clone(self))).add_service(events::rpc::server(Arc::clone(self)))
    }
}
