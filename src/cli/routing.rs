//! `ticketing routing simulate`: what a configuration would have done with the tickets of the past, through the API.

mod show;

use std::{process::ExitCode, time::Duration};

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use jiff::{SignedDuration, Span, SpanRelativeTo};
use ticketing_proto::v1::{
    self as pb, routing_service_client::RoutingServiceClient, simulate_routing_response::Body,
};

use super::{
    caller::{connect, refusal},
    flags::{self, Flags},
    look_back::{Bar, LookBack},
};
use crate::{config::Environment, tickets::wire::timestamp};

/// Try routing rules on what has happened
#[derive(Debug, Args)]
pub struct Routing {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Simulate(Simulate),
}

/// Say where the tickets of the past would have gone by a configuration; change nothing
///
/// Takes every ticket of the window as it came in, runs the rules of the document on it, and compares with what happened:
/// what each team would have had to do and when it would have been too much, which rules decide, and how often the first
/// team would have been the one that solved the ticket. docs/routing.md says what the figures mean.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
struct Simulate {
    #[command(flatten)]
    look_back: LookBack,
    /// Buckets in which the load is counted, for instance 6h [default: 1d, or more for a long window]
    #[arg(long, value_name = "SPAN", value_parser = span)]
    interval: Option<Duration>,
    /// How many tickets that would have gone elsewhere are named
    #[arg(long, value_name = "COUNT", default_value_t = 10)]
    differences: usize,
    /// As JSON, for programs: also the load over time
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    flags: Flags<flags::Caller>,
}

const EXAMPLES: &str = "\
Examples:
  ticketing config get > rules.yaml                       Take the configuration in force,
  vi rules.yaml                                           change its routing_rules,
  ticketing routing simulate -f rules.yaml                and see what that would have done.
  ticketing routing simulate -f rules.yaml --since 2026-01-01 --until 2026-04-01 --filter 'channel = EMAIL'
  ticketing routing simulate --json --interval 6h         The rules in force, all tickets, for a program

Exit code: 0 when the simulation ran, whatever it found; 1 when it failed.";

/// What a simulation said.
#[derive(Debug, Default)]
struct Told {
    /// As many as were asked for.
    differences: Vec<pb::SimulationDifference>,
    teams: Vec<pb::SimulatedTeam>,
    summary: pb::SimulationSummary,
}

impl Routing {
    pub async fn run(self, environment: &Environment) -> anyhow::Result<ExitCode> {
        let Command::Simulate(simulate) = self.command;
        simulate.run(environment).await
    }
}

impl Simulate {
    async fn run(self, environment: &Environment) -> anyhow::Result<ExitCode> {
        let client = self.flags.client(environment)?;
        let request = pb::SimulateRoutingRequest {
            parent: format!("tenants/{}", client.tenant),
            configuration: self.look_back.configuration()?,
            start_time: self.look_back.since.map(timestamp),
            end_time: self.look_back.until.map(timestamp),
            filter: self.look_back.filter.clone(),
            interval_duration: self.interval.and_then(|span| prost_types::Duration::try_from(span).ok()),
        };
        let told = simulate(RoutingServiceClient::new(connect(&client).await?), request, self.differences);
        let told = told.await?;
        if self.json {
            anstream::println!("{}", serde_json::to_string_pretty(&show::json(&told))?);
        } else {
            show::print(&told);
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Listens to the end.
async fn simulate(
    mut service: RoutingServiceClient<super::caller::Caller>,
    request: pb::SimulateRoutingRequest,
    differences: usize,
) -> anyhow::Result<Told> {
    let bar = Bar::begin();
    let mut parts = service.simulate_routing(request).await.map_err(|status| refusal(&status))?.into_inner();
    let mut told = Told::default();
    while let Some(part) = parts.message().await.map_err(|status| refusal(&status))? {
        match part.body.context("the server says something that this program does not know; update it")? {
            Body::Progress(progress) => bar.at(&progress),
            Body::Differences(part) => {
                let room = differences.saturating_sub(told.differences.len());
                told.differences.extend(part.differences.into_iter().take(room));
            }
            Body::Teams(part) => told.teams.extend(part.teams),
            Body::Summary(summary) => {
                bar.end();
                told.summary = summary;
                return Ok(told);
            }
        }
    }
    bail!("the server broke off before the end")
}

fn span(text: &str) -> Result<Duration, String> {
    let span = text.parse::<Span>().and_then(|span| -> Result<SignedDuration, jiff::Error> {
        span.to_duration(SpanRelativeTo::days_are_24_hours())
    });
    let span = span.ok().and_then(|span| Duration::try_from(span).ok());
    span.ok_or_else(|| "must be a span, such as 1d, 6h or 30m".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_has_days_of_24_hours_and_does_not_run_backwards() {
        let cases = [
            ("1d", Some(86_400)),
            ("6h", Some(21_600)),
            ("1h 30m", Some(5400)),
            ("-1d", None),
            ("1mo", None),
            ("1", None),
        ];
        for (text, expected) in cases {
            assert_eq!(span(text).ok(), expected.map(Duration::from_secs), "{text:?}");
        }
    }
}
