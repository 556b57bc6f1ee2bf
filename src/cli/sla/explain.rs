//! `ticketing sla explain`: what the clocks of a ticket counted, line by line.

use std::{fmt::Write as _, process::ExitCode};

use clap::Args;
use comfy_table::Table;
use serde_json::{Value, json};
use ticketing_proto::v1::{
    self as pb, sla_service_client::SlaServiceClient, ticket_service_client::TicketServiceClient,
};

use super::words::{kind, span};
use crate::{
    cli::{
        caller::{Caller, connect, refusal},
        flags::{self, Flags},
        table::table,
    },
    config::Environment,
};

/// Account for the clocks of a ticket like a bank statement: what counted, what did not, and why
///
/// Every line is a stretch of time with the event that began it; the open time of the lines that count is what was used of the
/// target. Also says whether what is kept is what the ticket's events make of it.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Explain {
    /// The ticket: its number, its id, or tenants/{tenant}/tickets/{ticket}
    #[arg(value_name = "TICKET")]
    ticket: String,
    /// Only the clock of this number
    #[arg(long, value_name = "NUMBER")]
    clock: Option<i32>,
    /// Also the openings that count
    #[arg(long)]
    openings: bool,
    /// As JSON, for programs
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    flags: Flags<flags::Caller>,
}

const EXAMPLES: &str = "\
Examples:
  ticketing sla explain 1042                              All clocks of ticket 1042
  ticketing sla explain 1042 --clock 3 --openings         One of them, with every opening in the sum

Exit code: 0 when every clock is what the events make of it; 1 when one is not, or the call failed.";

impl Explain {
    pub async fn run(self, environment: &Environment) -> anyhow::Result<ExitCode> {
        let client = self.flags.client(environment)?;
        let channel = connect(&client).await?;
        let name = if self.ticket.starts_with("tenants/") {
            self.ticket.clone()
        } else {
            format!("tenants/{}/tickets/{}", client.tenant, self.ticket.trim_start_matches('#'))
        };
        let ticket = pb::GetTicketRequest { name, ..Default::default() };
        let ticket = TicketServiceClient::new(channel.clone()).get_ticket(ticket).await;
        let ticket = ticket.map_err(|status| refusal(&status))?.into_inner().ticket.unwrap_or_default();
        let told = explain(SlaServiceClient::new(channel), &ticket.name, self.clock).await?;
        if self.json {
            let clocks: Vec<Value> = told.iter().map(as_json).collect();
            anstream::println!("{}", serde_json::to_string_pretty(&clocks)?);
        } else {
            anstream::println!("Ticket #{}: {}", ticket.number, ticket.title);
            if told.is_empty() {
                anstream::println!("Nothing was promised for it.");
            }
            for statement in &told {
                print(statement, self.openings);
            }
        }
        Ok(if told.iter().all(|it| it.matches) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

async fn explain(
    mut service: SlaServiceClient<Caller>,
    ticket: &str,
    number: Option<i32>,
) -> anyhow::Result<Vec<pb::ExplainClockResponse>> {
    let mut names = Vec::new();
    if let Some(number) = number {
        names.push(format!("{ticket}/clocks/{number}"));
    } else {
        let mut page_token = String::new();
        loop {
            let request =
                pb::ListTicketClocksRequest { parent: ticket.to_owned(), page_size: 200, page_token };
            let page = service.list_ticket_clocks(request).await.map_err(|status| refusal(&status))?;
            let page = page.into_inner();
            names.extend(page.clocks.into_iter().map(|clock| clock.name));
            page_token = page.next_page_token;
            if page_token.is_empty() {
                break;
            }
        }
    }
    let mut told = Vec::new();
    for name in names {
        let explained = service.explain_clock(pb::ExplainClockRequest { name }).await;
        told.push(explained.map_err(|status| refusal(&status))?.into_inner());
    }
    Ok(told)
}

fn print(statement: &pb::ExplainClockResponse, openings: bool) {
    let clock = statement.clock.clone().unwrap_or_default();
    let number = clock.name.rsplit('/').next().unwrap_or_default();
    let calendar = match clock.calendar.as_str() {
        "" => "around the clock".to_owned(),
        key => format!("by {key} ({})", statement.time_zone),
    };
    anstream::println!(
        "\n{number}. {} of {}, {}: {} {calendar}",
        kind(clock.kind(), &clock.level),
        clock.policy,
        clock.priority,
        span(clock.business_target_duration.as_ref()),
    );
    anstream::println!("{}", lines(statement, openings).trim_fmt());
    anstream::println!("{}", verdict(&clock));
    for difference in &statement.differences {
        let style = anstyle::AnsiColor::Red.on_default().bold();
        anstream::println!("{style}WRONG{style:#} {difference}");
    }
}

fn lines(statement: &pb::ExplainClockResponse, openings: bool) -> Table {
    let mut table = table(["from", "to", "", "by", "open time", "used", "left"], &[4, 5, 6]);
    for line in &statement.lines {
        let phase = line.phase().as_str_name().trim_start_matches("CLOCK_PHASE_").to_lowercase();
        let open = span(line.business_duration.as_ref());
        table.add_row([
            line.local_start.clone(),
            line.local_end.clone(),
            phase,
            by(line),
            if line.counts { open } else { format!("({open})") },
            span(line.business_elapsed_duration.as_ref()),
            span(line.business_left_duration.as_ref()),
        ]);
        for exception in &line.exceptions {
            table.add_row([format!("  {exception}")]);
        }
        let time = |time: &Option<prost_types::Timestamp>| {
            time.as_ref().map_or_else(String::new, |time| format!("  {time}"))
        };
        for opening in line.openings.iter().filter(|_| openings) {
            table.add_row([time(&opening.start_time), time(&opening.end_time)]);
        }
    }
    table
}

fn by(line: &pb::StatementLine) -> String {
    let who = line.actor.as_ref().map_or_else(String::new, |actor| format!(" ({})", actor.id));
    format!("{}{who}", line.event_type)
}

fn verdict(clock: &pb::Clock) -> String {
    let state = clock.state().as_str_name().trim_start_matches("CLOCK_STATE_");
    let mut verdict = state.to_owned();
    if let Some(due) = clock.breach_time.as_ref().or(clock.due_time.as_ref()) {
        _ = write!(verdict, "; due {due}");
    }
    if let Some(end) = &clock.end_time {
        _ = write!(verdict, ", ended {end}");
    }
    if clock.business_overrun_duration.is_some() {
        _ = write!(verdict, ", {} of open time over", span(clock.business_overrun_duration.as_ref()));
    }
    if clock.breached_on_apply {
        verdict.push_str("; it was late when it came to hold, which is no breach");
    }
    verdict
}

fn as_json(statement: &pb::ExplainClockResponse) -> Value {
    let clock = statement.clock.clone().unwrap_or_default();
    let seconds = |span: &Option<prost_types::Duration>| span.as_ref().map(|span| span.seconds);
    let time = |time: &Option<prost_types::Timestamp>| time.as_ref().map(ToString::to_string);
    json!({
        "name": clock.name,
        "agreement": clock.agreement().as_str_name().trim_start_matches("AGREEMENT_"),
        "policy": clock.policy,
        "clock": kind(clock.kind(), ""),
        "level": clock.level,
        "priority": clock.priority,
        "configuration_revision": clock.configuration_revision,
        "calendar": clock.calendar,
        "time_zone": statement.time_zone,
        "time_zone_release": clock.time_zone_release,
        "state": clock.state().as_str_name().trim_start_matches("CLOCK_STATE_"),
        "business_target_seconds": seconds(&clock.business_target_duration),
        "business_elapsed_seconds": seconds(&clock.business_elapsed_duration),
        "due_time": time(&clock.due_time),
        "end_time": time(&clock.end_time),
        "breach_time": time(&clock.breach_time),
        "breached_on_apply": clock.breached_on_apply,
        "matches": statement.matches,
        "differences": statement.differences,
        "lines": statement.lines.iter().map(|line| json!({
            "phase": line.phase().as_str_name().trim_start_matches("CLOCK_PHASE_"),
            "start_time": time(&line.start_time),
            "end_time": time(&line.end_time),
            "local_start": line.local_start,
            "local_end": line.local_end,
            "ticket_version": line.ticket_version,
            "event_type": line.event_type,
            "actor": line.actor.as_ref().map(|actor| actor.id.clone()),
            "counts": line.counts,
            "business_seconds": seconds(&line.business_duration),
            "business_elapsed_seconds": seconds(&line.business_elapsed_duration),
            "business_left_seconds": seconds(&line.business_left_duration),
            "exceptions": line.exceptions,
            "openings": line.openings.iter().map(|it| json!({
                "start_time": time(&it.start_time),
                "end_time": time(&it.end_time),
            })).collect::<Vec<_>>(),
            "truncated": line.truncated,
        })).collect::<Vec<_>>(),
    })
}
