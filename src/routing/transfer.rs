//! Giving a ticket to another team or queue of the same level.

use super::levels::require_same_level;
use crate::{
    app::App,
    configuration::Configuration,
    ctx::Ctx,
    error::{Error, Result},
    events::EventType,
    tickets::{Change, Target, Ticket, Verb, Written, advance_settled, write},
};

#[derive(Clone, Debug)]
pub struct Transfer {
    pub target: Target,
    pub to: To,
}

/// Where to, by key.
#[derive(Clone, Debug)]
pub enum To {
    Team(String),
    Queue(String),
}

/// The rule. Where it stands already, it stays, and with whom it is.
pub fn decide(
    ctx: &Ctx,
    configuration: &Configuration,
    ticket: Ticket,
    transfer: &Transfer,
) -> Result<Change> {
    advance_settled(&ticket, Verb::Transfer)?;
    let queue = find_queue(configuration, &transfer.to)?;
    if queue == ticket.queue {
        return Ok(Change::of(ticket));
    }
    require_same_level(&ticket, &configuration.place(&queue).level)?;
    Ok(Change::of(ticket).step(ctx, EventType::TicketTransferred, |ticket, event| {
        ticket.place(configuration, &queue, ctx.now);
        event.configuration_revision = configuration.revision;
        transfer.target.tell(event);
    }))
}

fn find_queue(configuration: &Configuration, to: &To) -> Result<String> {
    let (field, found) = match to {
        To::Team(key) => ("team", configuration.team(key).and_then(|team| configuration.queue_of(team))),
        To::Queue(key) => ("queue", configuration.queue(key)),
    };
    let queue = found.ok_or_else(|| Error::field(field, &format!("no such {field} is configured")))?;
    Ok(queue.key.clone())
}

pub async fn transfer(app: &App, ctx: &Ctx, transfer: Transfer) -> Result<Written> {
    write(app, ctx, &transfer.target, |configuration, ticket| decide(ctx, configuration, ticket, &transfer))
        .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ctx::Role,
        error::Reason,
        ids::Id,
        tickets::{State, fixture},
    };

    fn transfer(ticket: Ticket, to: To) -> Result<Change> {
        let ctx = fixture::ctx(Role::Agent);
        decide(&ctx, fixture::configuration(), ticket, &Transfer { target: Target::of(fixture::id(1)), to })
    }

    fn team(key: &str) -> To {
        To::Team(key.into())
    }

    #[test]
    fn to_another_team_of_the_level_and_nobody_has_it_then() {
        let owned = Ticket {
            state: State::Open,
            assignee: Some("ada".into()),
            queue_time: None,
            ..fixture::ticket(State::New)
        };
        let ticket = transfer(owned, team("desk-en")).expect("transferred").next;
        assert_eq!((ticket.team.as_str(), ticket.queue.as_str()), ("desk-en", "desk-en"));
        assert_eq!((ticket.assignee, ticket.transfer_count, ticket.return_count), (None, 1, 0));
        let back = Ticket { queue: "desk-en".into(), team: "desk-en".into(), ..fixture::ticket(State::New) };
        let ticket = transfer(back, To::Queue("desk-de".into())).expect("transferred").next;
        assert_eq!((ticket.team.as_str(), ticket.return_count), ("desk-de", 1));
    }

    #[test]
    fn refusals() {
        let pending =
            Ticket { pending_escalation: Some(Id(uuid::Uuid::from_u128(7))), ..fixture::ticket(State::New) };
        let resolved = Ticket { state: State::Resolved, ..fixture::ticket(State::New) };
        let cases = [
            (fixture::ticket(State::New), team("infrastructure"), Reason::LevelChangeNeedsEscalation),
            (
                fixture::ticket(State::New),
                To::Queue("engineering".into()),
                Reason::LevelChangeNeedsEscalation,
            ),
            (fixture::ticket(State::New), team("moon"), Reason::FieldInvalid),
            (fixture::ticket(State::New), To::Queue("moon".into()), Reason::FieldInvalid),
            (pending, team("desk-en"), Reason::EscalationPending),
            (resolved, team("desk-en"), Reason::TicketStateConflict),
        ];
        for (ticket, to, expected) in cases {
            assert_eq!(transfer(ticket, to.clone()).expect_err("refused").reason(), expected, "{to:?}");
        }
        assert!(transfer(fixture::ticket(State::New), team("desk-de")).expect("where it is").is_empty());
    }
}
