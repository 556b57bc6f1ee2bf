//! Putting a ticket aside: for the customer, for a vendor, or until a time.

use super::{
    Change, HoldKind, Verb,
    change::enter,
    create::Written,
    status::advance,
    write::{Target, write},
};
use crate::{
    app::App,
    ctx::Ctx,
    error::{Result, Violations},
    events::EventType,
    tickets::Ticket,
    time::Time,
};

/// The longest time for which a ticket may be put aside.
const MAX_HOLD: std::time::Duration = std::time::Duration::from_secs(2 * 366 * 24 * 60 * 60);

#[derive(Clone, Debug)]
pub struct Hold {
    pub target: Target,
    pub kind: HoldKind,
    pub until_time: Option<Time>,
    pub vendor_reference: String,
}

/// The rule.
pub fn decide(ctx: &Ctx, ticket: Ticket, hold: &Hold) -> Result<Change> {
    let state = advance(ticket.state, Verb::Hold(hold.kind))?;
    let mut faults = Violations::default();
    if hold.until_time.is_some_and(|until| until <= ctx.now || until > ctx.now.after(MAX_HOLD)) {
        faults.add("until_time", "must be in the future, at most two years away");
    }
    if !hold.vendor_reference.is_empty() && hold.kind != HoldKind::Vendor {
        faults.add("vendor_reference", "goes with HOLD_KIND_VENDOR only");
    }
    faults.into_result()?;
    Ok(Change::of(ticket).step(ctx, EventType::TicketHeld, |ticket, event| {
        enter(ticket, state);
        ticket.hold_reason.clone_from(&hold.target.note);
        ticket.hold_until_time = hold.until_time;
        if !hold.vendor_reference.is_empty() {
            ticket.vendor_reference.clone_from(&hold.vendor_reference);
        }
        hold.target.tell(event);
    }))
}

pub async fn hold(app: &App, ctx: &Ctx, hold: Hold) -> Result<Written> {
    write(app, ctx, &hold.target, |_, ticket| decide(ctx, ticket, &hold)).await
}
