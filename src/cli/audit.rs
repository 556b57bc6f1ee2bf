//! `ticketing audit`: whether anybody has altered the audit log.

use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use data_encoding::HEXLOWER;

use super::{
    counter::counter,
    database::Database,
    flags::{self, Flags, SettingsFile},
    table::table,
    token::tenant,
};
use crate::{
    audit::{self, Head, Verified},
    config::Environment,
    ids::TenantId,
};

/// Look after the log of who administered what and who read what is restricted
#[derive(Debug, Args)]
pub struct Audit {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Verify(Verify),
}

/// Go along the chain of each tenant, in the database itself, and name the first entry that was altered, removed or inserted
///
/// Prints where each chain ends. Noted elsewhere and given back by --head, such an end also shows whether the whole chain
/// was made again. Ends with 1 if anything is not well.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
struct Verify {
    /// Only this tenant [default: all that have entries]
    #[arg(long, value_name = "TENANT", value_parser = tenant)]
    tenant: Option<TenantId>,
    /// An end of this tenant's chain that was noted before, as it was printed
    #[arg(long, value_name = "POSITION:LINK", requires = "tenant", value_parser = head)]
    head: Option<Head>,
    #[command(flatten)]
    file: SettingsFile,
    #[command(flatten)]
    flags: Flags<flags::Database>,
}

const EXAMPLES: &str = "\
Examples:
  ticketing audit verify --embedded
  ticketing audit verify --config /etc/ticketing.toml --tenant acme
  ticketing audit verify --tenant acme --head 1042:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

impl Audit {
    pub async fn run(self, environment: &Environment) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::Verify(verify) => verify.run(environment).await,
        }
    }
}

impl Verify {
    async fn run(self, environment: &Environment) -> anyhow::Result<ExitCode> {
        let settings = self.flags.settings(&self.file, environment)?;
        let database = Database::open(&settings).await?;
        let tenants = match self.tenant {
            Some(tenant) => vec![tenant],
            None => audit::tenants(&database.db).await.context("the log does not read")?,
        };
        let bar = counter("entries");
        let mut found = Vec::with_capacity(tenants.len());
        for tenant in tenants {
            let counted = |entries| bar.inc(entries as u64);
            let verified = audit::verify(&database.db, &tenant, self.head.clone(), counted).await;
            found.push((tenant, verified.context("the log does not read")?));
        }
        bar.finish_and_clear();
        database.close().await?;
        show(&found);
        let well = found.iter().all(|(_, verified)| verified.is_sound());
        Ok(if well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

fn show(found: &[(TenantId, Verified)]) {
    if found.is_empty() {
        anstream::println!("No tenant has entries.");
        return;
    }
    let mut rows = table(["", "tenant", "waiting", "head"], &[2]);
    for (tenant, verified) in found {
        let mark = if verified.is_sound() { "ok" } else { "WRONG" };
        let Head { position, link } = &verified.head;
        let head = format!("{position}:{}", HEXLOWER.encode(link));
        rows.add_row([mark.to_owned(), tenant.to_string(), verified.waiting.to_string(), head]);
    }
    anstream::println!("{}", rows.trim_fmt());
    for (tenant, verified) in found {
        if let Some(fault) = verified.fault {
            anstream::println!("{tenant}: {fault}");
        }
        for contact in &verified.misnamed {
            anstream::println!(
                "{tenant}: the entries under the pseudonym of the contact {contact} are not that contact's"
            );
        }
    }
}

fn head(text: &str) -> Result<Head, String> {
    let read = || {
        let (position, link) = text.split_once(':')?;
        let link = HEXLOWER.decode(link.as_bytes()).ok().filter(|link| link.len() == audit::LINK)?;
        Some(Head { position: position.parse().ok().filter(|position| *position > 0)?, link })
    };
    read().ok_or_else(|| "must be as it was printed: a position, a colon, and 64 digits".to_owned())
}
