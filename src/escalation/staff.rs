//! The agents whom an answer concerns, locked: who speaks for a team, and which former owner can have the ticket back.

use super::history::History;
use crate::{
    access::Permission,
    agents::{self, Loaded, not_in_team},
    configuration::Configuration,
    ctx::{ActorKind, Ctx},
    db::Tx,
    error::{Refusal, Result},
    tickets::Ticket,
};

/// The agents that the transaction has locked.
#[derive(Debug, Default)]
pub struct Staff(Vec<Loaded>);

impl Staff {
    /// The caller, and who may get a ticket back.
    pub async fn lock_in<'h>(
        tx: &mut Tx,
        ctx: &Ctx,
        configuration: &Configuration,
        histories: impl IntoIterator<Item = &'h History>,
    ) -> Result<Self> {
        let mut keys = ctx.actor.agent_key().to_vec();
        keys.extend(histories.into_iter().flat_map(History::former_owners));
        Ok(Self(agents::lock_in(tx, configuration, &keys).await?))
    }

    /// The caller, if it is an agent.
    pub fn caller(&self, ctx: &Ctx) -> Option<&Loaded> {
        let key = ctx.actor.agent_key().first()?;
        self.0.iter().find(|loaded| loaded.agent.key == *key)
    }

    /// Refuses who does not speak for the team: its agents do, whoever dispatches, and services.
    pub fn require_side(&self, ctx: &Ctx, team: &str) -> Result<(), Refusal> {
        let member = self.caller(ctx).is_some_and(|loaded| loaded.agent.is_in(team));
        if member || ctx.actor.kind == ActorKind::Service || ctx.actor.may(Permission::TicketsDispatch) {
            return Ok(());
        }
        Err(not_in_team(&ctx.actor.id, team))
    }

    /// Counts the ticket for the agent, if it is of the ticket's team, there, and has room.
    pub fn seat(&mut self, ctx: &Ctx, configuration: &Configuration, agent: &str, ticket: &Ticket) -> bool {
        let burden = ticket.burden(configuration, agent);
        let fits = |loaded: &&mut Loaded| {
            loaded.agent.key == agent
                && loaded.agent.is_in(&ticket.team)
                && loaded.agent.is_present(configuration, &ticket.team, ctx.now)
                && loaded.room() >= burden
        };
        self.0.iter_mut().find(fits).map(|loaded| loaded.used += burden).is_some()
    }
}

#[cfg(test)]
impl From<Vec<Loaded>> for Staff {
    fn from(agents: Vec<Loaded>) -> Self {
        Self(agents)
    }
}
