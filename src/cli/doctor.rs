//! `ticketing doctor`: what must be well for a server to work, and what to do where it is not.

use std::process::ExitCode;

use clap::Args;
use comfy_table::{ContentArrangement, Table, presets};

use super::{
    attachments, broker,
    counter::counter,
    database::Database,
    flags::{self, Flags, SettingsFile},
    identity,
};
use crate::{
    calendar::zone,
    config::{Environment, Settings},
    configuration::{Configurations, store::list_tenants},
    ctx::Clock,
    db::{APP_ROLE, Db, Fit, JOBS_ROLE},
    sla,
    time::Time,
};

/// How far the clocks of this machine and the database may be apart, milliseconds. Timers fire by the one, claims and leases
/// run by the other.
const MAX_SKEW: i64 = 2000;
/// PostgreSQL 14.
const OLDEST: i32 = 140_000;

/// Look whether all is well: database, schema, clocks, configurations; issuers, the broker and the store of files if the settings name them
///
/// Ends with 1 if anything is not.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Doctor {
    /// Also make every clock anew from the events of its ticket, and compare; reads all tickets that have some
    #[arg(long)]
    verify_clocks: bool,
    #[command(flatten)]
    file: SettingsFile,
    #[command(flatten)]
    flags: Flags<flags::Database>,
}

const EXAMPLES: &str = "\
Examples:
  ticketing doctor --embedded
  ticketing doctor --embedded --verify-clocks
  ticketing doctor --config /etc/ticketing.toml";

/// What was looked at: `Err` where it is not well, with what to do.
type Finding = (&'static str, Result<String, String>);

impl Doctor {
    pub async fn run(self, environment: &Environment) -> anyhow::Result<ExitCode> {
        let settings = self.flags.settings(&self.file, environment)?;
        settings.check_database()?;
        let mut findings: Vec<Finding> = Vec::new();
        findings.extend(identity::examine(&settings).await.map(|found| ("identity", found)));
        findings.extend(attachments::examine(&settings).await.map(|found| ("attachments", found)));
        match Database::open(&settings).await {
            Ok(database) => {
                findings.extend(examine(&database.db, &settings).await);
                if self.verify_clocks {
                    findings.push(("clocks", clocks(&database.db).await));
                }
                database.close().await?;
            }
            Err(error) => findings.push(("database", Err(format!("{error:#}")))),
        }
        show(&findings);
        let well = findings.iter().all(|(_, finding)| finding.is_ok());
        Ok(if well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

async fn examine(db: &Db, settings: &Settings) -> Vec<Finding> {
    let zones = format!("IANA {}, part of the program", zone::release());
    let mut findings =
        vec![("database", server(db, settings).await), ("clock", clock(db).await), ("time zones", Ok(zones))];
    let schema = schema(db).await;
    let readable = schema.is_ok();
    findings.push(("schema", schema));
    if readable {
        findings.push(("tenants' wall", wall(db).await));
        findings.push(("configurations", configurations(db).await));
        findings.push(("objects", attachments::waiting(db).await));
        findings.extend(broker::examine(settings, db).await.map(|found| ("broker", found)));
    }
    findings
}

async fn server(db: &Db, settings: &Settings) -> Result<String, String> {
    let row: (i32, String, i32) = ask(
        db,
        "select current_setting('server_version_num')::int, current_setting('server_version'),
                current_setting('max_connections')::int",
    )
    .await?;
    let (number, version, connections) = row;
    if number < OLDEST {
        return Err(format!("PostgreSQL {version} is too old; 14 or later is needed"));
    }
    let wanted = i64::from(settings.database_connections.get());
    if wanted > i64::from(connections) {
        return Err(format!(
            "PostgreSQL takes {connections} connections, and database_connections wants {wanted}; lower it"
        ));
    }
    Ok(format!("PostgreSQL {version}"))
}

async fn clock(db: &Db) -> Result<String, String> {
    let (theirs,): (Time,) = ask(db, "select clock_timestamp()").await?;
    let skew = (Clock::system().now().as_millisecond() - theirs.as_millisecond()).abs();
    if skew > MAX_SKEW {
        Err(format!("this machine and the database are {skew} ms apart; synchronise their clocks"))
    } else {
        Ok(format!("within {MAX_SKEW} ms of the database's"))
    }
}

async fn schema(db: &Db) -> Result<String, String> {
    let newest = Db::newest_schema_version();
    let fit = db.fit().await.map_err(|error| error.to_string())?;
    if fit != Fit::Good {
        return Err(fit.advice());
    }
    match db.schema_version().await.map_err(|error| error.to_string())? {
        seen if seen > newest => Ok(format!("version {seen}, newer than this program's {newest}")),
        seen => Ok(format!("version {seen}, up to date")),
    }
}

/// Whether the database keeps tenants apart, as docs/tenants.md says.
async fn wall(db: &Db) -> Result<String, String> {
    let (login, member, owner): (String, bool, bool) = ask(
        db,
        "select current_user::text,
                pg_has_role('ticketing_app', 'member') and pg_has_role('ticketing_jobs', 'member'),
                exists (select from pg_class where oid = 'tickets'::regclass and pg_has_role(relowner, 'member'))",
    )
    .await?;
    match (member, owner) {
        (false, _) => Err(format!(
            "{login} may not work for tenants; an administrator has to `grant {APP_ROLE}, {JOBS_ROLE} to {login}`"
        )),
        (true, true) => {
            Ok(format!("{login} owns the tables and could tear it down; docs/tenants.md has a better way"))
        }
        (true, false) => Ok(format!("{login} owns nothing")),
    }
}

async fn configurations(db: &Db) -> Result<String, String> {
    let tenants = list_tenants(db.across()).await.map_err(|error| error.to_string())?;
    let bare: Vec<&str> =
        tenants.iter().filter(|(_, configured)| !configured).map(|(tenant, _)| tenant.as_str()).collect();
    match (tenants.len(), bare.is_empty()) {
        (0, _) => Ok("no tenant yet; `ticketing config apply` makes one".to_owned()),
        (count, true) => Ok(format!("tenants: {count}, each with a configuration")),
        (_, false) => {
            Err(format!("without one: {}; `ticketing config apply` gives them one", bare.join(", ")))
        }
    }
}

/// How many differences are named.
const MAX_DIFFERENCES: usize = 20;

async fn clocks(db: &Db) -> Result<String, String> {
    let bar = counter("tickets");
    let configurations = Configurations::new(db.clone(), Clock::system());
    let verified = sla::verify_all(db, &configurations, |tickets| bar.inc(tickets as u64)).await;
    bar.finish_and_clear();
    let sla::Verified { tickets, clocks, differences } = verified.map_err(|error| error.to_string())?;
    if differences.is_empty() {
        return Ok(format!("{clocks} of {tickets} tickets, each what its events make of it"));
    }
    let mut told = format!("{} differ from what the events make:", differences.len());
    for difference in differences.iter().take(MAX_DIFFERENCES) {
        told.push('\n');
        told.push_str(difference);
    }
    Err(told)
}

async fn ask<T>(db: &Db, sql: &'static str) -> Result<T, String>
where
    T: for<'r> sqlx::FromRow<'r, sqlx::postgres::PgRow> + Send + Unpin,
{
    let mut login = db.login().await.map_err(|error| error.to_string())?;
    sqlx::query_as(sql).fetch_one(&mut login).await.map_err(|error| error.to_string())
}

fn show(findings: &[Finding]) {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    for (what, finding) in findings {
        let (mark, text) = match finding {
            Ok(text) => ("ok", text),
            Err(text) => ("WRONG", text),
        };
        table.add_row([mark, what, text]);
    }
    anstream::println!("{}", table.trim_fmt());
}
