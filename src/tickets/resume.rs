//! Taking a ticket up again that was put aside.

use super::{
    Change, Ticket, Verb, Written, advance, enter,
    write::{Target, write},
};
use crate::{app::App, ctx::Ctx, error::Result, events::EventType};

/// The rule.
pub fn decide(ctx: &Ctx, ticket: Ticket, target: &Target) -> Result<Change> {
    let state = advance(ticket.state, Verb::Resume)?;
    Ok(Change::of(ticket).step(ctx, EventType::TicketResumed, |ticket, event| {
        enter(ticket, state);
        target.tell(event);
    }))
}

pub async fn resume(app: &App, ctx: &Ctx, target: Target) -> Result<Written> {
    write(app, ctx, &target, |_, ticket| decide(ctx, ticket, &target)).await
}
