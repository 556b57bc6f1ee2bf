//! `ticketing report`: what the event log says.

use std::{collections::HashSet, process::ExitCode};

use anyhow::Context as _;
use clap::Args;
use comfy_table::{CellAlignment, Table, presets};
use ticketing_proto::v1::{
    self as pb, configuration_service_client::ConfigurationServiceClient,
    event_service_client::EventServiceClient, list_events_request::Start,
};

use super::{
    caller::{Caller, connect, refusal},
    flags::{self, Flags},
};
use crate::{
    config::Environment,
    report::{Figures, Fold, Seen, Terms},
    time::Time,
};

/// Events in one call.
const PAGE: i32 = 1000;

/// Print what the event log says: levels, escalations, returns, waiting, rates
#[derive(Debug, Args)]
pub struct Report {
    /// As JSON, for programs
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    flags: Flags<flags::Caller>,
}

impl Report {
    pub async fn run(self, environment: &Environment) -> anyhow::Result<ExitCode> {
        let client = self.flags.client(environment)?;
        let caller = connect(&client).await?;
        let terms = terms(caller.clone(), &client.tenant).await?;
        let levels = terms.levels.clone();
        let figures = fold(caller, &client.tenant, terms).await?;
        if self.json {
            anstream::println!("{}", serde_json::to_string_pretty(&figures)?);
        } else {
            anstream::println!("{}", table(&figures, &levels));
        }
        Ok(ExitCode::SUCCESS)
    }
}

async fn terms(caller: Caller, tenant: &str) -> anyhow::Result<Terms> {
    let name = format!("tenants/{tenant}/configuration");
    let found = ConfigurationServiceClient::new(caller)
        .get_configuration(pb::GetConfigurationRequest { name, revision: 0 })
        .await
        .map_err(|status| refusal(&status))?;
    let document = found.into_inner().configuration.unwrap_or_default();
    let first_contact: HashSet<String> = document
        .resolution_codes
        .into_iter()
        .filter(|code| code.first_contact)
        .map(|code| code.key)
        .collect();
    Ok(Terms { levels: document.levels.into_iter().map(|level| level.key).collect(), first_contact })
}

/// Reads the whole log.
async fn fold(caller: Caller, tenant: &str, terms: Terms) -> anyhow::Result<Figures> {
    let mut service = EventServiceClient::new(caller);
    let mut fold = Fold::new(terms);
    let mut start = None;
    loop {
        let request = pb::ListEventsRequest {
            parent: format!("tenants/{tenant}"),
            start,
            page_size: PAGE,
            ..Default::default()
        };
        let page = service.list_events(request).await.map_err(|status| refusal(&status))?.into_inner();
        for event in page.events {
            fold.see(seen(event)?);
        }
        if !page.more {
            return Ok(fold.figures());
        }
        start = Some(Start::Cursor(page.cursor));
    }
}

fn seen(event: pb::Event) -> anyhow::Result<Seen> {
    let time = event.occur_time.context("an event without a time")?;
    let facts = event.facts.context("an event without facts")?;
    Ok(Seen {
        ticket: event.resource,
        kind: event.r#type,
        occur_time: Time::new(jiff::Timestamp::new(time.seconds, time.nanos)?),
        state: facts.state().as_str_name().trim_start_matches("TICKET_STATE_").to_owned(),
        level: facts.level,
        team: facts.team,
        resolution_code: facts.resolution_code,
        reason: event.reason,
        imported: event.imported,
    })
}

fn table(figures: &Figures, levels: &[String]) -> Table {
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
        let unknown = counts.keys().filter(|level| !levels.contains(level));
        for level in levels.iter().chain(unknown) {
            if let Some(count) = counts.get(level) {
                row(&format!("{what} {level}"), *count, part(*count));
            }
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
    for column in [1, 2] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}
