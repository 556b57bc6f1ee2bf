//! What the simulations of the command line have in common: which tickets they look back at, by which document, and how far
//! they are.

use std::{
    io::{self, IsTerminal as _},
    path::PathBuf,
};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use jiff::{civil::Date, tz::TimeZone};
use ticketing_proto::v1 as pb;

use super::configuration::read_document;
use crate::{configuration::wire, time::Time};

#[derive(Debug, Args)]
pub struct LookBack {
    /// The document to try, YAML or JSON; - reads it from standard input; without it, the one in force
    #[arg(short, long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Only tickets that came in at this time or later: 2026-01-31, or 2026-01-31T08:00:00Z; a day begins in UTC
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub since: Option<Time>,
    /// Only tickets that came in before this time
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub until: Option<Time>,
    /// Only tickets that are like this now, for instance 'product = "PROD424"'; docs/filter.md has the language
    #[arg(long, default_value = "", hide_default_value = true)]
    pub filter: String,
}

impl LookBack {
    /// The document to try.
    pub fn configuration(&self) -> anyhow::Result<Option<pb::Configuration>> {
        let document = self.file.as_deref().map(read_document).transpose()?;
        Ok(document.as_ref().map(wire::message))
    }
}

/// How far it is; only where somebody looks.
pub struct Bar(ProgressBar);

impl Bar {
    pub fn begin() -> Self {
        let bar = if io::stderr().is_terminal() { ProgressBar::new(0) } else { ProgressBar::hidden() };
        bar.set_style(
            ProgressStyle::with_template("{wide_bar} {pos}/{len} tickets, {per_sec}, {eta} left")
                .expect("the template is right"),
        );
        Self(bar)
    }

    pub fn at(&self, progress: &pb::SimulationProgress) {
        self.0.set_length(progress.total_count as u64);
        self.0.set_position(progress.done_count as u64);
    }

    pub fn end(&self) {
        self.0.finish_and_clear();
    }
}

/// An instant, or the day that begins with it.
fn time(text: &str) -> Result<Time, String> {
    let day = text.parse::<Date>().ok().filter(|_| !text.contains('T'));
    let begins = day.and_then(|day| day.to_zoned(TimeZone::UTC).ok()).map(|day| Time::new(day.timestamp()));
    begins
        .or_else(|| text.parse().ok())
        .ok_or_else(|| "must be a day or a time, such as 2026-01-31 or 2026-01-31T08:00:00Z".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_in_utc_and_a_time_is_itself() {
        let cases = [
            ("2026-01-31", Some("2026-01-31T00:00:00Z")),
            ("2026-01-31T08:00:00+02:00", Some("2026-01-31T06:00:00Z")),
            ("2026-01-31T08:00:00", None),
            ("2026-02-31", None),
            ("yesterday", None),
            ("", None),
        ];
        for (text, expected) in cases {
            let expected: Option<Time> = expected.map(|time| time.parse().expect("a time"));
            assert_eq!(time(text).ok(), expected, "{text:?}");
        }
    }
}
