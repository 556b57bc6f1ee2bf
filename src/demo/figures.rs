//! What the day's table shows: the figures as anybody can ask for them, and what the watcher saw.

use std::time::Duration;

use super::{TENANT, person::Person, watcher::Watcher};
use crate::cli::report::{Reports, figures};

/// How long the last events may take to be counted.
const PATIENCE: Duration = Duration::from_secs(20);

/// Label and value of each line.
pub async fn lines(person: &Person, watcher: &Watcher) -> anyhow::Result<Vec<(String, String)>> {
    let mut reports = Reports::new(person.caller(), TENANT);
    anyhow::ensure!(reports.caught_up(PATIENCE, || ()).await?, "the day's events are not counted");
    let figures = figures(&mut reports).await?;
    let types = watcher.log().types.clone();
    let count = |kind: &str| types.get(kind).copied().unwrap_or_default();
    let mut lines = Vec::new();
    let mut line = |label: &str, value: String| lines.push((label.to_owned(), value));
    line("Tickets", figures.incidents.to_string());
    line("Resolved", of(figures.solved, figures.incidents));
    line("First-contact rate", of(figures.first_contact, figures.solved));
    line("Push to front", of(figures.push_to_front, figures.solved));
    for (level, tickets) in &figures.highest_level {
        line(&format!("Highest level {level}"), tickets.to_string());
    }
    line("Escalations", figures.escalations.to_string());
    for (reason, escalations) in &figures.escalations_by_reason {
        line(&format!("  {reason}"), escalations.to_string());
    }
    line("Declined", count("ticket.escalation_declined").to_string());
    line("Hand-backs", figures.hand_backs.to_string());
    line("Reopened", count("ticket.reopened").to_string());
    line("Waited on the customer", of(figures.waited_on_customer, figures.incidents));
    let (worked, units, amount) = {
        let log = watcher.log();
        (log.worked, log.units, log.amount)
    };
    line("Work entered", format!("{} min", worked / 60));
    line("Charged", format!("{units} units, {}.{:02} EUR", amount / 100, amount % 100));
    line("Events seen by the watcher", types.values().sum::<u64>().to_string());
    Ok(lines)
}

/// A part of a whole, with its share.
fn of(part: u64, whole: u64) -> String {
    let share = if whole == 0 { 0.0 } else { 100.0 * part as f64 / whole as f64 };
    format!("{part} of {whole} ({share:.0} %)")
}
