//! `ticketing sla simulate`: which promises would have been kept, had they been others.

use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::Args;
use comfy_table::Table;
use serde_json::{Value, json};
use ticketing_proto::v1::{self as pb, simulate_sla_response::Body, sla_service_client::SlaServiceClient};

use super::words::{kind, span};
use crate::{
    cli::{
        caller::{Caller, connect, refusal},
        flags::{self, Flags},
        look_back::{Bar, LookBack},
        table::{share, table},
    },
    config::Environment,
    tickets::wire::timestamp,
};

/// Say which promises would have been kept by the policies of a configuration; change nothing
///
/// Reads the events of every ticket of the window again by the policies of the document, and compares with the clocks that ran:
/// how many would have been kept and missed, how long it took, and which tickets would have ended otherwise. Imported tickets
/// count too. docs/sla.md says what the clocks measure.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Simulate {
    #[command(flatten)]
    look_back: LookBack,
    /// How many clocks that would have ended otherwise are named
    #[arg(long, value_name = "COUNT", default_value_t = 10)]
    differences: usize,
    /// As JSON, for programs
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    flags: Flags<flags::Caller>,
}

const EXAMPLES: &str = "\
Examples:
  ticketing config get > promises.yaml                    Take the configuration in force,
  vi promises.yaml                                        change its sla_policies or calendars,
  ticketing sla simulate -f promises.yaml                 and see what would have been kept.
  ticketing sla simulate -f promises.yaml --since 2026-01-01 --filter 'priority = \"P1\"'
  ticketing sla simulate --json                           The policies in force, for a program

Exit code: 0 when the simulation ran, whatever it found; 1 when it failed.";

/// What a simulation said.
#[derive(Debug, Default)]
struct Told {
    /// As many as were asked for.
    differences: Vec<pb::SlaDifference>,
    summary: pb::SlaSummary,
}

impl Simulate {
    pub async fn run(self, environment: &Environment) -> anyhow::Result<ExitCode> {
        let client = self.flags.client(environment)?;
        let request = pb::SimulateSlaRequest {
            parent: format!("tenants/{}", client.tenant),
            configuration: self.look_back.configuration()?,
            start_time: self.look_back.since.map(timestamp),
            end_time: self.look_back.until.map(timestamp),
            filter: self.look_back.filter.clone(),
        };
        let told = simulate(SlaServiceClient::new(connect(&client).await?), request, self.differences);
        let told = told.await?;
        if self.json {
            anstream::println!("{}", serde_json::to_string_pretty(&as_json(&told))?);
        } else {
            print(&told);
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Listens to the end.
async fn simulate(
    mut service: SlaServiceClient<Caller>,
    request: pb::SimulateSlaRequest,
    differences: usize,
) -> anyhow::Result<Told> {
    let bar = Bar::begin();
    let mut parts = service.simulate_sla(request).await.map_err(|status| refusal(&status))?.into_inner();
    let mut told = Told::default();
    while let Some(part) = parts.message().await.map_err(|status| refusal(&status))? {
        match part.body.context("the server says something that this program does not know; update it")? {
            Body::Progress(progress) => bar.at(&progress),
            Body::Differences(part) => {
                let room = differences.saturating_sub(told.differences.len());
                told.differences.extend(part.differences.into_iter().take(room));
            }
            Body::Summary(summary) => {
                bar.end();
                told.summary = summary;
                return Ok(told);
            }
        }
    }
    bail!("the server broke off before the end")
}

fn print(told: &Told) {
    let summary = &told.summary;
    let which = match summary.configuration_revision {
        0 => "the document".to_owned(),
        revision => format!("revision {revision}"),
    };
    if summary.ticket_count == 0 {
        return anstream::println!("No ticket came in within the window.");
    }
    anstream::println!(
        "By {which}, {} of {} tickets ({}) would have a missed clock; today {}.",
        summary.breached_ticket_count,
        summary.ticket_count,
        share(summary.breached_ticket_count, summary.ticket_count),
        summary.breached_ticket_today_count,
    );
    anstream::println!(
        "Missed where none was: {}. Kept where one was missed: {}. Without any promise: {} tickets.",
        summary.newly_breached_count,
        summary.no_longer_breached_count,
        summary.unpromised_count,
    );
    anstream::println!("\n{}", clocks(summary).trim_fmt());
    if !told.differences.is_empty() {
        anstream::println!("\n{}", differences(&told.differences).trim_fmt());
        let all = summary.newly_breached_count + summary.no_longer_breached_count;
        let more = all - told.differences.len() as i64;
        if more > 0 {
            anstream::println!("and {more} more");
        }
    }
}

fn clocks(summary: &pb::SlaSummary) -> Table {
    let header =
        ["policy", "clock", "priority", "clocks", "kept", "missed", "", "median", "9 of 10", "longest over"];
    let mut table = table(header, &[3, 4, 5, 6, 7, 8, 9]);
    for it in &summary.clocks {
        let judged = it.achieved_count + it.breached_count;
        table.add_row([
            it.policy.clone(),
            kind(it.clock(), &it.level),
            it.priority.clone(),
            it.clock_count.to_string(),
            it.achieved_count.to_string(),
            it.breached_count.to_string(),
            share(it.breached_count, judged),
            span(it.median_business_duration.as_ref()),
            span(it.p90_business_duration.as_ref()),
            if it.breached_count > 0 {
                span(it.longest_business_overrun_duration.as_ref())
            } else {
                "-".into()
            },
        ]);
    }
    table
}

fn differences(differences: &[pb::SlaDifference]) -> Table {
    let header = ["ticket", "clock", "policy", "due", "late (open time)", "late", "today", "simulated"];
    let mut table = table(header, &[0, 4, 5]);
    let word = |missed: bool| if missed { "missed" } else { "kept" };
    for it in differences {
        table.add_row([
            format!("#{}", it.number),
            kind(it.clock(), &it.level),
            if it.policy.is_empty() { "-".to_owned() } else { it.policy.clone() },
            it.due_time.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string),
            span(it.business_overrun_duration.as_ref()),
            span(it.overrun_duration.as_ref()),
            word(it.breached_today).to_owned(),
            word(it.breached).to_owned(),
        ]);
    }
    table
}

fn as_json(told: &Told) -> Value {
    let summary = &told.summary;
    let seconds = |span: &Option<prost_types::Duration>| span.as_ref().map(|span| span.seconds);
    json!({
        "configuration_revision": summary.configuration_revision,
        "tickets": summary.ticket_count,
        "unpromised": summary.unpromised_count,
        "breached_tickets": {"today": summary.breached_ticket_today_count, "simulated": summary.breached_ticket_count},
        "newly_breached": summary.newly_breached_count,
        "no_longer_breached": summary.no_longer_breached_count,
        "clocks": summary.clocks.iter().map(|it| json!({
            "agreement": it.agreement().as_str_name().trim_start_matches("AGREEMENT_"),
            "policy": it.policy,
            "clock": kind(it.clock(), ""),
            "level": it.level,
            "priority": it.priority,
            "clocks": it.clock_count,
            "achieved": it.achieved_count,
            "breached": it.breached_count,
            "open": it.open_count,
            "cancelled": it.cancelled_count,
            "median_business_seconds": seconds(&it.median_business_duration),
            "p90_business_seconds": seconds(&it.p90_business_duration),
            "business_overrun_seconds": seconds(&it.business_overrun_duration),
            "longest_business_overrun_seconds": seconds(&it.longest_business_overrun_duration),
        })).collect::<Vec<_>>(),
        "differences": told.differences.iter().map(|it| json!({
            "ticket": it.ticket,
            "number": it.number,
            "clock": kind(it.clock(), ""),
            "level": it.level,
            "policy": it.policy,
            "priority": it.priority,
            "due_time": it.due_time.as_ref().map(ToString::to_string),
            "business_overrun_seconds": seconds(&it.business_overrun_duration),
            "overrun_seconds": seconds(&it.overrun_duration),
            "breached": it.breached,
            "breached_today": it.breached_today,
        })).collect::<Vec<_>>(),
    })
}
