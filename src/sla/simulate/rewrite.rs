//! A ticket's log as it would read if other promises had been made: the terms in it are those of another configuration, chosen
//! at each step by the ticket as it stood then.

use serde_json::{Value, json};

use crate::{
    configuration::Configuration,
    events::Event,
    routing::CONDITION_FIELDS,
    sla::select::select,
    tickets::{Ticket, redo},
};

/// What the log says of clocks that ran.
const TOLD: [&str; 2] = ["clock", "point"];

pub fn rewrite(
    configuration: &Configuration,
    came: &Ticket,
    log: &[Event],
) -> Result<Vec<Event>, serde_json::Error> {
    let mut ticket = came.clone();
    let mut policies: Option<Vec<String>> = None;
    let mut rewritten = Vec::with_capacity(log.len());
    for event in log {
        let mut event = event.clone();
        for told in TOLD {
            event.details.remove(told);
        }
        event.changes.remove("sla_policies");
        event.changes.remove("sla_revision");
        let asked = CONDITION_FIELDS.iter().any(|field| event.changes.contains_key(*field));
        if event.version > 1 && asked {
            ticket = redo(&ticket, &event)?;
        }
        if policies.is_none() || asked {
            let chosen = select(configuration, &ticket);
            if policies.as_ref() != Some(&chosen) {
                let before = policies.as_ref().map_or(Value::Null, |before| json!(before));
                event.changes.insert("sla_policies".into(), (before, json!(chosen)));
            }
            if policies.is_none() {
                event.changes.insert("sla_revision".into(), (Value::Null, configuration.revision.into()));
            }
            policies = Some(chosen);
        }
        rewritten.push(event);
    }
    Ok(rewritten)
}
