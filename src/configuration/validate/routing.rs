//! What queues, routing rules and weights must be: they lead somewhere, ask for what there is, and come to an end.

use std::{collections::HashSet, time::Duration};

use super::{List, span};
use crate::{
    agents::SKILL_LEVELS,
    configuration::{CustomField, Dispatch, Keyed, LoadWeight, Queue, RoutingRule, Team, path},
    error::Violations,
    routing::compile_condition,
    tickets::{Channel, State},
};

/// Skills that a rule may require, or prefer. They are kept on the ticket, so they are few.
const MAX_RULE_SKILLS: usize = 20;
const MAX_WEIGHT: i32 = 100;
const DAY: Duration = Duration::from_hours(24);

pub fn queue(
    at: &str,
    queue: &Queue,
    queues: &List<'_, Queue>,
    teams: &List<'_, Team>,
    faults: &mut Violations,
) {
    teams.required(format!("{at}.team"), &queue.team, faults);
    // It is part of the queue's resource name.
    if queue.key.contains('/') {
        faults.add(format!("{at}.key"), "must not contain /");
    }
    let spans = [
        ("offer_duration", queue.offer_duration, 5, DAY, queue.dispatch == Dispatch::Offer, "OFFER"),
        (
            "cool_down_duration",
            queue.cool_down_duration,
            0,
            DAY * 7,
            queue.dispatch == Dispatch::Offer,
            "OFFER",
        ),
        (
            "overflow_after_duration",
            queue.overflow_after_duration,
            0,
            DAY * 30,
            queue.dispatch.is_automatic(),
            "PUSH or OFFER",
        ),
    ];
    for (field, given, least, most, fits, with) in spans {
        let Some(given) = given else { continue };
        let path = format!("{at}.{field}");
        if fits {
            span(path, given, least, most, faults);
        } else {
            faults.add(path, format!("goes with the dispatch {with} only"));
        }
    }
    overflow(at, queue, queues, teams, faults);
}

/// An overflow is no escalation: it stays at its level.
fn overflow(
    at: &str,
    queue: &Queue,
    queues: &List<'_, Queue>,
    teams: &List<'_, Team>,
    faults: &mut Violations,
) {
    if queue.overflow_queue.is_empty() {
        return;
    }
    let path = format!("{at}.overflow_queue");
    if !queue.dispatch.is_automatic() {
        faults.add(
            path,
            "goes with the dispatch PUSH or OFFER only: from a PULL queue agents take what they can",
        );
        return;
    }
    let level = |queue: &Queue| teams.get(&queue.team).map(|team| &team.level);
    match queues.get(&queue.overflow_queue) {
        Some(other) if level(other) != level(queue) => faults.add(
            path,
            format!("{:?} is a queue of another level; between levels tickets move by escalation", other.key),
        ),
        Some(_) => {}
        None => queues.optional(path, &queue.overflow_queue, faults),
    }
}

pub fn condition(at: &str, rule: &RoutingRule, fields: &[CustomField], faults: &mut Violations) {
    if rule.condition.contains('\0') {
        faults.add(format!("{at}.condition"), "must not contain NUL");
    } else if !rule.condition.trim().is_empty()
        && let Err(fault) = compile_condition(&rule.condition, fields)
    {
        faults.add(format!("{at}.condition"), fault);
    }
}

pub fn rule<S: Keyed, P: Keyed>(
    at: &str,
    rule: &RoutingRule,
    queues: &List<'_, Queue>,
    teams: &List<'_, Team>,
    skills: &List<'_, S>,
    priorities: &List<'_, P>,
    faults: &mut Violations,
) {
    match (rule.queue.is_empty(), rule.team.is_empty()) {
        (true, true) => faults.add(format!("{at}.queue"), "a rule needs a queue or a team"),
        (false, false) => faults.add(format!("{at}.team"), "a rule has either a queue or a team, not both"),
        _ => {}
    }
    queues.optional(format!("{at}.queue"), &rule.queue, faults);
    teams.optional(format!("{at}.team"), &rule.team, faults);
    priorities.optional(format!("{at}.priority_floor"), &rule.priority_floor, faults);
    let required = rule.required_skills.iter().map(|it| (&it.skill, it.min_level));
    asked(&format!("{at}.required_skills"), required, skills, faults);
    let preferred = rule.preferred_skills.iter().map(|it| (&it.skill, it.min_level));
    asked(&format!("{at}.preferred_skills"), preferred, skills, faults);
    let mut before = Duration::ZERO;
    for (place, preferred) in rule.preferred_skills.iter().enumerate() {
        let path = format!("{at}.preferred_skills[{place}].drop_after_duration");
        if preferred.drop_after_duration < before {
            faults.add(path, "is shorter than that of the one before; skills drop in the order of the list");
        } else {
            span(path, preferred.drop_after_duration, 1, DAY * 30, faults);
        }
        before = before.max(preferred.drop_after_duration);
    }
}

fn asked<'a, S: Keyed>(
    at: &str,
    asked: impl ExactSizeIterator<Item = (&'a String, i32)>,
    skills: &List<'_, S>,
    faults: &mut Violations,
) {
    if asked.len() > MAX_RULE_SKILLS {
        faults.add(at, format!("must be at most {MAX_RULE_SKILLS}; these are {}", asked.len()));
    }
    let mut seen = HashSet::new();
    for (place, (skill, min_level)) in asked.enumerate() {
        skills.required(format!("{at}[{place}].skill"), skill, faults);
        if !SKILL_LEVELS.contains(&min_level) {
            faults.add(format!("{at}[{place}].min_level"), "must be 1 (knows it) to 5 (teaches it)");
        }
        if !seen.insert(skill) {
            faults.add(format!("{at}[{place}].skill"), format!("{skill:?} is asked for already"));
        }
    }
}

pub fn weights(weights: &[LoadWeight], faults: &mut Violations) {
    // A new ticket is nobody's.
    let owned = |state: &&State| state.is_live() && **state != State::New;
    let owned: Vec<&str> = State::ALL.iter().filter(owned).map(|state| state.name()).collect();
    let mut seen = HashSet::new();
    for (place, weight) in weights.iter().enumerate() {
        let at = path::by_place("load_weights", place);
        for (part, word, words) in
            [("channel", &weight.channel, Channel::NAMES), ("state", &weight.state, &owned[..])]
        {
            if !word.is_empty() && !words.contains(&word.as_str()) {
                faults.add(format!("{at}.{part}"), format!("{word:?} is none of {}", words.join(", ")));
            }
        }
        if weight.channel.is_empty() && weight.state.is_empty() {
            faults.add(&at, "needs a channel, a state or both");
        }
        if !(0..=MAX_WEIGHT).contains(&weight.weight) {
            faults.add(format!("{at}.weight"), format!("must be 0 to {MAX_WEIGHT}"));
        }
        if !seen.insert((&weight.channel, &weight.state)) {
            faults.add(&at, "is there already");
        }
    }
}
