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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ctx::Role,
        tickets::{
            State,
            fixture::{self, outcome},
        },
    };

    fn decided(role: Role, followers: &[&str], follower: &str, remove: bool) -> Result<Change> {
        let followers = followers.iter().map(|key| (*key).to_owned()).collect();
        let ticket = Ticket { followers, ..fixture::ticket(State::Closed) };
        let follow = Follow { target: fixture::target(), follower: follower.to_owned(), remove };
        decide(&fixture::ctx(role), ticket, &follow)
    }

    #[test]
    fn the_caller_follows_unless_another_is_named() {
        let after = |followers: &[&str], follower: &str, remove| {
            let change = decided(Role::Agent, followers, follower, remove).expect("followed");
            (change.next.followers.join(" "), change.events.len())
        };
        assert_eq!(after(&[], "", false), ("anna".to_owned(), 1));
        assert_eq!(after(&["anna"], "", false), ("anna".to_owned(), 0));
        assert_eq!(after(&["anna"], "bert", false), ("anna bert".to_owned(), 1));
        assert_eq!(after(&["anna", "bert"], "", true), ("bert".to_owned(), 1));
        assert_eq!(after(&["bert"], "", true), ("bert".to_owned(), 0));
    }

    #[test]
    fn who_is_no_agent_names_one() {
        assert_eq!(fixture::faults(decided(Role::Customer, &[], "", false)), ["follower"]);
        assert_eq!(outcome(&decided(Role::Customer, &[], "bert", false)), "ticket.followed");
    }

    #[test]
    fn fifty_are_enough() {
        let keys: Vec<String> = (0..50).map(|n| n.to_string()).collect();
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        assert_eq!(outcome(&decided(Role::Agent, &keys[1..], "", false)), "ticket.followed");
        assert_eq!(fixture::faults(decided(Role::Agent, &keys, "", false)), ["follower"]);
        assert_eq!(outcome(&decided(Role::Agent, &keys, "7", false)), "nothing");
        assert_eq!(outcome(&decided(Role::Agent, &keys, "7", true)), "ticket.followed");
    }
}
