//! Taking the next ticket of a queue: the caller says which queue, the order of service says which ticket.

use crate::{
    agents::{self, not_in_team},
    app::App,
    call::retrying,
    configuration::Configuration,
    ctx::Ctx,
    error::{Error, Result},
    escalation, idempotency,
    tickets::{self, Receipt, Ticket, queue},
};

/// What a pull answers.
#[derive(Debug)]
pub struct Pulled {
    /// Nothing: none waits.
    pub ticket: Option<Ticket>,
    pub replayed: bool,
}

pub async fn pull(app: &App, ctx: &Ctx, queue: &str) -> Result<Pulled> {
    let configuration = app.configurations.get(&ctx.tenant).await?;
    retrying(|| attempt(app, ctx, &configuration, queue)).await
}

async fn attempt(app: &App, ctx: &Ctx, configuration: &Configuration, queue: &str) -> Result<Pulled> {
    let Some(team) = configuration.queue(queue).map(|queue| &queue.team) else {
        return Err(Error::field("queue", &format!("no queue {queue:?} is configured")));
    };
    let mut tx = app.db.begin(&ctx.tenant).await?;
    if let Some(receipt) = idempotency::recall::<Option<Receipt>>(&mut tx, ctx).await? {
        drop(tx);
        let ticket = match receipt {
            Some(receipt) => Some(tickets::at_version(app, ctx, receipt).await?),
            None => None,
        };
        return Ok(Pulled { ticket, replayed: true });
    }
    let caller = agents::get_in(&mut tx, ctx.actor.agent_key()).await?;
    let skills = caller.map(|agent| agent.skills).unwrap_or_default();
    // The ticket before the agent, as everywhere.
    let next = queue::lock_next_in(&mut tx, queue, &skills, ctx.now).await?;
    let loaded = agents::lock_in(&mut tx, configuration, ctx.actor.agent_key()).await?.pop();
    let loaded = loaded.ok_or_else(|| not_in_team(&ctx.actor.id, team))?;
    loaded.agent.require_team(team)?;
    let change = match next {
        Some(ticket) => {
            loaded.require_room(ticket.weight(configuration))?;
            let begun = escalation::take_in(&mut tx, ctx, ticket, &loaded.agent.key).await?;
            Some(tickets::give(begun, ctx, &loaded.agent.key, |_| ()))
        }
        None => None,
    };
    let changes = change.into_iter().collect();
    let applied = tickets::apply_in(&mut tx, &app.configurations, changes).await?;
    let ticket = applied.into_iter().next().map(|change| change.next);
    let receipt = ticket.as_ref().map(Receipt::of);
    idempotency::keep(&mut tx, ctx, &receipt).await?;
    tx.commit().await?;
    Ok(Pulled { ticket, replayed: false })
}
