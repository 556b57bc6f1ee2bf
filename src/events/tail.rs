//! The end of a tenant's stream, as one reader follows it: what is there, and what comes. Only notices come out of it.

use std::sync::Arc;

use tokio::sync::Mutex;

use super::{
    feed::Feed,
    heads::Head,
    project::{Notice, project},
    store_stream as store,
};
use crate::{app::App, error::Result, ids::TenantId};

/// Events that one statement reads at most.
pub const BATCH: i64 = 500;

/// A place in a tenant's stream.
#[derive(Debug)]
pub struct Tail {
    app: Arc<App>,
    tenant: TenantId,
    head: Head,
    feed: Arc<Mutex<Feed>>,
    position: i64,
}

/// What was read.
#[derive(Debug, Default)]
pub struct Batch {
    pub notices: Vec<Arc<Notice>>,
    /// Nothing at or before this position will follow.
    pub through: i64,
    /// Whether there is more to read at once.
    pub more: bool,
}

impl Tail {
    /// Reads on behind a position.
    pub fn new(app: Arc<App>, tenant: TenantId, position: i64) -> Self {
        let head = app.heads.watch(tenant.bucket());
        let feed = app.feeds.of(&tenant, head.position());
        Self { app, tenant, head, feed, position }
    }

    /// What is there, at most `limit`. Cancelling it loses nothing.
    pub async fn read(&mut self, limit: i64) -> Result<Batch> {
        // Known before the read, so the read sees all up to here.
        let head = self.head.position();
        let (db, tenant) = (&self.app.db, &self.tenant);
        let read = async |after, limit| store::read(&mut *db.read(tenant).await?, tenant, after, limit).await;
        let shared = self.feed.lock().await.after(self.position, head, limit as usize, read).await?;
        let batch = match shared {
            Some(batch) => batch,
            None => alone(read(self.position, limit + 1).await?, self.position, head, limit),
        };
        self.position = batch.through;
        Ok(batch)
    }

    /// Waits until there is something behind the position. It may be another tenant's.
    pub async fn wait(&mut self) {
        self.head.beyond(self.position).await;
    }
}

fn alone(mut rows: Vec<store::Placed>, position: i64, head: i64, limit: i64) -> Batch {
    let more = rows.len() as i64 > limit;
    rows.truncate(limit as usize);
    let last = rows.last().map_or(position, |row| row.position);
    let through = if more { last } else { last.max(head) };
    Batch { notices: rows.into_iter().map(|row| Arc::new(project(row))).collect(), through, more }
}
