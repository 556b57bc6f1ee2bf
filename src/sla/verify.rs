//! Whether what is kept of clocks is what the event log makes of them, in every tenant.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

use super::{Book, Clock, Ledger, follow::promised, store};
use crate::{
    configuration::Configurations,
    db::Db,
    error::Result,
    events,
    ids::{Id, TenantId},
    jobs::by_tenant,
};

/// Tickets that are read together.
const BATCH: i64 = 500;

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    pub tickets: usize,
    pub clocks: usize,
    /// In words, by clock and field; none is how it should be.
    pub differences: Vec<String>,
}

/// Every difference in words.
pub async fn verify(db: &Db, configurations: &Configurations) -> Result<Vec<String>> {
    Ok(verify_all(db, configurations, |_| ()).await?.differences)
}

/// Makes every clock again; tells of each batch of tickets.
pub async fn verify_all(db: &Db, configurations: &Configurations, told: impl Fn(usize)) -> Result<Verified> {
    let mut verified = Verified::default();
    let mut after = None;
    loop {
        let batch = store::promised_after(db.across(), after.as_ref(), BATCH).await?;
        let Some(last) = batch.last() else { return Ok(verified) };
        after = Some(last.clone());
        verified.tickets += batch.len();
        told(batch.len());
        for (tenant, ids) in by_tenant(batch) {
            let (clocks, differences) = verify_in(db, configurations, &tenant, &ids).await?;
            verified.clocks += clocks;
            verified.differences.extend(differences);
        }
    }
}

async fn verify_in(
    db: &Db,
    configurations: &Configurations,
    tenant: &TenantId,
    ids: &[Id],
) -> Result<(usize, Vec<String>)> {
    let mut tx = db.read(tenant).await?;
    let logs = events::logs_in(&mut tx, ids).await?;
    let ledger = Ledger::of_in(&mut tx, configurations, ids, promised(logs.values().flatten())).await?;
    let revisions = ledger.revisions();
    let (mut clocks, mut differences) = (0, Vec::new());
    for (ticket, log) in &logs {
        let made = Book::recomputed(&revisions, log).clocks;
        clocks += made.len();
        differences.extend(compare(ledger.clocks(*ticket), &made));
    }
    Ok((clocks, differences))
}

/// What differs between what is kept and what the log makes.
pub fn compare(kept: &[Clock], made: &[Clock]) -> Vec<String> {
    let by_number = |clocks: &[Clock]| -> HashMap<i32, Value> {
        clocks.iter().map(|clock| (clock.number, serde_json::to_value(clock).unwrap_or_default())).collect()
    };
    let (rows, again) = (by_number(kept), by_number(made));
    let mut names: BTreeMap<i32, String> = BTreeMap::new();
    for clock in kept.iter().chain(made) {
        names.insert(clock.number, clock.name());
    }
    let mut differences = Vec::new();
    for (number, name) in names {
        match (rows.get(&number), again.get(&number)) {
            (Some(row), Some(made)) => {
                let fields = row.as_object().into_iter().flatten();
                differences.extend(
                    fields.filter(|(field, kept)| made.get(field.as_str()) != Some(kept)).map(
                        |(field, kept)| {
                            let made = made.get(field.as_str()).cloned().unwrap_or_default();
                            format!("{name}: {field} is kept as {kept}, and the log makes {made}")
                        },
                    ),
                );
            }
            (Some(_), None) => differences.push(format!("{name}: is kept, and the log makes none")),
            (None, _) => differences.push(format!("{name}: is made by the log, and not kept")),
        }
    }
    differences
}
