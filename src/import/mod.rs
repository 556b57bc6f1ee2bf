//! Histories of other systems, read from files: what they say, and which lines are wrong. Pure: what is read here goes
//! to ImportTickets by the command line. `docs/import.md` describes the formats.

mod jsonl;
mod takeover;
mod vinst;

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    io::{self, BufRead, BufReader, Read},
};

use flate2::bufread::MultiGzDecoder;
use serde::Deserialize;

pub use takeover::{Takeover, take_over};

use crate::time::Time;

/// What a file is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// The incident log of Volvo IT's VINST: CSV, one row a change.
    Vinst,
    /// One ticket with its history a line, as JSON.
    Jsonl,
}

/// What a file says.
#[derive(Debug, Default)]
pub struct Log {
    /// In the order in which they begin.
    pub histories: Vec<History>,
    /// In the order of their lines.
    pub faults: Vec<Fault>,
    /// Tickets that are left out, because a line of theirs is wrong or may be missing.
    pub skipped: Vec<String>,
}

/// A line that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// From 1.
    pub line: usize,
    pub text: String,
}

/// A ticket of another system, with its history.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct History {
    /// Where it begins in the file.
    #[serde(skip)]
    pub line: usize,
    pub ticket: Intake,
    pub steps: Vec<Step>,
}

/// What was recorded at intake. Keys are plain; empty: the service's default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Intake {
    pub external_key: ExternalKey,
    pub kind: String,
    pub channel: String,
    pub title: String,
    pub description: String,
    pub requester: String,
    pub organization: String,
    pub category: String,
    pub product: String,
    pub language_code: String,
    pub impact: String,
    pub urgency: String,
    pub priority: String,
    pub tags: Vec<String>,
    pub annotations: BTreeMap<String, String>,
}

/// The ticket's identity in the other system.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExternalKey {
    pub source: String,
    pub id: String,
}

/// How the ticket stood after one thing that happened to it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Where it stands in the file.
    #[serde(skip)]
    pub line: usize,
    pub occur_time: Time,
    pub state: String,
    pub level: String,
    pub team: String,
    #[serde(default)]
    pub assignee: String,
    #[serde(default)]
    pub impact: String,
    #[serde(default)]
    pub resolution_code: String,
    #[serde(default)]
    pub reason: String,
    #[serde(default)]
    pub note: String,
}

/// Reads a file, gzipped or not. A file that breaks off, or is no such file at all, has one fault and no histories: nobody
/// can say which of its tickets are whole.
pub fn read(format: Format, file: impl Read + 'static) -> Log {
    let read = match format {
        Format::Vinst => vinst::read,
        Format::Jsonl => jsonl::read,
    };
    let lines = open(file).map_err(|error| broken(1, &error)).and_then(lines);
    lines.and_then(|lines| read(&lines)).unwrap_or_else(|fault| Log { faults: vec![fault], ..Log::default() })
}

/// Unpacks what is packed; gzip says so in its first two bytes.
fn open(file: impl Read + 'static) -> io::Result<Box<dyn BufRead>> {
    let mut file = BufReader::new(file);
    let packed = file.fill_buf()?.starts_with(&[0x1f, 0x8b]);
    Ok(if packed { Box::new(BufReader::new(MultiGzDecoder::new(file))) } else { Box::new(file) })
}

/// The lines, with their numbers. One that is no UTF-8 is an error of its own.
type Lines = Vec<(usize, Result<String, Fault>)>;

fn lines(mut file: Box<dyn BufRead>) -> Result<Lines, Fault> {
    let mut lines = Vec::new();
    loop {
        let number = lines.len() + 1;
        let mut line = Vec::new();
        if file.read_until(b'\n', &mut line).map_err(|error| broken(number, &error))? == 0 {
            return Ok(lines);
        }
        while line.pop_if(|last| matches!(last, b'\n' | b'\r')).is_some() {}
        let text = String::from_utf8(line);
        lines.push((number, text.map_err(|_| Fault { line: number, text: "is no UTF-8".into() })));
    }
}

fn broken(line: usize, error: &io::Error) -> Fault {
    Fault { line, text: format!("the file breaks off here, so nothing of it can be imported: {error}") }
}

/// Sorts histories out that are told twice, or of which a line is wrong; each is left out as a whole.
fn settle(histories: Vec<History>, mut faults: Vec<Fault>, doubtful: &HashSet<String>) -> Log {
    let mut known: HashMap<ExternalKey, usize> = HashMap::new();
    let mut log = Log::default();
    for history in histories {
        let id = &history.ticket.external_key.id;
        if doubtful.contains(id) {
            log.skipped.push(id.clone());
        } else if let Some(line) = known.get(&history.ticket.external_key) {
            let text = format!("{id:?} is on line {line} already");
            faults.push(Fault { line: history.line, text });
            log.skipped.push(id.clone());
        } else {
            known.insert(history.ticket.external_key.clone(), history.line);
            log.histories.push(history);
        }
    }
    faults.sort_by_key(|fault| fault.line);
    Log { faults, ..log }
}

#[cfg(test)]
mod tests;
