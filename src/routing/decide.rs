//! Where a ticket goes: the rules in their order, the first that matches decides. Pure, and kept with its reasons.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    candidates::{Candidate, Looked, Rejection},
    needs,
};
use crate::{
    configuration::{Configuration, Place},
    events::Event,
    tickets::{Json, Need, Ticket},
    time::Time,
};

/// A decision with its reasons.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    pub configuration_revision: i64,
    /// Key of the rule that matched; empty: none did.
    pub rule: String,
    /// The rules that were tried, up to the one that matched.
    pub trials: Vec<Trial>,
    pub queue: String,
    pub team: String,
    pub level: String,
    /// The priority that the rule's floor led to; empty: unchanged.
    pub priority: String,
    /// Who got it, or was asked; empty: it waits in the queue.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub assignee: String,
    /// The agents who were looked at, the best first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub candidates: Vec<Candidate>,
    /// How many behind those had which rejection.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub further_rejections: BTreeMap<Rejection, i32>,
    /// Whether the assignee was only asked.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub offered: bool,
    /// What is asked of an agent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skills: Vec<Need>,
    /// What the ticket takes of an agent's capacity.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub weight: i64,
    /// The queue that it came from, because nobody there could take it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub overflow_from: String,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde passes the field as it is
fn is_zero(weight: &i64) -> bool {
    *weight == 0
}

/// A rule that was tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trial {
    pub rule: String,
    pub matched: bool,
    /// Why the condition could not be answered.
    pub error: String,
}

/// The rule of rules.
pub fn decide(configuration: &Configuration, ticket: &Ticket) -> Decision {
    let mut trials = Vec::new();
    let mut chosen = None;
    let asked = configuration.conditions().ask(ticket);
    for (position, rule) in configuration.document.routing_rules.iter().enumerate() {
        let (matched, error) = match asked.matches(position) {
            Ok(matched) => (matched, String::new()),
            Err(error) => (false, error),
        };
        trials.push(Trial { rule: rule.key.clone(), matched, error });
        if matched {
            chosen = Some(rule);
            break;
        }
    }
    let queue = match chosen {
        Some(rule) if !rule.queue.is_empty() => &rule.queue,
        Some(rule) => configuration
            .team(&rule.team)
            .and_then(|team| configuration.queue_of(team))
            .map_or(&configuration.document.default_queue, |queue| &queue.key),
        None => &configuration.document.default_queue,
    };
    let Place { queue, team, level } = configuration.place(queue);
    let floor = chosen.map(|rule| &rule.priority_floor).filter(|floor| {
        let rank = |key: &str| configuration.priority_rank(key).unwrap_or(usize::MAX);
        !floor.is_empty() && rank(floor) < rank(&ticket.priority)
    });
    Decision {
        rule: chosen.map(|rule| rule.key.clone()).unwrap_or_default(),
        trials,
        queue,
        team,
        level,
        priority: floor.cloned().unwrap_or_default(),
        skills: chosen.map(needs::of).unwrap_or_default(),
        ..Decision::here(configuration, ticket)
    }
}

impl Decision {
    /// About a ticket that stays where it stands.
    pub fn here(configuration: &Configuration, ticket: &Ticket) -> Self {
        let Place { queue, team, level } = configuration.place(&ticket.queue);
        Self {
            configuration_revision: configuration.revision,
            rule: ticket.routing_rule.clone(),
            trials: Vec::new(),
            queue,
            team,
            level,
            priority: String::new(),
            assignee: String::new(),
            candidates: Vec::new(),
            further_rejections: BTreeMap::new(),
            offered: false,
            skills: Vec::new(),
            weight: 0,
            overflow_from: String::new(),
        }
    }

    /// Does to the ticket what was decided. Where it stands already, it stays, and with whom it is.
    pub fn settle(&self, configuration: &Configuration, ticket: &mut Ticket, now: Time) {
        if ticket.queue != self.queue {
            ticket.place(configuration, &self.queue, now);
        }
        ticket.routing_rule.clone_from(&self.rule);
        ticket.skills = Json(self.skills.clone());
        if !self.priority.is_empty() {
            ticket.priority.clone_from(&self.priority);
            ticket.priority_rank =
                configuration.priority_rank(&self.priority).map_or(i32::MAX, |rank| rank as i32);
        }
    }

    /// Keeps who was looked at, and with it who gets the ticket.
    pub fn keep(&mut self, looked: Looked) {
        looked.chosen().unwrap_or_default().clone_into(&mut self.assignee);
        self.candidates = looked.candidates;
        self.further_rejections = looked.further;
    }

    /// Says on the event by what rule it was decided; the whole decision is kept there.
    pub fn explain(&self, event: &mut Event) {
        event.rule.clone_from(&self.rule);
        event.configuration_revision = self.configuration_revision;
        if let Ok(decision) = serde_json::to_value(self) {
            event.details.insert("decision".into(), decision);
        }
    }
}
