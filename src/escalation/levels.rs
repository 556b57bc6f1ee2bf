//! What levels allow each other, for escalations of today and for those that other systems have recorded: up one level
//! at a time, completely recorded, and not for ever.

use crate::{
    configuration::Configuration,
    error::{Reason, Refusal},
    tickets::{Ticket, intake},
};

/// Refuses to escalate downward.
pub fn require_up_or_sideways(configuration: &Configuration, from: &str, to: &str) -> Result<(), Refusal> {
    if configuration.level_rank(to) >= configuration.level_rank(from) {
        return Ok(());
    }
    let text = format!("{to} is below {from}; hand the ticket back instead");
    Err(Refusal::new(Reason::EscalationGoesDown, text).with("level", from).with("to_level", to))
}

/// A step over a level, unless the policy allows it.
pub fn skipped(configuration: &Configuration, from: &str, to: &str) -> Option<Refusal> {
    let (lower, upper) = (configuration.level_rank(from)?, configuration.level_rank(to)?);
    if configuration.document.escalation.allow_skip || upper <= lower + 1 {
        return None;
    }
    let skipped = &configuration.document.levels[lower + 1].key;
    let text = format!("from {from} to {to} skips {skipped}");
    Some(Refusal::new(Reason::EscalationSkipsLevel, text).with("skipped_level", skipped))
}

/// Coming back to a level too often; the first of its arrivals there is no coming back.
pub fn bounced(configuration: &Configuration, to: &str, arrivals: usize) -> Option<Refusal> {
    let limit = configuration.level(to)?.bounce_limit;
    let limit = usize::try_from(limit).ok().filter(|limit| *limit > 0)?;
    if arrivals <= limit {
        return None;
    }
    let text = format!("the ticket came back to {to} {} times; a manager decides now", arrivals - 1);
    Some(Refusal::new(Reason::BounceLimitReached, text).with("level", to).with("limit", limit))
}

/// Nothing leaves the first level incompletely recorded.
pub fn require_complete(configuration: &Configuration, ticket: &Ticket, to: &str) -> Result<(), Refusal> {
    if configuration.level_rank(&ticket.level) == Some(0) && to != ticket.level {
        intake::complete(configuration, ticket)
    } else {
        Ok(())
    }
}
