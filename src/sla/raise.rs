//! How far a step of a ladder raises a ticket's priority.

use crate::{
    configuration::{Configuration, LadderStep},
    tickets::Ticket,
};

/// The priority to which a step raises a ticket; `None`: it is as pressing already.
pub fn raised(configuration: &Configuration, ticket: &Ticket, step: &LadderStep) -> Option<String> {
    let rank = configuration.priority_rank(&ticket.priority).unwrap_or(usize::MAX);
    let priorities = &configuration.document.priorities;
    let to = if step.priority.is_empty() {
        rank.min(priorities.len()).checked_sub(1)?
    } else {
        configuration.priority_rank(&step.priority)?
    };
    (to < rank).then(|| priorities[to].key.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tickets::{State, fixture};

    #[test]
    fn a_priority_is_raised_and_never_lowered() {
        let to = |from: &str, to: &str| {
            let ticket = Ticket { priority: from.into(), ..fixture::ticket(State::Open) };
            raised(
                fixture::configuration(),
                &ticket,
                &LadderStep { priority: to.into(), ..LadderStep::default() },
            )
        };
        assert_eq!(to("P3", "").as_deref(), Some("P2"));
        assert_eq!(to("P3", "P1").as_deref(), Some("P1"));
        assert_eq!(to("P1", ""), None);
        assert_eq!(to("P1", "P2"), None);
        assert_eq!(
            to("gone", "").as_deref(),
            Some("P4"),
            "what is not configured any more is the least pressing"
        );
    }
}
