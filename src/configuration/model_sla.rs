//! What the document promises about time: policies, their clocks, and the ladders that are climbed around due times.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::span;
use crate::tickets::codes;

codes! {
    /// To whom it is promised; of each, one policy holds for a ticket.
    Agreement { Sla = "SLA", Ola = "OLA", Underpinning = "UNDERPINNING", }
}

codes! {
    /// What becomes of a running clock when another target comes to hold.
    OnChange { Rebase = "REBASE", CarryFraction = "CARRY_FRACTION", Restart = "RESTART", }
}

codes! {
    /// What a clock measures.
    ClockKind {
        Unspecified = "UNSPECIFIED",
        FirstResponse = "FIRST_RESPONSE",
        NextResponse = "NEXT_RESPONSE",
        PeriodicUpdate = "PERIODIC_UPDATE",
        FirstResolution = "FIRST_RESOLUTION",
        TotalResolution = "TOTAL_RESOLUTION",
        Level = "LEVEL",
        Acceptance = "ACCEPTANCE",
        Vendor = "VENDOR",
    }
}

codes! {
    /// What a step of a ladder does.
    LadderAction {
        Unspecified = "UNSPECIFIED",
        Notify = "NOTIFY",
        RaisePriority = "RAISE_PRIORITY",
        Escalate = "ESCALATE",
        EscalateToManager = "ESCALATE_TO_MANAGER",
        Page = "PAGE",
    }
}

macro_rules! defaults {
    ($($name:ident: $default:ident),*) => {
        $(impl Default for $name {
            fn default() -> Self {
                Self::$default
            }
        })*
    };
}
// Of a message that says none; a document without a kind or an action does not come into force.
defaults!(Agreement: Sla, OnChange: Rebase, ClockKind: Unspecified, LadderAction: Unspecified);

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SlaPolicy {
    pub key: String,
    pub display_name: String,
    pub agreement: Agreement,
    pub condition: String,
    pub calendar: String,
    pub on_change: OnChange,
    pub clocks: Vec<SlaClock>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SlaClock {
    pub clock: ClockKind,
    pub targets: Vec<SlaTarget>,
    #[serde(with = "span::option")]
    pub target_duration: Option<Duration>,
    pub calendar: String,
    pub pause_in: Vec<String>,
    pub warnings: Vec<SlaThreshold>,
    pub ladder: String,
    pub level: String,
    pub count_resolved: bool,
}

impl SlaClock {
    /// The time allowed for a ticket of this priority; `None`: it has no such clock.
    pub fn target(&self, priority: &str) -> Option<Duration> {
        let listed = self.targets.iter().find(|target| target.priority == priority);
        listed.map(|target| target.target_duration).or(self.target_duration)
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SlaTarget {
    pub priority: String,
    #[serde(with = "span")]
    pub target_duration: Duration,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SlaThreshold {
    pub percent: i32,
    #[serde(with = "span::option")]
    pub before_duration: Option<Duration>,
    #[serde(with = "span::option")]
    pub after_duration: Option<Duration>,
}

impl SlaThreshold {
    /// After how much open time of a clock with this target it is reached, seconds.
    pub fn reached_at(&self, target_seconds: u64) -> u64 {
        match (self.before_duration, self.after_duration) {
            (Some(before), _) => target_seconds.saturating_sub(before.as_secs()),
            (None, Some(after)) => target_seconds.saturating_add(after.as_secs()),
            (None, None) => {
                let percent = u128::from(self.percent.unsigned_abs());
                u64::try_from(u128::from(target_seconds) * percent / 100).unwrap_or(u64::MAX)
            }
        }
    }

    /// As it is told, for instance `75 %`, `900 s before`.
    pub fn told(&self) -> String {
        match (self.before_duration, self.after_duration) {
            (Some(before), _) => format!("{} s before", before.as_secs()),
            (None, Some(after)) => format!("{} s after", after.as_secs()),
            (None, None) => format!("{} %", self.percent),
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Ladder {
    pub key: String,
    pub display_name: String,
    pub steps: Vec<LadderStep>,
    pub next_ladder: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LadderStep {
    pub at: SlaThreshold,
    pub action: LadderAction,
    pub audience: Vec<String>,
    pub priority: String,
    pub team: String,
}
