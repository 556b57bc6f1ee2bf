//! Putting labels on a ticket and taking them off. Labels are a set: whoever adds one does not undo another's.

use super::{
    Change, Ticket, Verb, Written, advance,
    intake::check_tags,
    write::{Target, write},
};
use crate::{
    app::App,
    ctx::Ctx,
    error::{Result, Violations},
    events::EventType,
};

#[derive(Clone, Debug)]
pub struct Tag {
    pub target: Target,
    pub tags: Vec<String>,
    /// Whether to take them off.
    pub remove: bool,
}

/// The rule. What is there already stays, what is not there is no fault.
pub fn decide(ctx: &Ctx, ticket: Ticket, tag: &Tag) -> Result<Change> {
    advance(ticket.state, Verb::Tag)?;
    let mut tags = ticket.tags.clone();
    if tag.remove {
        tags.retain(|label| !tag.tags.contains(label));
    } else {
        tags.extend(tag.tags.iter().filter(|label| !ticket.tags.contains(label)).cloned());
    }
    let mut faults = Violations::default();
    check_tags(&tags, "tags", &mut faults);
    faults.into_result()?;
    if tags == ticket.tags {
        return Ok(Change::of(ticket));
    }
    Ok(Change::of(ticket).step(ctx, EventType::TicketTagged, |ticket, event| {
        ticket.tags = tags;
        tag.target.tell(event);
    }))
}

pub async fn tag(app: &App, ctx: &Ctx, tag: Tag) -> Result<Written> {
    write(app, ctx, &tag.target, |_, ticket| decide(ctx, ticket, &tag)).await
}
