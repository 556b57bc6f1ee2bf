//! The incident log of Volvo IT's VINST: CSV, one row for each change of an incident.
//! `docs/import.md` says what its statuses become.

use std::collections::{HashMap, HashSet};

use super::{ExternalKey, Fault, History, Intake, Lines, Log, Step, settle};
use crate::{ids::is_key, time::Time};

/// The source in the external key.
const SOURCE: &str = "vinst";
/// The owner of what nobody has.
const NOBODY: &str = "Siebel";
/// How Completed/In Call and Completed/Resolved were solved.
pub const FIRST_CONTACT: &str = "first-contact";
pub const RESOLVED: &str = "resolved";

/// The columns that are read, wherever they stand; others may be there.
const COLUMNS: [&str; 9] =
    ["incident", "at", "status", "sub_status", "team", "level", "impact", "product", "owner"];

/// The column of the country where the team sits, and the annotation that keeps the first; the column may be missing.
const COUNTRY: (&str, &str) = ("team_country", "country");

/// A row that reads.
struct Row {
    line: usize,
    incident: String,
    at: Time,
    status: Status,
    reason: String,
    team: String,
    level: String,
    impact: String,
    product: String,
    owner: Option<String>,
    country: String,
}

/// What a status says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    Queued,
    Working(&'static str),
    Solved(&'static str),
    Closed,
    Cancelled,
    Unmatched,
}

fn status(status: &str, sub_status: &str) -> Option<Status> {
    Some(match (status, sub_status) {
        ("Queued", "Awaiting Assignment") => Status::Queued,
        ("Accepted", "In Progress" | "Assigned") => Status::Working("OPEN"),
        // For something, not for somebody outside.
        ("Accepted", "Wait" | "Wait - Implementation") => Status::Working("ON_HOLD"),
        // VINST stops the customer-facing clocks here, too.
        ("Accepted", "Wait - User" | "Wait - Customer") => Status::Working("WAITING_ON_CUSTOMER"),
        ("Accepted", "Wait - Vendor") => Status::Working("WAITING_ON_VENDOR"),
        ("Completed", "Resolved") => Status::Solved(RESOLVED),
        ("Completed", "In Call") => Status::Solved(FIRST_CONTACT),
        ("Completed", "Closed") => Status::Closed,
        ("Completed", "Cancelled") => Status::Cancelled,
        ("Unmatched", _) => Status::Unmatched,
        _ => return None,
    })
}

pub fn read(lines: &Lines) -> Result<Log, Fault> {
    let columns = header(lines)?;
    let (mut rows, mut faults, mut doubtful) = (Vec::<Row>::new(), Vec::new(), HashSet::new());
    // A row without a name belongs to the incident before it or to the one behind: neither can be told whole.
    let mut nameless = false;
    for (line, text) in lines[1..].iter().filter(|(_, text)| text.as_deref() != Ok("")) {
        let read = text.as_deref().map_err(|fault| (None, fault.text.clone()));
        match read.and_then(|text| columns.row(*line, text)) {
            Ok(row) => {
                if std::mem::take(&mut nameless) {
                    doubtful.insert(row.incident.clone());
                }
                rows.push(row);
            }
            Err((Some(incident), text)) => {
                doubtful.insert(incident);
                faults.push(Fault { line: *line, text });
            }
            Err((None, text)) => {
                nameless = true;
                doubtful.extend(rows.last().map(|row| row.incident.clone()));
                faults.push(Fault { line: *line, text });
            }
        }
    }
    Ok(settle(histories(rows), faults, &doubtful))
}

/// Where each column stands.
struct Columns {
    places: [usize; 9],
    country: Option<usize>,
    count: usize,
}

fn header(lines: &Lines) -> Result<Columns, Fault> {
    let wrong = |text| Fault { line: 1, text };
    let (_, first) = lines.first().ok_or_else(|| wrong("the file is empty".into()))?;
    let names = fields(first.as_deref().map_err(Clone::clone)?).map_err(wrong)?;
    let place = |column: &str| names.iter().position(|name| name.trim_start_matches('\u{feff}') == column);
    let missing: Vec<&str> = COLUMNS.into_iter().filter(|column| place(column).is_none()).collect();
    if !missing.is_empty() {
        return Err(wrong(format!("the columns {} are missing", missing.join(", "))));
    }
    Ok(Columns {
        places: COLUMNS.map(|column| place(column).expect("none is missing")),
        country: place(COUNTRY.0),
        count: names.len(),
    })
}

/// One line is one row: a quote that is never closed cannot swallow the rows behind it.
fn fields(line: &str) -> Result<Vec<String>, String> {
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).buffer_capacity(512).from_reader(line.as_bytes());
    let mut record = csv::StringRecord::new();
    reader.read_record(&mut record).map_err(|error| error.to_string())?;
    Ok(record.iter().map(|field| field.trim().to_owned()).collect())
}

impl Columns {
    /// The row, or what is wrong with it and, if that can be told, whose it is.
    fn row(&self, line: usize, text: &str) -> Result<Row, (Option<String>, String)> {
        let fields = fields(text).map_err(|text| (None, text))?;
        if fields.len() != self.count {
            return Err((None, format!("has {} columns, not {}", fields.len(), self.count)));
        }
        let [incident, at, main, sub, team, level, impact, product, owner] =
            self.places.map(|place| fields[place].as_str());
        if incident.is_empty() {
            return Err((None, "names no incident".into()));
        }
        let wrong = |text: String| (Some(incident.to_owned()), text);
        for (column, text, most) in
            [("incident", incident, 255), ("team", team, 64), ("level", level, 64), ("product", product, 128)]
        {
            let count = text.chars().count();
            if count > most || (count == 0 && column != "product") || text.chars().any(char::is_control) {
                return Err(wrong(format!("{column}: must be 1 to {most} characters, none of them control")));
            }
        }
        let country = self.country.map_or("", |place| fields[place].as_str());
        if country.chars().count() > 64 || country.chars().any(char::is_control) {
            return Err(wrong(format!("{}: must be at most 64 characters, none of them control", COUNTRY.0)));
        }
        let impact = impact.to_uppercase();
        if !["LOW", "MEDIUM", "HIGH", "MAJOR"].contains(&impact.as_str()) {
            return Err(wrong(format!("impact: {impact:?} is none of Low, Medium, High, Major")));
        }
        let owner = Some(owner).filter(|owner| !owner.is_empty() && *owner != NOBODY);
        if owner.is_some_and(|owner| !is_key(owner)) {
            return Err(wrong(
                "owner: must be at most 128 characters, without / and control characters".into(),
            ));
        }
        Ok(Row {
            line,
            incident: incident.to_owned(),
            at: at.parse().map_err(|_| wrong(format!("at: {at:?} is no RFC 3339 time")))?,
            status: status(main, sub).ok_or_else(|| wrong(format!("status: {main:?}/{sub:?} is unknown")))?,
            reason: format!("{main}/{sub}"),
            team: team.to_owned(),
            level: level.to_owned(),
            impact,
            product: product.to_owned(),
            owner: owner.map(str::to_owned),
            country: country.to_owned(),
        })
    }
}

/// The rows by incident, in the order of time; rows of one instant keep the file's order.
fn histories(rows: Vec<Row>) -> Vec<History> {
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut incidents: Vec<Vec<Row>> = Vec::new();
    for row in rows {
        let place = *places.entry(row.incident.clone()).or_insert(incidents.len());
        if place == incidents.len() {
            incidents.push(Vec::new());
        }
        incidents[place].push(row);
    }
    incidents
        .into_iter()
        .map(|mut rows| {
            rows.sort_by_key(|row| row.at);
            history(&rows)
        })
        .collect()
}

fn history(rows: &[Row]) -> History {
    let first = &rows[0];
    let mut steps: Vec<Step> = Vec::with_capacity(rows.len());
    for row in rows {
        let taken_up = steps.iter().any(|step| step.state != "NEW") || row.level != first.level;
        let waiting = if taken_up { "OPEN" } else { "NEW" };
        let before = steps.last();
        let kept = before.map(|step| step.assignee.clone()).unwrap_or_default();
        let owner = row.owner.clone();
        let (state, assignee, code) = match row.status {
            Status::Queued => (waiting, String::new(), ""),
            Status::Working(state) => (state, owner.unwrap_or_default(), ""),
            Status::Solved(code) => ("RESOLVED", owner.unwrap_or(kept), code),
            // Whoever closes it takes over no work.
            Status::Closed => ("CLOSED", kept, ""),
            Status::Cancelled => ("CANCELLED", String::new(), ""),
            // The log has lost the status; of the row, only team and level are known.
            Status::Unmatched => (before.map_or("NEW", |step| step.state.as_str()), kept, ""),
        };
        steps.push(Step {
            line: row.line,
            occur_time: row.at,
            state: state.to_owned(),
            level: row.level.clone(),
            team: row.team.clone(),
            assignee,
            impact: row.impact.clone(),
            resolution_code: code.to_owned(),
            reason: row.reason.clone(),
            note: String::new(),
        });
    }
    let incident = &first.incident;
    let ticket = Intake {
        external_key: ExternalKey { source: SOURCE.to_owned(), id: incident.clone() },
        kind: "INCIDENT".to_owned(),
        title: match first.product.as_str() {
            "" => format!("Incident {incident}"),
            product => format!("{product}: incident {incident}"),
        },
        product: first.product.clone(),
        impact: first.impact.clone(),
        annotations: Some(first.country.clone())
            .filter(|country| !country.is_empty())
            .map(|country| (COUNTRY.1.to_owned(), country))
            .into_iter()
            .collect(),
        ..Intake::default()
    };
    History { line: first.line, ticket, steps }
}
