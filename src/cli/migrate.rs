//! `ticketing migrate`.

use std::process::ExitCode;

use clap::Args;

use super::{
    database::Database,
    flags::{self, Flags, SettingsFile},
};
use crate::config::Environment;

/// Bring the database's schema up to date
///
/// Does nothing when it is. Servers of the release before go on working meanwhile.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Migrate {
    #[command(flatten)]
    file: SettingsFile,
    #[command(flatten)]
    flags: Flags<flags::Database>,
}

const EXAMPLES: &str = "\
Examples:
  ticketing migrate --database-url postgres://ticketing@localhost/ticketing
  TICKETING_DATABASE_URL=postgres://… ticketing migrate";

impl Migrate {
    pub async fn run(self, environment: &Environment) -> anyhow::Result<ExitCode> {
        let settings = self.flags.settings(&self.file, environment)?;
        let database = Database::open(&settings).await?;
        let before = database.db.schema_version().await?;
        database.db.migrate().await?;
        let after = database.db.schema_version().await?;
        if before == after {
            anstream::println!("The schema is up to date: version {after}.");
        } else {
            anstream::println!("The schema went from version {before} to {after}.");
        }
        database.close().await?;
        Ok(ExitCode::SUCCESS)
    }
}
