//! `ticketing report`: the figures as tables, as JSON, or as a page for somebody who does not look at terminals.

mod asked;
mod figures;
mod page;

use std::{path::PathBuf, process::ExitCode, time::Duration};

use anyhow::Context as _;
use clap::Args;
use comfy_table::{CellAlignment, Table, presets};
use indicatif::{ProgressBar, ProgressStyle};

pub use self::{
    asked::Reports,
    figures::{Figures, figures},
};
use super::{
    caller::connect,
    flags::{self, Flags},
};
use crate::{config::Environment, time::Time};

/// How long it waits for what is not counted yet.
const PATIENCE: Duration = Duration::from_mins(1);

/// Print figures: levels, escalations, returns, waiting, rates, promises
#[derive(Debug, Args)]
pub struct Report {
    /// As JSON, for programs
    #[arg(long, conflicts_with = "html")]
    json: bool,
    /// As a page with charts, all in this one file: to look at in a browser, or to be mailed
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Of what happened from here on, for instance 2026-01-01T00:00:00Z; without it, from the first ticket on
    #[arg(long, value_name = "TIME")]
    from: Option<Time>,
    /// Of what happened before; without it, until now
    #[arg(long, value_name = "TIME")]
    until: Option<Time>,
    /// Whose days, weeks and months the page shows
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    time_zone: String,
    #[command(flatten)]
    flags: Flags<flags::Caller>,
}

impl Report {
    pub async fn run(self, environment: &Environment) -> anyhow::Result<ExitCode> {
        let client = self.flags.client(environment)?;
        let mut reports = Reports::new(connect(&client).await?, &client.tenant);
        reports.window(self.from, self.until, &self.time_zone);
        wait(&mut reports).await?;
        if let Some(file) = &self.html {
            let page = page::page(&mut reports).await?;
            std::fs::write(file, page).with_context(|| file.display().to_string())?;
            anstream::println!("Wrote {}.", file.display());
            return Ok(ExitCode::SUCCESS);
        }
        let figures = figures(&mut reports).await?;
        if self.json {
            anstream::println!("{}", serde_json::to_string_pretty(&figures)?);
        } else {
            anstream::println!("{}", table(&figures));
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Waits until everything is counted, and says so if that takes too long.
async fn wait(reports: &mut Reports) -> anyhow::Result<()> {
    let style = ProgressStyle::with_template("{spinner} counting what happened so far ({elapsed})")?;
    let bar = ProgressBar::new_spinner().with_style(style);
    if reports.caught_up(PATIENCE, || bar.tick()).await? {
        bar.finish_and_clear();
        return Ok(());
    }
    bar.finish_and_clear();
    anstream::eprintln!(
        "Not everything is counted yet; the figures are of {}. Is a worker running?",
        reports.as_of().map_or_else(|| "nothing so far".to_owned(), |time| time.to_string())
    );
    Ok(())
}

fn table(figures: &Figures) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    let mut row = |what: &str, count: u64, share: Option<f64>| {
        let share = share.map(|share| format!("{:.1} %", share * 100.0)).unwrap_or_default();
        table.add_row([what.to_owned(), count.to_string(), share]);
    };
    row("incidents", figures.incidents, None);
    row("events", figures.events, None);
    let part = |count: u64| (figures.incidents > 0).then(|| count as f64 / figures.incidents as f64);
    for (what, counts) in [("first level", &figures.first_level), ("highest level", &figures.highest_level)] {
        for (level, count) in counts {
            row(&format!("{what} {level}"), *count, part(*count));
        }
    }
    row("escalations", figures.escalations, None);
    for (reason, count) in &figures.escalations_by_reason {
        row(&format!("  for {reason}"), *count, None);
    }
    row("hand-backs", figures.hand_backs, None);
    row("transfers within a level", figures.transfers, None);
    row("tickets that returned to a team", figures.returns, part(figures.returns));
    row("  how often", figures.return_count, None);
    row("waited on the customer", figures.waited_on_customer, Some(figures.waited_on_customer_rate));
    row(
        "  hours, of the time live",
        figures.waiting_on_customer_seconds / 3600,
        Some(figures.waiting_on_customer_share),
    );
    row("solved", figures.solved, part(figures.solved));
    row("  by the first contact", figures.first_contact, Some(figures.first_contact_rate));
    row("  at the lowest level, without another", figures.push_to_front, Some(figures.push_to_front_rate));
    row("  reopened, of those ever solved", figures.reopened, Some(figures.reopen_rate));
    for (clock, kept) in &figures.sla_attainment {
        row(&format!("promises kept, {clock}"), kept.kept, Some(kept.rate));
    }
    row("customers asked, and how many answered", figures.feedback_requests, answered(figures));
    for (scale, score) in &figures.scores {
        let satisfied = (scale == "csat").then_some(figures.csat_satisfied_rate);
        row(&format!("  {}: {:.1}, of", scale.to_uppercase(), score.mean), score.count, satisfied);
    }
    for (what, sum) in signed(figures) {
        table.add_row([what, sum.to_string(), String::new()]);
    }
    for column in [1, 2] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

fn answered(figures: &Figures) -> Option<f64> {
    (figures.feedback_requests > 0).then_some(figures.feedback_rate)
}

/// What corrections can take below zero.
fn signed(figures: &Figures) -> Vec<(String, i64)> {
    let work =
        figures.work_seconds.iter().map(|(level, sum)| (format!("minutes of work, {level}"), sum / 60));
    let units = [("units charged".to_owned(), figures.chargeable_units)];
    let billed = figures.billed_amount.iter();
    let billed = billed.map(|(currency, sum)| (format!("billed, smallest units of {currency}"), *sum));
    work.chain(units).chain(billed).filter(|(_, sum)| *sum != 0).collect()
}
