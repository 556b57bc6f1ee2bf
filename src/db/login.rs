//! As whom the database is entered, and where it is: a URL, and over it the files of a folder, so that a password may change while
//! the server runs.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    str::FromStr as _,
    time::Duration,
};

use anyhow::{Context as _, ensure};
use sqlx::postgres::PgConnectOptions;
use tokio_util::sync::CancellationToken;

use super::Db;

/// How often the files are looked at. Kubernetes takes up to a minute to bring a changed Secret into a pod.
const LOOK: Duration = Duration::from_secs(5);
/// The files, each only if it is there.
const FIELDS: [&str; 6] = ["uri", "host", "port", "user", "password", "dbname"];

/// Where it is said.
#[derive(Clone)]
pub struct Login {
    /// A URL; beside a file `uri` only its parameters count.
    pub url: Option<String>,
    pub folder: Option<PathBuf>,
}

/// What stands in the files, by name.
type Files = BTreeMap<&'static str, String>;

impl Login {
    pub fn options(&self) -> anyhow::Result<PgConnectOptions> {
        options(self.url.as_deref(), &self.files()?)
    }

    fn files(&self) -> anyhow::Result<Files> {
        let Some(folder) = &self.folder else { return Ok(Files::new()) };
        let read = |name| field(folder, name).with_context(|| folder.join(name).display().to_string());
        let files = FIELDS.into_iter().filter_map(|name| Some((name, read(name).transpose()?)));
        let files = files.map(|(name, text)| Ok((name, text?))).collect::<anyhow::Result<Files>>()?;
        ensure!(!files.is_empty(), "{} has none of {}", folder.display(), FIELDS.join(", "));
        Ok(files)
    }

    /// Has new connections made as the files say, until `drain`. Those that are open stay: PostgreSQL asks once.
    pub async fn follow(self, db: Db, drain: CancellationToken) {
        let mut known = self.files().ok();
        while drain.run_until_cancelled(tokio::time::sleep(LOOK)).await.is_some() {
            let renewed = self.files().and_then(|files| {
                let changed = known.as_ref() != Some(&files);
                Ok((changed.then(|| options(self.url.as_deref(), &files)).transpose()?, files))
            });
            match renewed {
                Ok((None, _)) => {}
                Ok((Some(options), files)) => {
                    known = Some(files);
                    db.enter_as(options);
                    tracing::info!("the database is entered with new files");
                }
                Err(error) => {
                    let error = format!("{error:#}");
                    tracing::warn!(error, "the database is entered as before: the new files are faulty");
                }
            }
        }
    }
}

fn field(folder: &Path, name: &str) -> io::Result<Option<String>> {
    match fs::read_to_string(folder.join(name)) {
        Ok(text) => Ok(Some(text.trim_end_matches('\n').to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn options(url: Option<&str>, files: &Files) -> anyhow::Result<PgConnectOptions> {
    let said = url.unwrap_or("postgres:///");
    let url = match (files.get("uri"), said.split_once('?')) {
        (None, _) => said.to_owned(),
        (Some(uri), None) => uri.clone(),
        (Some(uri), Some((_, parameters))) => {
            format!("{uri}{}{parameters}", if uri.contains('?') { '&' } else { '?' })
        }
    };
    let mut options =
        PgConnectOptions::from_str(&url).map_err(|_| anyhow::anyhow!("uri is no URL of PostgreSQL"))?;
    for (name, text) in files {
        options = match *name {
            "host" => options.host(text),
            "port" => options.port(text.parse().context("port is no number")?),
            "user" => options.username(text),
            "password" => options.password(text),
            "dbname" => options.database(text),
            _ => options,
        };
    }
    Ok(options)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(url: Option<&str>, files: &[(&'static str, &str)]) -> String {
        let files = files.iter().map(|(name, text)| (*name, (*text).to_owned())).collect();
        let options = match options(url, &files) {
            Ok(options) => options,
            Err(error) => return format!("{error:#}"),
        };
        let database = options.get_database().unwrap_or_default();
        format!(
            "{}@{}:{}/{database} {:?}",
            options.get_username(),
            options.get_host(),
            options.get_port(),
            options.get_ssl_mode()
        )
    }

    #[test]
    fn files_go_over_the_url() {
        for (url, files, expected) in [
            (Some("postgres://desk@db:5433/desk"), &[][..], "desk@db:5433/desk Prefer"),
            (Some("postgres://desk@db/desk"), &[("user", "anna"), ("port", "6")], "anna@db:6/desk Prefer"),
            (None, &[("uri", "postgres://desk@db/desk")], "desk@db:5432/desk Prefer"),
            (Some("postgres:///?sslmode=require"), &[("uri", "postgres://a@b/c")], "a@b:5432/c Require"),
            (
                Some("postgres:///?sslmode=require"),
                &[("uri", "postgres://a@b/c?application_name=x"), ("dbname", "d & co")],
                "a@b:5432/d & co Require",
            ),
            (
                None,
                &[("host", "db"), ("user", "p@ss\"w\\o'rd/?&#% "), ("dbname", "d")],
                "p@ss\"w\\o'rd/?&#% @db:5432/d Prefer",
            ),
            (
                None,
                &[("uri", "postgres://a@b/c"), ("port", "many")],
                "port is no number: invalid digit found in string",
            ),
            (None, &[("uri", "secret")], "uri is no URL of PostgreSQL"),
        ] {
            assert_eq!(told(url, files), expected);
        }
    }
}
