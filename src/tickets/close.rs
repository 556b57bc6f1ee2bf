//! Ending a resolved ticket for good, by hand or when its quiet time is over.

use super::{
    Change, Ticket, Verb, Written, advance, enter,
    write::{Target, write},
};
use crate::{app::App, ctx::Ctx, error::Result, events::EventType};

/// The rule.
pub fn decide(ctx: &Ctx, ticket: Ticket, target: &Target) -> Result<Change> {
    let state = advance(ticket.state, Verb::Close)?;
    Ok(Change::of(ticket).step(ctx, EventType::TicketClosed, |ticket, event| {
        enter(ticket, state);
        ticket.close_time = Some(ctx.now);
        ticket.auto_close_time = None;
        target.tell(event);
    }))
}

pub async fn close(app: &App, ctx: &Ctx, target: Target) -> Result<Written> {
    write(app, ctx, &target, |_, ticket| decide(ctx, ticket, &target)).await
}
