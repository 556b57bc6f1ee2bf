//! Putting a ticket aside: for the customer, for a vendor, or until a time.

use super::{
    Change, HoldKind, MAX_HOLD_REASON, Verb,
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
const MAX_HOLD: std::time::Duration = std::time::Duration::from_hours(2 * 366 * 24);

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
    if hold.target.note.chars().count() > MAX_HOLD_REASON {
        faults.add("note", format!("must be at most {MAX_HOLD_REASON} characters: the ticket shows it"));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ctx::Role,
        tickets::{
            State,
            fixture::{self, faults},
        },
    };

    #[test]
    fn a_note_that_the_ticket_shows_is_a_short_one() {
        let held = |length: usize| {
            let target = Target { note: "ü".repeat(length), ..fixture::target() };
            let hold =
                Hold { target, kind: HoldKind::Other, until_time: None, vendor_reference: String::new() };
            decide(&fixture::ctx(Role::Agent), fixture::ticket(State::Open), &hold)
        };
        assert_eq!(held(MAX_HOLD_REASON).expect("held").next.hold_reason, "ü".repeat(MAX_HOLD_REASON));
        assert_eq!(faults(held(MAX_HOLD_REASON + 1)), ["note"]);
    }
}
