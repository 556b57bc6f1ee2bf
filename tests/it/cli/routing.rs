//! `ticketing routing simulate` against a running service.

use std::io::Write as _;

use super::run;
use crate::{
    agents::employ,
    support::Desk,
    tickets::{record, titled},
};
use ticketing_proto::v1 as pb;

fn file(text: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    file.write_all(text.as_bytes()).expect("written");
    file
}

async fn simulate(desk: &Desk, arguments: &[&str]) -> (Option<i32>, String, String) {
    let address = ["--address", &desk.address, "--tenant", desk.tenant.as_str()];
    run(&[&["routing", "simulate"], arguments, &address].concat()).await
}

/// The words of the line that begins with this one.
fn row<'a>(out: &'a str, first: &str) -> Vec<&'a str> {
    let mut rows = out.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    rows.find(|row| row.first() == Some(&first)).unwrap_or_else(|| panic!("no row {first} in {out}"))
}

#[tokio::test]
async fn a_document_is_tried_and_told_in_tables() {
    let desk = Desk::open().await;
    employ(&desk, "anna", "desk-de", 2, &["german"]).await;
    for title in ["one", "two", "three"] {
        record(&desk, pb::Ticket { language_code: "en".into(), ..titled(title) }).await;
    }
    record(&desk, titled("vier")).await;
    let (_, sample, _) = run(&["config", "sample"]).await;
    let without_english =
        sample.replace("ticket.language_code.startsWith(\"en\")", "ticket.custom_fields.affected_users > 1");
    let rules = file(&without_english);
    let path = rules.path().to_str().expect("UTF-8");

    let (code, out, err) = simulate(&desk, &["-f", path, "--differences", "2"]).await;
    assert_eq!((code, err.as_str()), (Some(0), ""));
    assert!(
        out.starts_with("By the document, 3 of 4 tickets would have gone elsewhere (75.0 %).\n"),
        "{out}"
    );
    assert_eq!(row(&out, "desk-de"), ["desk-de", "1", "4", "↑", "+300", "%", "1", "4", "2", "over"]);
    assert_eq!(row(&out, "desk-en"), ["desk-en", "3", "0", "↓", "-100", "%", "3", "0", "-"]);
    assert_eq!(row(&out, "german"), ["german", "4", "0"]);
    assert_eq!(row(&out, "english"), ["english", "0", "4"]);
    assert!(out.contains("warning: english: "), "{out}");
    assert_eq!(row(&out, "#1"), ["#1", "desk-en", "desk-de", "german", "desk-en"]);
    assert!(out.ends_with("and 1 more\n"), "{out}");

    let (code, out, _) = simulate(&desk, &["--json", "--interval", "6h"]).await;
    let told: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!((code, &told["tickets"], &told["differing"]), (Some(0), &4.into(), &0.into()));
    assert_eq!((&told["configuration_revision"], &told["interval_seconds"]), (&1.into(), &21_600.into()));
    assert_eq!(told["teams"][1]["actual"], told["teams"][1]["simulated"]);
    assert_eq!(told["teams"][1]["actual"]["arrivals"], serde_json::json!([3]));

    let (code, out, _) = simulate(&desk, &["--until", "2020-01-01"]).await;
    assert_eq!((code, out.as_str()), (Some(0), "No ticket came in within the window.\n"));
    desk.finish().await;
}

#[tokio::test]
async fn what_is_wrong_is_told_before_anything_runs() {
    let desk = Desk::open().await;
    let (_, sample, _) = run(&["config", "sample"]).await;
    let faulty = file(&sample.replace("team: infrastructure, priority_floor", "team: gone, priority_floor"));
    let path = faulty.path().to_str().expect("UTF-8");
    let (code, out, err) = simulate(&desk, &["-f", path]).await;
    assert_eq!((code, out.as_str()), (Some(1), ""));
    assert_eq!(
        err,
        "error: the server refuses (CONFIGURATION_INVALID):\n  \
         configuration.routing_rules[key=\"outage\"].team: there is no \"gone\" in teams\n"
    );
    for (arguments, expected_code, expected) in [
        (["-f", "/nowhere.yaml"], 1, "/nowhere.yaml cannot be read"),
        (["--filter", "colour = red"], 1, "FILTER_INVALID"),
        (["--since", "yesterday"], 2, "must be a day or a time, such as 2026-01-31"),
        (["--interval", "soon"], 2, "must be a span, such as 1d, 6h or 30m"),
        (["--interval", "10s"], 1, "interval_duration: must be whole seconds, at least 60"),
    ] {
        let (code, out, err) = simulate(&desk, &arguments).await;
        assert_eq!((code, out.as_str()), (Some(expected_code), ""), "{arguments:?}");
        assert!(err.contains(expected), "{arguments:?}: {err}");
    }
    let (code, _, err) = simulate(&desk, &["--since", "2026-02-01", "--until", "2026-01-01"]).await;
    assert!(code == Some(1) && err.contains("end_time: must be after start_time"), "{err}");
    let (code, help, _) = run(&["routing", "simulate", "--help"]).await;
    assert!(code == Some(0) && help.contains("ticketing routing simulate -f rules.yaml"), "{help}");
    desk.finish().await;
}
