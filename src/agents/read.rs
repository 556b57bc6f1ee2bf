//! Reading agents: by key, by list, by team with their load, and locked where work is given to them.

use std::collections::HashMap;

use sqlx::PgPool;

use super::{Agent, Availability, Loaded, store};
use crate::{
    app::App,
    ctx::Ctx,
    db::Tx,
    error::{Error, Result},
    filter::{self, Expr, Field, Kind, Schema, Scope},
    ids::TenantId,
    seal::Page,
    tickets::{self, State},
};

/// What a filter may name.
pub const FIELDS: Schema = Schema(&[
    Field { name: "team", column: "teams", kind: Kind::TextSet },
    Field { name: "skill", column: "skill_keys", kind: Kind::TextSet },
    Field { name: "availability", column: "availability", kind: Kind::Enum(Availability::NAMES) },
    Field { name: "display_name", column: "display_name", kind: Kind::Text },
]);

pub async fn get(app: &App, ctx: &Ctx, key: &str) -> Result<Agent> {
    let found = store::find(app.db.pool(), &ctx.tenant, key).await?;
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
    let agents =
        store::list(app.db.pool(), &ctx.tenant, page.after.as_deref(), filter.as_ref(), &scope, page.limit())
            .await?;
    page.finish(&app.sealer, &purpose, agents, |agent| agent.key.clone())
}

/// The agent with its live tickets by state.
pub async fn workload(app: &App, ctx: &Ctx, key: &str) -> Result<(Agent, Vec<(State, i64)>)> {
    let agent = get(app, ctx, key).await?;
    let states = tickets::owned_by_state(app.db.pool(), &ctx.tenant, key).await?;
    Ok((agent, states))
}

/// Display names by key; who is not recorded is not in it.
pub async fn names(pool: &PgPool, tenant: &TenantId, keys: &[String]) -> Result<HashMap<String, String>> {
    if keys.is_empty() {
        return Ok(HashMap::new());
    }
    store::find_names(pool, tenant, keys).await
}

/// The teams of every agent.
pub async fn memberships_in(tx: &mut Tx) -> Result<Vec<Vec<String>>> {
    store::list_memberships(tx).await
}

/// The agents of any of these teams with what each owns; for looking, since nothing is locked.
pub async fn members(tx: &mut Tx, teams: &[String]) -> Result<Vec<Loaded>> {
    let agents = store::find_by_teams(tx, teams).await?;
    load(tx, agents).await
}

/// These agents, locked in the order of their keys until the transaction ends, with what each owns: whoever gives work
/// to an agent counts here. The count is a statement of its own behind the lock, so that it sees every ticket that the
/// holder of the lock before gave away. Lock the tickets first.
pub async fn lock_in(tx: &mut Tx, keys: &[String]) -> Result<Vec<Loaded>> {
    let agents = if keys.is_empty() { Vec::new() } else { store::lock(tx, keys).await? };
    load(tx, agents).await
}

async fn load(tx: &mut Tx, agents: Vec<Agent>) -> Result<Vec<Loaded>> {
    let keys: Vec<String> = agents.iter().map(|agent| agent.key.clone()).collect();
    let owned = if keys.is_empty() { HashMap::new() } else { tickets::owned_in(tx, &keys).await? };
    let used = |agent: &Agent| owned.get(&agent.key).copied().unwrap_or_default();
    Ok(agents.into_iter().map(|agent| Loaded { used: used(&agent), agent }).collect())
}
