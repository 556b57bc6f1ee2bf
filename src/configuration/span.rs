//! Spans in the document: `7d`, `1h 30m`, `90s`, or ISO 8601. A day is 24 hours: they are physical time.

use std::time::Duration;

use jiff::{SignedDuration, Span, SpanRelativeTo};
use serde::{Deserialize, Deserializer, Serializer, de::Error};

pub fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&format!("{}s", duration.as_secs()))
}

pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse(&text)
        .map_err(|error| D::Error::custom(format!("{text:?} is no span such as 7d or 1h 30m: {error}")))
}

fn parse(text: &str) -> Result<Duration, jiff::Error> {
    let span: Span = text.parse()?;
    let duration: SignedDuration = span.to_duration(SpanRelativeTo::days_are_24_hours())?;
    Duration::try_from(duration)
}

pub mod option {
    use super::{Deserialize, Deserializer, Duration, Error, Serializer, parse};

    #[allow(clippy::ref_option)] // serde passes the field as it is
    pub fn serialize<S: Serializer>(duration: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
        match duration {
            Some(duration) => super::serialize(duration, serializer),
            None => serializer.serialize_none(),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
        Option::<String>::deserialize(deserializer)?
            .map(|text| parse(&text).map_err(|error| D::Error::custom(format!("{text:?}: {error}"))))
            .transpose()
    }
}
