//! Agents who want to hear about a ticket, and those who no longer do.

use super::{
    Change, MAX_FOLLOWERS, Ticket, Verb, Written, advance,
    write::{Target, write},
};
use crate::{
    app::App,
    ctx::{ActorKind, Ctx},
    error::{Error, Result},
    events::EventType,
};

#[derive(Clone, Debug)]
pub struct Follow {
    pub target: Target,
    /// An agent's key; empty: the caller.
    pub follower: String,
    /// Whether to hear of it no longer.
    pub remove: bool,
}

/// The rule. To follow twice is to follow once.
pub fn decide(ctx: &Ctx, ticket: Ticket, follow: &Follow) -> Result<Change> {
    advance(ticket.state, Verb::Follow)?;
    let follower = match follow.follower.as_str() {
        "" if ctx.actor.kind == ActorKind::Agent => &ctx.actor.id,
        "" => return Err(Error::field("follower", "is required, as the caller is no agent")),
        key => key,
    };
    let follows = ticket.followers.iter().any(|key| key == follower);
    if follows != follow.remove {
        return Ok(Change::of(ticket));
    }
    if !follow.remove && ticket.followers.len() >= MAX_FOLLOWERS {
        return Err(Error::field("follower", &format!("a ticket has at most {MAX_FOLLOWERS} followers")));
    }
    Ok(Change::of(ticket).step(ctx, EventType::TicketFollowed, |ticket, event| {
        if follow.remove {
            ticket.followers.retain(|key| key != follower);
        } else {
            ticket.followers.push(follower.to_owned());
        }
        follow.target.tell(event);
    }))
}

pub async fn follow(app: &App, ctx: &Ctx, follow: Follow) -> Result<Written> {
    write(app, ctx, &follow.target, |_, ticket| decide(ctx, ticket, &follow)).await
}
