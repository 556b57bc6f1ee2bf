//! An agent as the service keeps it, and who may be given work. Field names are the columns of the table `agents`.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{
    error::{Reason, Refusal},
    ids::TenantId,
    tickets::{Json, codes},
    time::Time,
};

/// Limits of one agent.
pub const MAX_DISPLAY_NAME: usize = 200;
pub const MAX_TEAMS: usize = 50;
pub const MAX_SKILLS: usize = 100;
pub const MAX_CAPACITY: i32 = 1000;
/// Skill levels: 1 (knows it) to 5 (teaches it).
pub const SKILL_LEVELS: std::ops::RangeInclusive<i32> = 1..=5;

codes! {
    /// Whether work may be given to an agent.
    Availability { Available = "AVAILABLE", Away = "AWAY", }
}

/// Somebody who works on tickets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::FromRow)]
pub struct Agent {
    pub tenant_id: TenantId,
    pub key: String,
    pub version: i64,
    pub display_name: String,
    /// The first is home.
    pub teams: Vec<String>,
    /// Level of each skill.
    pub skills: Json<BTreeMap<String, i32>>,
    pub capacity: i32,
    /// As it was set; [`Agent::is_away`] knows whether it is over.
    pub availability: Availability,
    pub availability_until_time: Option<Time>,
    /// Key of the calendar of its own shift; empty: that of the team for which it would work.
    pub calendar: String,
    pub create_time: Time,
    pub update_time: Time,
    /// When it was last given a ticket. No change of the agent: it makes no version.
    pub last_assign_time: Option<Time>,
    /// Let an offer lapse, and is offered nothing until then. Makes no version either.
    pub cool_down_until_time: Option<Time>,
}

/// What an agent can do, and for which teams.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    pub teams: Vec<String>,
    pub skills: Json<BTreeMap<String, i32>>,
    pub capacity: i32,
}

/// An agent with what it has to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loaded {
    pub agent: Agent,
    /// What its live tickets and the offers to it take of the capacity.
    pub used: i64,
    /// How many those are, also those that take nothing.
    pub tickets: i64,
    /// The organizations of those tickets, of those that were asked for.
    pub organizations: BTreeSet<String>,
}

impl Agent {
    pub fn name(&self) -> String {
        format!("tenants/{}/agents/{}", self.tenant_id, self.key)
    }

    /// Proof of one version.
    pub fn etag(&self) -> String {
        format!("\"{}\"", self.version)
    }

    /// The next version, if anything differs from `before`.
    #[must_use]
    pub fn changed_from(self, before: &Self, now: Time) -> Self {
        if self == *before && before.version > 0 {
            return self;
        }
        Self { version: before.version + 1, update_time: now, ..self }
    }

    pub fn is_in(&self, team: &str) -> bool {
        self.teams.iter().any(|member| member == team)
    }

    /// Refuses who is not a member of the team.
    pub fn require_team(&self, team: &str) -> Result<(), Refusal> {
        if self.is_in(team) { Ok(()) } else { Err(not_in_team(&self.key, team)) }
    }

    /// Whether no work may be given now. An absence whose end has come is over without anybody's doing.
    pub fn is_away(&self, now: Time) -> bool {
        self.availability == Availability::Away
            && self.availability_until_time.is_none_or(|until| now < until)
    }
}

impl Loaded {
    /// How much weight more it may have; not negative, also after an override.
    pub fn room(&self) -> i64 {
        (i64::from(self.agent.capacity) - self.used).max(0)
    }

    /// Refuses who has no room for a ticket of this weight.
    pub fn require_room(&self, weight: i64) -> Result<(), Refusal> {
        if self.room() >= weight {
            return Ok(());
        }
        let Agent { key, capacity, .. } = &self.agent;
        let text = format!("{key} has {} of {capacity} to do, and this takes {weight}", self.used);
        let refusal = Refusal::new(Reason::AgentAtCapacity, text);
        Err(refusal.with("used", self.used).with("capacity", capacity).with("weight", weight))
    }
}

/// The refusal of who is no agent of the team: a member of others, or no agent at all.
pub fn not_in_team(who: &str, team: &str) -> Refusal {
    let text = format!("{who} is no agent of the team {team}");
    Refusal::new(Reason::AgentNotInTeam, text).with("agent", who).with("team", team)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agents::fixture::{agent, loaded};

    fn time(text: &str) -> Time {
        text.parse().expect("a time")
    }

    #[test]
    fn an_absence_ends_at_its_end() {
        let mut ada = agent("ada", 1);
        let noon = time("2026-01-05T12:00:00Z");
        assert!(!ada.is_away(noon));
        ada.availability = Availability::Away;
        assert!(ada.is_away(noon));
        ada.availability_until_time = Some(noon);
        assert!(ada.is_away(time("2026-01-05T11:59:59.999999Z")));
        assert!(!ada.is_away(noon));
    }

    #[test]
    fn room_is_never_negative() {
        let room = |capacity, used| loaded("ada", capacity, used).room();
        assert_eq!([room(3, 0), room(3, 2), room(3, 3), room(3, 5), room(0, 0)], [3, 1, 0, 0, 0]);
    }
}
