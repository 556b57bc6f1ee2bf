//! Logs made up for the tests, with every oddity that real ones have.

use std::io::{Cursor, Write};

use proptest::prelude::*;

use super::*;
use crate::configuration::Document;

const HEADER: &str = "incident,at,status,sub_status,team,level,org_line,impact,product,owner";

/// A row of ours: columns that tests do not care about are filled in.
fn row(incident: &str, at: &str, status: &str, team: &str, level: &str, owner: &str) -> String {
    let (main, sub) = status.split_once('/').expect("status/sub_status");
    format!("{incident},2011-03-01T{at}+01:00,{main},{sub},{team},{level},Line A,Medium,PROD1,{owner}")
}

fn log(rows: &[String]) -> Log {
    vinst(&format!("{HEADER}\n{}\n", rows.join("\n")))
}

fn vinst(text: &str) -> Log {
    read(Format::Vinst, Cursor::new(text.as_bytes().to_vec()))
}

/// What became of an incident: state, team and assignee of each step.
fn told(history: &History) -> Vec<String> {
    history.steps.iter().map(|step| format!("{} {} {}", step.state, step.team, step.assignee)).collect()
}

fn lines_of(log: &Log) -> Vec<usize> {
    log.faults.iter().map(|fault| fault.line).collect()
}

#[test]
fn statuses_become_states() {
    let story = [
        ("08:00:00", "Queued/Awaiting Assignment", "desk", "L1", "Siebel", "NEW desk "),
        ("08:00:00", "Queued/Awaiting Assignment", "desk 2", "L1", "anna", "NEW desk 2 "),
        ("08:01:00", "Accepted/In Progress", "desk 2", "L1", "anna", "OPEN desk 2 anna"),
        ("08:02:00", "Accepted/Wait", "desk 2", "L1", "anna", "ON_HOLD desk 2 anna"),
        ("08:03:00", "Accepted/Wait - User", "desk 2", "L1", "anna", "WAITING_ON_CUSTOMER desk 2 anna"),
        ("08:04:00", "Accepted/Wait - Customer", "desk 2", "L1", "bert", "WAITING_ON_CUSTOMER desk 2 bert"),
        ("08:05:00", "Accepted/Wait - Vendor", "desk 2", "L1", "bert", "WAITING_ON_VENDOR desk 2 bert"),
        ("08:06:00", "Accepted/Wait - Implementation", "desk 2", "L1", "bert", "ON_HOLD desk 2 bert"),
        ("08:07:00", "Queued/Awaiting Assignment", "lab", "L2/L3", "bert", "OPEN lab "),
        ("08:08:00", "Accepted/Assigned", "lab", "L2/L3", "Siebel", "OPEN lab "),
        ("08:09:00", "Accepted/Assigned", "lab", "L2/L3", "cora", "OPEN lab cora"),
        ("08:10:00", "Completed/Resolved", "lab", "L2/L3", "cora", "RESOLVED lab cora"),
        ("08:11:00", "Unmatched/Unmatched", "lab", "L2/L3", "cora", "RESOLVED lab cora"),
        ("08:12:00", "Completed/Closed", "lab", "L2/L3", "anna", "CLOSED lab cora"),
        ("08:13:00", "Accepted/In Progress", "lab", "L2/L3", "cora", "OPEN lab cora"),
        ("08:14:00", "Completed/In Call", "lab", "L2/L3", "Siebel", "RESOLVED lab cora"),
        ("08:15:00", "Completed/Cancelled", "lab", "L2/L3", "cora", "CANCELLED lab "),
    ];
    let rows: Vec<String> = story
        .iter()
        .map(|(at, status, team, level, owner, _)| row("1-7", at, status, team, level, owner))
        .collect();
    let log = log(&rows);
    assert_eq!((log.faults.len(), log.histories.len()), (0, 1));
    let history = &log.histories[0];
    assert_eq!(told(history), story.map(|(.., expected)| expected));
    assert_eq!((history.line, history.steps[16].line), (2, 18));
    assert_eq!(history.steps[0].reason, "Queued/Awaiting Assignment");
    assert_eq!(history.steps[0].occur_time.to_string(), "2011-03-01T07:00:00Z");
    let codes: Vec<&str> = history.steps.iter().map(|step| step.resolution_code.as_str()).collect();
    assert_eq!((codes[11], codes[12], codes[15]), ("resolved", "", "first-contact"));
    let ticket = &history.ticket;
    assert_eq!((ticket.external_key.source.as_str(), ticket.external_key.id.as_str()), ("vinst", "1-7"));
    assert_eq!((ticket.title.as_str(), ticket.impact.as_str()), ("PROD1: incident 1-7", "MEDIUM"));
}

#[test]
fn a_move_to_another_level_takes_a_ticket_up() {
    let log = log(&[
        row("1", "08:00:00", "Queued/Awaiting Assignment", "desk", "L1", "anna"),
        row("1", "08:01:00", "Queued/Awaiting Assignment", "lab", "L2", "anna"),
        row("1", "08:02:00", "Queued/Awaiting Assignment", "desk", "L1", "anna"),
    ]);
    assert_eq!(told(&log.histories[0]), ["NEW desk ", "OPEN lab ", "OPEN desk "]);
}

#[test]
fn rows_stand_in_time_and_keep_their_order_at_one_instant() {
    let log = log(&[
        row("1", "08:05:00", "Completed/Resolved", "desk", "L1", "anna"),
        row("2", "08:00:00", "Accepted/In Progress", "desk", "L1", "bert"),
        row("1", "08:00:00", "Accepted/In Progress", "desk", "L1", "anna"),
        row("1", "08:05:00", "Completed/Closed", "desk", "L1", "anna"),
    ]);
    assert_eq!(told(&log.histories[0]), ["OPEN desk anna", "RESOLVED desk anna", "CLOSED desk anna"]);
    assert_eq!(log.histories[1].ticket.external_key.id, "2");
}

#[test]
fn columns_may_stand_anywhere_and_be_quoted() {
    let text = "\u{feff}owner,incident,status,sub_status,team,level,impact,product,at\r\n\
                anna,1,Accepted,In Progress,\"desk, north\",L1,High,,2011-03-01T08:00:00Z\r\n";
    let log = vinst(text);
    assert_eq!(log.faults, []);
    assert_eq!(told(&log.histories[0]), ["OPEN desk, north anna"]);
    assert_eq!(log.histories[0].ticket.title, "Incident 1");
    assert!(log.histories[0].ticket.annotations.is_empty(), "the log has no countries");
}

#[test]
fn the_country_of_the_first_team_is_noted() {
    let text = "incident,at,status,sub_status,team,level,impact,product,owner,team_country\n\
                1,2011-03-01T08:00:00Z,Accepted,In Progress,desk,L1,High,,anna,se\n\
                1,2011-03-01T09:00:00Z,Queued,Awaiting Assignment,back,L2,High,,anna,pl\n\
                2,2011-03-01T09:00:00Z,Queued,Awaiting Assignment,back,L2,High,,anna,\n";
    let log = vinst(text);
    let country = |place: usize| log.histories[place].ticket.annotations.get("country").map(String::as_str);
    assert_eq!((country(0), country(1)), (Some("se"), None));
}

#[test]
fn an_incident_with_a_bad_row_is_left_out_whole() {
    let good = |incident: &str| row(incident, "08:00:00", "Accepted/In Progress", "desk", "L1", "anna");
    let bad = |change: fn(String) -> String| change(good("bad"));
    for (what, broken) in [
        ("at:", bad(|row| row.replace("2011-03-01", "2011-02-30"))),
        ("status:", bad(|row| row.replace("In Progress", "Sleeping"))),
        ("impact:", bad(|row| row.replace("Medium", "Huge"))),
        ("team:", bad(|row| row.replace(",desk,", ",,"))),
        ("level:", bad(|row| row.replace(",L1,", ",,"))),
        ("owner:", bad(|row| row.replace("anna", "an/na"))),
    ] {
        let log = log(&[good("a"), good("bad"), good("b"), broken, good("c")]);
        assert_eq!(lines_of(&log), [5], "{what}");
        assert!(log.faults[0].text.starts_with(what), "{:?}", log.faults);
        assert_eq!(log.skipped, ["bad"], "{what}");
        assert_eq!(log.histories.len(), 3, "{what}");
    }
}

#[test]
fn a_row_without_a_name_makes_its_neighbours_doubtful() {
    let good = |incident: &str| row(incident, "08:00:00", "Accepted/In Progress", "desk", "L1", "anna");
    for broken in
        [",,,,,,,,,", "x,y", ",2011-03-01T08:00:00Z,Accepted,Assigned,desk,L1,Line A,Low,P,anna", "\"open"]
    {
        let log = log(&[good("a"), good("b"), broken.to_owned(), good("c"), good("d")]);
        assert_eq!(lines_of(&log), [4], "{broken}");
        assert_eq!(log.skipped, ["b", "c"], "{broken}");
        assert_eq!(log.histories.len(), 2, "{broken}");
    }
    assert_eq!(log(&[good("a"), String::new(), good("b")]).faults, [], "nothing stands on an empty line");
    let mut text = format!("{HEADER}\n{}\n", good("a")).into_bytes();
    text.extend(b"\xff\xfe\n");
    let log = read(Format::Vinst, Cursor::new(text));
    assert_eq!((lines_of(&log), log.skipped.len()), (vec![3], 1));
}

#[test]
fn a_file_that_is_none_has_one_fault_and_no_histories() {
    for (text, line, says) in [
        ("", 1, "empty"),
        ("incident,at,status\n1,2,3\n", 1, "sub_status, team, level, impact, product, owner are missing"),
        ("\u{7f}ELF\n", 1, "are missing"),
    ] {
        let log = vinst(text);
        assert_eq!(lines_of(&log), [line], "{text:?}");
        assert!(log.faults[0].text.contains(says), "{:?}", log.faults);
        assert!(log.histories.is_empty());
    }
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(text.as_bytes()).expect("memory takes it");
    encoder.finish().expect("memory takes it")
}

#[test]
fn gzip_is_unpacked_and_a_truncated_one_imports_nothing() {
    let rows: Vec<String> = (0..500)
        .map(|n| row(&n.to_string(), "08:00:00", "Accepted/In Progress", &format!("team {n}"), "L1", "anna"))
        .collect();
    let packed = gzip(&format!("{HEADER}\n{}\n", rows.join("\n")));
    let whole = read(Format::Vinst, Cursor::new(packed.clone()));
    assert_eq!((whole.histories.len(), whole.faults.len()), (500, 0));
    // Two members are one file.
    let two = [gzip(&format!("{HEADER}\n{}\n", rows[0])), gzip(&rows[1])].concat();
    assert_eq!(read(Format::Vinst, Cursor::new(two)).histories.len(), 2);
    for cut in [3, 200, packed.len() / 2, packed.len() - 1] {
        let log = read(Format::Vinst, Cursor::new(packed[..cut].to_vec()));
        assert_eq!((log.histories.len(), log.faults.len()), (0, 1), "{cut}");
        assert!(log.faults[0].text.contains("breaks off"), "{:?}", log.faults);
    }
}

#[test]
fn jsonl_has_a_ticket_a_line() {
    let good = r#"{"ticket": {"external_key": {"source": "old", "id": "7"}, "title": "No dial tone", "tags": ["vip"]},
        "steps": [{"occur_time": "2020-01-01T00:00:00Z", "state": "TICKET_STATE_OPEN", "level": "L1", "team": "desk"}]}"#
        .replace('\n', " ");
    let unknown = good.replace("\"7\"", "\"8\"").replace("title", "titel");
    let nameless = good.replace("\"7\"", "\"\"");
    let asleep = good.replace("\"7\"", "\"9\"").replace("OPEN", "ASLEEP");
    let text = [good.as_str(), "", &unknown, &nameless, "[1,", &good, &asleep].join("\n");
    let log = read(Format::Jsonl, Cursor::new(text.into_bytes()));
    assert_eq!(lines_of(&log), [3, 4, 5, 6, 7]);
    assert!(
        log.faults[4].text.starts_with("steps[0].state: \"ASLEEP\" is none of NEW, OPEN"),
        "{:?}",
        log.faults
    );
    assert!(log.faults[0].text.contains("titel"), "{:?}", log.faults);
    assert!(log.faults[3].text.contains("line 1"), "{:?}", log.faults);
    assert_eq!((log.histories.len(), log.skipped.as_slice()), (1, ["7".to_owned()].as_slice()));
    assert_eq!((log.histories[0].line, told(&log.histories[0])), (1, vec!["OPEN desk ".to_owned()]));
}

#[test]
fn the_document_s_example_reads() {
    let document = include_str!("../../docs/import.md");
    let example =
        document.split("```json").nth(1).and_then(|rest| rest.split("```").next()).expect("an example");
    let log = read(Format::Jsonl, Cursor::new(example.replace('\n', " ").into_bytes()));
    assert_eq!(log.faults, []);
    assert_eq!(told(&log.histories[0]), ["NEW desk ", "OPEN desk anna", "RESOLVED desk anna"]);
}

#[test]
fn what_is_not_known_is_taken_over_and_what_is_known_stays() {
    let log = log(&[
        row("1", "08:00:00", "Accepted/In Progress", "far", "L3", "anna"),
        row("1", "08:01:00", "Queued/Awaiting Assignment", "mid", "L2/L3", "anna"),
        row("1", "08:02:00", "Queued/Awaiting Assignment", "desk", "L1", "anna"),
        row("1", "08:03:00", "Queued/Awaiting Assignment", "lab", "L2", "anna"),
        row("1", "08:04:00", "Queued/Awaiting Assignment", "lab", "L3", "anna"),
        row("1", "08:05:00", "Completed/In Call", "lab", "L3", "anna"),
    ]);
    let mut document = Document::default();
    let added = take_over(&mut document, &log);
    assert_eq!(added.levels, ["L3", "L2/L3", "L1", "L2"]);
    assert_eq!(
        document.levels.iter().map(|l| l.key.as_str()).collect::<Vec<_>>(),
        ["L1", "L2", "L2/L3", "L3"]
    );
    assert_eq!(added.teams, ["far", "mid", "desk", "lab"]);
    assert_eq!(document.teams[3].level, "L2", "the first level at which it is shown");
    assert!(document.resolution_codes[0].first_contact);
    assert_eq!((document.default_queue.as_str(), document.default_priority.as_str()), ("far", "P3"));
    let before = document.clone();
    assert!(take_over(&mut document, &log).is_empty());
    assert_eq!(document, before);

    let mut known: Document =
        serde_saphyr::from_str(include_str!("../../demo/configuration.yaml")).expect("the sample reads");
    let before = known.clone();
    let added = take_over(&mut known, &log);
    assert_eq!((added.levels.as_slice(), added.teams.len()), (["L2/L3".to_owned()].as_slice(), 4));
    assert_eq!(known.teams[..before.teams.len()], before.teams);
    assert_eq!((known.default_queue, known.priorities), (before.default_queue, before.priorities));
}

proptest! {
    #[test]
    fn whatever_the_file_holds_it_is_read_or_named(
        bytes: Vec<u8>,
        rows in proptest::collection::vec("[a-z0-9,\"/ -]{0,60}", 0..20),
    ) {
        for format in [Format::Vinst, Format::Jsonl] {
            for text in [bytes.clone(), format!("{HEADER}\n{}", rows.join("\n")).into_bytes()] {
                let log = read(format, Cursor::new(text));
                prop_assert!(log.faults.is_sorted_by_key(|fault| fault.line));
                prop_assert!(log.histories.iter().all(|history| !log.skipped.contains(&history.ticket.external_key.id)));
            }
        }
    }
}
