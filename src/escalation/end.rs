//! An escalation that ends with its ticket: nobody answers what goes on elsewhere.

use super::{Escalation, State, come_back::place_back, history::History, settle::settle, store};
use crate::{
    configuration::Configuration,
    ctx::Ctx,
    db::Tx,
    error::Result,
    events::EventType,
    ids::Id,
    tickets::{Change, Ticket},
};

/// The rule: a ticket that was handed over is back where it came from, and waits there; whose it was is the caller's affair.
fn decide(
    ctx: &Ctx,
    configuration: &Configuration,
    ticket: Ticket,
    history: &History,
) -> Result<(Change, Option<Escalation>)> {
    let Some(id) = ticket.pending_escalation else { return Ok((Change::of(ticket), None)) };
    let escalation = settle(ctx, history.find(&ticket, id)?, State::Withdrawn, "")?;
    let change = Change::of(ticket).step(ctx, EventType::TicketEscalationWithdrawn, |ticket, event| {
        place_back(ctx, configuration, ticket, &escalation, history);
        event.configuration_revision = configuration.revision;
        escalation.tell(event);
    });
    Ok((change, Some(escalation)))
}

/// Ends what is pending on these tickets, which the transaction has locked; begins what happens to them, in their order.
pub async fn end_in(
    tx: &mut Tx,
    ctx: &Ctx,
    configuration: &Configuration,
    tickets: Vec<Ticket>,
) -> Result<Vec<Change>> {
    let pending = tickets.iter().filter(|ticket| ticket.pending_escalation.is_some());
    let pending: Vec<Id> = pending.map(|ticket| ticket.id).collect();
    if pending.is_empty() {
        return Ok(tickets.into_iter().map(Change::of).collect());
    }
    let histories = store::histories(tx, &pending).await?;
    let none = History::default();
    let mut ended = Vec::new();
    let mut changes = Vec::with_capacity(tickets.len());
    for ticket in tickets {
        let history = histories.get(&ticket.id).unwrap_or(&none);
        let (change, escalation) = decide(ctx, configuration, ticket, history)?;
        ended.extend(escalation);
        changes.push(change);
    }
    store::put(tx, &ended).await?;
    Ok(changes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ctx::Role,
        escalation::fixture::{by, consulted, handed_over},
        tickets::{self, fixture},
    };

    #[test]
    fn what_is_pending_ends_and_is_back_where_it_came_from() {
        let ctx = by("anna", Role::Agent);
        let ended = |(ticket, history): (Ticket, History)| {
            decide(&ctx, fixture::configuration(), ticket, &history).expect("ended")
        };
        let (change, escalation) = ended(handed_over(9));
        assert_eq!((change.next.pending_escalation, change.next.assignee.as_deref()), (None, None));
        assert_eq!(change.next.queue, escalation.as_ref().expect("one").from_queue);
        assert_eq!(escalation.map(|it| it.state), Some(State::Withdrawn));
        let (ticket, history) = consulted(9);
        let (change, _) = ended((ticket.clone(), history));
        assert_eq!((change.next.assignee, change.next.queue), (ticket.assignee, ticket.queue));
        let (change, none) = ended((fixture::ticket(tickets::State::Open), History::default()));
        assert!(change.is_empty() && none.is_none());
    }
}
