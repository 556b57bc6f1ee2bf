//! The figures of a window as one set: what the table, the JSON and the demonstration show.

use std::collections::BTreeMap;

use serde::Serialize;
use ticketing_proto::v1::ReportInterval::Whole;

use super::Reports;

/// The figures; `docs/reports.md` says what each counts.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Figures {
    /// Tickets that the log knows.
    pub incidents: u64,
    pub events: u64,
    /// Tickets by the highest level that had them.
    pub highest_level: BTreeMap<String, u64>,
    /// Tickets by the level that had them first.
    pub first_level: BTreeMap<String, u64>,
    /// Tickets that came back to a team that had had them.
    pub returns: u64,
    /// How often tickets came back.
    pub return_count: u64,
    /// Moves between teams of one level.
    pub transfers: u64,
    pub escalations: u64,
    pub escalations_by_reason: BTreeMap<String, u64>,
    pub hand_backs: u64,
    /// Tickets that are resolved or closed.
    pub solved: u64,
    /// Of those: solved by the first contact.
    pub first_contact: u64,
    pub first_contact_rate: f64,
    /// Of those: solved at the lowest level, without a higher one.
    pub push_to_front: u64,
    pub push_to_front_rate: f64,
    /// Tickets that were solved once and opened again.
    pub reopened: u64,
    pub reopen_rate: f64,
    /// Tickets that have waited for the customer.
    pub waited_on_customer: u64,
    pub waited_on_customer_rate: f64,
    /// How long they waited, all together, up to the last event of each.
    pub waiting_on_customer_seconds: u64,
    /// The share of that in the time in which tickets were live.
    pub waiting_on_customer_share: f64,
    /// Until the first answer, and until the solution: half, and nine of ten.
    pub first_response_seconds: Spread,
    pub resolution_seconds: Spread,
    /// Promises kept, by `AGREEMENT CLOCK`.
    pub sla_attainment: BTreeMap<String, Kept>,
    /// Seconds of work by level.
    pub work_seconds: BTreeMap<String, i64>,
    pub chargeable_units: i64,
    /// By currency, in its smallest unit.
    pub billed_amount: BTreeMap<String, i64>,
    pub feedback_requests: u64,
    pub feedback_rate: f64,
    pub csat_satisfied_rate: f64,
    /// By scale: those by which somebody answered.
    pub scores: BTreeMap<String, Score>,
}

/// How long something took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Spread {
    pub p50: f64,
    pub p90: f64,
    pub count: i64,
}

/// Clocks that were kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Kept {
    pub kept: u64,
    /// Kept and broken.
    pub judged: u64,
    pub rate: f64,
}

/// What customers said, by one scale.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Score {
    pub mean: f64,
    pub count: u64,
}

/// What is asked for at once.
const WHOLE: &[&str] = &[
    "created",
    "events",
    "solved",
    "first_contact",
    "first_contact_rate",
    "push_to_front",
    "push_to_front_rate",
    "reopen_rate",
    "returned",
    "waited_on_customer",
    "waited_on_customer_rate",
    "waiting_on_customer_seconds",
    "waiting_on_customer_share",
    "escalations",
    "hand_backs",
    "transfers",
    "returns",
    "first_response_p50",
    "first_response_p90",
    "resolution_p50",
    "resolution_p90",
    "chargeable_units",
    "feedback_requests",
    "feedback_rate",
    "csat_satisfied_rate",
    "csat",
    "nps",
    "ces",
];

pub async fn figures(reports: &mut Reports) -> anyhow::Result<Figures> {
    let whole = reports.ask(WHOLE, &[], Whole).await?;
    let (reopen_rate, once_solved) = whole.cell("reopen_rate", 0);
    let spread = |name: &str| {
        let (p50, count) = whole.cell(&format!("{name}_p50"), 0);
        Spread { p50, p90: whole.value(&format!("{name}_p90"), 0), count }
    };
    Ok(Figures {
        incidents: whole.number("created"),
        events: whole.number("events"),
        highest_level: by(reports, "created", "highest_level").await?,
        first_level: by(reports, "created", "first_level").await?,
        returns: whole.number("returned"),
        return_count: whole.number("returns"),
        transfers: whole.number("transfers"),
        escalations: whole.number("escalations"),
        escalations_by_reason: by(reports, "escalations", "reason").await?,
        hand_backs: whole.number("hand_backs"),
        solved: whole.number("solved"),
        first_contact: whole.number("first_contact"),
        first_contact_rate: whole.value("first_contact_rate", 0),
        push_to_front: whole.number("push_to_front"),
        push_to_front_rate: whole.value("push_to_front_rate", 0),
        reopened: (reopen_rate * once_solved as f64).round() as u64,
        reopen_rate,
        waited_on_customer: whole.number("waited_on_customer"),
        waited_on_customer_rate: whole.value("waited_on_customer_rate", 0),
        waiting_on_customer_seconds: whole.value("waiting_on_customer_seconds", 0) as u64,
        waiting_on_customer_share: whole.value("waiting_on_customer_share", 0),
        first_response_seconds: spread("first_response"),
        resolution_seconds: spread("resolution"),
        sla_attainment: kept(reports).await?,
        work_seconds: signed_by(reports, "work_seconds", "level").await?,
        chargeable_units: whole.value("chargeable_units", 0) as i64,
        billed_amount: signed_by(reports, "billed_amount", "currency").await?,
        feedback_requests: whole.number("feedback_requests"),
        feedback_rate: whole.value("feedback_rate", 0),
        csat_satisfied_rate: whole.value("csat_satisfied_rate", 0),
        scores: ["csat", "nps", "ces"]
            .map(|scale| (scale, whole.cell(scale, 0)))
            .into_iter()
            .filter(|(_, (_, count))| *count > 0)
            .map(|(scale, (mean, count))| (scale.to_owned(), Score { mean, count: count.unsigned_abs() }))
            .collect(),
    })
}

/// A number by a dimension; what has no value is told as `(none)`.
async fn by(reports: &mut Reports, metric: &str, dimension: &str) -> anyhow::Result<BTreeMap<String, u64>> {
    let sums = signed_by(reports, metric, dimension).await?;
    Ok(sums.into_iter().map(|(key, count)| (key, count.unsigned_abs())).collect())
}

/// A sum that corrections can take below zero.
async fn signed_by(
    reports: &mut Reports,
    metric: &str,
    dimension: &str,
) -> anyhow::Result<BTreeMap<String, i64>> {
    let answer = reports.ask(&[metric], &[dimension], Whole).await?;
    let named = |key: &str| if key.is_empty() { "(none)".to_owned() } else { key.to_owned() };
    Ok((0..answer.rows())
        .map(|row| (named(answer.key(0, row)), answer.value(metric, row).round() as i64))
        .filter(|(_, sum)| *sum != 0)
        .collect())
}

async fn kept(reports: &mut Reports) -> anyhow::Result<BTreeMap<String, Kept>> {
    let answer = reports.ask(&["sla_attainment"], &["agreement", "clock"], Whole).await?;
    Ok((0..answer.rows())
        .map(|row| {
            let (rate, judged) = answer.cell("sla_attainment", row);
            let name = format!("{} {}", answer.key(0, row), answer.key(1, row));
            (name, Kept { kept: (rate * judged as f64).round() as u64, judged: judged as u64, rate })
        })
        .collect())
}
