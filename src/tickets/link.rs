//! Saying how a ticket stands to another one, and taking it back. Both timelines tell it.

use super::{
    Change, Relation, Ticket, Verb, Written, advance, store_links,
    write::Target,
    write_together::{ActTogether, write_together},
};
use crate::{
    app::App,
    configuration::Configuration,
    ctx::Ctx,
    db::Tx,
    error::{Reason, Refusal, Result},
    events::EventType,
};

/// Links of one ticket, follow-ups and merges not counted: nobody makes those by hand.
pub const MAX_LINKS: i64 = 100;
/// Tickets that are looked at for a circle.
pub const MAX_WALK: i64 = 10_000;

#[derive(Clone, Debug)]
pub struct Link {
    pub target: Target,
    pub relation: Relation,
    /// Another one.
    pub other: Target,
    pub remove: bool,
}

/// What the rule needs to know of the links that there are.
#[derive(Clone, Copy, Debug)]
pub struct Known {
    /// This one is.
    pub there: bool,
    /// Links of the ticket that has more of them.
    pub count: i64,
    /// Whether the second ticket leads to the first already, by links of the kind.
    pub leads_back: bool,
    /// Tickets to which the second one leads, at most one more than are looked at.
    pub walked: i64,
}

/// The rule; no change when all is as asked.
fn decide(ctx: &Ctx, one: Ticket, other: Ticket, link: &Link, known: Known) -> Result<Vec<Change>> {
    advance(one.state, Verb::Link)?;
    advance(other.state, Verb::Link)?;
    if known.there != link.remove {
        return Ok([one, other].map(Change::of).into());
    }
    if !link.remove {
        fits(link, known)?;
    }
    let kind = if link.remove { EventType::TicketUnlinked } else { EventType::TicketLinked };
    let (id, other_id) = (one.id, other.id);
    let told = |ticket: Ticket, relation: Relation, to| {
        Change::of(ticket).step(ctx, kind, |_, event| {
            relation.tell(event, &[to]);
            link.target.tell(event);
        })
    };
    Ok(vec![told(one, link.relation, other_id), told(other, link.relation.turned(), id)])
}

fn fits(link: &Link, known: Known) -> Result<(), Refusal> {
    let full =
        |limit: i64, text: String| Err(Refusal::new(Reason::LinkLimitReached, text).with("limit", limit));
    if known.count >= MAX_LINKS {
        return full(MAX_LINKS, format!("a ticket has at most {MAX_LINKS} links"));
    }
    if link.relation.kind.is_a_tree() {
        if known.leads_back {
            let name = link.relation.kind.name();
            let text = format!("the tickets would be {name} of each other in a circle");
            return Err(Refusal::new(Reason::LinkCycle, text).with("relation", name));
        }
        if known.walked > MAX_WALK {
            return full(MAX_WALK, format!("at most {MAX_WALK} tickets hang together"));
        }
    }
    Ok(())
}

impl ActTogether for Link {
    async fn enter(&self, tx: &mut Tx) -> Result<()> {
        // Two links that are drawn at once can close a circle that neither sees.
        if self.relation.kind.is_a_tree() && !self.remove {
            store_links::lock_trees(tx).await?;
        }
        Ok(())
    }

    async fn act(
        &self,
        tx: &mut Tx,
        ctx: &Ctx,
        _: &Configuration,
        mut tickets: Vec<Ticket>,
    ) -> Result<Vec<Change>> {
        let (Some(other), Some(one)) = (tickets.pop(), tickets.pop()) else { unreachable!("two") };
        let (first, second) = self.relation.ends(one.id, other.id);
        let known = store_links::known(tx, self.relation.kind, first, second).await?;
        let changes = decide(ctx, one, other, self, known)?;
        if changes.iter().any(|change| !change.is_empty()) {
            if self.remove {
                store_links::remove(tx, self.relation.kind, first, second).await?;
            } else {
                store_links::insert(tx, self.relation.kind, first, second, ctx.now).await?;
            }
        }
        Ok(changes)
    }
}

pub async fn link(app: &App, ctx: &Ctx, link: Link) -> Result<Written> {
    write_together(app, ctx, &[link.target.clone(), link.other.clone()], &link).await
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

    const NOTHING: Known = Known { there: false, count: 0, leads_back: false, walked: 1 };

    fn said(states: [State; 2], relation: &str, remove: bool, known: Known) -> [String; 2] {
        let [one, other] = [1, 2]
            .map(|place| Ticket { id: fixture::id(place), ..fixture::ticket(states[place as usize - 1]) });
        let relation = Relation::parse(relation).expect("a relation");
        let link = Link { target: fixture::target(), relation, other: Target::of(other.id), remove };
        match decide(&fixture::ctx(Role::Agent), one, other, &link, known) {
            Ok(changes) => {
                let changes: [Change; 2] = changes.try_into().expect("two");
                changes.map(|change| outcome(&Ok(change)))
            }
            Err(error) => [outcome(&Err(error)), String::new()],
        }
    }

    const BOTH: [State; 2] = [State::Open, State::Closed];

    #[test]
    fn a_link_is_there_once_and_both_are_told() {
        let linked = ["ticket.linked", "ticket.linked"];
        let there = Known { there: true, ..NOTHING };
        assert_eq!(said(BOTH, "BLOCKS", false, NOTHING), linked);
        assert_eq!(said(BOTH, "BLOCKS", false, there), ["nothing", "nothing"]);
        assert_eq!(said(BOTH, "BLOCKS", true, there), ["ticket.unlinked", "ticket.unlinked"]);
        assert_eq!(said(BOTH, "BLOCKS", true, NOTHING), ["nothing", "nothing"]);
        for merged in [[State::Merged, State::Open], [State::Open, State::Merged]] {
            assert_eq!(said(merged, "RELATES", false, NOTHING)[0], "TICKET_STATE_CONFLICT");
        }
    }

    #[test]
    fn what_contains_or_blocks_does_not_come_back_to_itself() {
        let back = Known { leads_back: true, ..NOTHING };
        for relation in ["PARENT", "CHILD", "BLOCKS", "BLOCKED_BY"] {
            assert_eq!(said(BOTH, relation, false, back)[0], "LINK_CYCLE", "{relation}");
        }
        assert_eq!(said(BOTH, "DUPLICATES", false, back)[0], "ticket.linked");
        let far = Known { walked: MAX_WALK + 1, ..NOTHING };
        assert_eq!(said(BOTH, "PARENT", false, far)[0], "LINK_LIMIT_REACHED");
        let full = Known { count: MAX_LINKS, ..NOTHING };
        assert_eq!(said(BOTH, "RELATES", false, full)[0], "LINK_LIMIT_REACHED");
        let full = Known { there: true, ..full };
        assert_eq!(said(BOTH, "RELATES", true, full)[0], "ticket.unlinked");
    }
}
