//! Settings as flags: the table of settings makes them, so that help and README say the same.

use std::{marker::PhantomData, path::PathBuf};

use clap::{Arg, ArgMatches, Args, Command, FromArgMatches, value_parser};

use crate::config::{self, CLIENT_KEYS, Client, Environment, Faults, KEYS, Key, Settings};

/// Which settings a command takes as flags.
pub trait Group {
    fn keys() -> impl Iterator<Item = &'static Key>;
}

/// All of a server's.
#[derive(Debug)]
pub struct All;

/// Those that lead to the database.
#[derive(Debug)]
pub struct Database;

/// Those of a command that calls a server.
#[derive(Debug)]
pub struct Caller;

impl Group for All {
    fn keys() -> impl Iterator<Item = &'static Key> {
        KEYS.iter()
    }
}

impl Group for Database {
    fn keys() -> impl Iterator<Item = &'static Key> {
        KEYS.iter().filter(|key| ["database_url", "database_secrets", "embedded"].contains(&key.name))
    }
}

impl Group for Caller {
    fn keys() -> impl Iterator<Item = &'static Key> {
        CLIENT_KEYS.iter()
    }
}

/// The settings that the command line says.
#[derive(Clone, Debug)]
pub struct Flags<G>(config::Flags, PhantomData<G>);

impl<G> Flags<G> {
    /// The settings of a server; `file` is what `--config` names.
    pub fn settings(&self, file: &SettingsFile, environment: &Environment) -> Result<Settings, Faults> {
        Settings::load(file.config.as_deref(), environment, &self.0)
    }
}

impl Flags<Caller> {
    pub fn client(&self, environment: &Environment) -> Result<Client, Faults> {
        Client::load(environment, &self.0)
    }
}

/// Where a server's settings may stand, too.
#[derive(Clone, Debug, Args)]
pub struct SettingsFile {
    /// Read settings from this file, for instance `listen = "127.0.0.1:8080"`; variables such as
    /// TICKETING_LISTEN go over it, flags go over both
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl<G: Group> Args for Flags<G> {
    fn augment_args(command: Command) -> Command {
        G::keys().fold(command, |command, key| command.arg(arg(key)))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

fn arg(key: &'static Key) -> Arg {
    let default = match (key.default, key.bare) {
        ("", Some(bare)) => format!(" [without {}: {bare}]", key.value),
        ("" | "false", _) => String::new(),
        (default, _) => format!(" [default: {default}]"),
    };
    let arg = Arg::new(key.name)
        .long(key.flag())
        .value_name(key.value)
        .help(format!("{}{default}", key.doc.trim_end_matches('.')))
        .value_parser(value_parser!(String));
    match key.bare {
        Some("true") => {
            arg.num_args(0..=1).require_equals(true).default_missing_value("true").hide_possible_values(true)
        }
        Some(bare) => arg.num_args(0..=1).default_missing_value(bare),
        None => arg,
    }
}

impl<G: Group> FromArgMatches for Flags<G> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let given =
            G::keys().filter_map(|key| Some((key.name, matches.get_one::<String>(key.name)?.clone())));
        Ok(Self(given.collect(), PhantomData))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}
