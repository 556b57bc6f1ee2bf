//! An instant as the service keeps it: UTC, whole microseconds, which is what Postgres stores. Finer digits would make
//! the ticket that is answered differ from the ticket that is read back.

use std::{ops::Deref, str::FromStr};

use jiff::{Timestamp, Unit};
use jiff_sqlx::ToSqlx;
use serde::{Deserialize, Serialize};
use sqlx::{
    Postgres, Type,
    encode::IsNull,
    error::BoxDynError,
    postgres::{PgArgumentBuffer, PgHasArrayType, PgTypeInfo, PgValueRef},
};

/// An instant, UTC, whole microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Time(Timestamp);

impl Time {
    /// Cuts what Postgres would not keep.
    pub fn new(timestamp: Timestamp) -> Self {
        let round = jiff::TimestampRound::new().smallest(Unit::Microsecond).mode(jiff::RoundMode::Floor);
        Self(timestamp.round(round).unwrap_or(timestamp))
    }

    /// The instant `span` later, or the last one that can be told if that is out of range.
    #[must_use]
    pub fn after(self, span: std::time::Duration) -> Self {
        Self::new(self.0.checked_add(span).unwrap_or(Timestamp::MAX))
    }

    /// The instant `span` earlier, or the first one that can be told if that is out of range.
    #[must_use]
    pub fn before(self, span: std::time::Duration) -> Self {
        Self::new(self.0.checked_sub(span).unwrap_or(Timestamp::MIN))
    }
}

impl Deref for Time {
    type Target = Timestamp;
    fn deref(&self) -> &Timestamp {
        &self.0
    }
}

impl FromStr for Time {
    type Err = jiff::Error;
    fn from_str(text: &str) -> Result<Self, jiff::Error> {
        text.parse().map(Self::new)
    }
}

impl std::fmt::Display for Time {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl From<jiff_sqlx::Timestamp> for Time {
    fn from(timestamp: jiff_sqlx::Timestamp) -> Self {
        // Whole microseconds already: it comes out of Postgres. Rounding would be paid for every time of every row.
        Self(timestamp.to_jiff())
    }
}

impl Type<Postgres> for Time {
    fn type_info() -> PgTypeInfo {
        <jiff_sqlx::Timestamp as Type<Postgres>>::type_info()
    }
}

impl PgHasArrayType for Time {
    fn array_type_info() -> PgTypeInfo {
        <jiff_sqlx::Timestamp as PgHasArrayType>::array_type_info()
    }
}

impl sqlx::Encode<'_, Postgres> for Time {
    fn encode_by_ref(&self, buf: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        sqlx::Encode::<Postgres>::encode_by_ref(&self.0.to_sqlx(), buf)
    }
}

impl<'r> sqlx::Decode<'r, Postgres> for Time {
    fn decode(value: PgValueRef<'r>) -> Result<Self, BoxDynError> {
        <jiff_sqlx::Timestamp as sqlx::Decode<Postgres>>::decode(value).map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_what_postgres_keeps() {
        let time: Time = "2026-11-22T03:04:05.123456789Z".parse().expect("a time");
        assert_eq!(time.to_string(), "2026-11-22T03:04:05.123456Z");
        let before_the_epoch: Time = "1960-01-01T00:00:00.0000009Z".parse().expect("a time");
        assert_eq!(before_the_epoch.to_string(), "1960-01-01T00:00:00Z");
    }

    #[test]
    fn beyond_all_time_is_its_end_or_its_beginning() {
        let time: Time = "2026-11-22T00:00:00Z".parse().expect("a time");
        let span = std::time::Duration::from_secs(u64::MAX);
        assert_eq!(time.after(span), Time::new(Timestamp::MAX));
        assert_eq!(time.before(span), Time::new(Timestamp::MIN));
        let hour = std::time::Duration::from_hours(1);
        assert_eq!(time.after(hour).before(hour), time);
    }
}
