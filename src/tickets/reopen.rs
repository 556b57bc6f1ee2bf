//! Opening a resolved ticket again, inside the reopen window: it goes back to its queue, and nobody has it.

use super::{
    Change, Ticket, Verb, Written, advance, enter,
    write::{Target, write},
};
use crate::{
    app::App,
    configuration::Configuration,
    ctx::Ctx,
    error::{Reason, Refusal, Result},
    events::EventType,
};

/// The rule.
pub fn decide(ctx: &Ctx, configuration: &Configuration, ticket: Ticket, target: &Target) -> Result<Change> {
    let state = advance(ticket.state, Verb::Reopen)?;
    let window = configuration.document.lifecycle.reopen_window_duration;
    if let Some(end) = ticket.resolve_time.map(|time| time.after(window))
        && ctx.now >= end
    {
        let text = format!("the reopen window ended at {end}; open a follow-up");
        return Err(Refusal::new(Reason::ReopenWindowOver, text).with("end_time", end).into());
    }
    Ok(Change::of(ticket).step(ctx, EventType::TicketReopened, |ticket, event| {
        enter(ticket, state);
        ticket.resolution = None;
        ticket.resolve_time = None;
        ticket.auto_close_time = None;
        ticket.reopen_count += 1;
        ticket.release(ctx.now);
        event.configuration_revision = configuration.revision;
        target.tell(event);
    }))
}

pub async fn reopen(app: &App, ctx: &Ctx, target: Target) -> Result<Written> {
    write(app, ctx, &target, |configuration, ticket| decide(ctx, configuration, ticket, &target)).await
}
