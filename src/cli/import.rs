//! `ticketing import`: a log of another system, through ImportTickets into a tenant.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, IsTerminal as _},
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use clap::Args;
use comfy_table::{Table, presets};
use futures_util::{StreamExt as _, stream};
use indicatif::{ProgressBar, ProgressStyle};
use ticketing_proto::v1::{
    self as pb, configuration_service_client::ConfigurationServiceClient,
    ticket_service_client::TicketServiceClient,
};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use super::{
    caller::{Caller, connect, refusal},
    flags::{self, Flags},
};
use crate::{
    config::Environment,
    configuration::{Document, wire},
    ctx::Ids,
    error::{Reason, ReasonName as _, Violations},
    import::{Format, History, Log, Step, read, take_over},
    tickets::wire::{timestamp, wire},
};

/// One call brings in at most so many tickets, and so many steps unless a single ticket has more.
const BATCH_TICKETS: usize = 100;
const BATCH_STEPS: usize = 1000;
/// Calls that are under way at a time.
const IN_FLIGHT: usize = 4;

/// Bring in the tickets of another system, with their history
///
/// Levels, teams and resolution codes that the configuration does not know are added to it. Tickets that are known by
/// their external key are left alone: an import that was broken off is finished by running it again. A ticket with a
/// wrong line is left out whole.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Import {
    /// The file, gzipped or not; - reads standard input
    file: PathBuf,
    /// What it is written in; docs/import.md describes both
    #[arg(long, value_enum)]
    format: Format,
    /// Exit with 0 although lines are wrong; they are named all the same
    #[arg(long)]
    skip_bad: bool,
    #[command(flatten)]
    flags: Flags<flags::Caller>,
}

const EXAMPLES: &str = "\
Examples:
  ticketing import --format vinst incidents.csv.gz
  ticketing import --format jsonl --tenant acme history.jsonl

Exit code: 0 when every line was right, 1 when some were wrong or it failed.";

impl Import {
    pub async fn run(self, environment: &Environment) -> anyhow::Result<ExitCode> {
        let client = self.flags.client(environment)?;
        let log = open(&self.file, self.format)?;
        for fault in &log.faults {
            complain(fault.line, &fault.text);
        }
        let mut tally = Tally { bad_lines: log.faults.len(), skipped: log.skipped.len(), ..Tally::default() };
        if !log.histories.is_empty() {
            let caller = connect(&client).await?;
            configure(caller.clone(), &client.tenant, &log, &self.file).await?;
            send_all(&caller, &client.tenant, &log.histories, &mut tally).await?;
        }
        tally.print();
        let bad = tally.bad_lines > 0 && !self.skip_bad;
        Ok(if bad { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }
}

fn open(path: &Path, format: Format) -> anyhow::Result<Log> {
    if path == Path::new("-") {
        return Ok(read(format, io::stdin()));
    }
    let file = File::open(path).with_context(|| format!("{} cannot be read", path.display()))?;
    Ok(read(format, file))
}

fn complain(line: usize, text: &str) {
    let style = anstyle::AnsiColor::Yellow.on_default();
    anstream::eprintln!("{style}line {line}:{style:#} {text}");
}

/// Adds to the configuration what the log needs.
async fn configure(caller: Caller, tenant: &str, log: &Log, file: &Path) -> anyhow::Result<()> {
    let mut service = ConfigurationServiceClient::new(caller);
    let name = format!("tenants/{tenant}/configuration");
    let request = pb::GetConfigurationRequest { name: name.clone(), revision: 0 };
    let found = match service.get_configuration(request).await {
        Ok(found) => found.into_inner().configuration.unwrap_or_default(),
        Err(status) if is_missing(&status) => pb::Configuration::default(),
        Err(status) => return Err(refusal(&status)),
    };
    let mut faults = Violations::default();
    let mut document: Document = wire::document(&found, &mut faults);
    faults.into_result().context("the server knows words that this program does not; update it")?;
    let added = take_over(&mut document, log);
    if added.is_empty() {
        return Ok(());
    }
    let configuration = pb::Configuration {
        name,
        comment: format!("taken over from {}", file.display()),
        ..wire::message(&document)
    };
    let request = pb::ApplyConfigurationRequest {
        configuration: Some(configuration),
        etag: found.etag,
        request_id: Ids::random().next().to_string(),
        validate_only: false,
    };
    service.apply_configuration(request).await.map_err(|status| refusal(&status))?;
    for (what, keys) in
        [("levels", added.levels), ("teams", added.teams), ("resolution codes", added.resolution_codes)]
    {
        if !keys.is_empty() {
            let first = keys.iter().take(8).cloned().collect::<Vec<_>>().join(", ");
            let rest = if keys.len() > 8 { ", …" } else { "" };
            anstream::println!("Taken over into the configuration: {} {what} ({first}{rest})", keys.len());
        }
    }
    Ok(())
}

/// No configuration yet, or no tenant: it is created on first use where that is allowed.
fn is_missing(status: &Status) -> bool {
    let info = status.get_error_details().error_info().map(|info| info.reason.clone());
    info.is_some_and(|reason| {
        [Reason::ConfigurationMissing.name(), Reason::ResourceNotFound.name()].contains(&reason.as_str())
    })
}

/// What became of the log.
#[derive(Debug, Default)]
struct Tally {
    bad_lines: usize,
    skipped: usize,
    imported: usize,
    events: u64,
    existing: usize,
    /// By verb and reason.
    refusals: BTreeMap<(String, String), u64>,
    time: Duration,
}

/// Sends the histories, a few calls at a time.
async fn send_all(
    caller: &Caller,
    tenant: &str,
    histories: &[History],
    tally: &mut Tally,
) -> anyhow::Result<()> {
    let began = Instant::now();
    let steps: usize = histories.iter().map(|history| history.steps.len()).sum();
    let bar = if io::stderr().is_terminal() { ProgressBar::new(steps as u64) } else { ProgressBar::hidden() };
    bar.set_style(
        ProgressStyle::with_template("{wide_bar} {pos}/{len} events, {per_sec}, {eta} left")
            .expect("the template is right"),
    );
    let mut calls = stream::iter(batches(histories))
        .map(|batch| send(TicketServiceClient::new(caller.clone()), tenant, batch))
        .buffer_unordered(IN_FLIGHT);
    while let Some(sent) = calls.next().await {
        let sent = sent.context("broken off; run it again, and it goes on where it was")?;
        bar.inc(sent.steps);
        tally.add(sent, &bar);
    }
    bar.finish_and_clear();
    tally.time = began.elapsed();
    Ok(())
}

fn batches(histories: &[History]) -> Vec<Vec<&History>> {
    let mut batches: Vec<Vec<&History>> = Vec::new();
    let mut steps = 0;
    for history in histories {
        let full = batches.last().is_none_or(|batch| batch.len() == BATCH_TICKETS);
        if full || steps + history.steps.len() > BATCH_STEPS {
            batches.push(Vec::new());
            steps = 0;
        }
        steps += history.steps.len();
        batches.last_mut().expect("just pushed").push(history);
    }
    batches
}

/// What became of a batch.
#[derive(Debug, Default)]
struct Sent {
    steps: u64,
    results: Vec<pb::ImportedTicketResult>,
    /// Line and text of what the server finds wrong.
    faults: Vec<(usize, String)>,
    left_out: usize,
}

/// Sends a batch; tickets that the server finds wrong are left out, and the rest is sent again.
async fn send(
    mut service: TicketServiceClient<Caller>,
    tenant: &str,
    mut batch: Vec<&History>,
) -> anyhow::Result<Sent> {
    let steps = batch.iter().map(|history| history.steps.len() as u64).sum();
    let mut sent = Sent { steps, ..Sent::default() };
    while !batch.is_empty() {
        let request = pb::ImportTicketsRequest {
            parent: format!("tenants/{tenant}"),
            tickets: batch.iter().map(|history| ticket(tenant, history)).collect(),
            validate_only: false,
        };
        match service.import_tickets(request).await {
            Ok(answer) => {
                sent.results = answer.into_inner().results;
                break;
            }
            Err(status) => {
                if let Some(wait) = later(&status) {
                    tokio::time::sleep(wait).await;
                    continue;
                }
                let wrong = wrong_tickets(&status, &batch, &mut sent.faults);
                if wrong.is_empty() {
                    return Err(refusal(&status));
                }
                sent.left_out += wrong.len();
                let mut place = 0..;
                batch.retain(|_| !wrong.contains(&place.next().expect("there is always another")));
            }
        }
    }
    Ok(sent)
}

/// The time after which a call fits that is more than the caller's share now.
fn later(status: &Status) -> Option<Duration> {
    (status.code() == Code::ResourceExhausted).then(|| status.get_details_retry_info()?.retry_delay).flatten()
}

/// The places of the tickets that the server finds wrong, and what it says about them.
fn wrong_tickets(status: &Status, batch: &[&History], faults: &mut Vec<(usize, String)>) -> Vec<usize> {
    let mut wrong = Vec::new();
    if status.code() != Code::InvalidArgument {
        return wrong;
    }
    let details = status.get_error_details();
    for fault in details.bad_request().map_or(&[][..], |bad| &bad.field_violations) {
        let Some((place, path)) = indexed("tickets", &fault.field) else { continue };
        let Some(history) = batch.get(place) else { continue };
        let step = indexed("steps", path).and_then(|(step, _)| history.steps.get(step));
        let line = step.map_or(history.line, |step: &Step| step.line);
        let id = &history.ticket.external_key.id;
        faults.push((line, format!("{id}: {path}: {}", fault.description)));
        if !wrong.contains(&place) {
            wrong.push(place);
        }
    }
    wrong
}

/// Takes `list[7].rest` apart.
fn indexed<'a>(list: &str, path: &'a str) -> Option<(usize, &'a str)> {
    let (place, rest) = path.strip_prefix(list)?.strip_prefix('[')?.split_once(']')?;
    Some((place.parse().ok()?, rest.trim_start_matches('.')))
}

fn ticket(tenant: &str, history: &History) -> pb::ImportedTicket {
    let intake = history.ticket.clone();
    let named = |collection: &str, key: String| {
        if key.is_empty() { key } else { format!("tenants/{tenant}/{collection}/{key}") }
    };
    let ticket = pb::Ticket {
        kind: wire("TICKET_KIND_", &intake.kind, pb::TicketKind::from_str_name),
        channel: wire("CHANNEL_", &intake.channel, pb::Channel::from_str_name),
        title: intake.title,
        description: intake.description,
        requester: named("contacts", intake.requester),
        organization: named("organizations", intake.organization),
        category: intake.category,
        product: intake.product,
        language_code: intake.language_code,
        impact: wire("IMPACT_", &intake.impact, pb::Impact::from_str_name),
        urgency: wire("URGENCY_", &intake.urgency, pb::Urgency::from_str_name),
        priority: intake.priority,
        tags: intake.tags,
        annotations: intake.annotations,
        external_key: Some(pb::ExternalKey {
            source: intake.external_key.source,
            id: intake.external_key.id,
        }),
        ..Default::default()
    };
    pb::ImportedTicket { ticket: Some(ticket), steps: history.steps.iter().map(step).collect() }
}

fn step(step: &Step) -> pb::ImportedStep {
    let step = step.clone();
    pb::ImportedStep {
        occur_time: Some(timestamp(step.occur_time)),
        state: wire("TICKET_STATE_", &step.state, pb::TicketState::from_str_name),
        level: step.level,
        team: step.team,
        assignee: step.assignee,
        impact: wire("IMPACT_", &step.impact, pb::Impact::from_str_name),
        reason: step.reason,
        note: step.note,
        resolution_code: step.resolution_code,
    }
}

impl Tally {
    fn add(&mut self, sent: Sent, bar: &ProgressBar) {
        bar.suspend(|| sent.faults.iter().for_each(|(line, text)| complain(*line, text)));
        self.bad_lines += sent.faults.len();
        self.skipped += sent.left_out;
        for result in sent.results {
            if result.existing {
                self.existing += 1;
            } else {
                self.imported += 1;
                self.events += result.event_count as u64;
            }
            for refused in result.refusals {
                *self.refusals.entry((refused.verb, refused.reason)).or_default() += 1;
            }
        }
    }

    fn print(&self) {
        let rate = self.events as f64 / self.time.as_secs_f64().max(0.001);
        match (self.imported, self.existing) {
            (0, 0) => anstream::println!("Nothing was imported."),
            (0, existing) => {
                anstream::println!("Nothing changed: all {existing} tickets were there already.");
            }
            (imported, existing) => {
                let seconds = self.time.as_secs_f64();
                anstream::println!(
                    "Imported {imported} tickets with {} events in {seconds:.1} s: {rate:.0} events a second.",
                    self.events
                );
                if existing > 0 {
                    anstream::println!("{existing} tickets were there already, and were left alone.");
                }
            }
        }
        if self.bad_lines > 0 {
            anstream::println!(
                "Wrong lines: {}; tickets left out for them: {}.",
                self.bad_lines,
                self.skipped
            );
        }
        self.print_refusals();
    }

    /// How far the history conforms to the rules.
    fn print_refusals(&self) {
        if self.imported == 0 {
            return;
        }
        if self.refusals.is_empty() {
            return anstream::println!("Every step is by the rules.");
        }
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        table.set_header(["refused by the rules", "reason", "steps"]);
        for ((verb, reason), count) in &self.refusals {
            table.add_row([verb, reason, &count.to_string()]);
        }
        anstream::println!("{table}");
    }
}
