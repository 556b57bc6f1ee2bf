//! Deleting an agent who owns no live ticket. History keeps the key.

use super::{Loaded, lock_in, store};
use crate::{
    app::App,
    audit::{self, Target},
    call::retrying,
    configuration::Configuration,
    ctx::Ctx,
    error::{Error, Reason, Refusal, Result},
    idempotency,
    tickets::Whom,
};

#[derive(Clone, Debug)]
pub struct Delete {
    pub key: String,
    /// The version that the caller saw; `None`: whatever it is now.
    pub version: Option<i64>,
}

/// The rule.
pub fn decide(loaded: &Loaded, delete: &Delete) -> Result<()> {
    if delete.version.is_some_and(|version| version != loaded.agent.version) {
        return Err(Error::Stale { kind: "agent", name: loaded.agent.name() });
    }
    if loaded.tickets > 0 {
        let text = format!("{} still owns {} live tickets; hand them on first", delete.key, loaded.tickets);
        return Err(Refusal::new(Reason::AgentHasTickets, text).with("tickets", loaded.tickets).into());
    }
    Ok(())
}

/// Answers whether an earlier call with the same request_id did it.
pub async fn delete(app: &App, ctx: &Ctx, delete: Delete) -> Result<bool> {
    let configuration = app.configurations.get(&ctx.tenant).await?;
    retrying(|| attempt(app, ctx, &configuration, &delete)).await
}

async fn attempt(app: &App, ctx: &Ctx, configuration: &Configuration, delete: &Delete) -> Result<bool> {
    let mut tx = app.db.begin(&ctx.tenant).await?;
    let loaded = lock_in(&mut tx, configuration, std::slice::from_ref(&delete.key)).await?.pop();
    if idempotency::recall::<String>(&mut tx, ctx).await?.is_some() {
        return Ok(true);
    }
    let name = || format!("tenants/{}/agents/{}", ctx.tenant, delete.key);
    let loaded = loaded.ok_or_else(|| Error::not_found("agent", name()))?;
    decide(&loaded, delete)?;
    store::delete(&mut tx, &delete.key).await?;
    audit::act_in(app, &mut tx, ctx, Target::Named(name()), [Some(&loaded.agent), None]).await?;
    idempotency::keep(&mut tx, ctx, &delete.key).await?;
    tx.commit().await?;
    app.names.forget(&ctx.tenant, Whom::Agent, &delete.key);
    Ok(false)
}
