//! `ticketing migrate`.

use std::process::ExitCode;

use clap::Args;

use super::{
    database::Database,
    flags::{self, Flags, SettingsFile},
};
use crate::{
    config::Environment,
    db::{MIGRATIONS, Step},
};

/// Bring the database's schema up to date
///
/// Does nothing when it is, or when it is newer than this program. Servers of the release before go on working meanwhile. Of
/// several at once, one works and the others wait for it; one that was killed is taken over from.
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
        database.db.migrate_by(&MIGRATIONS, |step| anstream::eprintln!("{}", told(&step))).await?;
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

fn told(step: &Step) -> String {
    match step {
        Step::Waiting { holder } => format!("waiting for another migrator: {holder}"),
        Step::Dropped { index } => format!("dropped {index}, which somebody died over; it is built again"),
        Step::Yielded { version } => format!("{version}: the table is busy, so it is tried again"),
        Step::Applied { version, what, took } => format!("{version}: {what} ({} ms)", took.as_millis()),
    }
}
