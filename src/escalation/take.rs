//! Taking up a ticket that was handed over is the answer to the handover: whoever gives a ticket to an agent begins here.

use super::{Escalation, accept::accepted, store};
use crate::{
    ctx::Ctx,
    db::Tx,
    error::Result,
    tickets::{Change, Target, Ticket},
};

/// Begins the change by which an agent takes a locked ticket up.
pub async fn take_in(tx: &mut Tx, ctx: &Ctx, ticket: Ticket, agent: &str) -> Result<Change> {
    let mut changes = take_all_in(tx, ctx, vec![(ticket, agent.to_owned())]).await?;
    Ok(changes.pop().expect("one change for one ticket"))
}

/// As [`take_in`], for tickets that are given away together; in their order.
pub async fn take_all_in(tx: &mut Tx, ctx: &Ctx, taken: Vec<(Ticket, String)>) -> Result<Vec<Change>> {
    let pending: Vec<_> = taken
        .iter()
        .filter_map(|(ticket, agent)| Some((ticket.id, ticket.pending_escalation?, agent.clone())))
        .collect();
    let answered: Vec<Escalation> =
        if pending.is_empty() { Vec::new() } else { store::accept_handovers(tx, ctx, &pending).await? };
    let begin = |(ticket, _): (Ticket, String)| match answered
        .iter()
        .find(|escalation| escalation.ticket_id == ticket.id)
    {
        Some(escalation) => accepted(ctx, ticket, escalation, &Target::of(escalation.ticket_id)),
        None => Change::of(ticket),
    };
    Ok(taken.into_iter().map(begin).collect())
}
