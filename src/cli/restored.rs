//! `ticketing restored`.

use std::process::ExitCode;

use clap::Args;

use super::{
    database::Database,
    flags::{self, Flags, SettingsFile},
};
use crate::{config::Environment, events};

/// Say that the database was set back to an earlier state, for instance by a restored backup
///
/// Whoever follows the events may have been told of some that are no more, and others take their places. From now on every cursor from
/// before is refused (CURSOR_INVALID), so that its reader reads the state anew. Run it as the owner of the tables, before
/// servers start again; docs/operations.md says what else there is to do.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Restored {
    #[command(flatten)]
    file: SettingsFile,
    #[command(flatten)]
    flags: Flags<flags::Database>,
}

const EXAMPLES: &str = "\
Examples:
  ticketing restored --database-url postgres://owner@localhost/ticketing
  ticketing restored --embedded /var/lib/desk";

impl Restored {
    pub async fn run(self, environment: &Environment) -> anyhow::Result<ExitCode> {
        let settings = self.flags.settings(&self.file, environment)?;
        let database = Database::open(&settings).await?;
        events::cursor::refuse_all(&database.db).await?;
        database.close().await?;
        anstream::println!("Cursors from before are refused; readers of events read the state anew.");
        Ok(ExitCode::SUCCESS)
    }
}
