//! The end of a tenant's stream, as one reader follows it: what is there, and what comes. Only notices come out of it.

use std::sync::Arc;

use super::{
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
    position: i64,
}

/// What was read.
#[derive(Debug, Default)]
pub struct Batch {
    pub notices: Vec<Notice>,
    /// Nothing at or before this position will follow.
    pub through: i64,
    /// Whether there is more to read at once.
    pub more: bool,
}

impl Tail {
    /// Reads on behind a position.
    pub fn new(app: Arc<App>, tenant: TenantId, position: i64) -> Self {
        let head = app.heads.watch(tenant.bucket());
        Self { app, tenant, head, position }
    }

    /// What is there, at most `limit`. Cancelling it loses nothing.
    pub async fn read(&mut self, limit: i64) -> Result<Batch> {
        // Known before the read, so the read sees all up to here.
        let head = self.head.position();
        let mut rows = store::read(self.app.db.pool(), &self.tenant, self.position, limit + 1).await?;
        let more = rows.len() as i64 > limit;
        rows.truncate(limit as usize);
        let last = rows.last().map_or(self.position, |row| row.position);
        self.position = if more { last } else { last.max(head) };
        Ok(Batch { notices: rows.into_iter().map(project).collect(), through: self.position, more })
    }

    /// Waits until there is something behind the position. It may be another tenant's.
    pub async fn wait(&mut self) {
        self.head.beyond(self.position).await;
    }
}
