//! The revision in force, per tenant, kept in memory: deciding about a ticket costs no read. A replica sees a revision
//! that another one applied within [`FRESH`]; what it decides in between carries the revision by which it was decided.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{Arc, RwLock},
    time::Duration,
};

use super::{Configuration, store};
use crate::{
    ctx::Clock,
    db::Db,
    error::{Reason, Refusal, Result},
    ids::TenantId,
    time::Time,
};

/// How long a revision is taken to be in force without asking.
const FRESH: Duration = Duration::from_secs(1);

/// The revisions in force.
#[derive(Debug)]
pub struct Configurations {
    db: Db,
    clock: Clock,
    known: RwLock<HashMap<TenantId, (Time, Arc<Configuration>)>>,
}

impl Configurations {
    pub fn new(db: Db, clock: Clock) -> Self {
        Self { db, clock, known: RwLock::default() }
    }

    /// The configuration in force. Refuses when the tenant has none yet.
    pub async fn get(&self, tenant: &TenantId) -> Result<Arc<Configuration>> {
        let now = self.clock.now();
        let known = self.known.read().expect("nobody panics while holding it").get(tenant).cloned();
        if let Some((since, configuration)) = &known
            && now < since.after(FRESH)
        {
            return Ok(Arc::clone(configuration));
        }
        let revision = known.as_ref().map_or(0, |(_, configuration)| configuration.revision);
        let configuration = match store::newer_than(self.db.pool(), tenant, revision).await? {
            Some((revision, document)) => Arc::new(Configuration::new(revision, document)),
            None => known.map(|(_, configuration)| configuration).ok_or_else(|| missing(tenant))?,
        };
        self.put(tenant.clone(), Arc::clone(&configuration));
        Ok(configuration)
    }

    /// A revision that was just applied here, or read. An older one than is known came late, and is dropped.
    pub fn put(&self, tenant: TenantId, configuration: Arc<Configuration>) {
        let now = self.clock.now();
        let mut known = self.known.write().expect("nobody panics while holding it");
        match known.entry(tenant) {
            Entry::Occupied(entry) if entry.get().1.revision > configuration.revision => {}
            Entry::Occupied(mut entry) => _ = entry.insert((now, configuration)),
            Entry::Vacant(entry) => _ = entry.insert((now, configuration)),
        }
    }
}

pub fn missing(tenant: &TenantId) -> Refusal {
    Refusal::new(
        Reason::ConfigurationMissing,
        format!("tenant {tenant} has no configuration yet; apply one first"),
    )
}
