//! Whether a tenant's chain is the one that was made: every entry is read, in one view of the database.

use uuid::Uuid;

use super::{
    chain::{Fault, Head, Verifier},
    store,
};
use crate::{
    db::Db,
    error::Result,
    ids::{Id, TenantId},
};

/// Entries that are read together.
const BATCH: i64 = 1000;
/// Entries without a place are counted no further.
pub const MANY: i64 = 10_000;

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The end of the chain, as it is kept.
    pub head: Head,
    /// Entries that have no place yet, and that nothing vouches for; at most [`MANY`].
    pub waiting: i64,
    /// What is wrong first.
    pub fault: Option<Fault>,
    /// Contacts whose pseudonym is not that of their key.
    pub misnamed: Vec<String>,
}

impl Verified {
    pub fn is_sound(&self) -> bool {
        self.fault.is_none() && self.misnamed.is_empty()
    }
}

/// The tenants that have entries.
pub async fn tenants(db: &Db) -> Result<Vec<TenantId>> {
    store::tenants(db.across()).await
}

/// Goes along the chain of a tenant; `noted` is an end of it that was noted elsewhere. Tells of each batch of entries.
pub async fn verify(
    db: &Db,
    tenant: &TenantId,
    noted: Option<Head>,
    told: impl Fn(usize),
) -> Result<Verified> {
    let mut tx = db.snapshot(tenant).await?;
    let head = store::head(&mut tx).await?;
    let waiting = store::count_waiting(&mut tx, MANY).await?;
    let mut verifier = Verifier::new(head.clone(), noted);
    let mut after = (i64::MIN, Id(Uuid::nil()));
    let fault = loop {
        let batch = store::chained(&mut tx, after, BATCH).await?;
        let Some(last) = batch.last() else { break verifier.finish().err() };
        after = (last.position.unwrap_or_default(), last.id);
        if let Err(fault) = batch.iter().try_for_each(|entry| verifier.step(entry)) {
            break Some(fault);
        }
        told(batch.len());
    };
    let mut misnamed = Vec::new();
    let mut after = String::new();
    loop {
        let people = store::people(&mut tx, &after, BATCH).await?;
        let Some(last) = people.last() else { break };
        after.clone_from(&last.key);
        misnamed.extend(people.into_iter().filter(|person| !person.is_sound()).map(|person| person.key));
    }
    Ok(Verified { head, waiting, fault, misnamed })
}
