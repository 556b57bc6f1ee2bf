//! How the demo is told: in colour where colour is understood, in plain lines where nobody looks.

use std::net::SocketAddr;

use anstyle::{AnsiColor, Style};
use comfy_table::{CellAlignment, Table, presets};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{TENANT, cast::Cast, person::Person, stage::Stage};

const TITLE: Style = AnsiColor::Cyan.on_default().bold();
const WHO: Style = AnsiColor::Green.on_default();
const REFUSED: Style = AnsiColor::Yellow.on_default();
const QUIET: Style = Style::new().dimmed();

/// The curtain.
pub fn opened(stage: &Stage) {
    title("A day at the help desk");
    if let Some(wanted) = stage.taken {
        anstream::println!("{wanted} is taken; another port is used.");
    }
    anstream::println!("The server listens on {}; a private Postgres is behind it.", stage.address);
}

/// Tokens to try things with.
pub fn tokens(cast: &Cast) {
    title("Development tokens");
    for person in cast.some() {
        let Person { key, part, token, .. } = person;
        anstream::println!("{WHO}{key}{WHO:#} ({part})\n  {QUIET}{token}{QUIET:#}");
    }
}

pub fn title(text: &str) {
    anstream::println!("\n{TITLE}{text}{TITLE:#}");
}

/// Somebody does something.
pub fn says(who: &Person, what: &str) {
    let name = who.display_name;
    anstream::println!("  {WHO}{name}{WHO:#} {what}");
}

/// Something happens by itself.
pub fn happens(what: &str) {
    anstream::println!("  {QUIET}{what}{QUIET:#}");
}

/// Somebody is refused something.
pub fn refused(who: &Person, what: &str, reason: &str, text: &str) {
    says(who, what);
    anstream::println!("    {REFUSED}refused: {reason}{REFUSED:#}: {text}");
}

/// The bar of the tickets beside; none where nobody looks.
pub fn background(tickets: usize) -> ProgressBar {
    title("Meanwhile: the rest of the day");
    let bar = ProgressBar::with_draw_target(Some(tickets as u64), ProgressDrawTarget::stdout());
    let style = ProgressStyle::with_template("  {bar:40.cyan} {pos}/{len} tickets, {per_sec}");
    bar.with_style(style.expect("the template is right"))
}

pub fn background_over(bar: &ProgressBar) {
    bar.finish_and_clear();
    anstream::println!("  {} more tickets came in and went their way.", bar.position());
}

/// The day's figures.
pub fn figures(lines: &[(String, String)]) {
    title("The day's figures");
    let mut table = Table::new();
    table.load_style(presets::UTF8_BORDERS_ONLY);
    for (label, value) in lines {
        table.add_row([label, value]);
    }
    if let Some(column) = table.column_mut(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    anstream::println!("{table}");
}

/// What to try next.
pub fn left_listening(address: SocketAddr) {
    title(&format!("A server is left listening on {address}; Ctrl-C ends it. Try:"));
    let url = format!("http://{address}");
    anstream::println!(
        "  buf curl --protocol grpc --http2-prior-knowledge -d '{{\"parent\": \"tenants/{TENANT}\"}}' \
         {url}/ticketing.v1.TicketService/ListTickets"
    );
    anstream::println!("  ticketing report --address {url} --tenant {TENANT} --html report.html");
    anstream::println!("  ticketing config get --address {url} --tenant {TENANT}");
}
