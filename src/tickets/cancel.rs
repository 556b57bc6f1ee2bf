//! Ending a live ticket without a solution: nobody has it, and it waits nowhere.

use super::{
    Change, Ticket, Verb, Written, enter,
    status::finish,
    write::{Target, write},
};
use crate::{app::App, ctx::Ctx, error::Result, events::EventType};

/// The rule.
pub fn decide(ctx: &Ctx, ticket: Ticket, target: &Target) -> Result<Change> {
    let state = finish(&ticket, Verb::Cancel)?;
    Ok(Change::of(ticket).step(ctx, EventType::TicketCancelled, |ticket, event| {
        enter(ticket, state);
        ticket.assignee = None;
        ticket.assign_time = None;
        ticket.queue_time = None;
        ticket.close_time = Some(ctx.now);
        target.tell(event);
    }))
}

pub async fn cancel(app: &App, ctx: &Ctx, target: Target) -> Result<Written> {
    write(app, ctx, &target, |_, ticket| decide(ctx, ticket, &target)).await
}
