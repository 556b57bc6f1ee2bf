//! All figures. `docs/reports.md` is compared with this table.

use super::metrics::{
    Amount, By,
    Measure::{self, Level, Mean, Percentile, Ratio, Share, Sum},
    Metric, Source, Unit, Which,
};

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

/// Of what customers say.
const fn scores(
    key: &'static str,
    display_name: &'static str,
    unit: Unit,
    measure: Measure,
    definition: &'static str,
) -> Metric {
    let (source, by) = (Source::Steps, By::Step);
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
    steps(
        "feedback_requests",
        "Customers asked",
        Unit::Count,
        Which::Asked,
        "Times that it was time to ask a customer how a ticket was solved.",
    ),
    scores(
        "feedback_rate",
        "Customers who answered",
        Unit::Share,
        Share { part: Which::Answered, whole: Which::Asked },
        "Of the customers who were asked in the interval, those who have answered so far.",
    ),
    scores(
        "csat",
        "Satisfaction",
        Unit::Score,
        Mean(Which::Csat),
        "The mean score of satisfaction, 1 to 5, by when it was given.",
    ),
    scores(
        "csat_satisfied_rate",
        "Satisfied customers",
        Unit::Share,
        Share { part: Which::Satisfied, whole: Which::Csat },
        "Of the scores of satisfaction, the share of 4 and 5, by when they were given.",
    ),
    scores(
        "nps",
        "Net promoter score",
        Unit::Score,
        Mean(Which::Nps),
        "Promoters (9 and 10) less detractors (0 to 6) of a hundred who said whether they would recommend, by when they did.",
    ),
    scores(
        "ces",
        "Ease",
        Unit::Score,
        Mean(Which::Ces),
        "The mean score of how easy it was to be helped, 1 to 7, by when it was given.",
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
            assert_eq!(metric.unit == Unit::Score, matches!(metric.measure, Mean(_)), "{}", metric.key);
        }
    }
}
