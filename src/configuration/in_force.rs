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
    db::{Db, Tx},
    error::{Reason, Refusal, Result},
    ids::TenantId,
    time::Time,
};

/// How long a revision is taken to be in force without asking.
const FRESH: Duration = Duration::from_secs(1);
/// How many older revisions are kept in memory; then it begins anew.
const MAX_PINNED: usize = 500;

/// The revisions in force.
#[derive(Debug)]
pub struct Configurations {
    db: Db,
    clock: Clock,
    known: RwLock<HashMap<TenantId, (Time, Arc<Configuration>)>>,
    pinned: RwLock<HashMap<(TenantId, i64), Arc<Configuration>>>,
}

impl Configurations {
    pub fn new(db: Db, clock: Clock) -> Self {
        Self { db, clock, known: RwLock::default(), pinned: RwLock::default() }
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
        let configuration =
            match store::newer_than(&mut *self.db.read(tenant).await?, tenant, revision).await? {
                Some((revision, document)) => Arc::new(Configuration::new(revision, document)),
                None => known.map(|(_, configuration)| configuration).ok_or_else(|| missing(tenant))?,
            };
        self.put(tenant.clone(), Arc::clone(&configuration));
        Ok(configuration)
    }

    /// A revision that something is pinned to; read in the transaction when it is not in memory.
    pub async fn at_in(&self, tx: &mut Tx, revision: i64) -> Result<Option<Arc<Configuration>>> {
        let key = (tx.tenant().clone(), revision);
        let in_force = self.known.read().expect("nobody panics while holding it").get(&key.0).cloned();
        if let Some((_, configuration)) = in_force.filter(|(_, it)| it.revision == revision) {
            return Ok(Some(configuration));
        }
        let pinned = self.pinned.read().expect("nobody panics while holding it").get(&key).cloned();
        if pinned.is_some() {
            return Ok(pinned);
        }
        let Some(found) = store::find(&mut **tx, &key.0, Some(revision)).await? else { return Ok(None) };
        let configuration = Arc::new(Configuration::new(revision, found.document));
        let mut pinned = self.pinned.write().expect("nobody panics while holding it");
        if pinned.len() >= MAX_PINNED {
            pinned.clear();
        }
        pinned.insert(key, Arc::clone(&configuration));
        Ok(Some(configuration))
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
