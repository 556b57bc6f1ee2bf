//! Statements that were made out by hand, with a calendar on the table, and then compared.

use super::*;
use crate::{
    configuration::Document,
    sla::{
        ClockState,
        story::{Story, document},
    },
    tickets::State,
};

const CALENDARS: &str = r#"
- key: se
  time_zone: Europe/Stockholm
  hours: [{days: [MONDAY, TUESDAY, WEDNESDAY, THURSDAY, FRIDAY], open: "08:00", close: "17:00"}]
  exceptions: [{date: 2012-06-22, display_name: Midsommarafton, closed: true}]
- key: pl
  time_zone: Europe/Warsaw
  hours: [{days: [MONDAY, TUESDAY, WEDNESDAY, THURSDAY, FRIDAY], open: "09:00", close: "17:00"}]
  exceptions:
    - {date: 2012-05-01, display_name: Święto Pracy, closed: true}
    - {date: 2012-05-03, display_name: Święto Konstytucji, closed: true}
- key: in
  time_zone: Asia/Kolkata
  hours: [{days: [MONDAY, TUESDAY, WEDNESDAY, THURSDAY, FRIDAY, SATURDAY], open: "09:30", close: "18:30"}]
- key: br
  time_zone: America/Sao_Paulo
  hours:
    - {days: [MONDAY, TUESDAY, WEDNESDAY, THURSDAY, FRIDAY], open: "08:00", close: "12:00"}
    - {days: [MONDAY, TUESDAY, WEDNESDAY, THURSDAY, FRIDAY], open: "13:00", close: "18:00"}
- key: days
  time_zone: Europe/Stockholm
  hours: [{days: [MONDAY, TUESDAY, WEDNESDAY, THURSDAY, FRIDAY, SATURDAY, SUNDAY], open: "00:00", close: "24:00"}]
- key: nights
  time_zone: Europe/Stockholm
  hours: [{days: [MONDAY, TUESDAY, WEDNESDAY, THURSDAY, FRIDAY, SATURDAY, SUNDAY], open: "22:00", close: "06:00"}]
"#;

fn at(text: &str) -> Time {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// A total resolution by a calendar (`-`: around the clock) in this many hours, that stands still while it waits.
fn came(calendar: &str, hours: u32, time: &str) -> Story {
    let calendar = calendar.trim_start_matches('-');
    let policies = format!(
        "[{{key: gold, calendar: \"{calendar}\", clocks: [{{clock: TOTAL_RESOLUTION, \
         target_duration: {hours}h, pause_in: [WAITING_ON_CUSTOMER]}}]}}]"
    );
    let mut document: Document = document(&policies);
    document.calendars = serde_saphyr::from_str(CALENDARS).expect("the calendars read");
    Story::by(Configuration::new(1, document), at(time))
}

/// One line for each of the statement: what, from when to when on the wall, its open time, used and left, in minutes; the
/// exceptions; how many openings.
fn told(story: &Story, now: &str) -> (ClockState, Vec<String>) {
    let clock = &story.clocks[0];
    let statement = explain(&story.pinned[&1], clock, &story.log, at(now));
    let counted: u64 = statement.lines.iter().filter(|it| it.segment.counts).map(|it| it.segment.open).sum();
    assert_eq!(counted, statement.reading.elapsed, "the lines add up");
    for line in &statement.lines {
        let open: i64 = line.openings.iter().map(|it| it.end.as_second() - it.start.as_second()).sum();
        let counts = if line.segment.counts { line.segment.open } else { 0 };
        assert_eq!(open.unsigned_abs(), counts, "the openings add up");
    }
    let lines = statement.lines.iter().map(|line| {
        let exceptions =
            if line.exceptions.is_empty() { String::new() } else { format!(" {:?}", line.exceptions) };
        format!(
            "{:?} {} to {}: {}, {} used, {} left, {} by {}{exceptions}",
            line.segment.phase,
            line.local_start,
            line.local_end,
            line.segment.open / 60,
            line.elapsed / 60,
            line.left / 60,
            line.openings.len(),
            line.event_type,
        )
    });
    (statement.reading.state, lines.collect())
}

#[test]
fn a_working_day_over_a_night() {
    // Monday 10 to 17 are seven hours, Tuesday 8 to 9 the eighth.
    let mut story = came("se", 8, "2012-03-05T09:00:00Z");
    story.moves(at("2012-03-06T08:00:00Z"), State::Resolved);
    let lines = [
        "Running Mon 2012-03-05 10:00:00 +01:00 to Tue 2012-03-06 09:00:00 +01:00: 480, 480 used, 0 left, 2 by ticket.created",
    ];
    assert_eq!(
        told(&story, "2012-04-01T00:00:00Z"),
        (ClockState::Achieved, lines.map(String::from).to_vec())
    );
}

#[test]
fn midsummer_s_eve_and_a_weekend() {
    // Thursday 16 to 17 is one hour, Friday is a holiday, Monday 8 to 10 are two.
    let mut story = came("se", 4, "2012-06-21T14:00:00Z");
    story.moves(at("2012-06-25T08:00:00Z"), State::Resolved);
    let lines = [
        "Running Thu 2012-06-21 16:00:00 +02:00 to Mon 2012-06-25 10:00:00 +02:00: 180, 180 used, 60 left, 2 by ticket.created [\"2012-06-22 Midsommarafton\"]",
    ];
    assert_eq!(
        told(&story, "2012-07-01T00:00:00Z"),
        (ClockState::Achieved, lines.map(String::from).to_vec())
    );
}

#[test]
fn a_wait_for_the_customer_over_the_polish_may() {
    // Two hours on Monday; then six, none on the first of May, and one on Wednesday that do not count; then seven, none on the
    // third, and two.
    let mut story = came("pl", 16, "2012-04-30T07:00:00Z");
    story.moves(at("2012-04-30T09:00:00Z"), State::WaitingOnCustomer);
    story.moves(at("2012-05-02T08:00:00Z"), State::Open);
    story.moves(at("2012-05-04T09:00:00Z"), State::Resolved);
    let lines = [
        "Running Mon 2012-04-30 09:00:00 +02:00 to Mon 2012-04-30 11:00:00 +02:00: 120, 120 used, 840 left, 1 by ticket.created",
        "Paused Mon 2012-04-30 11:00:00 +02:00 to Wed 2012-05-02 10:00:00 +02:00: 420, 120 used, 840 left, 0 by ticket.held",
        "Running Wed 2012-05-02 10:00:00 +02:00 to Fri 2012-05-04 11:00:00 +02:00: 540, 660 used, 300 left, 2 by ticket.resumed [\"2012-05-03 Święto Konstytucji\"]",
    ];
    assert_eq!(
        told(&story, "2012-06-01T00:00:00Z"),
        (ClockState::Achieved, lines.map(String::from).to_vec())
    );
}

#[test]
fn an_indian_saturday_and_half_an_hour_too_late() {
    // Saturday 17:30 to 18:30 is one hour, Monday from 9:30 the rest until 11:30; it ends at 12:00.
    let mut story = came("in", 3, "2012-03-03T12:00:00Z");
    story.moves(at("2012-03-05T06:30:00Z"), State::Resolved);
    let lines = [
        "Running Sat 2012-03-03 17:30:00 +05:30 to Mon 2012-03-05 12:00:00 +05:30: 210, 210 used, -30 left, 2 by ticket.created",
    ];
    assert_eq!(
        told(&story, "2012-04-01T00:00:00Z"),
        (ClockState::Breached, lines.map(String::from).to_vec())
    );
    assert_eq!(story.clocks[0].breach_time, Some(at("2012-03-05T06:00:00Z")));
}

#[test]
fn a_brazilian_weekend_in_which_summer_time_begins() {
    // Friday 17 to 18 at -03:00, Monday 8 to 9 at -02:00.
    let mut story = came("br", 2, "2011-10-14T20:00:00Z");
    story.moves(at("2011-10-17T11:00:00Z"), State::Resolved);
    let lines = [
        "Running Fri 2011-10-14 17:00:00 -03:00 to Mon 2011-10-17 09:00:00 -02:00: 120, 120 used, 0 left, 2 by ticket.created",
    ];
    assert_eq!(
        told(&story, "2011-11-01T00:00:00Z"),
        (ClockState::Achieved, lines.map(String::from).to_vec())
    );
}

#[test]
fn a_brazilian_lunch() {
    // 11:30 to 12, and 13 to 14.
    let mut story = came("br", 2, "2011-11-08T13:30:00Z");
    story.moves(at("2011-11-08T16:00:00Z"), State::Resolved);
    let lines = [
        "Running Tue 2011-11-08 11:30:00 -02:00 to Tue 2011-11-08 14:00:00 -02:00: 90, 90 used, 30 left, 2 by ticket.created",
    ];
    assert_eq!(
        told(&story, "2011-12-01T00:00:00Z"),
        (ClockState::Achieved, lines.map(String::from).to_vec())
    );
}

#[test]
fn around_the_clock_a_day_has_24_hours() {
    let mut story = came("-", 24, "2012-03-24T12:00:00Z");
    story.moves(at("2012-03-25T12:00:00Z"), State::Resolved);
    let lines = [
        "Running Sat 2012-03-24 12:00:00 +00:00 to Sun 2012-03-25 12:00:00 +00:00: 1440, 1440 used, 0 left, 1 by ticket.created",
    ];
    assert_eq!(
        told(&story, "2012-04-01T00:00:00Z"),
        (ClockState::Achieved, lines.map(String::from).to_vec())
    );
}

#[test]
fn by_the_days_of_a_calendar_the_day_of_the_change_has_23() {
    // From noon to noon on the wall, over the night in which the clocks go forward.
    let story = came("days", 24, "2012-03-24T11:00:00Z");
    let lines = [
        "Running Sat 2012-03-24 12:00:00 +01:00 to Sun 2012-03-25 12:00:00 +02:00: 1380, 1380 used, 60 left, 1 by ticket.created",
    ];
    assert_eq!(told(&story, "2012-03-25T10:00:00Z"), (ClockState::Running, lines.map(String::from).to_vec()));
}

#[test]
fn a_night_shift() {
    // From 23:00 to the end of the shift at 06:00; the morning does not count.
    let mut story = came("nights", 8, "2012-03-05T22:00:00Z");
    story.moves(at("2012-03-06T08:00:00Z"), State::WaitingOnCustomer);
    let lines = [
        "Running Mon 2012-03-05 23:00:00 +01:00 to Tue 2012-03-06 09:00:00 +01:00: 420, 420 used, 60 left, 1 by ticket.created",
        "Paused Tue 2012-03-06 09:00:00 +01:00 to Wed 2012-03-07 00:00:00 +01:00: 120, 420 used, 60 left, 0 by ticket.held",
    ];
    assert_eq!(told(&story, "2012-03-06T23:00:00Z"), (ClockState::Paused, lines.map(String::from).to_vec()));
}

#[test]
fn a_reopening() {
    // One hour on Monday, resolved for ten that do not count, one hour on Tuesday.
    let mut story = came("se", 8, "2012-03-05T07:00:00Z");
    story.moves(at("2012-03-05T08:00:00Z"), State::Resolved);
    story.moves(at("2012-03-06T09:00:00Z"), State::Open);
    story.moves(at("2012-03-06T10:00:00Z"), State::Resolved);
    let lines = [
        "Running Mon 2012-03-05 08:00:00 +01:00 to Mon 2012-03-05 09:00:00 +01:00: 60, 60 used, 420 left, 1 by ticket.created",
        "Stopped Mon 2012-03-05 09:00:00 +01:00 to Tue 2012-03-06 10:00:00 +01:00: 600, 60 used, 420 left, 0 by ticket.resolved",
        "Running Tue 2012-03-06 10:00:00 +01:00 to Tue 2012-03-06 11:00:00 +01:00: 60, 120 used, 360 left, 1 by ticket.reopened",
    ];
    assert_eq!(
        told(&story, "2012-04-01T00:00:00Z"),
        (ClockState::Achieved, lines.map(String::from).to_vec())
    );
}
