//! What routing may do between levels: nothing. Work goes up by escalation and down by hand-back, on the record.

use crate::{
    error::{Reason, Refusal},
    tickets::Ticket,
};

/// Refuses a step to another level.
pub fn require_same_level(ticket: &Ticket, level: &str) -> Result<(), Refusal> {
    if ticket.level == level {
        return Ok(());
    }
    let text = format!(
        "the ticket is at level {} and would go to {level}; escalate it, or hand it back",
        ticket.level
    );
    Err(Refusal::new(Reason::LevelChangeNeedsEscalation, text)
        .with("level", &ticket.level)
        .with("to_level", level))
}
