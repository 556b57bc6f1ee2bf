//! The demo as strangers start it, where nobody looks: the day is played, told in plain lines, and put away.

use std::process::Command;

#[test]
fn a_day_is_played_and_ends_with_its_figures() {
    let output = Command::new(env!("CARGO_BIN_EXE_ticketing"))
        .args(["demo", "--once", "--listen", "127.0.0.1:0"])
        .output()
        .expect("the program runs");
    let told = String::from_utf8(output.stdout).expect("it tells in UTF-8");
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}\n{told}\n{complaints}", output.status);
    assert!(!told.contains('\u{1b}') && complaints.is_empty(), "quiet and plain: {complaints}\n{told}");
    for part in [
        "refused: KNOWLEDGE_DUTY_OPEN",
        "refused: LEVEL_WITHOUT_CUSTOMER_CONTACT",
        "refused: INTAKE_INCOMPLETE",
        "refused: ESCALATION_SKIPS_LEVEL",
        "136 more tickets",
    ] {
        assert!(told.contains(part), "{part} in:\n{told}");
    }
    let figure = |label: &str| {
        let line = told.lines().find_map(|line| line.trim_matches(['│', ' ']).strip_prefix(label));
        line.unwrap_or_else(|| panic!("{label} in:\n{told}")).trim().to_owned()
    };
    let figures = [
        ("Tickets", "142"),
        ("Resolved", "130 of 142 (92 %)"),
        ("First-contact rate", "37 of 130 (28 %)"),
        ("Push to front", "85 of 130 (65 %)"),
        ("VENDOR_DEFECT", "1"),
        ("Declined", "1"),
        ("Hand-backs", "15"),
        ("Reopened", "1"),
        ("Work entered", "160 min"),
        ("Waited on the customer", "33 of 142 (23 %)"),
    ];
    for (label, expected) in figures {
        assert_eq!(figure(label), expected, "{label}");
    }
    // What it comes to depends on the hour; 70 minutes less five free are five units at least.
    let units: u64 = figure("Charged").split(' ').next().and_then(|it| it.parse().ok()).expect("a number");
    assert!((5..=8).contains(&units), "{units} units");
    let seen: u64 = figure("Events seen by the watcher").parse().expect("a number");
    assert!(seen > 4 * 142, "{seen} events");
}
