//! The way from settings to a database: the one that is named, or a private one that lives as long as the process.

use anyhow::Context as _;
use sqlx::{Connection as _, PgConnection, postgres::PgConnectOptions};

use crate::{
    config::{DatabaseUrl, Settings},
    db::{
        Db, Login,
        embedded::{Embedded, Options},
    },
};

/// A database that takes connections.
pub struct Database {
    pub db: Db,
    /// As whom.
    pub login: Login,
    embedded: Option<Embedded>,
}

impl Database {
    pub async fn open(settings: &Settings) -> anyhow::Result<Self> {
        settings.check_database()?;
        let connections = settings.database_connections.get();
        let embedded = match &settings.embedded {
            None => None,
            Some(dir) => {
                let max_connections = u16::try_from(connections).unwrap_or(u16::MAX - 10) + 10;
                let options = Options { dir: dir.clone(), durable: true, max_connections, bin_dir: None };
                let started = tokio::task::spawn_blocking(move || Embedded::start(&options)).await?;
                Some(started.context("the private database does not start")?)
            }
        };
        let login = Login {
            url: embedded
                .as_ref()
                .map(Embedded::url)
                .or(settings.database_url.as_ref().map(DatabaseUrl::expose))
                .map(str::to_owned),
            folder: settings.database_secrets.clone(),
        };
        let options = login.options().context("database_secrets")?;
        match Db::enter(options.clone(), connections).await {
            Ok(db) => Ok(Self { db, login, embedded }),
            Err(error) => Err(unreachable(&options, error).await),
        }
    }

    /// Whether the database is this process's own.
    pub fn is_embedded(&self) -> bool {
        self.embedded.is_some()
    }

    /// Closes the connections and, if this process started the database, stops it.
    pub async fn close(self) -> anyhow::Result<()> {
        self.db.close().await;
        if let Some(embedded) = self.embedded {
            tokio::task::spawn_blocking(|| embedded.stop())
                .await?
                .context("the private database did not stop")?;
        }
        Ok(())
    }
}

/// Why there is no connection, in the database's own words.
async fn unreachable(options: &PgConnectOptions, error: crate::error::Error) -> anyhow::Error {
    let cause = match PgConnection::connect_with(options).await {
        Err(cause) => anyhow::Error::new(cause),
        Ok(_) => anyhow::Error::new(error),
    };
    cause.context("the database cannot be reached")
}
