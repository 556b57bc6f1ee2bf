//! How far work is whose end nobody knows beforehand; shown only where somebody looks.

use std::io::{self, IsTerminal as _};

use indicatif::{ProgressBar, ProgressStyle};

/// Counts these.
pub fn counter(things: &str) -> ProgressBar {
    let bar = if io::stderr().is_terminal() { ProgressBar::no_length() } else { ProgressBar::hidden() };
    let style = ProgressStyle::with_template(&format!("{{spinner}} {{pos}} {things}, {{per_sec}}"));
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()))
}
