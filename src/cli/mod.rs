//! The command line: what commands there are, what they need, how their failures are told.

mod attachments;
mod audit;
mod broker;
pub mod caller;
mod configuration;
mod counter;
mod database;
mod doctor;
mod flags;
mod identity;
mod import;
mod look_back;
mod migrate;
pub mod report;
mod restored;
mod routing;
mod serve;
mod sla;
mod table;
mod token;

use std::{fmt::Write as _, process::ExitCode};

use clap::{Parser, Subcommand};

use crate::{
    config::{Environment, Faults},
    demo::{self, DemoArgs},
};

/// Records, routes and escalates support tickets: a gRPC service on PostgreSQL.
#[derive(Debug, Parser)]
#[command(name = "ticketing", version, max_term_width = 110, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  ticketing demo                              See a help desk at work, with nothing to set up
  ticketing serve --embedded --insecure       Serve on this machine alone, with a private database
  ticketing config sample > desk.yaml         Get a configuration to start from
  ticketing config apply -f desk.yaml         Put it in force
  ticketing doctor --embedded                 Look whether all is well

Every command explains itself: ticketing COMMAND --help";

#[derive(Debug, Subcommand)]
enum Command {
    Demo(DemoArgs),
    Serve(serve::Serve),
    Migrate(migrate::Migrate),
    Config(configuration::Config),
    Import(import::Import),
    Report(report::Report),
    Routing(routing::Routing),
    Sla(sla::Sla),
    Audit(audit::Audit),
    Restored(restored::Restored),
    Token(token::Token),
    Doctor(doctor::Doctor),
}

/// Does what the command line says.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let environment = Environment::of_process();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&anyhow::Error::new(error).context("the runtime does not start")),
    };
    match runtime.block_on(run(cli.command, &environment)) {
        Ok(code) => code,
        Err(error) => fail(&error),
    }
}

async fn run(command: Command, environment: &Environment) -> anyhow::Result<ExitCode> {
    match command {
        Command::Demo(demo) => demo::run(demo).await.map(|()| ExitCode::SUCCESS),
        Command::Serve(serve) => serve.run(environment).await,
        Command::Migrate(migrate) => migrate.run(environment).await,
        Command::Config(config) => config.run(environment).await,
        Command::Import(import) => import.run(environment).await,
        Command::Report(report) => report.run(environment).await,
        Command::Routing(routing) => routing.run(environment).await,
        Command::Sla(sla) => sla.run(environment).await,
        Command::Audit(audit) => audit.run(environment).await,
        Command::Restored(restored) => restored.run(environment).await,
        Command::Token(token) => Ok(token.run()),
        Command::Doctor(doctor) => doctor.run(environment).await,
    }
}

/// Tells a failure with its causes.
fn fail(error: &anyhow::Error) -> ExitCode {
    let mut text = error.to_string();
    for cause in error.chain().skip(1) {
        // Some libraries repeat their cause in their own text.
        let cause = cause.to_string();
        if !text.contains(&cause) {
            _ = write!(text, ": {cause}");
        }
    }
    let style = anstyle::AnsiColor::Red.on_default().bold();
    anstream::eprintln!("{style}error:{style:#} {text}");
    if error.is::<Faults>() { ExitCode::from(2) } else { ExitCode::FAILURE }
}
