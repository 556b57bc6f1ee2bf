//! What the document says about routing: queues, rules, the skills that they ask for, and what tickets weigh.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::span;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Queue {
    pub key: String,
    pub display_name: String,
    pub team: String,
    pub dispatch: Dispatch,
    #[serde(with = "span::option")]
    pub offer_duration: Option<Duration>,
    #[serde(with = "span::option")]
    pub cool_down_duration: Option<Duration>,
    pub overflow_queue: String,
    #[serde(with = "span::option")]
    pub overflow_after_duration: Option<Duration>,
}

impl Queue {
    /// How long an agent may think about an offer.
    pub fn offer_duration(&self) -> Duration {
        self.offer_duration.unwrap_or(Duration::from_mins(2))
    }

    /// How long an agent who declined, or let an offer lapse, is left alone.
    pub fn cool_down(&self) -> Duration {
        self.cool_down_duration.unwrap_or(Duration::from_mins(5))
    }

    /// How long a ticket that nobody can take stands here.
    pub fn overflow_after(&self) -> Duration {
        self.overflow_after_duration.unwrap_or_default()
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Dispatch {
    #[default]
    Pull,
    Push,
    Offer,
}

impl Dispatch {
    /// Whether its tickets go to agents by themselves.
    pub fn is_automatic(self) -> bool {
        self != Self::Pull
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RoutingRule {
    pub key: String,
    pub condition: String,
    pub queue: String,
    pub team: String,
    pub required_skills: Vec<SkillRequirement>,
    pub priority_floor: String,
    pub preferred_skills: Vec<PreferredSkill>,
}

/// A skill that an agent must have; written as its key alone when any level will do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Requirement")]
pub struct SkillRequirement {
    pub skill: String,
    pub min_level: i32,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Requirement {
    Key(String),
    Leveled(Leveled),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Leveled {
    skill: String,
    #[serde(default = "lowest")]
    min_level: i32,
}

/// Knows it.
fn lowest() -> i32 {
    1
}

impl From<Requirement> for SkillRequirement {
    fn from(requirement: Requirement) -> Self {
        match requirement {
            Requirement::Key(skill) => Self { skill, min_level: lowest() },
            Requirement::Leveled(Leveled { skill, min_level }) => Self { skill, min_level },
        }
    }
}

/// A skill that an agent should have; dropped when the ticket has waited for so long.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PreferredSkill {
    pub skill: String,
    #[serde(default = "lowest")]
    pub min_level: i32,
    #[serde(with = "span")]
    pub drop_after_duration: Duration,
}

/// How much of an agent's capacity a ticket of this channel in this state takes; an empty word is any.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LoadWeight {
    pub channel: String,
    pub state: String,
    pub weight: i32,
}
