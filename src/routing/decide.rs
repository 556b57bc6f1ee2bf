//! Where a ticket goes: the rules in their order, the first that matches decides. Pure, and kept with its reasons.

use serde::{Deserialize, Serialize};

use super::candidates::{Candidate, MAX_CANDIDATES, choose, chosen};
use crate::{
    agents::Loaded,
    configuration::{Configuration, Place},
    events::Event,
    tickets::Ticket,
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
    /// Who got it; empty: it waits in the queue.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub assignee: String,
    /// The agents who were looked at, the best first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub candidates: Vec<Candidate>,
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
    for (position, rule) in configuration.document.routing_rules.iter().enumerate() {
        let (matched, error) = match configuration.conditions().matches(position, ticket) {
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
        configuration_revision: configuration.revision,
        rule: chosen.map(|rule| rule.key.clone()).unwrap_or_default(),
        trials,
        queue,
        team,
        level,
        priority: floor.cloned().unwrap_or_default(),
        assignee: String::new(),
        candidates: Vec::new(),
    }
}

/// Why a ticket stands in its queue, and the skills that this asks for. A ticket that came otherwise than by the rules
/// that hold now (by hand, by an escalation) asks for none.
pub fn standing<'c>(configuration: &'c Configuration, ticket: &Ticket) -> (Decision, &'c [String]) {
    let decision = Decision { priority: String::new(), ..decide(configuration, ticket) };
    if decision.queue == ticket.queue {
        let rules = &configuration.document.routing_rules;
        let rule = rules.iter().find(|rule| rule.key == decision.rule);
        return (decision, rule.map_or(&[], |rule| &rule.required_skills));
    }
    let Place { queue, team, level } = configuration.place(&ticket.queue);
    (Decision { rule: String::new(), trials: Vec::new(), queue, team, level, ..decision }, &[])
}

impl Decision {
    /// Does to the ticket what was decided. Where it stands already, it stays, and with whom it is.
    pub fn settle(&self, configuration: &Configuration, ticket: &mut Ticket, now: Time) {
        if ticket.queue != self.queue {
            ticket.place(configuration, &self.queue, now);
        }
        if !self.priority.is_empty() {
            ticket.priority.clone_from(&self.priority);
            ticket.priority_rank =
                configuration.priority_rank(&self.priority).map_or(i32::MAX, |rank| rank as i32);
        }
    }

    /// Looks for somebody who gets the ticket; keeps the best of those who were looked at.
    pub fn find_agent(&mut self, members: &[Loaded], required_skills: &[String], now: Time) {
        self.candidates = choose(members, &self.team, required_skills, now);
        self.assignee = chosen(&self.candidates).unwrap_or_default().to_owned();
        self.candidates.truncate(MAX_CANDIDATES);
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
