//! What the document says about asking customers: which question, of whom, when, and how long there is time to answer.

use std::{ops::RangeInclusive, time::Duration};

use serde::{Deserialize, Serialize};

use super::{Keyed, span};
use crate::tickets::codes;

const DAY: Duration = Duration::from_hours(24);

codes! {
    /// What a score means.
    FeedbackScale { Unspecified = "UNSPECIFIED", Csat = "CSAT", Nps = "NPS", Ces = "CES", }
}

impl Default for FeedbackScale {
    /// Of a message that says none; a survey without a scale does not come into force.
    fn default() -> Self {
        Self::Unspecified
    }
}

impl FeedbackScale {
    /// The scores that there are, from the lowest.
    pub fn scores(self) -> RangeInclusive<i32> {
        match self {
            Self::Csat => 1..=5,
            Self::Nps => 0..=10,
            Self::Ces => 1..=7,
            #[allow(clippy::reversed_empty_ranges)] // no score at all
            Self::Unspecified => 1..=0,
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Survey {
    pub key: String,
    pub display_name: String,
    pub scale: FeedbackScale,
    pub condition: String,
    #[serde(with = "span::option")]
    pub delay_duration: Option<Duration>,
    /// 0: of all.
    pub sample_percent: i32,
    #[serde(with = "span::option")]
    pub token_lifetime_duration: Option<Duration>,
    #[serde(with = "span::option")]
    pub quiet_duration: Option<Duration>,
}

impl Survey {
    pub fn delay(&self) -> Duration {
        self.delay_duration.unwrap_or_default()
    }

    pub fn token_lifetime(&self) -> Duration {
        self.token_lifetime_duration.unwrap_or(DAY * 14)
    }

    pub fn quiet(&self) -> Duration {
        self.quiet_duration.unwrap_or_default()
    }
}

impl Keyed for Survey {
    fn key(&self) -> &str {
        &self.key
    }
}
