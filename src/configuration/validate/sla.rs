//! What promises about time must be: reachable targets on calendars that there are, warnings before the due time, and
//! ladders that come to an end.

use std::{collections::HashSet, time::Duration};

use super::{List, MAX_PARTS, bounded, calendars, span};
use crate::{
    configuration::{
        Calendar, ClockKind, CustomField, Keyed, Ladder, LadderAction, LadderStep, Level, Priority, SlaClock,
        SlaPolicy, SlaThreshold, Team, path::is_key,
    },
    error::Violations,
    routing::compile_condition,
    tickets::State,
};

pub const MAX_POLICIES: usize = 200;
pub const MAX_LADDERS: usize = 100;
const MAX_CLOCKS: usize = 40;
const MAX_WARNINGS: usize = 10;
const MAX_STEPS: usize = 20;
const MAX_AUDIENCE: usize = 10;
const MAX_MANAGERS: usize = 20;
const YEAR: Duration = Duration::from_hours(366 * 24);

/// The lists that policies and ladders refer to.
pub(super) struct Lists<'l, 'd> {
    pub(super) levels: &'l List<'d, Level>,
    pub(super) teams: &'l List<'d, Team>,
    pub(super) priorities: &'l List<'d, Priority>,
    pub(super) calendars: &'l List<'d, Calendar>,
    pub(super) ladders: &'l List<'d, Ladder>,
    pub(super) custom_fields: &'d [CustomField],
}

pub fn managers(at: &str, team: &Team, faults: &mut Violations) {
    let at = format!("{at}.managers");
    if team.managers.len() > MAX_MANAGERS {
        faults.add(&at, format!("must be at most {MAX_MANAGERS}; these are {}", team.managers.len()));
    }
    let mut seen = HashSet::new();
    for (place, manager) in team.managers.iter().take(MAX_PARTS).enumerate() {
        if !is_key(manager) {
            faults.add(format!("{at}[{place}]"), "must be the key of an agent");
        } else if !seen.insert(manager) {
            faults.add(format!("{at}[{place}]"), format!("{manager:?} is listed already"));
        }
    }
}

pub(super) fn policy(at: &str, policy: &SlaPolicy, lists: &Lists<'_, '_>, faults: &mut Violations) {
    condition(at, &policy.condition, lists.custom_fields, faults);
    calendars::reference(format!("{at}.calendar"), &policy.calendar, lists.calendars, faults);
    let path = format!("{at}.clocks");
    if policy.clocks.is_empty() {
        faults.add(&path, "must not be empty");
    }
    if policy.clocks.len() > MAX_CLOCKS {
        faults.add(&path, format!("must be at most {MAX_CLOCKS}; these are {}", policy.clocks.len()));
    }
    let mut seen = HashSet::new();
    for (place, it) in policy.clocks.iter().take(MAX_CLOCKS).enumerate() {
        let at = format!("{path}[{place}]");
        if it.clock == ClockKind::Unspecified {
            faults.add(format!("{at}.clock"), "is required, for instance FIRST_RESPONSE");
        } else if !seen.insert((it.clock, &it.level)) {
            faults.add(format!("{at}.clock"), format!("{} is there already", it.clock.name()));
        }
        clock(&at, it, lists, faults);
    }
}

pub fn condition(at: &str, condition: &str, fields: &[CustomField], faults: &mut Violations) {
    if condition.contains('\0') {
        faults.add(format!("{at}.condition"), "must not contain NUL");
    } else if !condition.trim().is_empty()
        && let Err(fault) = compile_condition(condition, fields)
    {
        faults.add(format!("{at}.condition"), fault);
    }
}

fn clock(at: &str, clock: &SlaClock, lists: &Lists<'_, '_>, faults: &mut Violations) {
    let of_levels = matches!(clock.clock, ClockKind::Level | ClockKind::Acceptance);
    if of_levels {
        lists.levels.optional(format!("{at}.level"), &clock.level, faults);
    } else if !clock.level.is_empty() {
        faults.add(format!("{at}.level"), "goes with LEVEL and ACCEPTANCE only");
    }
    if clock.count_resolved && clock.clock != ClockKind::TotalResolution {
        faults.add(format!("{at}.count_resolved"), "goes with TOTAL_RESOLUTION only");
    }
    calendars::reference(format!("{at}.calendar"), &clock.calendar, lists.calendars, faults);
    lists.ladders.optional(format!("{at}.ladder"), &clock.ladder, faults);
    pauses(at, &clock.pause_in, faults);
    let shortest = targets(at, clock, lists, faults);
    let path = format!("{at}.warnings");
    if clock.warnings.len() > MAX_WARNINGS {
        faults.add(&path, format!("must be at most {MAX_WARNINGS}; these are {}", clock.warnings.len()));
    }
    let mut seen = HashSet::new();
    for (place, warning) in clock.warnings.iter().take(MAX_WARNINGS).enumerate() {
        let at = format!("{path}[{place}]");
        warns_in_time(&at, warning, shortest, faults);
        if !seen.insert(warning.told()) {
            faults.add(at, "is there already");
        }
    }
}

fn pauses(at: &str, states: &[String], faults: &mut Violations) {
    let waiting = [State::WaitingOnCustomer, State::WaitingOnVendor, State::OnHold].map(State::name);
    let mut seen = HashSet::new();
    for (place, state) in states.iter().take(MAX_PARTS).enumerate() {
        let path = format!("{at}.pause_in[{place}]");
        if !waiting.contains(&state.as_str()) {
            faults.add(path, format!("{state:?} is none of {}", waiting.join(", ")));
        } else if !seen.insert(state) {
            faults.add(path, format!("{state} is listed already"));
        }
    }
}

/// The shortest target, if there is one.
fn targets(at: &str, clock: &SlaClock, lists: &Lists<'_, '_>, faults: &mut Violations) -> Option<Duration> {
    bounded(format!("{at}.targets"), &clock.targets, faults);
    let mut seen = HashSet::new();
    for (place, target) in clock.targets.iter().take(MAX_PARTS).enumerate() {
        let at = format!("{at}.targets[{place}]");
        lists.priorities.required(format!("{at}.priority"), &target.priority, faults);
        if !seen.insert(&target.priority) {
            faults.add(format!("{at}.priority"), format!("{:?} is there already", target.priority));
        }
        span(format!("{at}.target_duration"), target.target_duration, 1, YEAR, faults);
    }
    if let Some(target) = clock.target_duration {
        span(format!("{at}.target_duration"), target, 1, YEAR, faults);
    }
    let shortest = clock.targets.iter().map(|it| it.target_duration).chain(clock.target_duration).min();
    if shortest.is_none() && clock.clock != ClockKind::Acceptance {
        faults.add(format!("{at}.target_duration"), "is required, unless there are targets by priority");
    }
    shortest
}

/// Before it is due, whatever the priority; a target that follows from elsewhere is not known here.
fn warns_in_time(at: &str, warning: &SlaThreshold, shortest: Option<Duration>, faults: &mut Violations) {
    if !one_of(at, warning, faults) {
        return;
    }
    if warning.after_duration.is_some() {
        faults.add(
            format!("{at}.after_duration"),
            "would warn when the clock is due already; let a ladder do that",
        );
    } else if let Some(before) = warning.before_duration {
        let path = format!("{at}.before_duration");
        match shortest {
            Some(shortest) if before >= shortest => faults.add(
                path,
                format!(
                    "must be shorter than the shortest target, {} s; with it, the clock would begin with a warning",
                    shortest.as_secs()
                ),
            ),
            _ => span(path, before, 1, YEAR, faults),
        }
    } else if !(1..=99).contains(&warning.percent) {
        faults.add(format!("{at}.percent"), "must be 1 to 99: a warning comes before the clock is due");
    }
}

fn one_of(at: &str, threshold: &SlaThreshold, faults: &mut Violations) -> bool {
    let SlaThreshold { percent, before_duration, after_duration } = threshold;
    let given = [*percent != 0, before_duration.is_some(), after_duration.is_some()];
    let one = given.into_iter().filter(|given| *given).count() == 1;
    if !one {
        faults.add(at, "must be one of percent, before_duration and after_duration");
    }
    one
}

pub(super) fn ladder(at: &str, ladder: &Ladder, lists: &Lists<'_, '_>, faults: &mut Violations) {
    lists.ladders.optional(format!("{at}.next_ladder"), &ladder.next_ladder, faults);
    let path = format!("{at}.steps");
    if ladder.steps.is_empty() {
        faults.add(&path, "must not be empty");
    }
    if ladder.steps.len() > MAX_STEPS {
        faults.add(&path, format!("must be at most {MAX_STEPS}; these are {}", ladder.steps.len()));
    }
    for (place, it) in ladder.steps.iter().take(MAX_STEPS).enumerate() {
        step(&format!("{path}[{place}]"), it, lists, faults);
    }
}

fn step(at: &str, step: &LadderStep, lists: &Lists<'_, '_>, faults: &mut Violations) {
    let path = format!("{at}.at");
    if one_of(&path, &step.at, faults) {
        for (field, given) in
            [("before_duration", step.at.before_duration), ("after_duration", step.at.after_duration)]
        {
            if let Some(given) = given {
                span(format!("{path}.{field}"), given, 0, YEAR, faults);
            }
        }
        let by_percent = step.at.before_duration.is_none() && step.at.after_duration.is_none();
        if by_percent && !(1..=1000).contains(&step.at.percent) {
            faults.add(format!("{path}.percent"), "must be 1 to 1,000");
        }
    }
    if step.action == LadderAction::Unspecified {
        faults.add(format!("{at}.action"), "is required, for instance NOTIFY");
    }
    let named = matches!(step.action, LadderAction::Notify | LadderAction::Page);
    if named && step.audience.is_empty() {
        faults.add(format!("{at}.audience"), "is required: whom is it for?");
    }
    if !named && !step.audience.is_empty() {
        faults.add(format!("{at}.audience"), "goes with NOTIFY and PAGE only");
    }
    if step.audience.len() > MAX_AUDIENCE {
        faults.add(
            format!("{at}.audience"),
            format!("must be at most {MAX_AUDIENCE}; these are {}", step.audience.len()),
        );
    }
    for (place, word) in step.audience.iter().take(MAX_AUDIENCE).enumerate() {
        audience(format!("{at}.audience[{place}]"), word, lists, faults);
    }
    if step.action == LadderAction::RaisePriority {
        lists.priorities.optional(format!("{at}.priority"), &step.priority, faults);
    } else if !step.priority.is_empty() {
        faults.add(format!("{at}.priority"), "goes with RAISE_PRIORITY only");
    }
    if step.action == LadderAction::Escalate {
        lists.teams.optional(format!("{at}.team"), &step.team, faults);
    } else if !step.team.is_empty() {
        faults.add(format!("{at}.team"), "goes with ESCALATE only");
    }
}

fn audience(path: String, word: &str, lists: &Lists<'_, '_>, faults: &mut Violations) {
    match word.split_once(':') {
        None if ["OWNER", "TEAM", "MANAGER"].contains(&word) => {}
        Some(("agent", key)) if is_key(key) => {}
        Some(("team", key)) => lists.teams.required(path, key, faults),
        _ => faults.add(path, format!("{word:?} is none of OWNER, TEAM, MANAGER, agent:KEY, team:KEY")),
    }
}

/// Of each agreement, what follows a policy that always holds is never reached.
pub fn unreached(policies: &[SlaPolicy]) -> Vec<(&str, &str)> {
    let mut unreached = Vec::new();
    for (place, policy) in policies.iter().enumerate() {
        let mut before = policies[..place].iter().filter(|it| it.agreement == policy.agreement);
        if let Some(always) = before.find(|it| it.condition.trim().is_empty()) {
            unreached.push((policy.key(), always.key()));
        }
    }
    unreached
}
