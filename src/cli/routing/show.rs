//! A simulation as people and programs read it.

use comfy_table::Table;
use serde_json::{Value, json};
use ticketing_proto::v1 as pb;

use super::Told;
use crate::cli::table::{share, table};

pub fn print(told: &Told) {
    let summary = &told.summary;
    let which = match summary.configuration_revision {
        0 => "the document".to_owned(),
        revision => format!("revision {revision}"),
    };
    if summary.ticket_count == 0 {
        return anstream::println!("No ticket came in within the window.");
    }
    anstream::println!(
        "By {which}, {} of {} tickets would have gone elsewhere ({}).",
        summary.differing_count,
        summary.ticket_count,
        share(summary.differing_count, summary.ticket_count)
    );
    if summary.solved_count > 0 {
        anstream::println!(
            "Right first time, of the {} that were solved: {} today, {} simulated.",
            summary.solved_count,
            share(summary.actual_right_count, summary.solved_count),
            share(summary.simulated_right_count, summary.solved_count)
        );
    }
    anstream::println!("\n{}", teams(&told.teams).trim_fmt());
    anstream::println!("\n{}", rules(summary).trim_fmt());
    for rule in summary.rules.iter().filter(|rule| !rule.error.is_empty()) {
        let style = anstyle::AnsiColor::Yellow.on_default();
        anstream::println!("{style}warning:{style:#} {}: {}", rule.rule, rule.error);
    }
    if !told.differences.is_empty() {
        anstream::println!("\n{}", differences(&told.differences).trim_fmt());
        let more = summary.differing_count - told.differences.len() as i64;
        if more > 0 {
            anstream::println!("and {more} more");
        }
    }
}

/// The teams, those whose work changes most first.
fn teams(teams: &[pb::SimulatedTeam]) -> Table {
    let header = ["team", "came first", "simulated", "", "most open", "simulated", "capacity", ""];
    let mut table = table(header, &[1, 2, 3, 4, 5, 6]);
    let mut sorted: Vec<&pb::SimulatedTeam> = teams.iter().collect();
    sorted.sort_by_key(|team| -(count(team.simulated.as_ref()) - count(team.actual.as_ref())).abs());
    for team in sorted {
        let (before, after) = (count(team.actual.as_ref()), count(team.simulated.as_ref()));
        let (peak, peak_after) = (peak(team.actual.as_ref()), peak(team.simulated.as_ref()));
        let over = team.capacity > 0 && peak_after > team.capacity;
        table.add_row([
            name(&team.team),
            before.to_string(),
            after.to_string(),
            change(before, after),
            peak.to_string(),
            peak_after.to_string(),
            if team.capacity > 0 { team.capacity.to_string() } else { "-".to_owned() },
            if over { "over".to_owned() } else { String::new() },
        ]);
    }
    table
}

fn rules(summary: &pb::SimulationSummary) -> Table {
    let mut table = table(["rule", "decides", "errors"], &[1, 2]);
    for rule in &summary.rules {
        table.add_row([&rule.rule, &rule.matched_count.to_string(), &rule.error_count.to_string()]);
    }
    table.add_row(["(none: the default queue)", &summary.unmatched_count.to_string(), ""]);
    table
}

fn differences(differences: &[pb::SimulationDifference]) -> Table {
    let mut table = table(["ticket", "came to", "simulated", "by", "had it last"], &[0]);
    for difference in differences {
        let place = |place: &Option<pb::SimulatedPlace>| place.clone().unwrap_or_default();
        let (actual, simulated) = (place(&difference.actual), place(&difference.simulated));
        let rule = if simulated.rule.is_empty() { "-".to_owned() } else { simulated.rule };
        let number = format!("#{}", difference.number);
        table.add_row([number, actual.queue, simulated.queue, rule, name(&difference.last_team)]);
    }
    table
}

fn name(team: &str) -> String {
    if team.is_empty() { "-".to_owned() } else { team.to_owned() }
}

fn count(load: Option<&pb::SimulatedLoad>) -> i64 {
    load.map_or(0, |load| load.ticket_count)
}

fn peak(load: Option<&pb::SimulatedLoad>) -> i64 {
    load.map_or(0, |load| load.peak_count)
}

/// How a count changes, with an arrow.
fn change(before: i64, after: i64) -> String {
    let arrow = match after.cmp(&before) {
        std::cmp::Ordering::Less => "↓",
        std::cmp::Ordering::Equal => return "=".to_owned(),
        std::cmp::Ordering::Greater => "↑",
    };
    if before == 0 {
        return format!("{arrow} new");
    }
    format!("{arrow} {:+.0} %", 100.0 * (after - before) as f64 / before as f64)
}

pub fn json(told: &Told) -> Value {
    let summary = &told.summary;
    let load = |load: &Option<pb::SimulatedLoad>| {
        let load = load.clone().unwrap_or_default();
        json!({
            "tickets": load.ticket_count,
            "peak": load.peak_count,
            "arrivals": load.arrival_counts,
            "open": load.open_counts,
        })
    };
    let place = |place: &Option<pb::SimulatedPlace>| {
        let pb::SimulatedPlace { rule, queue, team, level, priority } = place.clone().unwrap_or_default();
        json!({"rule": rule, "queue": queue, "team": team, "level": level, "priority": priority})
    };
    let time = |time: &Option<prost_types::Timestamp>| time.as_ref().map(ToString::to_string);
    json!({
        "configuration_revision": summary.configuration_revision,
        "tickets": summary.ticket_count,
        "differing": summary.differing_count,
        "solved": summary.solved_count,
        "right_first_time": {"actual": summary.actual_right_count, "simulated": summary.simulated_right_count},
        "start_time": time(&summary.start_time),
        "interval_seconds": summary.interval_duration.as_ref().map_or(0, |interval| interval.seconds),
        "buckets": summary.bucket_count,
        "teams": told.teams.iter().map(|team| json!({
            "team": team.team,
            "capacity": team.capacity,
            "actual": load(&team.actual),
            "simulated": load(&team.simulated),
        })).collect::<Vec<_>>(),
        "queues": summary.queues.iter().map(|queue| json!({
            "queue": queue.queue,
            "actual": queue.actual_count,
            "simulated": queue.simulated_count,
        })).collect::<Vec<_>>(),
        "rules": summary.rules.iter().map(|rule| json!({
            "rule": rule.rule,
            "matched": rule.matched_count,
            "errors": rule.error_count,
            "error": rule.error,
        })).collect::<Vec<_>>(),
        "unmatched": summary.unmatched_count,
        "differences": told.differences.iter().map(|difference| json!({
            "ticket": difference.ticket,
            "number": difference.number,
            "create_time": time(&difference.create_time),
            "actual": place(&difference.actual),
            "simulated": place(&difference.simulated),
            "last_team": difference.last_team,
        })).collect::<Vec<_>>(),
    })
}
