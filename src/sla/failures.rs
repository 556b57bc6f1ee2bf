//! What other systems get wrong, by the threads in which their users say so: each has a story here, and here it is right.

use super::{
    ClockState, Point,
    evaluate::Phase,
    story::{Story, time},
};
use crate::{
    configuration::ClockKind::{
        FirstResolution, FirstResponse, Level, NextResponse, PeriodicUpdate, TotalResolution,
    },
    events::EventType,
    tickets::State,
};

const EVERYTHING: &str = r"
- key: gold
  calendar: office
  clocks:
    - {clock: FIRST_RESPONSE, target_duration: 4h}
    - {clock: NEXT_RESPONSE, target_duration: 2h}
    - {clock: PERIODIC_UPDATE, target_duration: 1h}
    - {clock: FIRST_RESOLUTION, target_duration: 8h, pause_in: [WAITING_ON_CUSTOMER, ON_HOLD]}
    - {clock: TOTAL_RESOLUTION, target_duration: 8h, pause_in: [WAITING_ON_CUSTOMER, ON_HOLD]}
    - {clock: LEVEL, target_duration: 2h}
";

#[test]
fn zammad_5177_an_update_that_is_due_earlier_does_not_overrule_the_first_response() {
    let mut story = Story::new(EVERYTHING, "02T08:00:00");
    assert_eq!(story.due(PeriodicUpdate), Some(time("02T09:00:00")));
    assert_eq!(story.due(FirstResponse), Some(time("02T12:00:00")));
    story.fire(time("02T09:00:01"));
    assert_eq!(story.clock(PeriodicUpdate).state, ClockState::Breaching);
    assert_eq!(story.clock(FirstResponse).state, ClockState::Running);
    story.agent_answers(time("02T11:59:00"));
    assert_eq!(story.clock(FirstResponse).state, ClockState::Achieved);
}

#[test]
fn zammad_3140_nothing_fires_for_what_has_been_answered() {
    let mut story = Story::new(EVERYTHING, "02T08:00:00");
    story.agent_answers(time("02T08:10:00"));
    story.customer_says(time("02T08:30:00"));
    story.agent_answers(time("02T09:00:00"));
    let told = story.fire(time("02T11:30:00"));
    assert!(told.iter().all(|(kind, _)| !matches!(kind, NextResponse | FirstResponse)), "{told:?}");
    assert_eq!(story.clock(NextResponse).state, ClockState::Achieved);
}

#[test]
fn zammad_4353_a_policy_that_holds_no_longer_leaves_nothing_to_fire() {
    let policies = r#"
- key: urgent
  condition: ticket.priority == "P1"
  clocks: [{clock: FIRST_RESOLUTION, target_duration: 1h}]
"#;
    let mut story = Story::new(policies, "02T08:00:00");
    assert!(story.clocks.is_empty());
    story.prioritised(time("02T08:10:00"), "P1");
    assert_eq!(story.due(FirstResolution), Some(time("02T09:00:00")), "as if it had held from the beginning");
    story.prioritised(time("02T08:20:00"), "P3");
    let clock = story.clock(FirstResolution);
    assert_eq!((clock.state, clock.fire_time), (ClockState::Cancelled, None));
    assert_eq!(story.fire(time("09T08:00:00")), []);
}

#[test]
fn zammad_1322_a_customer_s_word_starts_the_clock_whatever_the_way_it_came() {
    let mut story = Story::new(EVERYTHING, "02T08:00:00");
    story.agent_answers(time("02T08:10:00"));
    story.customer_says(time("02T10:00:00"));
    assert_eq!(story.due(NextResponse), Some(time("02T12:00:00")));
    // More of the same do not begin anew; notes and robots answer nothing.
    story.customer_says(time("02T11:00:00"));
    story.agent_notes(time("02T11:10:00"));
    story.robot_answers(time("02T11:20:00"));
    assert_eq!(story.due(NextResponse), Some(time("02T12:00:00")));
    assert_eq!(story.clock(NextResponse).state, ClockState::Running);
}

#[test]
fn zammad_188_what_is_reopened_goes_on_where_it_was() {
    let mut story = Story::new(EVERYTHING, "02T08:00:00");
    story.moves(time("02T10:00:00"), State::Resolved);
    story.moves(time("03T10:00:00"), State::Open);
    let total = story.clock(TotalResolution);
    assert_eq!((total.state, total.elapsed_seconds), (ClockState::Running, 2 * 3600));
    // Six of eight hours are left: 10 to 12, 13 to 17.
    assert_eq!(total.due_time, Some(time("03T17:00:00")));
}

#[test]
fn glpi_6902_15605_pauses_survive_a_change_of_priority() {
    let policies = r"
- key: gold
  calendar: office
  clocks:
    - clock: FIRST_RESOLUTION
      targets: [{priority: P1, target_duration: 4h}]
      target_duration: 16h
      pause_in: [WAITING_ON_CUSTOMER]
";
    let mut story = Story::new(policies, "02T08:00:00");
    story.moves(time("02T09:00:00"), State::WaitingOnCustomer);
    story.moves(time("02T11:00:00"), State::Open);
    story.prioritised(time("02T11:30:00"), "P1");
    let [old, new] = &story.clocks[..] else { panic!("{:#?}", story.clocks) };
    assert_eq!((old.state, old.elapsed_seconds), (ClockState::Superseded, 3600 + 1800));
    assert_eq!((new.state, new.elapsed_seconds, new.supersedes), (ClockState::Running, 3600 + 1800, Some(1)));
    // Two and a half hours are left at 11:30, and lunch is no working time.
    assert_eq!(new.due_time, Some(time("02T15:00:00")));
}

#[test]
fn glpi_23359_time_in_resolved_is_no_pause() {
    let with = |count: bool| {
        let policies = format!(
            "[{{key: gold, calendar: office, clocks: [{{clock: TOTAL_RESOLUTION, target_duration: 8h, \
             count_resolved: {count}}}]}}]"
        );
        let mut story = Story::new(&policies, "02T08:00:00");
        story.moves(time("02T09:00:00"), State::Resolved);
        story.moves(time("02T11:00:00"), State::Open);
        let clock = story.clock(TotalResolution).clone();
        let reading = clock.read(&story.pinned[&1], time("02T11:30:00"));
        let paused = reading.segments.iter().filter(|it| it.phase == Phase::Paused).count();
        let stopped: u64 =
            reading.segments.iter().filter(|it| it.phase == Phase::Stopped).map(|it| it.open).sum();
        assert_eq!((paused, stopped), (0, 2 * 3600));
        reading.elapsed
    };
    assert_eq!(with(false), 3600 + 1800);
    assert_eq!(with(true), 3 * 3600 + 1800, "unless the policy says that it counts");
}

#[test]
fn glpi_22678_15357_a_step_before_the_due_time_is_counted_in_working_time() {
    let policies = r"
- key: gold
  calendar: office
  clocks:
    - {clock: FIRST_RESOLUTION, target_duration: 4h, warnings: [{before_duration: 2h}, {percent: 75}]}
";
    // Due at 11:00 on the next day; two working hours before are 09:00, and not midnight or 16:00 of today.
    let story = Story::new(policies, "02T16:00:00");
    let clock = story.clock(FirstResolution);
    assert_eq!(clock.due_time, Some(time("03T11:00:00")));
    assert_eq!(clock.fire_time, Some(time("03T09:00:00")));
    // Nor at once, when it comes in at night.
    let mut story = Story::new(policies, "02T23:00:00");
    assert_eq!(story.fire(time("03T09:59:59")), []);
    assert_eq!(story.fire(time("03T10:00:00")), [(FirstResolution, Point::Warning(0))]);
    assert_eq!(story.fire(time("03T11:00:00")), [(FirstResolution, Point::Warning(1))]);
    assert_eq!(story.fire(time("03T12:00:00")), [], "at the due instant it is in time");
    assert_eq!(story.fire(time("03T12:00:01")), [(FirstResolution, Point::Breach)]);
}

#[test]
fn glpi_1911_the_next_level_has_a_time_of_its_own() {
    let mut story = Story::new(EVERYTHING, "02T08:00:00");
    story.goes_to(time("02T09:30:00"), "L2", EventType::TicketEscalated);
    let levels: Vec<_> =
        story.clocks.iter().filter(|it| it.kind == Level).map(|it| (it.level.as_str(), it.state)).collect();
    assert_eq!(levels, [("L1", ClockState::Achieved), ("L2", ClockState::Running)]);
    assert_eq!(story.due(Level), Some(time("02T11:30:00")));
    assert_eq!(story.due(FirstResolution), Some(time("02T17:00:00")), "the customer's never resets");
}

#[test]
fn frappe_3776_2449_a_hold_is_as_long_as_it_is_in_working_time() {
    let mut story = Story::new(EVERYTHING, "06T15:00:00");
    // From Friday 16:00 to Monday 09:00 are two working hours, and 65 by the wall.
    story.moves(time("06T16:00:00"), State::OnHold);
    story.moves(time("09T09:00:00"), State::Open);
    let clock = story.clock(FirstResolution);
    let reading = clock.read(&story.pinned[&1], time("09T09:00:00"));
    let paused: u64 = reading.segments.iter().filter(|it| it.phase == Phase::Paused).map(|it| it.open).sum();
    assert_eq!((paused, clock.elapsed_seconds), (2 * 3600, 3600));
    // Seven hours are left: 9 to 12, 13 to 17.
    assert_eq!(clock.due_time, Some(time("09T17:00:00")));
    // Half a year is no other thing.
    let mut story = Story::new(EVERYTHING, "02T08:00:00");
    story.moves(time("02T09:00:00"), State::OnHold);
    story.moves("2026-09-01T09:00:00Z".parse().expect("a time"), State::Open);
    assert_eq!(story.due(FirstResolution), "2026-09-01T17:00:00Z".parse().ok());
}

#[test]
fn zammad_two_pauses_in_one_minute_are_two_pauses() {
    let mut story = Story::new(EVERYTHING, "02T08:00:00");
    for (held, resumed) in [("02T09:00:05", "02T09:00:15"), ("02T09:00:20", "02T09:00:50")] {
        story.moves(time(held), State::OnHold);
        story.moves(time(resumed), State::Open);
    }
    assert_eq!(story.due(FirstResolution), Some(time("03T08:00:40")), "40 seconds later than 17:00");
}

#[test]
fn chatwoot_a_late_resolution_is_no_hit_though_nobody_looked_in_between() {
    let mut story = Story::new(EVERYTHING, "02T08:00:00");
    story.moves(time("03T08:00:01"), State::Resolved);
    let clock = story.clock(FirstResolution);
    assert_eq!(clock.state, ClockState::Breached);
    assert_eq!(clock.breach_time, Some(time("02T17:00:00")));
    assert_eq!(clock.detect_time, Some(time("03T08:00:01")), "who comes late tells of it");
    let told = story.log.iter().filter(|event| event.kind == EventType::SlaBreached);
    let of: Vec<_> = told.map(|event| event.details["clock_kind"].as_str().unwrap_or_default()).collect();
    assert_eq!(of, ["FIRST_RESPONSE", "PERIODIC_UPDATE", "FIRST_RESOLUTION", "TOTAL_RESOLUTION", "LEVEL"]);
    assert_eq!(story.fire(time("31T08:00:00")), [], "and it is told once");
}

#[test]
fn chatwoot_10178_a_resolution_answers_the_customer_s_last_word() {
    let mut story = Story::new(EVERYTHING, "02T08:00:00");
    story.agent_answers(time("02T08:10:00"));
    story.customer_says(time("02T08:20:00"));
    story.moves(time("02T08:30:00"), State::Resolved);
    assert_eq!(story.clock(NextResponse).state, ClockState::Achieved);
    assert!(story.clocks.iter().all(|clock| clock.fire_time.is_none()), "{:#?}", story.clocks);
}

#[test]
fn otobo_the_total_clock_runs_again_after_a_reopening_and_the_first_resolution_stays() {
    let mut story = Story::new(EVERYTHING, "02T08:00:00");
    story.moves(time("02T09:00:00"), State::Resolved);
    assert_eq!(story.clock(TotalResolution).state, ClockState::Achieved);
    story.moves(time("05T09:00:00"), State::Open);
    assert_eq!(story.clock(FirstResolution).state, ClockState::Achieved);
    assert_eq!(story.clock(TotalResolution).state, ClockState::Running);
    let told = story.fire(time("09T09:00:00"));
    assert!(told.contains(&(TotalResolution, Point::Breach)), "{told:?}");
}

#[test]
fn frappe_2212_1528_lunch_is_no_working_time() {
    let story = Story::new(EVERYTHING, "02T11:00:00");
    assert_eq!(story.due(Level), Some(time("02T14:00:00")));
}

#[test]
fn chatwoot_14009_5254_hours_may_pass_midnight_and_be_several_a_day() {
    let policies =
        "[{key: night, calendar: night, clocks: [{clock: FIRST_RESOLUTION, target_duration: 9h}]}]";
    let story = Story::new(policies, "02T23:00:00");
    assert_eq!(story.due(FirstResolution), Some(time("04T00:00:00")), "7 hours in this night, 2 in the next");
}
