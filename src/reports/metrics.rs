//! What a figure is: what it counts, of what, by which instant, and by what it can be divided.

use crate::{
    configuration::Document,
    filter::{Field, Kind as Type, Schema},
    tickets::{Channel, Kind, State},
};

/// What a figure's values are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    Count,
    /// 0 to 1.
    Share,
    Seconds,
    /// The smallest of a currency; ask by currency.
    MinorUnits,
    /// Of the scale of surveys; of NPS -100 to 100.
    Score,
}

/// From what a figure is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    Tickets,
    Steps,
    Clocks,
}

/// The instant by which something falls into an interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    Creation,
    FirstResponse,
    FirstSolution,
    Solution,
    End,
    Step,
    Judgement,
}

impl By {
    pub fn column(self) -> &'static str {
        match self {
            Self::Creation => "create_time",
            Self::FirstResponse => "first_response_time",
            Self::FirstSolution => "first_resolve_time",
            Self::Solution => "resolve_time",
            Self::End => "cancel_time",
            Self::Step => "step_time",
            Self::Judgement => "judge_time",
        }
    }
}

/// Which of the things at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    All,
    /// Of tickets: solved, by a resolution that counts as the first contact's.
    FirstContact,
    /// Never was at a level but the lowest.
    AtLowestLevel,
    Escalated,
    Returned,
    Reopened,
    WaitedOnCustomer,
    WithArticle,
    /// Of steps.
    Backlog,
    Escalation,
    HandBack,
    Transfer,
    Return,
    Reopening,
    Work,
    Charge,
    Bill,
    Asked,
    Answered,
    Csat,
    Satisfied,
    Nps,
    Ces,
    /// Of clocks.
    Kept,
    Broken,
    /// The measure of open time until the first response, or until the last solution, that is over.
    FirstResponseClock,
    ResolutionClock,
}

/// What is measured of a thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amount {
    /// How often it happened; of tickets and clocks 1.
    One,
    Events,
    UntilResponse,
    UntilResolution,
    Live,
    Customer,
    Vendor,
    Hold,
    OpenTime,
}

/// How a figure is made of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    Sum(Amount, Which),
    /// How much there is at the end of the interval, of all that came and went.
    Level(Which),
    Share {
        part: Which,
        whole: Which,
    },
    /// Of what the steps amount to.
    Mean(Which),
    /// The first as a part of the second.
    Ratio(Amount, Amount),
    /// Of so many of a hundred the most, interpolated between neighbours.
    Percentile(u8, Amount, Which),
}

/// A figure.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    pub key: &'static str,
    pub display_name: &'static str,
    /// One sentence.
    pub definition: &'static str,
    pub unit: Unit,
    /// Raised when the same tickets come to another figure.
    pub revision: i32,
    pub source: Source,
    pub by: By,
    pub measure: Measure,
}

impl Metric {
    pub fn find(key: &str) -> Option<&'static Self> {
        super::table::METRICS.iter().find(|metric| metric.key == key)
    }

    /// By what it can be divided and filtered.
    pub fn dimensions(&self) -> &'static Schema {
        match self.source {
            Source::Tickets => &OF_TICKETS,
            Source::Steps => &OF_STEPS,
            Source::Clocks => &OF_CLOCKS,
        }
    }

    pub fn dimension(&self, key: &str) -> Option<&'static Field> {
        self.dimensions().0.iter().find(|field| field.name == key)
    }
}

/// What the figures ask of the configuration in force.
#[derive(Clone, Debug, Default)]
pub struct Terms {
    pub lowest_level: String,
    /// The resolution codes of the first contact.
    pub first_contact: Vec<String>,
}

impl Terms {
    pub fn of(document: &Document) -> Self {
        let codes = &document.resolution_codes;
        Self {
            lowest_level: document.levels.first().map(|level| level.key.clone()).unwrap_or_default(),
            first_contact: codes.iter().filter(|it| it.first_contact).map(|it| it.key.clone()).collect(),
        }
    }
}

const fn text(name: &'static str) -> Field {
    Field { name, column: name, kind: Type::Text }
}

/// Those that all sources have, then each source's own.
macro_rules! dimensions {
    ($name:ident: $($own:expr,)*) => {
        const $name: Schema = Schema(&[
            Field { name: "kind", column: "kind", kind: Type::Enum(Kind::NAMES) },
            Field { name: "channel", column: "channel", kind: Type::Enum(Channel::NAMES) },
            text("priority"), text("category"), text("product"), text("organization"), text("level"), text("queue"),
            text("team"),
            $($own,)*
        ]);
    };
}

dimensions! { OF_TICKETS:
    text("assignee"), text("first_level"), text("highest_level"), text("resolution_code"),
    Field { name: "state", column: "state", kind: Type::Enum(State::NAMES) },
    Field { name: "imported", column: "imported", kind: Type::Bool },
}
dimensions! { OF_STEPS: text("reason"), text("currency"), }
dimensions! { OF_CLOCKS: text("agreement"), text("policy"), text("clock"), }
