//! All figures: what each counts, of what, by which instant, and by what it can be divided. `docs/reports.md` is compared with it.

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
        METRICS.iter().find(|metric| metric.key == key)
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

/// Of tickets.
const fn tickets(
    key: &'static str,
    display_name: &'static str,
    unit: Unit,
    by: By,
    measure: Measure,
    definition: &'static str,
) -> Metric {
    Metric { key, display_name, definition, unit, revision: 1, source: Source::Tickets, by, measure }
}

/// Of steps, counted.
const fn steps(
    key: &'static str,
    display_name: &'static str,
    unit: Unit,
    which: Which,
    definition: &'static str,
) -> Metric {
    let (source, by) = (Source::Steps, By::Step);
    let measure = Sum(Amount::One, which);
    Metric { key, display_name, definition, unit, revision: 1, source, by, measure }
}

/// Of clocks.
const fn clocks(
    key: &'static str,
    display_name: &'static str,
    unit: Unit,
    measure: Measure,
    definition: &'static str,
) -> Metric {
    let (source, by) = (Source::Clocks, By::Judgement);
    Metric { key, display_name, definition, unit, revision: 1, source, by, measure }
}

use Measure::{Level, Percentile, Ratio, Share, Sum};

/// The table.
pub const METRICS: &[Metric] = &[
    tickets(
        "created",
        "Tickets recorded",
        Unit::Count,
        By::Creation,
        Sum(Amount::One, Which::All),
        "Tickets that were recorded.",
    ),
    tickets(
        "solved",
        "Tickets solved",
        Unit::Count,
        By::Solution,
        Sum(Amount::One, Which::All),
        "Tickets that are resolved or closed, by when they were solved last.",
    ),
    tickets(
        "cancelled",
        "Tickets cancelled",
        Unit::Count,
        By::End,
        Sum(Amount::One, Which::All),
        "Tickets that ended without a solution.",
    ),
    Metric {
        key: "backlog",
        display_name: "Backlog",
        definition: "Tickets that were neither solved nor ended at the end of the interval.",
        unit: Unit::Count,
        revision: 1,
        source: Source::Steps,
        by: By::Step,
        measure: Level(Which::Backlog),
    },
    tickets(
        "events",
        "Events",
        Unit::Count,
        By::Creation,
        Sum(Amount::Events, Which::All),
        "What has happened so far to the tickets that were recorded.",
    ),
    tickets(
        "first_response_p50",
        "First response, median",
        Unit::Seconds,
        By::FirstResponse,
        Percentile(50, Amount::UntilResponse, Which::All),
        "Time from a ticket's recording to the first answer of a person or its solution: half had it in this time.",
    ),
    tickets(
        "first_response_p90",
        "First response, nine of ten",
        Unit::Seconds,
        By::FirstResponse,
        Percentile(90, Amount::UntilResponse, Which::All),
        "Time from a ticket's recording to the first answer of a person or its solution: nine of ten had it in this time.",
    ),
    tickets(
        "resolution_p50",
        "Resolution, median",
        Unit::Seconds,
        By::Solution,
        Percentile(50, Amount::UntilResolution, Which::All),
        "Time from a ticket's recording to its last solution: half were solved in this time.",
    ),
    tickets(
        "resolution_p90",
        "Resolution, nine of ten",
        Unit::Seconds,
        By::Solution,
        Percentile(90, Amount::UntilResolution, Which::All),
        "Time from a ticket's recording to its last solution: nine of ten were solved in this time.",
    ),
    clocks(
        "first_response_open_p50",
        "First response in open time, median",
        Unit::Seconds,
        Percentile(50, Amount::OpenTime, Which::FirstResponseClock),
        "What the clocks of first responses had measured when they were stopped: half had at most this.",
    ),
    clocks(
        "first_response_open_p90",
        "First response in open time, nine of ten",
        Unit::Seconds,
        Percentile(90, Amount::OpenTime, Which::FirstResponseClock),
        "What the clocks of first responses had measured when they were stopped: nine of ten had at most this.",
    ),
    clocks(
        "resolution_open_p50",
        "Resolution in open time, median",
        Unit::Seconds,
        Percentile(50, Amount::OpenTime, Which::ResolutionClock),
        "What the clocks of total resolution had measured when they were stopped: half had at most this.",
    ),
    clocks(
        "resolution_open_p90",
        "Resolution in open time, nine of ten",
        Unit::Seconds,
        Percentile(90, Amount::OpenTime, Which::ResolutionClock),
        "What the clocks of total resolution had measured when they were stopped: nine of ten had at most this.",
    ),
    clocks(
        "sla_attainment",
        "Promises kept",
        Unit::Share,
        Share { part: Which::Kept, whole: Which::All },
        "Of the clocks that were kept or broken, those that were kept; one that was late when it came to hold is neither.",
    ),
    clocks(
        "sla_breaches",
        "Promises broken",
        Unit::Count,
        Sum(Amount::One, Which::Broken),
        "Clocks that were due before what they wait for had happened, by when they were due.",
    ),
    tickets(
        "first_contact",
        "Solved by the first contact",
        Unit::Count,
        By::Solution,
        Sum(Amount::One, Which::FirstContact),
        "Solved tickets with a resolution code that counts as the first contact's.",
    ),
    tickets(
        "first_contact_rate",
        "First-contact rate",
        Unit::Share,
        By::Solution,
        Share { part: Which::FirstContact, whole: Which::All },
        "Of the solved tickets, those with a resolution code that counts as the first contact's.",
    ),
    tickets(
        "push_to_front",
        "Solved at the front",
        Unit::Count,
        By::Solution,
        Sum(Amount::One, Which::AtLowestLevel),
        "Solved tickets that no level had but the lowest.",
    ),
    tickets(
        "push_to_front_rate",
        "Push to front",
        Unit::Share,
        By::Solution,
        Share { part: Which::AtLowestLevel, whole: Which::All },
        "Of the solved tickets, those that no level had but the lowest.",
    ),
    tickets(
        "reopen_rate",
        "Reopened",
        Unit::Share,
        By::FirstSolution,
        Share { part: Which::Reopened, whole: Which::All },
        "Of the tickets that were solved once, those that were opened again since.",
    ),
    tickets(
        "escalation_rate",
        "Escalated",
        Unit::Share,
        By::Creation,
        Share { part: Which::Escalated, whole: Which::All },
        "Of the recorded tickets, those that were escalated at least once.",
    ),
    tickets(
        "return_rate",
        "Ping-pong",
        Unit::Share,
        By::Creation,
        Share { part: Which::Returned, whole: Which::All },
        "Of the recorded tickets, those that came back to a team that had had them.",
    ),
    tickets(
        "returned",
        "Tickets that came back",
        Unit::Count,
        By::Creation,
        Sum(Amount::One, Which::Returned),
        "Recorded tickets that came back to a team that had had them.",
    ),
    tickets(
        "waited_on_customer",
        "Waited for the customer",
        Unit::Count,
        By::Creation,
        Sum(Amount::One, Which::WaitedOnCustomer),
        "Recorded tickets that have waited for the customer.",
    ),
    tickets(
        "waited_on_customer_rate",
        "Waited for the customer, share",
        Unit::Share,
        By::Creation,
        Share { part: Which::WaitedOnCustomer, whole: Which::All },
        "Of the recorded tickets, those that have waited for the customer.",
    ),
    tickets(
        "waiting_on_customer_seconds",
        "Time of waiting for the customer",
        Unit::Seconds,
        By::Creation,
        Sum(Amount::Customer, Which::All),
        "How long the recorded tickets waited for the customer, all together, up to the last event of each.",
    ),
    tickets(
        "waiting_on_customer_share",
        "Of their life: waiting for the customer",
        Unit::Share,
        By::Creation,
        Ratio(Amount::Customer, Amount::Live),
        "Of the time in which the recorded tickets were live, the part in which they waited for the customer.",
    ),
    tickets(
        "waiting_on_vendor_share",
        "Of their life: waiting for a vendor",
        Unit::Share,
        By::Creation,
        Ratio(Amount::Vendor, Amount::Live),
        "Of the time in which the recorded tickets were live, the part in which they waited for a vendor.",
    ),
    tickets(
        "on_hold_share",
        "Of their life: on hold",
        Unit::Share,
        By::Creation,
        Ratio(Amount::Hold, Amount::Live),
        "Of the time in which the recorded tickets were live, the part in which they were on hold.",
    ),
    tickets(
        "knowledge_reuse_rate",
        "Solved with an article",
        Unit::Share,
        By::Solution,
        Share { part: Which::WithArticle, whole: Which::All },
        "Of the solved tickets, those whose resolution names an article.",
    ),
    steps(
        "escalations",
        "Escalations",
        Unit::Count,
        Which::Escalation,
        "Times that a ticket was escalated, at the level that escalated it.",
    ),
    steps("hand_backs", "Hand-backs", Unit::Count, Which::HandBack, "Times that a ticket was handed back."),
    steps(
        "transfers",
        "Transfers",
        Unit::Count,
        Which::Transfer,
        "Times that a ticket went to another team or queue of the same level.",
    ),
    steps(
        "returns",
        "Returns",
        Unit::Count,
        Which::Return,
        "Times that a ticket came back to a team that had had it.",
    ),
    steps(
        "reopenings",
        "Reopenings",
        Unit::Count,
        Which::Reopening,
        "Times that a solved ticket was opened again.",
    ),
    steps(
        "work_seconds",
        "Work",
        Unit::Seconds,
        Which::Work,
        "Work that was entered, less what was taken back, by when it was done and who had the ticket at the entry.",
    ),
    steps(
        "chargeable_units",
        "Units charged",
        Unit::Count,
        Which::Charge,
        "Units on the bill, by the period to which they belong; corrections count as they are told, also below zero.",
    ),
    steps(
        "billed_amount",
        "Billed",
        Unit::MinorUnits,
        Which::Bill,
        "What the units come to, less what was given back by credit notes.",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_unique_and_what_a_figure_counts_is_of_its_source() {
        for (place, metric) in METRICS.iter().enumerate() {
            assert!(METRICS[..place].iter().all(|other| other.key != metric.key), "{}", metric.key);
            let of_source = match metric.by {
                By::Step => Source::Steps,
                By::Judgement => Source::Clocks,
                _ => Source::Tickets,
            };
            assert_eq!(metric.source, of_source, "{}", metric.key);
            assert!(metric.definition.ends_with('.'), "{}", metric.key);
            let rate = matches!(metric.measure, Share { .. } | Ratio(..));
            assert_eq!(metric.unit == Unit::Share, rate, "{}", metric.key);
        }
    }
}
