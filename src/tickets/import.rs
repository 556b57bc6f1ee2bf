//! Bringing in tickets with their history from another system, all of a call or none. One that is known by its external
//! key already is left alone, so a call may be repeated at will.

use std::collections::HashMap;

use super::{
    replay::{History, Refused, Replayed, replay},
    store,
};
use crate::{
    app::App,
    audit::{self, Target, UNSEEN},
    call::retrying,
    configuration::Configuration,
    ctx::Ctx,
    error::{Result, Violations},
    ids::Id,
};

/// What became of a ticket.
#[derive(Clone, Debug)]
pub enum Imported {
    Existing(Id),
    /// `id`: none when nothing was recorded.
    Recorded {
        id: Option<Id>,
        events: usize,
        refusals: Vec<Refused>,
    },
}

/// The tickets that are known already, by external key.
type Known = HashMap<(String, String), Id>;

/// The rule: what to record of each history; nothing of those that are known. Every fault is named at once, by its
/// place.
pub fn decide(
    ctx: &Ctx,
    configuration: &Configuration,
    histories: &[History],
    known: &Known,
    mut identity: impl FnMut() -> (Id, i64),
) -> Result<Vec<Option<Replayed>>> {
    let mut faults = Violations::default();
    let mut places = HashMap::new();
    let mut decided = Vec::with_capacity(histories.len());
    for (place, history) in histories.iter().enumerate() {
        let key = history.create.external_key.as_ref();
        if key.is_some_and(|key| known.contains_key(key)) {
            decided.push(None);
            continue;
        }
        let path = format!("tickets[{place}]");
        if let Some(first) = key.and_then(|key| places.insert(key, place)) {
            faults.add(format!("{path}.ticket.external_key"), format!("is that of tickets[{first}] too"));
        }
        let (id, number) = identity();
        decided.push(faults.absorb_at(&path, replay(ctx, configuration, history, id, number))?);
    }
    faults.into_result()?;
    Ok(decided)
}

pub async fn import(
    app: &App,
    ctx: &Ctx,
    histories: &[History],
    validate_only: bool,
) -> Result<Vec<Imported>> {
    let configuration = app.configurations.get(&ctx.tenant).await?;
    retrying(|| attempt(app, ctx, &configuration, histories, validate_only)).await
}

/// A ticket that somebody else brings in at the same time is a conflict over its key, and known the next time.
async fn attempt(
    app: &App,
    ctx: &Ctx,
    configuration: &Configuration,
    histories: &[History],
    validate_only: bool,
) -> Result<Vec<Imported>> {
    let known = known(app, ctx, histories).await?;
    let fresh = histories.len() - known.len();
    let numbers = if validate_only { vec![0; fresh] } else { app.numbers.take(&ctx.tenant, fresh).await? };
    let mut numbers = numbers.into_iter();
    let identity = || (app.ids.next(), numbers.next().unwrap_or_default());
    let decided = decide(ctx, configuration, histories, &known, identity)?;
    let (mut changes, mut became) = (Vec::with_capacity(fresh), Vec::with_capacity(histories.len()));
    for (history, replayed) in histories.iter().zip(decided) {
        became.push(match replayed {
            Some(Replayed { change, refusals }) => {
                let (id, events) = ((!validate_only).then_some(change.next.id), change.events.len());
                changes.push(change);
                Imported::Recorded { id, events, refusals }
            }
            None => {
                Imported::Existing(known[history.create.external_key.as_ref().expect("known by its key")])
            }
        });
    }
    if !validate_only {
        let mut tx = app.db.begin(&ctx.tenant).await?;
        store::insert(&mut tx, &changes).await?;
        if !changes.is_empty() {
            let tenant = Target::Named(format!("tenants/{}", ctx.tenant));
            audit::act_in(app, &mut tx, ctx, tenant, UNSEEN).await?;
        }
        tx.commit().await?;
    }
    Ok(became)
}

async fn known(app: &App, ctx: &Ctx, histories: &[History]) -> Result<Known> {
    let keys: Vec<_> = histories.iter().filter_map(|history| history.create.external_key.clone()).collect();
    let mut tx = app.db.begin(&ctx.tenant).await?;
    let found = store::find_by_external_keys(&mut tx, &keys).await?;
    Ok(found.into_iter().map(|(source, external, id)| ((source, external), id)).collect())
}
