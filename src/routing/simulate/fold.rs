//! What a configuration would have done with the tickets of the past: each is decided as it came in, and counted beside what
//! happened. Pure; the order of the tickets does not matter.

use std::collections::{BTreeMap, HashMap};

use super::load::{Buckets, Curve, Load};
use crate::{
    configuration::Configuration,
    ids::Id,
    routing::decide::{Decision, decide},
    tickets::{Past, Ticket},
    time::Time,
};

/// Where a ticket comes to first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct First {
    pub rule: String,
    pub queue: String,
    pub team: String,
    pub level: String,
    pub priority: String,
}

/// A ticket that would have come to another queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    pub ticket: Id,
    pub number: i64,
    pub create_time: Time,
    pub actual: First,
    pub simulated: First,
    pub last_team: String,
}

/// The same figure of what happened and of what would have happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pair<T> {
    pub actual: T,
    pub simulated: T,
}

/// What a team had to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TeamLoad {
    pub team: String,
    pub actual: Curve,
    pub simulated: Curve,
}

/// How often a rule decided or could not be answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuleCount {
    pub rule: String,
    pub matched: u64,
    pub errors: u64,
    /// The least of its errors, by which two runs name the same.
    pub error: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    pub configuration_revision: i64,
    pub tickets: u64,
    pub differing: u64,
    pub buckets: Option<Buckets>,
    pub rules: Vec<RuleCount>,
    pub unmatched: u64,
    pub queues: BTreeMap<String, Pair<u64>>,
    pub solved: u64,
    /// Solved by the team to which they came first.
    pub right: Pair<u64>,
}

/// The counts so far.
#[derive(Debug)]
pub struct Fold<'c> {
    configuration: &'c Configuration,
    /// Where each rule stands.
    places: HashMap<&'c str, usize>,
    teams: BTreeMap<String, Pair<Load>>,
    summary: Summary,
}

impl<'c> Fold<'c> {
    pub fn new(configuration: &'c Configuration, buckets: Option<Buckets>) -> Self {
        let rules = &configuration.document.routing_rules;
        let count = |rule: &str| RuleCount { rule: rule.to_owned(), ..RuleCount::default() };
        Self {
            configuration,
            places: rules.iter().enumerate().map(|(place, rule)| (rule.key.as_str(), place)).collect(),
            teams: BTreeMap::new(),
            summary: Summary {
                configuration_revision: configuration.revision,
                tickets: 0,
                differing: 0,
                buckets,
                rules: rules.iter().map(|rule| count(&rule.key)).collect(),
                unmatched: 0,
                queues: BTreeMap::new(),
                solved: 0,
                right: Pair::default(),
            },
        }
    }

    /// Takes one ticket in; says so if it would have come to another queue.
    pub fn see(&mut self, past: &Past) -> Option<Difference> {
        let Past { came, now, .. } = past;
        let draft = as_it_came(self.configuration, past);
        let decision = decide(self.configuration, &draft);
        self.count_rules(&decision);
        let summary = &mut self.summary;
        summary.tickets += 1;
        summary.queues.entry(came.queue.clone()).or_default().actual += 1;
        summary.queues.entry(decision.queue.clone()).or_default().simulated += 1;
        if now.resolve_time.is_some() {
            summary.solved += 1;
            summary.right.actual += u64::from(came.team == now.team);
            summary.right.simulated += u64::from(decision.team == now.team);
        }
        self.count_load(&came.team, now, |load| &mut load.actual);
        self.count_load(&decision.team, now, |load| &mut load.simulated);
        if came.queue == decision.queue {
            return None;
        }
        self.summary.differing += 1;
        let simulated = First {
            rule: decision.rule,
            queue: decision.queue,
            team: decision.team,
            level: decision.level,
            priority: if decision.priority.is_empty() { draft.priority } else { decision.priority },
        };
        Some(Difference {
            ticket: now.id,
            number: now.number,
            create_time: now.create_time,
            actual: actual(past),
            simulated,
            last_team: now.team.clone(),
        })
    }

    fn count_rules(&mut self, decision: &Decision) {
        for trial in &decision.trials {
            let Some(place) = self.places.get(trial.rule.as_str()) else { continue };
            let count = &mut self.summary.rules[*place];
            count.matched += u64::from(trial.matched);
            if !trial.error.is_empty() {
                count.errors += 1;
                if count.error.is_empty() || trial.error < count.error {
                    count.error.clone_from(&trial.error);
                }
            }
        }
        self.summary.unmatched += u64::from(decision.rule.is_empty());
    }

    fn count_load(&mut self, team: &str, now: &Ticket, side: fn(&mut Pair<Load>) -> &mut Load) {
        let Some(buckets) = &self.summary.buckets else { return };
        if !self.teams.contains_key(team) {
            let idle = || Load::new(buckets);
            self.teams.insert(team.to_owned(), Pair { actual: idle(), simulated: idle() });
        }
        let load = self.teams.get_mut(team).expect("it was put there");
        side(load).add(buckets, now.create_time, now.resolve_time.or(now.close_time));
    }

    /// The teams by key, and the rest.
    pub fn finish(self) -> (Vec<TeamLoad>, Summary) {
        let teams = self.teams.into_iter().map(|(team, Pair { actual, simulated })| TeamLoad {
            team,
            actual: actual.curve(),
            simulated: simulated.curve(),
        });
        (teams.collect(), self.summary)
    }
}

/// What the rules are asked about: where a rule's floor raised the priority, it is what the matrix gives.
fn as_it_came(configuration: &Configuration, past: &Past) -> Ticket {
    let mut draft = past.came.clone();
    if past.raised {
        let priority = configuration.priority_for(draft.impact.name(), draft.urgency.name());
        draft.prioritise(configuration, priority);
    }
    draft
}

fn actual(past: &Past) -> First {
    let Ticket { queue, team, level, priority, .. } = past.came.clone();
    First { rule: past.rule.clone(), queue, team, level, priority }
}

#[cfg(test)]
mod tests;
