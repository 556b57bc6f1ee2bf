//! Who sees a restricted ticket: its requester, its assignee, its team, and who may see all. For anybody else it is as
//! missing. Whoever is shown one leaves an entry in the audit log, before the answer leaves.

use std::{borrow::Borrow, collections::HashSet};

use sqlx::PgConnection;

use super::{Ticket, read::own, store};
use crate::{
    access::Permission,
    agents,
    app::App,
    audit,
    ctx::{ActorKind, Ctx},
    error::Result,
    ids::Id,
};

/// What a caller sees of restricted tickets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Sight {
    /// Of a customer: all that are the customer's own, which is another rule.
    #[default]
    All,
    /// Those that this agent works on, and those that these teams have.
    Own {
        agent: String,
        teams: Vec<String>,
    },
    None,
}

impl Sight {
    /// What this caller sees.
    pub async fn of(app: &App, ctx: &Ctx) -> Result<Self> {
        if let Some(sight) = Self::by_role(ctx) {
            return Ok(sight);
        }
        let mut tx = app.db.read(&ctx.tenant).await?;
        let sight = Self::of_in(&mut tx, ctx).await?;
        tx.keep();
        Ok(sight)
    }

    async fn of_in(db: &mut PgConnection, ctx: &Ctx) -> Result<Self> {
        if let Some(sight) = Self::by_role(ctx) {
            return Ok(sight);
        }
        let agent = ctx.actor.id.clone();
        let teams = agents::teams_of(db, &ctx.tenant, &agent).await?;
        Ok(Self::Own { agent, teams })
    }

    /// Of an agent it depends on the teams, unless the agent may see all.
    fn by_role(ctx: &Ctx) -> Option<Self> {
        match ctx.actor.kind {
            ActorKind::Customer => Some(Self::All),
            _ if ctx.actor.may(Permission::TicketsRestricted) => Some(Self::All),
            ActorKind::Agent => None,
            ActorKind::Service | ActorKind::System => Some(Self::None),
        }
    }

    /// Whether a ticket is in sight that this agent works on (empty: nobody) and this team has.
    pub fn reaches(&self, restricted: bool, assignee: &str, team: &str) -> bool {
        !restricted
            || match self {
                Self::All => true,
                Self::Own { agent, teams } => agent == assignee || teams.iter().any(|own| own == team),
                Self::None => false,
            }
    }

    pub fn covers(&self, ticket: &Ticket) -> bool {
        self.reaches(ticket.restricted, ticket.assignee.as_deref().unwrap_or_default(), &ticket.team)
    }
}

/// Whether the caller may see the ticket. Asks who the caller is to it only if that matters.
pub async fn visible(db: &mut PgConnection, ctx: &Ctx, ticket: &Ticket) -> Result<bool> {
    Ok(own(ctx, ticket) && (!ticket.restricted || Sight::of_in(db, ctx).await?.covers(ticket)))
}

/// Takes out what the caller may not see, and keeps that the rest is read.
pub async fn see(app: &App, ctx: &Ctx, mut tickets: Vec<Ticket>) -> Result<Vec<Ticket>> {
    if tickets.iter().any(|ticket| ticket.restricted) {
        let sight = Sight::of(app, ctx).await?;
        tickets.retain(|ticket| sight.covers(ticket));
        note(app, ctx, &tickets).await?;
    }
    Ok(tickets)
}

/// Keeps that the caller reads these tickets, those of them that are restricted.
pub async fn note<T: Borrow<Ticket> + Sync>(app: &App, ctx: &Ctx, tickets: &[T]) -> Result<()> {
    let tickets = tickets.iter().map(Borrow::borrow);
    let read: Vec<Id> = tickets.filter(|ticket| ticket.restricted).map(|ticket| ticket.id).collect();
    // The service reads for nobody.
    if read.is_empty() || ctx.actor.kind == ActorKind::System {
        return Ok(());
    }
    audit::note_read(app, ctx, &read).await
}

/// Those of the tickets that the caller may not see: what hangs on them is left out of lists.
pub async fn hidden(db: &mut PgConnection, ctx: &Ctx, ids: &[Id]) -> Result<HashSet<Id>> {
    let restricted = store::find_restricted(&mut *db, &ctx.tenant, ids).await?;
    if restricted.is_empty() {
        return Ok(HashSet::new());
    }
    let sight = Sight::of_in(db, ctx).await?;
    let reached = |it: &store::Restricted| sight.reaches(true, &it.assignee, &it.team);
    Ok(restricted.into_iter().filter(|it| !reached(it)).map(|it| it.id).collect())
}
