//! Reading agents: by key, by list, by team with their load, and locked where work is given to them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use sqlx::PgExecutor;

use super::{Agent, Availability, Loaded, Member, shift::Shift, store};
use crate::{
    app::App,
    configuration::Configuration,
    ctx::Ctx,
    db::Tx,
    error::{Error, Result},
    filter::{self, Expr, Field, Kind, Schema, Scope},
    ids::TenantId,
    seal::Page,
    tickets::{self, Held, State},
    time::Time,
};

/// The teams of an agent; none of somebody who is no agent here.
pub async fn teams_of(db: impl PgExecutor<'_>, tenant: &TenantId, key: &str) -> Result<Vec<String>> {
    Ok(store::find(db, tenant, key).await?.map(|agent| agent.teams).unwrap_or_default())
}

/// What a filter may name.
pub const FIELDS: Schema = Schema(&[
    Field { name: "team", column: "teams", kind: Kind::TextSet },
    Field { name: "skill", column: "skill_keys", kind: Kind::TextSet },
    Field { name: "availability", column: "availability", kind: Kind::Enum(Availability::NAMES) },
    Field { name: "display_name", column: "display_name", kind: Kind::Text },
]);

pub async fn get(app: &App, ctx: &Ctx, key: &str) -> Result<Agent> {
    let found = store::find(&mut *app.db.read(&ctx.tenant).await?, &ctx.tenant, key).await?;
    found.ok_or_else(|| Error::not_found("agent", format!("tenants/{}/agents/{key}", ctx.tenant)))
}

/// A page of agents by key, and where the next one begins.
pub async fn list(
    app: &App,
    ctx: &Ctx,
    filter: &str,
    size: i32,
    token: &str,
) -> Result<(Vec<Agent>, String)> {
    let filter = filter::parse(filter, &FIELDS)?;
    let canonical = filter.as_ref().map(Expr::to_string).unwrap_or_default();
    let purpose = format!("{} ListAgents {canonical}", ctx.tenant);
    let page = Page::<String>::parse(&app.sealer, &purpose, size, token)?;
    let scope = Scope { now: *ctx.now, me: &ctx.actor.id };
    let agents = store::list(
        &mut *app.db.read(&ctx.tenant).await?,
        &ctx.tenant,
        page.after.as_deref(),
        filter.as_ref(),
        &scope,
        page.limit(),
    )
    .await?;
    page.finish(&app.sealer, &purpose, agents, |agent| agent.key.clone())
}

/// What an agent has to do.
#[derive(Debug)]
pub struct Workload {
    pub loaded: Loaded,
    /// Its live tickets by state, in the order of the states.
    pub states: BTreeMap<State, i64>,
    /// Tickets that are offered to it.
    pub offered: i64,
    pub shift: Shift,
}

pub async fn workload(app: &App, ctx: &Ctx, key: &str) -> Result<Workload> {
    let configuration = app.configurations.get(&ctx.tenant).await?;
    let agent = get(app, ctx, key).await?;
    let held =
        tickets::held(&mut *app.db.read(&ctx.tenant).await?, &ctx.tenant, std::slice::from_ref(&agent.key))
            .await?;
    let mut states = BTreeMap::new();
    for held in held.iter().filter(|held| !held.offered) {
        *states.entry(held.state).or_default() += held.count;
    }
    let offered = held.iter().filter(|held| held.offered).map(|held| held.count).sum();
    let shift = Shift::of(&configuration, &agent, ctx.now);
    let loaded = weigh(&configuration, vec![agent], &held).pop().expect("one for one");
    Ok(Workload { loaded, states, offered, shift })
}

/// Display names by key; who is not recorded is not in it.
pub async fn names(
    db: impl PgExecutor<'_>,
    tenant: &TenantId,
    keys: &[String],
) -> Result<HashMap<String, String>> {
    if keys.is_empty() {
        return Ok(HashMap::new());
    }
    store::find_names(db, tenant, keys).await
}

/// What every agent can do, and for whom.
pub async fn memberships_in(tx: &mut Tx) -> Result<Vec<Member>> {
    store::list_memberships(tx).await
}

/// The capacity of each team's agents together; who is in several teams counts in each.
pub async fn capacities_in(tx: &mut Tx) -> Result<HashMap<String, i64>> {
    store::sum_capacities(tx).await
}

/// The agents of any of these teams with what each has to do, and for which of these organizations; for looking, since
/// nothing is locked.
pub async fn members(
    tx: &mut Tx,
    configuration: &Configuration,
    teams: &[String],
    organizations: &[String],
) -> Result<Vec<Loaded>> {
    let agents = store::find_by_teams(tx, teams).await?;
    load(tx, configuration, agents, organizations).await
}

/// These agents, locked in the order of their keys until the transaction ends, with what each has to do: whoever gives
/// work to an agent counts here. The count is a statement of its own behind the lock, so that it sees every ticket that
/// the holder of the lock before gave away. Lock the tickets first.
pub async fn lock_in(tx: &mut Tx, configuration: &Configuration, keys: &[String]) -> Result<Vec<Loaded>> {
    let agents = if keys.is_empty() { Vec::new() } else { store::lock(tx, keys).await? };
    load(tx, configuration, agents, &[]).await
}

async fn load(
    tx: &mut Tx,
    configuration: &Configuration,
    agents: Vec<Agent>,
    organizations: &[String],
) -> Result<Vec<Loaded>> {
    let keys: Vec<String> = agents.iter().map(|agent| agent.key.clone()).collect();
    let held = if keys.is_empty() { Vec::new() } else { tickets::held_in(tx, &keys, organizations).await? };
    Ok(weigh(configuration, agents, &held))
}

fn weigh(configuration: &Configuration, agents: Vec<Agent>, held: &[Held]) -> Vec<Loaded> {
    let idle = |agent: Agent| Loaded { agent, used: 0, tickets: 0, organizations: BTreeSet::new() };
    let mut loaded: Vec<Loaded> = agents.into_iter().map(idle).collect();
    let places: HashMap<String, usize> =
        loaded.iter().enumerate().map(|(place, it)| (it.agent.key.clone(), place)).collect();
    for held in held {
        let Some(place) = places.get(&held.agent) else { continue };
        loaded[*place].tickets += held.count;
        loaded[*place].used += held.count * configuration.weight(held.channel, held.state);
        if !held.organization.is_empty() {
            loaded[*place].organizations.insert(held.organization.clone());
        }
    }
    loaded
}

/// The agent, not locked.
pub async fn get_in(tx: &mut Tx, key: &[String]) -> Result<Option<Agent>> {
    let Some(key) = key.first() else { return Ok(None) };
    let tenant = tx.tenant().clone();
    store::find(&mut **tx, &tenant, key).await
}

/// These agents, and those of these teams, in the order of their keys; for looking.
pub async fn of_in(tx: &mut Tx, keys: &[String], teams: &[String]) -> Result<Vec<Agent>> {
    store::find_of(tx, keys, teams).await
}

/// Remembers that these agents were given a ticket now; the transaction has locked them.
pub async fn note_assigned_in(tx: &mut Tx, keys: &[String], now: Time) -> Result<()> {
    store::set_last_assign_time(tx, keys, now).await
}

/// Leaves these agents without offers for a while; until when, by agent.
pub async fn cool_down_in(tx: &mut Tx, until: &[(String, Time)]) -> Result<()> {
    store::set_cool_down(tx, until).await
}
