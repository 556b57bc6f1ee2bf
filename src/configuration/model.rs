//! The configuration document: its parts as they are written in YAML, stored as JSON and sent as
//! `ticketing.v1.Configuration`. The field names are the same everywhere.

use std::{collections::HashMap, time::Duration};

use serde::{Deserialize, Serialize};

use super::{
    Calendar, EntitlementPolicy, KnowledgeDuty, KnowledgePolicy, Ladder, LadderStep, LoadWeight, Queue,
    RoutingRule, Service, SlaPolicy, SupportPlan, Survey, Tariff, span,
};
use crate::{
    calendar,
    routing::Conditions,
    tickets::{Channel, State},
    time::Time,
};

/// A revision: a document with its stamp. It never changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revision {
    pub stamp: Stamp,
    pub document: Document,
}

/// Who applied a revision, when and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    pub revision: i64,
    pub author: String,
    pub comment: String,
    pub create_time: Time,
}

/// The document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Document {
    pub levels: Vec<Level>,
    pub teams: Vec<Team>,
    pub queues: Vec<Queue>,
    pub skills: Vec<Skill>,
    pub categories: Vec<Category>,
    pub custom_fields: Vec<CustomField>,
    pub priorities: Vec<Priority>,
    pub priority_matrix: Vec<PriorityRule>,
    pub default_priority: String,
    pub resolution_codes: Vec<ResolutionCode>,
    pub routing_rules: Vec<RoutingRule>,
    pub default_queue: String,
    pub lifecycle: Lifecycle,
    pub escalation: EscalationPolicy,
    pub default_language_code: String,
    pub calendars: Vec<Calendar>,
    pub services: Vec<Service>,
    pub load_weights: Vec<LoadWeight>,
    pub sla_policies: Vec<SlaPolicy>,
    pub ladders: Vec<Ladder>,
    pub knowledge: KnowledgePolicy,
    pub plans: Vec<SupportPlan>,
    pub tariffs: Vec<Tariff>,
    pub entitlement: EntitlementPolicy,
    pub surveys: Vec<Survey>,
}

impl Default for Document {
    fn default() -> Self {
        Self {
            levels: Vec::new(),
            teams: Vec::new(),
            queues: Vec::new(),
            skills: Vec::new(),
            categories: Vec::new(),
            custom_fields: Vec::new(),
            priorities: Vec::new(),
            priority_matrix: Vec::new(),
            default_priority: String::new(),
            resolution_codes: Vec::new(),
            routing_rules: Vec::new(),
            default_queue: String::new(),
            lifecycle: Lifecycle::default(),
            escalation: EscalationPolicy::default(),
            default_language_code: "en".to_owned(),
            calendars: Vec::new(),
            services: Vec::new(),
            load_weights: Vec::new(),
            sla_policies: Vec::new(),
            ladders: Vec::new(),
            knowledge: KnowledgePolicy::default(),
            plans: Vec::new(),
            tariffs: Vec::new(),
            entitlement: EntitlementPolicy::default(),
            surveys: Vec::new(),
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Level {
    pub key: String,
    pub display_name: String,
    pub customer_contact: bool,
    pub knowledge_duty: KnowledgeDuty,
    #[serde(with = "span::option")]
    pub acceptance_target_duration: Option<Duration>,
    pub bounce_limit: i32,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Team {
    pub key: String,
    pub display_name: String,
    pub level: String,
    pub queue: String,
    pub vendor: bool,
    pub calendar: String,
    pub managers: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Skill {
    pub key: String,
    pub display_name: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Category {
    pub key: String,
    pub display_name: String,
    pub parent: String,
    pub support_type: SupportType,
    pub required_fields: Vec<String>,
    pub extended: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum SupportType {
    /// The parent's; at the top: technical.
    #[default]
    Unspecified,
    Technical,
    Customer,
    Product,
    It,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CustomField {
    pub key: String,
    pub display_name: String,
    #[serde(rename = "type")]
    pub kind: FieldType,
    pub options: Vec<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum FieldType {
    #[default]
    String,
    Int,
    Bool,
    Time,
    Choice,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Priority {
    pub key: String,
    pub display_name: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PriorityRule {
    pub impact: String,
    pub urgency: String,
    pub priority: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ResolutionCode {
    pub key: String,
    pub display_name: String,
    pub first_contact: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Lifecycle {
    /// How long a resolved ticket stays quiet before it closes; zero: never by itself.
    #[serde(with = "span")]
    pub auto_close_duration: Duration,
    #[serde(with = "span")]
    pub reopen_window_duration: Duration,
    /// How long a ticket that is over is kept, with all that belongs to it; zero: for ever.
    #[serde(with = "span")]
    pub retention_duration: Duration,
    /// Whether a survivor's open clocks begin as early as those of what is merged into it.
    pub merge_keeps_earliest_start: bool,
}

impl Default for Lifecycle {
    fn default() -> Self {
        const DAY: u64 = 24 * 60 * 60;
        Self {
            auto_close_duration: Duration::from_secs(7 * DAY),
            reopen_window_duration: Duration::from_secs(14 * DAY),
            retention_duration: Duration::ZERO,
            merge_keeps_earliest_start: false,
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EscalationPolicy {
    pub allow_skip: bool,
    #[serde(with = "span::option")]
    pub expire_duration: Option<Duration>,
}

/// What is found in its list by its key.
pub trait Keyed {
    fn key(&self) -> &str;
}

macro_rules! keyed {
    ($($name:ident),*) => {
        $(impl Keyed for $name {
            fn key(&self) -> &str {
                &self.key
            }
        })*
    };
}
keyed!(
    Level,
    Team,
    Queue,
    Skill,
    Category,
    CustomField,
    Priority,
    ResolutionCode,
    RoutingRule,
    Calendar,
    SlaPolicy,
    Ladder,
    SupportPlan,
    Tariff
);

/// A revision of the document, indexed for deciding.
#[derive(Debug)]
pub struct Configuration {
    pub revision: i64,
    pub document: Document,
    /// Position of each level, 0 the lowest.
    levels: HashMap<String, usize>,
    teams: HashMap<String, usize>,
    queues: HashMap<String, usize>,
    categories: HashMap<String, usize>,
    priorities: HashMap<String, usize>,
    conditions: Conditions,
    sla_conditions: Conditions,
    survey_conditions: Conditions,
    calendars: HashMap<String, calendar::Calendar>,
}

/// A queue with what it belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub queue: String,
    pub team: String,
    pub level: String,
}

impl Configuration {
    /// Indexes a document that was validated when it was applied.
    pub fn new(revision: i64, document: Document) -> Self {
        fn index<T: Keyed>(list: &[T]) -> HashMap<String, usize> {
            list.iter().enumerate().map(|(position, item)| (item.key().to_owned(), position)).collect()
        }
        Self {
            revision,
            levels: index(&document.levels),
            teams: index(&document.teams),
            queues: index(&document.queues),
            categories: index(&document.categories),
            priorities: index(&document.priorities),
            conditions: Conditions::compile(
                document.routing_rules.iter().map(|rule| rule.condition.as_str()),
                &document.custom_fields,
            ),
            sla_conditions: Conditions::compile(
                document.sla_policies.iter().map(|policy| policy.condition.as_str()),
                &document.custom_fields,
            ),
            survey_conditions: Conditions::compile(
                document.surveys.iter().map(|survey| survey.condition.as_str()),
                &document.custom_fields,
            ),
            calendars: document
                .calendars
                .iter()
                .filter_map(|calendar| Some((calendar.key.clone(), calendar.build()?)))
                .collect(),
            document,
        }
    }

    /// The conditions of the routing rules, compiled.
    pub fn conditions(&self) -> &Conditions {
        &self.conditions
    }

    /// The conditions of the SLA policies, compiled.
    pub fn sla_conditions(&self) -> &Conditions {
        &self.sla_conditions
    }

    /// The conditions of the surveys, compiled.
    pub fn survey_conditions(&self) -> &Conditions {
        &self.survey_conditions
    }

    pub fn survey(&self, key: &str) -> Option<&Survey> {
        self.document.surveys.iter().find(|survey| survey.key == key)
    }

    pub fn sla_policy(&self, key: &str) -> Option<&SlaPolicy> {
        self.document.sla_policies.iter().find(|policy| policy.key == key)
    }

    /// The steps of a ladder and of those that it leads to, each of which is climbed once.
    pub fn ladder_steps(&self, key: &str) -> Vec<&LadderStep> {
        let mut steps = Vec::new();
        let mut next = key;
        // A validated document has no loop; the bound keeps it so for one that was not.
        for _ in 0..self.document.ladders.len() {
            let Some(ladder) = self.document.ladders.iter().find(|ladder| ladder.key == next) else { break };
            steps.extend(&ladder.steps);
            next = &ladder.next_ladder;
        }
        steps
    }

    pub fn level(&self, key: &str) -> Option<&Level> {
        self.levels.get(key).map(|position| &self.document.levels[*position])
    }

    /// Position of the level, 0 the lowest; `None` for a level that is no longer configured, which sorts below all.
    pub fn level_rank(&self, key: &str) -> Option<usize> {
        self.levels.get(key).copied()
    }

    pub fn team(&self, key: &str) -> Option<&Team> {
        self.teams.get(key).map(|position| &self.document.teams[*position])
    }

    pub fn queue(&self, key: &str) -> Option<&Queue> {
        self.queues.get(key).map(|position| &self.document.queues[*position])
    }

    /// The queue of a team: the one it names, else its first.
    pub fn queue_of(&self, team: &Team) -> Option<&Queue> {
        if team.queue.is_empty() {
            self.document.queues.iter().find(|queue| queue.team == team.key)
        } else {
            self.queue(&team.queue)
        }
    }

    pub fn category(&self, key: &str) -> Option<&Category> {
        self.categories.get(key).map(|position| &self.document.categories[*position])
    }

    /// Place of the priority in the list, 0 the most pressing.
    pub fn priority_rank(&self, key: &str) -> Option<usize> {
        self.priorities.get(key).copied()
    }

    /// The priority that impact and urgency lead to.
    pub fn priority_for(&self, impact: &str, urgency: &str) -> &str {
        self.document
            .priority_matrix
            .iter()
            .find(|rule| rule.impact == impact && rule.urgency == urgency)
            .map_or(&self.document.default_priority, |rule| &rule.priority)
    }

    /// How much of an agent's capacity a live ticket takes. Whoever takes up a new one opens it.
    pub fn weight(&self, channel: Channel, state: State) -> i64 {
        let state = if state == State::New { State::Open } else { state };
        let fits = |word: &str, name: &str| word.is_empty() || word == name;
        let mut weights = self.document.load_weights.iter();
        let first = weights.find(|it| fits(&it.channel, channel.name()) && fits(&it.state, state.name()));
        first.map_or(1, |it| i64::from(it.weight))
    }

    pub fn calendar(&self, key: &str) -> Option<&calendar::Calendar> {
        self.calendars.get(key)
    }

    pub fn service(&self, key: &str) -> Option<&Service> {
        self.document.services.iter().find(|service| service.key == key)
    }

    /// The calendar by which an agent works for a team: its own, else the team's. Nothing: it is always on shift. A calendar
    /// that is no longer configured counts as none.
    pub fn shift_calendar(&self, agent_calendar: &str, team: &str) -> Option<&calendar::Calendar> {
        let of_team = || self.calendar(&self.team(team)?.calendar);
        self.calendar(agent_calendar).or_else(of_team)
    }

    /// Whether an agent with this calendar of its own (empty: none) may be given the team's work now.
    pub fn on_shift(&self, agent_calendar: &str, team: &str, now: Time) -> bool {
        self.shift_calendar(agent_calendar, team).is_none_or(|calendar| calendar.is_open(now))
    }

    pub fn plan(&self, key: &str) -> Option<&SupportPlan> {
        self.document.plans.iter().find(|plan| plan.key == key)
    }

    pub fn tariff(&self, key: &str) -> Option<&Tariff> {
        self.document.tariffs.iter().find(|tariff| tariff.key == key)
    }

    /// Whether support of this category is extended, which is charged: it is, or a node above it.
    pub fn is_extended(&self, category: &str) -> bool {
        let mut node = self.category(category);
        // A validated tree has no cycle; the bound keeps it so for a document that was not.
        for _ in 0..self.document.categories.len() {
            let Some(category) = node else { break };
            if category.extended {
                return true;
            }
            node = self.category(&category.parent);
        }
        false
    }

    pub fn resolution_code(&self, key: &str) -> Option<&ResolutionCode> {
        self.document.resolution_codes.iter().find(|code| code.key == key)
    }

    pub fn custom_field(&self, key: &str) -> Option<&CustomField> {
        self.document.custom_fields.iter().find(|field| field.key == key)
    }

    /// The fields that must be filled before a ticket of this category leaves the first level; those of the nodes above
    /// count too.
    pub fn required_fields(&self, category: &str) -> Vec<&str> {
        let mut fields = Vec::new();
        let mut node = self.category(category);
        // A validated tree has no cycle; the bound keeps it so for a document that was not.
        for _ in 0..self.document.categories.len() {
            let Some(category) = node else { break };
            fields.extend(category.required_fields.iter().map(String::as_str));
            node = self.category(&category.parent);
        }
        fields
    }

    /// The queue with its team and level; a queue that is not configured stands for itself.
    pub fn place(&self, queue: &str) -> Place {
        let team = self.queue(queue).map(|queue| queue.team.clone()).unwrap_or_default();
        let level = self.team(&team).map(|team| team.level.clone()).unwrap_or_default();
        Place { queue: queue.to_owned(), team, level }
    }
}
