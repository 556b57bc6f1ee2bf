//! What a log brings to the configuration: the levels, teams and resolution codes that are not known yet. What is known
//! stays as it is.

use super::{Log, Step, vinst};
use crate::configuration::{Document, Level, Priority, PriorityRule, Queue, ResolutionCode, Team};

/// What was added, by key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Takeover {
    pub levels: Vec<String>,
    pub teams: Vec<String>,
    pub resolution_codes: Vec<String>,
}

impl Takeover {
    pub fn is_empty(&self) -> bool {
        self.levels.is_empty() && self.teams.is_empty() && self.resolution_codes.is_empty()
    }
}

/// Adds to the document what the log needs. A tenant without a configuration gets one that is whole.
pub fn take_over(document: &mut Document, log: &Log) -> Takeover {
    let mut added = Takeover::default();
    for step in log.histories.iter().flat_map(|history| &history.steps) {
        level(document, step, &mut added);
        team(document, step, &mut added);
        resolution_code(document, step, &mut added);
    }
    if !added.is_empty() {
        complete(document);
    }
    added
}

/// A new level goes before the first one whose key is greater: L2/L3 goes between L2 and L3.
fn level(document: &mut Document, step: &Step, added: &mut Takeover) {
    if document.levels.iter().any(|level| level.key == step.level) {
        return;
    }
    let place = document.levels.iter().position(|level| level.key > step.level);
    let level = Level {
        key: step.level.clone(),
        display_name: step.level.clone(),
        // The log does not say who may not.
        customer_contact: true,
        ..Level::default()
    };
    document.levels.insert(place.unwrap_or(document.levels.len()), level);
    added.levels.push(step.level.clone());
}

/// A team belongs to one level: the one at which the log first shows it.
fn team(document: &mut Document, step: &Step, added: &mut Takeover) {
    if document.teams.iter().any(|team| team.key == step.team) {
        return;
    }
    let taken = document.queues.iter().any(|queue| queue.key == step.team);
    let queue = if taken { format!("{} queue", step.team) } else { step.team.clone() };
    document.teams.push(Team {
        key: step.team.clone(),
        display_name: step.team.clone(),
        level: step.level.clone(),
        queue: queue.clone(),
        vendor: false,
        calendar: String::new(),
        managers: Vec::new(),
    });
    document.queues.push(Queue {
        display_name: queue.clone(),
        key: queue,
        team: step.team.clone(),
        ..Queue::default()
    });
    added.teams.push(step.team.clone());
}

fn resolution_code(document: &mut Document, step: &Step, added: &mut Takeover) {
    let key = &step.resolution_code;
    if key.is_empty() || document.resolution_codes.iter().any(|code| code.key == *key) {
        return;
    }
    document.resolution_codes.push(ResolutionCode {
        key: key.clone(),
        display_name: key.clone(),
        first_contact: key == vinst::FIRST_CONTACT,
    });
    added.resolution_codes.push(key.clone());
}

/// What a document must have besides.
fn complete(document: &mut Document) {
    if document.default_queue.is_empty() {
        document.default_queue = document.queues.first().map(|queue| queue.key.clone()).unwrap_or_default();
    }
    if document.resolution_codes.is_empty() {
        let key = vinst::RESOLVED.to_owned();
        document.resolution_codes.push(ResolutionCode {
            display_name: key.clone(),
            key,
            first_contact: false,
        });
    }
    if document.priorities.is_empty() {
        for (impact, key) in [("MAJOR", "P1"), ("HIGH", "P2"), ("MEDIUM", "P3"), ("LOW", "P4")] {
            document.priorities.push(Priority { key: key.to_owned(), display_name: key.to_owned() });
            document.priority_matrix.push(PriorityRule {
                impact: impact.to_owned(),
                urgency: "MEDIUM".to_owned(),
                priority: key.to_owned(),
            });
        }
        "P3".clone_into(&mut document.default_priority);
    }
    if document.default_language_code.is_empty() {
        "en".clone_into(&mut document.default_language_code);
    }
}
