//! One ticket with its history a line, as JSON.

use std::collections::HashSet;

use super::{Fault, History, Lines, Log, settle};
use crate::tickets::{Channel, Impact, Kind, State, Urgency};

#[allow(clippy::unnecessary_wraps)] // as the readers of formats whose first line can be wrong
pub fn read(lines: &Lines) -> Result<Log, Fault> {
    let (mut histories, mut faults) = (Vec::new(), Vec::new());
    for (line, text) in lines {
        match text.as_deref() {
            Ok(text) if text.trim().is_empty() => {}
            Ok(text) => match history(*line, text) {
                Ok(history) => histories.push(history),
                Err(text) => faults.push(Fault { line: *line, text }),
            },
            Err(fault) => faults.push(fault.clone()),
        }
    }
    Ok(settle(histories, faults, &HashSet::new()))
}

fn history(line: usize, text: &str) -> Result<History, String> {
    let mut history: History = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let ticket = &mut history.ticket;
    if ticket.external_key.id.is_empty() || ticket.external_key.source.is_empty() {
        return Err("ticket.external_key is required: by it a second run knows the ticket".into());
    }
    code("ticket.kind", &mut ticket.kind, "TICKET_KIND_", Kind::NAMES)?;
    code("ticket.channel", &mut ticket.channel, "CHANNEL_", Channel::NAMES)?;
    code("ticket.impact", &mut ticket.impact, "IMPACT_", Impact::NAMES)?;
    code("ticket.urgency", &mut ticket.urgency, "URGENCY_", Urgency::NAMES)?;
    history.line = line;
    for (place, step) in history.steps.iter_mut().enumerate() {
        step.line = line;
        code(&format!("steps[{place}].state"), &mut step.state, "TICKET_STATE_", State::NAMES)?;
        code(&format!("steps[{place}].impact"), &mut step.impact, "IMPACT_", Impact::NAMES)?;
    }
    Ok(history)
}

/// Takes a code with and without the prefix that it has in the contract.
fn code(field: &str, code: &mut String, prefix: &str, known: &[&str]) -> Result<(), String> {
    if let Some(bare) = code.strip_prefix(prefix) {
        *code = bare.to_owned();
    }
    if code.is_empty() || known.contains(&code.as_str()) {
        return Ok(());
    }
    Err(format!("{field}: {code:?} is none of {}", known.join(", ")))
}
