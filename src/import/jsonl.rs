//! One ticket with its history a line, as JSON.

use std::collections::HashSet;

use super::{Fault, History, Lines, Log, settle};

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
    if history.ticket.external_key.id.is_empty() {
        return Err("ticket.external_key.id is required: by it a second run knows the ticket".into());
    }
    history.line = line;
    for step in &mut history.steps {
        step.line = line;
    }
    Ok(history)
}
