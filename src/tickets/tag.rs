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

    fn decided(state: State, tags: &[&str], given: &[&str], remove: bool) -> Result<Change> {
        let list = |tags: &[&str]| tags.iter().map(|tag| (*tag).to_owned()).collect();
        let ticket = Ticket { tags: list(tags), ..fixture::ticket(state) };
        decide(
            &fixture::ctx(Role::Agent),
            ticket,
            &Tag { target: fixture::target(), tags: list(given), remove },
        )
    }

    #[test]
    fn labels_are_a_set_in_the_order_of_their_coming() {
        let after = |tags: &[&str], given: &[&str], remove| {
            let change = decided(State::Open, tags, given, remove).expect("tagged");
            (change.next.tags.join(" "), change.events.len())
        };
        assert_eq!(after(&["a"], &["c", "b"], false), ("a c b".to_owned(), 1));
        assert_eq!(after(&["a", "b"], &["b", "c"], false), ("a b c".to_owned(), 1));
        assert_eq!(after(&["a", "b"], &["b", "a"], false), ("a b".to_owned(), 0));
        assert_eq!(after(&["a", "b", "c"], &["b", "x"], true), ("a c".to_owned(), 1));
        assert_eq!(after(&["a"], &["x"], true), ("a".to_owned(), 0));
    }

    #[test]
    fn fifty_are_enough() {
        let labels: Vec<String> = (0..50).map(|n| n.to_string()).collect();
        let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
        assert!(decided(State::Open, &labels[1..], &labels[..1], false).is_ok());
        assert!(decided(State::Open, &labels, &labels, false).is_ok());
        assert_eq!(fixture::faults(decided(State::Open, &labels, &["x"], false)), ["tags"]);
        assert!(decided(State::Open, &labels, &["1"], true).is_ok());
    }

    #[test]
    fn what_is_over_keeps_its_labels() {
        for state in State::ALL {
            let expected = match state {
                State::Closed | State::Cancelled | State::Merged => "TICKET_STATE_CONFLICT",
                _ => "ticket.tagged",
            };
            assert_eq!(outcome(&decided(*state, &[], &["x"], false)), expected, "{state:?}");
        }
    }
}
