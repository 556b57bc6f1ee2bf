//! Which events a reader wants: by type, ticket, queue and team, as the ticket stood after the event.

use super::{Event, EventType};
use crate::{ids::Id, tickets::Sight};

/// All conditions must hold; an empty one holds always.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub types: Vec<Pattern>,
    pub ticket: Option<Id>,
    pub queues: Vec<String>,
    pub teams: Vec<String>,
    /// What the reader sees of restricted tickets.
    pub sight: Sight,
}

/// A type, or the beginning of types.
#[derive(Clone, Debug)]
pub struct Pattern {
    text: String,
    open: bool,
}

impl Pattern {
    /// `ticket.created`, `ticket.*` or `*`; `None` for what no event will ever match.
    pub fn parse(text: &str) -> Option<Self> {
        let open = text.ends_with('*');
        let pattern = Self { text: text.strip_suffix('*').unwrap_or(text).to_owned(), open };
        EventType::ALL.iter().any(|kind| pattern.matches(*kind)).then_some(pattern)
    }

    fn matches(&self, kind: EventType) -> bool {
        if self.open { kind.name().starts_with(&self.text) } else { kind.name() == self.text }
    }
}

impl Filter {
    pub fn is_empty(&self) -> bool {
        self.types.is_empty()
            && self.ticket.is_none()
            && self.queues.is_empty()
            && self.teams.is_empty()
            && self.sight == Sight::All
    }

    pub fn matches(&self, event: &Event) -> bool {
        fn any<T>(wanted: &[T], is: impl Fn(&T) -> bool) -> bool {
            wanted.is_empty() || wanted.iter().any(is)
        }
        any(&self.types, |pattern| pattern.matches(event.kind))
            && self.ticket.is_none_or(|ticket| ticket == event.ticket_id)
            && any(&self.queues, |queue| *queue == event.facts.queue)
            && any(&self.teams, |team| *team == event.facts.team)
            && self.sight.reaches(event.facts.restricted, &event.facts.assignee, &event.facts.team)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ctx::Ctx, ids::TenantId};

    fn event(kind: EventType, queue: &str, team: &str) -> Event {
        let tenant = TenantId::parse("acme").expect("a tenant");
        let ctx = Ctx::system(tenant, "test", "2026-01-01T00:00:00Z".parse().expect("a time"));
        let mut event = Event::new(&ctx, kind, Id(uuid::Uuid::from_u128(7)), 1);
        queue.clone_into(&mut event.facts.queue);
        team.clone_into(&mut event.facts.team);
        event
    }

    #[test]
    fn all_conditions_hold_together() {
        let event = event(EventType::TicketEscalated, "q1", "t1");
        assert!(Filter::default().matches(&event));
        let pattern = |text| Pattern::parse(text).expect("a type");
        let filter = Filter {
            types: vec![pattern("ticket.closed"), pattern("ticket.escal*")],
            ticket: Some(event.ticket_id),
            queues: vec!["q0".into(), "q1".into()],
            teams: vec!["t1".into()],
            sight: Sight::None,
        };
        assert!(filter.matches(&event));
        for other in [
            Filter { types: vec![pattern("ticket.closed")], ..filter.clone() },
            Filter { ticket: Some(Id(uuid::Uuid::from_u128(8))), ..filter.clone() },
            Filter { queues: vec!["q0".into()], ..filter.clone() },
            Filter { teams: vec!["t0".into()], ..filter.clone() },
        ] {
            assert!(!other.matches(&event), "{other:?}");
        }
    }

    #[test]
    fn a_type_that_is_none_is_refused() {
        for text in ["*", "ticket.*", "ticket.created", "ticket.escalation_*"] {
            assert!(Pattern::parse(text).is_some(), "{text}");
        }
        for text in ["", "ticket", "ticket.creatd", "ticket.creat", "*.created", "Ticket.*"] {
            assert!(Pattern::parse(text).is_none(), "{text}");
        }
    }
}
