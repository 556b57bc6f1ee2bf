//! Whether the database's schema and this program go together. A program works on its own schema and on later ones, until a
//! migration says that it no longer can: then the schema has a floor above it.

use sqlx::{Connection as _, PgConnection};

use super::{Db, MIGRATIONS};
use crate::error::Result;

const NEWEST: &str = "select coalesce(max(version), 0) from _sqlx_migrations where success";
const FLOOR: &str = "select coalesce(max(version), 0) from schema_floor";

/// How a schema is to a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// They go together.
    Good,
    /// It lacks migrations; the newest that it has is this one, 0 if it has none.
    Behind(i64),
    /// It is for programs that know at least this migration.
    Beyond(i64),
}

impl Fit {
    fn of(at: i64, floor: i64, program: i64) -> Self {
        match () {
            () if at < program => Self::Behind(at),
            () if floor > program => Self::Beyond(floor),
            () => Self::Good,
        }
    }

    /// What to do about it.
    pub fn advice(self) -> String {
        let newest = Db::newest_schema_version();
        match self {
            Self::Good => "the database's schema fits this program".to_owned(),
            Self::Behind(at) => format!(
                "the database's schema is older than this program (version {at} of {newest}): run `ticketing migrate`"
            ),
            Self::Beyond(floor) => format!(
                "the database's schema has left this program behind (it knows {newest}, needed is {floor}): run a newer one"
            ),
        }
    }
}

impl Db {
    /// The version that a database needs for this program.
    pub fn newest_schema_version() -> i64 {
        MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or(0)
    }

    /// The newest migration of the schema that is worked on.
    pub async fn schema_in_use(&self) -> Result<i64> {
        Ok(sqlx::query_scalar(NEWEST).fetch_one(&self.pool).await?)
    }

    /// Whether the schema that is worked on still goes with this program.
    pub async fn fit_in_use(&self) -> Result<Fit> {
        let floor = sqlx::query_scalar(FLOOR).fetch_one(&self.pool).await?;
        Ok(Fit::of(self.schema_in_use().await?, floor, Self::newest_schema_version()))
    }

    /// The newest migration that the database has seen; 0: none. Takes a connection of its own: there may be no schema.
    pub async fn schema_version(&self) -> Result<i64> {
        let mut login = self.login().await?;
        let version = scalar(&mut login, "_sqlx_migrations", NEWEST).await?;
        login.close().await?;
        Ok(version)
    }

    /// Whether the schema goes with this program. Takes a connection of its own.
    pub async fn fit(&self) -> Result<Fit> {
        let mut login = self.login().await?;
        let at = scalar(&mut login, "_sqlx_migrations", NEWEST).await?;
        let floor = scalar(&mut login, "schema_floor", FLOOR).await?;
        login.close().await?;
        Ok(Fit::of(at, floor, Self::newest_schema_version()))
    }
}

/// What the query says, if there is the table; else 0.
async fn scalar(login: &mut PgConnection, table: &str, sql: &'static str) -> Result<i64> {
    let seen =
        sqlx::query_scalar("select to_regclass($1) is not null").bind(table).fetch_one(&mut *login).await?;
    Ok(if seen { sqlx::query_scalar(sql).fetch_one(login).await? } else { 0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_may_be_newer_than_the_program_until_it_says_otherwise() {
        for (at, floor, fit) in [
            (0, 0, Fit::Behind(0)),
            (23, 0, Fit::Behind(23)),
            (24, 0, Fit::Good),
            (24, 24, Fit::Good),
            (30, 24, Fit::Good),
            (30, 25, Fit::Beyond(25)),
            (23, 30, Fit::Behind(23)),
        ] {
            assert_eq!(Fit::of(at, floor, 24), fit, "{at} {floor}");
        }
    }
}
