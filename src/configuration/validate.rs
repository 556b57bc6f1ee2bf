//! What a document must be to come into force. Every fault is named by its path, all at once.

mod billing;
mod calendars;
mod routing;
mod services;
pub mod sla;
mod surveys;

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use super::{
    Calendar, Category, CustomField, Document, FieldType, Keyed, Level, Queue, SlaPolicy, Team, no_such,
    path::{self, is_key},
};
use crate::{
    error::Violations,
    tickets::{Impact, Urgency, intake::REQUIRABLE},
};

/// How long the lists may be; a support organisation of 2,000 teams is larger than any we have seen the log of.
const MAX_LEVELS: usize = 20;
const MAX_TEAMS: usize = 2000;
const MAX_SKILLS: usize = 1000;
const MAX_CATEGORIES: usize = 2000;
const MAX_FIELDS: usize = 200;
const MAX_PRIORITIES: usize = 20;
const MAX_CODES: usize = 200;
const MAX_RULES: usize = 500;
const MAX_WEIGHTS: usize = 60;
/// Within one item: options of a field, required fields of a category, required skills of a rule.
const MAX_PARTS: usize = 100;
const MAX_NAME: usize = 128;
const MAX_BOUNCES: i32 = 1000;
const YEAR: Duration = Duration::from_hours(366 * 24);

/// Adds the document's faults to those that are known.
pub fn validate(document: &Document, faults: &mut Violations) {
    if too_long(document, faults) {
        return;
    }
    let levels = List::new("levels", &document.levels, 1, faults);
    let teams = List::new("teams", &document.teams, 1, faults);
    let queues = List::new("queues", &document.queues, 1, faults);
    let skills = List::new("skills", &document.skills, 0, faults);
    let categories = List::new("categories", &document.categories, 0, faults);
    let fields = List::new("custom_fields", &document.custom_fields, 0, faults);
    let priorities = List::new("priorities", &document.priorities, 1, faults);
    let codes = List::new("resolution_codes", &document.resolution_codes, 1, faults);
    let rules = List::new("routing_rules", &document.routing_rules, 0, faults);
    let policies = List::new("sla_policies", &document.sla_policies, 0, faults);
    let ladders = List::new("ladders", &document.ladders, 0, faults);
    let calendars = List::new("calendars", &document.calendars, 0, faults);

    levels.each(faults, level);
    names(&levels, |it| &it.display_name, faults);
    teams.each(faults, |at, it, faults| team(at, it, &levels, &queues, &calendars, faults));
    names(&teams, |it| &it.display_name, faults);
    queues.each(faults, |at, it, faults| routing::queue(at, it, &queues, &teams, faults));
    cycles(&queues, "overflow_queue", |it| &it.overflow_queue, faults);
    names(&queues, |it| &it.display_name, faults);
    names(&skills, |it| &it.display_name, faults);
    categories.each(faults, |at, it, faults| category(at, it, &categories, &fields, faults));
    names(&categories, |it| &it.display_name, faults);
    cycles(&categories, "parent", |it| &it.parent, faults);
    fields.each(faults, field);
    names(&fields, |it| &it.display_name, faults);
    names(&priorities, |it| &it.display_name, faults);
    matrix(document, &priorities, faults);
    priorities.required("default_priority", &document.default_priority, faults);
    names(&codes, |it| &it.display_name, faults);
    rules.each(faults, |at, it, faults| routing::condition(at, it, &document.custom_fields, faults));
    rules.each(faults, |at, it, faults| routing::rule(at, it, &queues, &teams, &skills, &priorities, faults));
    queues.required("default_queue", &document.default_queue, faults);
    calendars.each(faults, calendars::calendar);
    names(&calendars, |it| &it.display_name, faults);
    let lists = sla::Lists {
        levels: &levels,
        teams: &teams,
        priorities: &priorities,
        calendars: &calendars,
        ladders: &ladders,
        custom_fields: &document.custom_fields,
    };
    teams.each(faults, sla::managers);
    policies.each(faults, |at, it, faults| sla::policy(at, it, &lists, faults));
    names(&policies, |it| &it.display_name, faults);
    ladders.each(faults, |at, it, faults| sla::ladder(at, it, &lists, faults));
    cycles(&ladders, "next_ladder", |it| &it.next_ladder, faults);
    names(&ladders, |it| &it.display_name, faults);
    offered(document, &levels, &calendars, &policies, faults);
    routing::weights(&document.load_weights, faults);
    spans(document, faults);
    if !is_language(&document.default_language_code) {
        faults.add("default_language_code", "must be a BCP 47 language tag, for instance en or de-AT");
    }
}

/// What customers are offered: services, plans, what is charged, what they are asked.
fn offered(
    document: &Document,
    levels: &List<'_, Level>,
    calendars: &List<'_, Calendar>,
    policies: &List<'_, SlaPolicy>,
    faults: &mut Violations,
) {
    let services = List::new("services", &document.services, 0, faults);
    let plans = List::new("plans", &document.plans, 0, faults);
    let tariffs = List::new("tariffs", &document.tariffs, 0, faults);
    services.each(faults, |at, it, faults| services::service(at, it, calendars, faults));
    names(&services, |it| &it.display_name, faults);
    let lists = billing::Lists { levels, calendars, policies, tariffs: &tariffs };
    plans.each(faults, |at, it, faults| billing::plan(at, it, &lists, faults));
    names(&plans, |it| &it.display_name, faults);
    tariffs.each(faults, |at, it, faults| billing::tariff(at, it, calendars, faults));
    names(&tariffs, |it| &it.display_name, faults);
    billing::policy(&document.entitlement, &tariffs, faults);
    let surveys = List::new("surveys", &document.surveys, 0, faults);
    surveys.each(faults, |at, it, faults| surveys::survey(at, it, &document.custom_fields, faults));
    names(&surveys, |it| &it.display_name, faults);
}

/// Whether a list is longer than it may be. Then nothing else is checked, so that a huge document is refused quickly.
fn too_long(document: &Document, faults: &mut Violations) -> bool {
    let lists = [
        ("levels", document.levels.len(), MAX_LEVELS),
        ("teams", document.teams.len(), MAX_TEAMS),
        ("queues", document.queues.len(), MAX_TEAMS),
        ("skills", document.skills.len(), MAX_SKILLS),
        ("categories", document.categories.len(), MAX_CATEGORIES),
        ("custom_fields", document.custom_fields.len(), MAX_FIELDS),
        ("priorities", document.priorities.len(), MAX_PRIORITIES),
        ("resolution_codes", document.resolution_codes.len(), MAX_CODES),
        ("routing_rules", document.routing_rules.len(), MAX_RULES),
        ("sla_policies", document.sla_policies.len(), sla::MAX_POLICIES),
        ("ladders", document.ladders.len(), sla::MAX_LADDERS),
        ("calendars", document.calendars.len(), calendars::MAX_CALENDARS),
        ("services", document.services.len(), services::MAX_SERVICES),
        ("plans", document.plans.len(), billing::MAX_PLANS),
        ("tariffs", document.tariffs.len(), billing::MAX_TARIFFS),
        ("surveys", document.surveys.len(), surveys::MAX_SURVEYS),
        ("load_weights", document.load_weights.len(), MAX_WEIGHTS),
    ];
    let mut longer = false;
    for (name, len, max) in lists {
        if len > max {
            faults.add(name, format!("must be at most {max}; these are {len}"));
            longer = true;
        }
    }
    longer
}

/// A list whose items are known by their keys.
struct List<'a, T> {
    name: &'static str,
    items: &'a [T],
    /// The path of each item.
    paths: Vec<String>,
    places: HashMap<&'a str, usize>,
}

impl<'a, T: Keyed> List<'a, T> {
    /// Checks how many there are, and their keys.
    fn new(name: &'static str, items: &'a [T], min: usize, faults: &mut Violations) -> Self {
        if items.len() < min {
            faults.add(name, "must not be empty");
        }
        let mut list = Self { name, items, paths: Vec::with_capacity(items.len()), places: HashMap::new() };
        for (place, item) in items.iter().enumerate() {
            let key = item.key();
            let known = list.places.get(key).copied();
            // Two of the same key cannot be told apart by it.
            let path =
                if known.is_some() { path::by_place(name, place) } else { path::item(name, place, key) };
            if !is_key(key) {
                faults.add(
                    format!("{path}.key"),
                    "must be 1 to 64 characters without control characters or blanks at either end",
                );
            } else if let Some(first) = known {
                faults.add(format!("{path}.key"), format!("{key:?} is the key of {name}[{first}] already"));
            }
            list.places.entry(key).or_insert(place);
            list.paths.push(path);
        }
        list
    }

    fn each(&self, faults: &mut Violations, mut check: impl FnMut(&str, &T, &mut Violations)) {
        for (path, item) in self.paths.iter().zip(self.items) {
            check(path, item, faults);
        }
    }

    fn get(&self, key: &str) -> Option<&'a T> {
        self.places.get(key).map(|place| &self.items[*place])
    }

    /// A reference that must be there and lead to an item.
    fn required(&self, path: impl Into<String>, key: &str, faults: &mut Violations) {
        if key.is_empty() {
            faults.add(path, "is required");
        } else {
            self.optional(path, key, faults);
        }
    }

    /// A reference that must lead to an item, if it is there.
    fn optional(&self, path: impl Into<String>, key: &str, faults: &mut Violations) {
        if !key.is_empty() && !self.places.contains_key(key) {
            faults.add_with(path, || no_such(self.name, key, self.items));
        }
    }
}

fn names<T: Keyed>(list: &List<'_, T>, name: impl Fn(&T) -> &String, faults: &mut Violations) {
    list.each(faults, |at, item, faults| {
        let name = name(item);
        if name.chars().count() > MAX_NAME || name.chars().any(char::is_control) {
            faults.add(
                format!("{at}.display_name"),
                format!("must be at most {MAX_NAME} characters without control characters"),
            );
        }
    });
}

fn level(at: &str, level: &Level, faults: &mut Violations) {
    if !(0..=MAX_BOUNCES).contains(&level.bounce_limit) {
        faults.add(format!("{at}.bounce_limit"), format!("must be 0 to {MAX_BOUNCES}; 0 is no limit"));
    }
    if let Some(target) = level.acceptance_target_duration {
        span(format!("{at}.acceptance_target_duration"), target, 1, YEAR, faults);
    }
}

fn team(
    at: &str,
    team: &Team,
    levels: &List<'_, Level>,
    queues: &List<'_, Queue>,
    calendars: &List<'_, Calendar>,
    faults: &mut Violations,
) {
    calendars::reference(format!("{at}.calendar"), &team.calendar, calendars, faults);
    levels.required(format!("{at}.level"), &team.level, faults);
    let path = format!("{at}.queue");
    match queues.get(&team.queue) {
        Some(queue) if queue.team != team.key => {
            faults.add(path, format!("{:?} is the queue of the team {:?}", team.queue, queue.team));
        }
        Some(_) => {}
        None if team.queue.is_empty() => {
            if !queues.items.iter().any(|queue| queue.team == team.key) {
                faults.add(path, "the team has no queue: name one, or add one that names the team");
            }
        }
        None => queues.optional(path, &team.queue, faults),
    }
}

fn category(
    at: &str,
    category: &Category,
    categories: &List<'_, Category>,
    fields: &List<'_, CustomField>,
    faults: &mut Violations,
) {
    categories.optional(format!("{at}.parent"), &category.parent, faults);
    bounded(format!("{at}.required_fields"), &category.required_fields, faults);
    for (place, name) in category.required_fields.iter().enumerate() {
        let known = match name.strip_prefix("custom_fields.") {
            Some(key) => fields.places.contains_key(key),
            None => REQUIRABLE.iter().any(|(field, _)| field == name),
        };
        if !known {
            let fields: Vec<&str> = REQUIRABLE.iter().map(|(field, _)| *field).collect();
            faults.add(
                format!("{at}.required_fields[{place}]"),
                format!("{name:?} is none of custom_fields.KEY (of a configured KEY), {}", fields.join(", ")),
            );
        }
    }
}

/// Refuses references that lead back to where they began. Each cycle is told once, at the member that comes first in the
/// document.
fn cycles<'a, T: Keyed>(
    list: &List<'a, T>,
    field: &str,
    next: impl Fn(&'a T) -> &'a String,
    faults: &mut Violations,
) {
    let mut settled = vec![false; list.items.len()];
    for start in 0..list.items.len() {
        let mut way: Vec<usize> = Vec::new();
        let mut node = Some(start);
        while let Some(place) = node.filter(|place| !settled[*place]) {
            if let Some(first) = way.iter().position(|seen| *seen == place) {
                let circle = &way[first..];
                let head = circle.iter().copied().min().unwrap_or(place);
                let turn = circle.iter().position(|member| *member == head).unwrap_or(0);
                let shown = circle[turn..].iter().chain(&circle[..=turn]).take(6);
                let shown: Vec<&str> = shown.map(|member| list.items[*member].key()).collect();
                faults.add(
                    format!("{}.{field}", list.paths[head]),
                    format!("leads back to itself: {}; let one of them lead elsewhere", shown.join(" -> ")),
                );
                break;
            }
            way.push(place);
            node = list.places.get(next(&list.items[place]).as_str()).copied();
        }
        for place in way {
            settled[place] = true;
        }
    }
}

fn field(at: &str, field: &CustomField, faults: &mut Violations) {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if is_key(&field.key) && !field.key.chars().all(plain) {
        faults.add(format!("{at}.key"), "must be of lower-case letters, digits and _");
    }
    let path = format!("{at}.options");
    if field.kind != FieldType::Choice {
        if !field.options.is_empty() {
            faults.add(path, "goes with the type CHOICE only");
        }
        return;
    }
    if field.options.is_empty() {
        faults.add(&path, "must not be empty for the type CHOICE");
    }
    bounded(&path, &field.options, faults);
    let mut seen = HashSet::new();
    for (place, option) in field.options.iter().enumerate() {
        if option.chars().count() > MAX_NAME
            || option.trim().is_empty()
            || option.chars().any(char::is_control)
        {
            faults.add(
                format!("{path}[{place}]"),
                format!("must be 1 to {MAX_NAME} characters without control characters"),
            );
        }
        if !seen.insert(option) {
            faults.add(format!("{path}[{place}]"), format!("{option:?} is an option already"));
        }
    }
}

fn matrix<T: Keyed>(document: &Document, priorities: &List<'_, T>, faults: &mut Violations) {
    let mut seen = HashSet::new();
    for (place, rule) in document.priority_matrix.iter().enumerate() {
        let at = path::by_place("priority_matrix", place);
        for (part, word, words) in
            [("impact", &rule.impact, Impact::NAMES), ("urgency", &rule.urgency, Urgency::NAMES)]
        {
            if !words.contains(&word.as_str()) {
                faults.add(format!("{at}.{part}"), format!("{word:?} is none of {}", words.join(", ")));
            }
        }
        if !seen.insert((&rule.impact, &rule.urgency)) {
            faults.add(&at, format!("the cell {}, {} is there already", rule.impact, rule.urgency));
        }
        priorities.required(format!("{at}.priority"), &rule.priority, faults);
    }
}

fn spans(document: &Document, faults: &mut Violations) {
    let lifecycle = &document.lifecycle;
    span("lifecycle.auto_close_duration", lifecycle.auto_close_duration, 0, YEAR * 10, faults);
    span("lifecycle.reopen_window_duration", lifecycle.reopen_window_duration, 0, YEAR * 10, faults);
    retention(lifecycle, faults);
    if let Some(expire) = document.escalation.expire_duration {
        span("escalation.expire_duration", expire, 1, YEAR, faults);
    }
    let knowledge = &document.knowledge;
    if !(0..=1_000_000).contains(&knowledge.stale_reopen_count) {
        faults.add("knowledge.stale_reopen_count", "must be 0 to 1000000");
    }
    if !(1..=100).contains(&knowledge.stale_reopen_percent) {
        faults.add("knowledge.stale_reopen_percent", "must be 1 to 100");
    }
}

/// Whoever may still reopen a ticket finds it.
fn retention(lifecycle: &super::Lifecycle, faults: &mut Violations) {
    const PATH: &str = "lifecycle.retention_duration";
    let kept = lifecycle.retention_duration;
    if kept.is_zero() {
        return;
    }
    span(PATH, kept, 30 * 24 * 60 * 60, YEAR * 100, faults);
    if kept < lifecycle.reopen_window_duration {
        faults.add(PATH, "is shorter than the time in which a ticket may be reopened");
    }
}

fn span(path: impl Into<String>, span: Duration, min_seconds: u64, max: Duration, faults: &mut Violations) {
    if span.as_secs() < min_seconds || span > max || span.subsec_nanos() != 0 {
        let days = max.as_secs() / (24 * 60 * 60);
        faults.add(path, format!("must be whole seconds, {min_seconds} s to {days} days"));
    }
}

fn bounded<T>(path: impl Into<String>, parts: &[T], faults: &mut Violations) {
    if parts.len() > MAX_PARTS {
        faults.add(path, format!("must be at most {MAX_PARTS}; these are {}", parts.len()));
    }
}

/// Has the shape of a BCP 47 tag; whether there is such a language is the author's to know.
fn is_language(tag: &str) -> bool {
    let mut parts = tag.split('-');
    let language = parts.next().unwrap_or_default();
    tag.len() <= 35
        && (2..=8).contains(&language.len())
        && language.chars().all(|c| c.is_ascii_alphabetic())
        && parts.all(|part| (1..=8).contains(&part.len()) && part.chars().all(|c| c.is_ascii_alphanumeric()))
}
