//! `ticketing config`: planning, applying and reading a tenant's configuration through the API.

mod holidays;

use std::{
    fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context as _, anyhow};
use clap::{Args, Subcommand};
use comfy_table::{ContentArrangement, Table, presets};
use ticketing_proto::v1::{
    self as pb, ConfigurationChangeKind, configuration_service_client::ConfigurationServiceClient,
};

use super::{
    caller::{connect, refusal},
    flags::{self, Flags},
};
use crate::{
    config::Environment,
    configuration::{Document, wire},
    ctx::Ids,
    error::Violations,
};

/// A configuration to start from; the demo's.
const SAMPLE: &str = include_str!("../../demo/configuration.yaml");
/// Longest value of a change that a plan shows, characters.
const SHOWN: usize = 80;

/// Plan, apply and read a tenant's configuration
///
/// A configuration is one document: levels, teams, queues, categories, priorities, routing rules and the rest.
/// docs/configuration.md explains it part by part.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Config {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  ticketing config sample > desk.yaml
  ticketing config plan -f desk.yaml --tenant acme
  ticketing config apply -f desk.yaml --tenant acme --comment \"a second line\"
  ticketing config get --tenant acme | ticketing config plan -f - --tenant staging

TICKETING_ADDRESS, TICKETING_TENANT and TICKETING_TOKEN say the same as the flags.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Say what a document would change and whom it touches; change nothing
    Plan(Source),
    /// Put a document in force as the next revision
    ///
    /// A server that serves without authentication makes the tenant if there is none yet.
    Apply(Source),
    /// Print the document in force, as YAML
    Get(Get),
    /// Print a document to start from, as YAML
    Sample,
    Holidays(holidays::Holidays),
}

#[derive(Debug, Args)]
struct Source {
    /// The document, YAML or JSON; - reads it from standard input
    #[arg(short, long, value_name = "FILE")]
    file: PathBuf,
    /// Why; kept with the revision
    #[arg(long, default_value = "", hide_default_value = true)]
    comment: String,
    /// Refuse unless this revision is in force
    #[arg(long, value_name = "REVISION")]
    seen: Option<i64>,
    #[command(flatten)]
    flags: Flags<flags::Caller>,
}

#[derive(Debug, Args)]
struct Get {
    /// An earlier revision
    #[arg(long, value_parser = clap::value_parser!(i64).range(1..))]
    revision: Option<i64>,
    #[command(flatten)]
    flags: Flags<flags::Caller>,
}

impl Config {
    pub async fn run(self, environment: &Environment) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::Plan(source) => source.run(environment, true).await?,
            Command::Apply(source) => source.run(environment, false).await?,
            Command::Get(get) => get.run(environment).await?,
            Command::Sample => anstream::print!("{SAMPLE}"),
            Command::Holidays(holidays) => holidays.run()?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Source {
    async fn run(self, environment: &Environment, validate_only: bool) -> anyhow::Result<()> {
        let client = self.flags.client(environment)?;
        let configuration = pb::Configuration {
            name: format!("tenants/{}/configuration", client.tenant),
            comment: self.comment,
            ..wire::message(&read_document(&self.file)?)
        };
        let request = pb::ApplyConfigurationRequest {
            configuration: Some(configuration),
            etag: self.seen.map(|revision| format!("\"{revision}\"")).unwrap_or_default(),
            request_id: Ids::random().next().to_string(),
            validate_only,
        };
        let mut service = ConfigurationServiceClient::new(connect(&client).await?);
        let answer =
            service.apply_configuration(request).await.map_err(|status| refusal(&status))?.into_inner();
        let plan = answer.plan.unwrap_or_default();
        let revision = answer.configuration.map_or(0, |configuration| configuration.revision);
        show(&plan);
        let tenant = &client.tenant;
        match (plan.changes.is_empty(), validate_only) {
            (true, _) => {
                anstream::println!("Nothing changes: revision {revision} of {tenant} says the same.");
            }
            (false, true) => anstream::println!("Applied, this would be revision {revision} of {tenant}."),
            (false, false) => anstream::println!("Revision {revision} of {tenant} is in force."),
        }
        Ok(())
    }
}

impl Get {
    async fn run(self, environment: &Environment) -> anyhow::Result<()> {
        let client = self.flags.client(environment)?;
        let name = format!("tenants/{}/configuration", client.tenant);
        let request = pb::GetConfigurationRequest { name, revision: self.revision.unwrap_or(0) };
        let mut service = ConfigurationServiceClient::new(connect(&client).await?);
        let answer =
            service.get_configuration(request).await.map_err(|status| refusal(&status))?.into_inner();
        let found = answer.configuration.unwrap_or_default();
        let mut faults = Violations::default();
        let document = wire::document(&found, &mut faults);
        faults.into_result().context("the server knows words that this program does not; update it")?;
        anstream::println!(
            "# Revision {} of {}, applied by {}.",
            found.revision,
            client.tenant,
            found.author
        );
        anstream::print!("{}", serde_saphyr::to_string(&document)?);
        Ok(())
    }
}

/// The document that a file holds; `-`: standard input.
pub fn read_document(path: &Path) -> anyhow::Result<Document> {
    let shown = path.display();
    let text = if path == Path::new("-") {
        let mut text = String::new();
        io::stdin().read_to_string(&mut text).map(|_| text)
    } else {
        fs::read_to_string(path)
    };
    let text = text.with_context(|| format!("{shown} cannot be read"))?;
    serde_saphyr::from_str(&text).map_err(|fault| anyhow!("{shown} is no configuration: {fault}"))
}

fn show(plan: &pb::ConfigurationPlan) {
    if !plan.changes.is_empty() {
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
        for change in &plan.changes {
            let (sign, value) = match change.kind() {
                ConfigurationChangeKind::Added => ("+", short(&change.after_json)),
                ConfigurationChangeKind::Removed => ("-", short(&change.before_json)),
                ConfigurationChangeKind::Changed | ConfigurationChangeKind::Unspecified => {
                    ("~", format!("{} -> {}", short(&change.before_json), short(&change.after_json)))
                }
            };
            table.add_row([sign, &change.path, &value]);
        }
        anstream::println!("{}", table.trim_fmt());
    }
    for warning in &plan.warnings {
        let style = anstyle::AnsiColor::Yellow.on_default();
        anstream::println!("{style}warning:{style:#} {warning}");
    }
    if plan.affected_ticket_count + plan.affected_agent_count > 0 {
        anstream::println!(
            "Touches {} live tickets and {} agents.",
            plan.affected_ticket_count,
            plan.affected_agent_count
        );
    }
}

fn short(json: &str) -> String {
    if json.chars().count() <= SHOWN {
        json.to_owned()
    } else {
        json.chars().take(SHOWN - 1).chain(['…']).collect()
    }
}
