//! What the day's table shows, from what the watcher saw.

use super::watcher::Log;

/// Label and value of each line.
pub fn lines(log: &Log) -> Vec<(String, String)> {
    let figures = log.fold.figures();
    let count = |kind: &str| log.types.get(kind).copied().unwrap_or_default();
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
    line("Work entered", format!("{} min", log.worked / 60));
    line("Charged", format!("{} units, {}.{:02} EUR", log.units, log.amount / 100, log.amount % 100));
    line("Events seen by the watcher", figures.events.to_string());
    lines
}

/// A part of a whole, with its share.
fn of(part: u64, whole: u64) -> String {
    let share = if whole == 0 { 0.0 } else { 100.0 * part as f64 / whole as f64 };
    format!("{part} of {whole} ({share:.0} %)")
}
