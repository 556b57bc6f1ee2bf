//! `ticketing config holidays`: a file in, a proposal out.

use std::io::Write as _;

use super::run;

fn file(text: &[u8]) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    file.write_all(text).expect("written");
    file
}

const FEED: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\n\
    BEGIN:VEVENT\r\nUID:1\r\nDTSTART;VALUE=DATE:19500101\r\nRRULE:FREQ=YEARLY\r\nSUMMARY:Neujahr\r\nEND:VEVENT\r\n\
    BEGIN:VEVENT\r\nUID:2\r\nDTSTART;VALUE=DATE:20261224\r\nDTEND;VALUE=DATE:20261227\r\nSUMMARY:Weih\r\n nachten\r\nEND:VEVENT\r\n\
    BEGIN:VEVENT\r\nUID:3\r\nDTSTART;VALUE=DATE:20260329\r\nSUMMARY:Beginn der Sommerzeit\r\nEND:VEVENT\r\n\
    BEGIN:VEVENT\r\nUID:4\r\nDTSTART:20260701T160000Z\r\nSUMMARY:Sommerfest\r\nEND:VEVENT\r\n\
    END:VCALENDAR\r\n";

#[tokio::test]
async fn a_feed_becomes_a_proposal_and_nothing_else() {
    let feed = file(FEED.as_bytes());
    let feed = feed.path().to_str().expect("UTF-8");
    let (code, out, err) = run(&["config", "holidays", feed, "--year", "2026", "--year", "2027"]).await;
    assert_eq!(code, Some(0), "{err}");
    assert_eq!(
        out,
        "# Proposed for a calendar. Look at each day.\n\
         exceptions:\n  \
         - {date: 2026-01-01, display_name: \"Neujahr\", closed: true}\n  \
         - {date: 2026-12-24, display_name: \"Weihnachten\", closed: true}\n  \
         - {date: 2026-12-25, display_name: \"Weihnachten\", closed: true}\n  \
         - {date: 2026-12-26, display_name: \"Weihnachten\", closed: true}\n  \
         - {date: 2027-01-01, display_name: \"Neujahr\", closed: true}\n"
    );
    assert_eq!(
        err,
        "left out, line 16: Beginn der Sommerzeit: is by its name a day on which the clock is changed, and no holiday\n\
         left out, line 21: Sommerfest: begins at a time of day; only whole days are proposed\n"
    );
    let (_, sample, _) = run(&["config", "sample"]).await;
    let sample = file(sample.as_bytes());
    let sample = sample.path().to_str().expect("UTF-8");
    let compared = ["config", "holidays", feed, "--year", "2026", "-f", sample, "--calendar", "office-hours"];
    let (code, out, _) = run(&compared).await;
    assert_eq!(code, Some(0));
    let there = out.lines().filter(|line| line.contains("There is one already")).count();
    assert!(out.starts_with("# Proposed for the calendar office-hours.") && there == 2, "{out}");
    let (code, _, err) = run(&compared[..7]).await;
    assert!(code == Some(1) && err.contains("say --calendar: around-the-clock, office-hours"), "{err}");
    let (code, out, err) = run(&["config", "holidays", feed, "--year", "1949"]).await;
    assert!(code == Some(2) && out.is_empty() && err.contains("1970"), "{err}");
}

#[tokio::test]
async fn a_broken_file_is_told_with_its_line() {
    for (text, told) in [
        (&b"<!DOCTYPE html>\n"[..], "line 1: is no property"),
        (b"BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:x\n", "line 2: begins VEVENT, which has no end"),
        (b"BEGIN:VCALENDAR\nSUMMARY:K\xf6nige\nEND:VCALENDAR\n", "line 2: is not UTF-8"),
    ] {
        let broken = file(text);
        let path = broken.path().to_str().expect("UTF-8");
        let (code, out, err) = run(&["config", "holidays", path]).await;
        assert!(code == Some(1) && out.is_empty() && err.contains(&format!("{path}, {told}")), "{err}");
    }
    let (code, _, err) = run(&["config", "holidays", "no/such.ics"]).await;
    assert!(code == Some(1) && err.contains("no/such.ics cannot be read"), "{err}");
    let (code, help, _) = run(&["config", "holidays", "--help"]).await;
    assert!(code == Some(0) && help.contains("look at each day") && help.contains("Exit code"), "{help}");
}
