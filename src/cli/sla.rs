//! `ticketing sla`: what is promised about time, through the API.

mod explain;
mod simulate;
mod words;

use std::process::ExitCode;

use clap::{Args, Subcommand};

use crate::config::Environment;

/// Look into promises about time: what a clock counted, what other policies would have made of the past
#[derive(Debug, Args)]
pub struct Sla {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Explain(explain::Explain),
    Simulate(simulate::Simulate),
}

impl Sla {
    pub async fn run(self, environment: &Environment) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::Explain(explain) => explain.run(environment).await,
            Command::Simulate(simulate) => simulate.run(environment).await,
        }
    }
}
