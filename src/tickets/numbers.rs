//! Ticket numbers for people: short, unique per tenant, handed out in blocks, so that creating a ticket updates no row
//! that other creates wait for. A restart leaves a gap; numbers promise uniqueness, not completeness.

use std::{collections::HashMap, ops::Range};

use tokio::sync::Mutex;

use crate::{db::Db, error::Result, ids::TenantId};

/// How many numbers a block holds.
const BLOCK: i64 = 1000;

/// The blocks that this process has.
#[derive(Debug)]
pub struct Numbers {
    db: Db,
    blocks: Mutex<HashMap<TenantId, Range<i64>>>,
}

impl Numbers {
    pub fn new(db: Db) -> Self {
        Self { db, blocks: Mutex::default() }
    }

    /// The next `count` numbers, in order.
    pub async fn take(&self, tenant: &TenantId, count: usize) -> Result<Vec<i64>> {
        let mut blocks = self.blocks.lock().await;
        let block = blocks.entry(tenant.clone()).or_insert(0..0);
        let mut numbers: Vec<i64> = block.by_ref().take(count).collect();
        let missing = count - numbers.len();
        if missing > 0 {
            let size = BLOCK.max(missing as i64);
            let mut tx = self.db.begin(tenant).await?;
            let start = crate::configuration::store::take_numbers(&mut tx, tenant, size).await?;
            tx.commit().await?;
            *block = start..start + size;
            numbers.extend(block.by_ref().take(missing));
        }
        Ok(numbers)
    }
}
