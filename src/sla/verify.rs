//! Whether what is kept of clocks is what the event log makes of them, in every tenant.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value;

use super::{Book, Clock, Ledger, store};
use crate::{
    configuration::Configurations,
    db::Db,
    error::Result,
    events::{self, Event},
    ids::{Id, TenantId},
};

/// Tickets that are read together.
const BATCH: i64 = 500;

/// Every difference in words, by clock and field; none is how it should be.
pub async fn verify(db: &Db, configurations: &Configurations) -> Result<Vec<String>> {
    let mut differences = Vec::new();
    let mut after = None;
    loop {
        let batch = store::promised_after(db.pool(), after.as_ref(), BATCH).await?;
        let Some(last) = batch.last() else { return Ok(differences) };
        after = Some(last.clone());
        let mut tenants: BTreeMap<TenantId, Vec<Id>> = BTreeMap::new();
        for (tenant, ticket) in batch {
            tenants.entry(tenant).or_default().push(ticket);
        }
        for (tenant, ids) in tenants {
            differences.extend(verify_in(db, configurations, &tenant, &ids).await?);
        }
    }
}

async fn verify_in(
    db: &Db,
    configurations: &Configurations,
    tenant: &TenantId,
    ids: &[Id],
) -> Result<Vec<String>> {
    let mut tx = db.begin_read_only(tenant).await?;
    let logs = events::logs_in(&mut tx, ids).await?;
    let revision = |event: &Event| event.changes.get("sla_revision")?.1.as_i64();
    let promised: BTreeSet<i64> = logs.values().flatten().filter_map(revision).collect();
    let ledger = Ledger::of_in(&mut tx, configurations, ids, promised).await?;
    let revisions = ledger.revisions();
    let mut differences = Vec::new();
    for (ticket, log) in &logs {
        let made = Book::recomputed(&revisions, log).clocks;
        differences.extend(compare(ledger.clocks(*ticket), &made));
    }
    Ok(differences)
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
