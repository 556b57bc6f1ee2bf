//! What holds for every clock: it reads as a second one of another make does, that counts every second; and whatever happens
//! to a ticket, in whatever order, what is kept is what the log makes (`story.rs` asserts it after each step).

use std::{collections::HashSet, time::Duration};

use proptest::prelude::*;

use super::{
    ClockState, Signal, What,
    evaluate::{Meter, evaluate},
    story::{Story, configuration, time},
};
use crate::{calendar::Calendar, configuration::ClockKind, events::EventType, tickets::State, time::Time};

fn after(start: Time, seconds: u64) -> Time {
    start.after(Duration::from_secs(seconds))
}

/// Signals at seconds behind the start, as tickets make them: each fits what came before.
fn some_signals() -> impl Strategy<Value = Vec<(u64, What)>> {
    let some = (prop_oneof![3 => 0..2000u64, 1 => Just(0u64)], 0..10u8);
    prop::collection::vec(some, 0..8).prop_map(|gaps| {
        let (mut signals, mut at, mut phase) = (vec![(0, What::Start)], 0, What::Start);
        for (gap, choice) in gaps {
            at += gap;
            let next = match (phase, choice) {
                (What::Start | What::Resume, 0..=5) => What::Pause,
                (What::Start | What::Resume, 6..=8) | (What::Pause, 8) => What::Stop,
                (What::Start | What::Resume | What::Pause, 9) => What::Cancel,
                (What::Pause | What::Stop, _) => What::Resume,
                _ => break,
            };
            signals.push((at, next));
            phase = next;
        }
        signals
    })
}

/// Counts every second.
struct Slow {
    elapsed: u64,
    breach: Option<u64>,
}

fn slow(
    calendar: Option<&Calendar>,
    start: Time,
    signals: &[(u64, What)],
    (target, carried, count_resolved, now): (u64, u64, bool, u64),
) -> Slow {
    let counts = |second: u64| {
        let last = signals.iter().rposition(|(at, _)| *at <= second).expect("it started");
        match signals[last].1 {
            What::Start | What::Resume => true,
            What::Stop => count_resolved && signals[last + 1..].iter().any(|(at, _)| *at <= now),
            _ => false,
        }
    };
    let (mut elapsed, mut breach) = (carried, None);
    for second in 0..now {
        if counts(second) {
            if elapsed >= target && breach.is_none() {
                breach = Some(second);
            }
            elapsed += u64::from(calendar.is_none_or(|it| it.is_open(after(start, second))));
        }
    }
    Slow { elapsed, breach }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_clock_reads_as_one_that_counts_every_second(
        signals in some_signals(),
        open_at in prop::sample::select(vec!["02T07:30:00", "02T11:30:00", "02T16:20:00", "06T16:30:00"]),
        with_calendar in any::<bool>(),
        target in prop_oneof![1..4000u64, Just(1800u64), Just(3600u64)],
        carried in prop_oneof![3 => Just(0u64), 1 => 0..5000u64],
        count_resolved in any::<bool>(),
        tail in 0..5000u64,
    ) {
        let configuration = configuration(1, "[]");
        let calendar = configuration.calendar("office").filter(|_| with_calendar);
        let start = time(open_at);
        let now = signals.last().map_or(0, |(at, _)| *at) + tail;
        let meter = Meter { target, carried, calendar, count_resolved };
        let fast: Vec<Signal> = signals
            .iter()
            .map(|(at, signal)| Signal { time: after(start, *at), version: 1, signal: *signal })
            .collect();
        let reading = evaluate(&meter, &fast, after(start, now));
        let slow = slow(calendar, start, &signals, (target, carried, count_resolved, now));
        prop_assert_eq!(reading.elapsed, slow.elapsed);
        prop_assert_eq!(reading.breach, slow.breach.map(|second| after(start, second)));
        // The statement adds up.
        let counted: u64 = reading.segments.iter().filter(|it| it.counts).map(|it| it.open).sum();
        prop_assert_eq!(carried + counted, reading.elapsed);
        // What is due lies where the target is used up, no earlier and no later.
        if reading.state == ClockState::Running {
            let due = reading.due.expect("these calendars go on");
            let at_due = evaluate(&meter, &fast, due);
            prop_assert_eq!((at_due.elapsed, at_due.state), (target, ClockState::Running));
            let behind = evaluate(&meter, &fast, after(due, 1));
            prop_assert_eq!((behind.state, behind.breach), (ClockState::Breaching, Some(due)));
        }
    }
}

/// Something that happens, so many seconds after what happened before.
#[derive(Clone, Copy, Debug)]
enum Happens {
    CustomerSays,
    AgentAnswers,
    AgentNotes,
    Hold(State),
    Resume,
    Resolve,
    Close,
    Reopen,
    Cancel,
    Priority(&'static str),
    Level(&'static str, EventType),
    Answered(EventType),
    Fire,
}

fn something() -> impl Strategy<Value = (u64, Happens)> {
    let gap = prop_oneof![2 => Just(0u64), 4 => 0..7200u64, 3 => 0..200_000u64, 1 => 0..3_000_000u64];
    let happens = prop_oneof![
        3 => Just(Happens::CustomerSays),
        3 => Just(Happens::AgentAnswers),
        1 => Just(Happens::AgentNotes),
        2 => Just(Happens::Hold(State::WaitingOnCustomer)),
        1 => Just(Happens::Hold(State::WaitingOnVendor)),
        1 => Just(Happens::Hold(State::OnHold)),
        4 => Just(Happens::Resume),
        2 => Just(Happens::Resolve),
        1 => Just(Happens::Close),
        3 => Just(Happens::Reopen),
        1 => Just(Happens::Cancel),
        3 => prop::sample::select(vec!["P1", "P2", "P3", "P4"]).prop_map(Happens::Priority),
        2 => prop::sample::select(vec!["L1", "L2", "L3"])
            .prop_map(|level| Happens::Level(level, EventType::TicketEscalated)),
        1 => prop::sample::select(vec![
            EventType::TicketEscalationAccepted,
            EventType::TicketEscalationDeclined,
            EventType::TicketEscalationWithdrawn,
            EventType::TicketEscalationExpired,
        ]).prop_map(Happens::Answered),
        5 => Just(Happens::Fire),
    ];
    (gap, happens)
}

impl Happens {
    /// What the state does not allow does not happen.
    fn to(self, story: &mut Story, now: Time) {
        let state = story.ticket.state;
        let live = state.is_live();
        let waits = live && !matches!(state, State::New | State::Open);
        match self {
            Self::CustomerSays => story.customer_says(now),
            Self::AgentAnswers => story.agent_answers(now),
            Self::AgentNotes => story.agent_notes(now),
            Self::Hold(state) if live => story.moves(now, state),
            Self::Resume if waits => story.moves(now, State::Open),
            Self::Resolve if live => story.moves(now, State::Resolved),
            Self::Close if state == State::Resolved => story.moves(now, State::Closed),
            Self::Reopen if state == State::Resolved => story.moves(now, State::Open),
            Self::Cancel if live => story.moves(now, State::Cancelled),
            Self::Priority(priority) if live || state == State::Resolved => story.prioritised(now, priority),
            Self::Level(level, kind) if live => story.goes_to(now, level, kind),
            Self::Answered(kind) if live => story.goes_to(now, &story.ticket.level.clone(), kind),
            Self::Fire => {
                while !story.fire(now).is_empty() {}
                let due = |it: &&super::Clock| it.fire_time.is_some_and(|time| time <= now);
                assert!(!story.clocks.iter().any(|it| due(&it)), "left: {:#?}", story.clocks);
            }
            _ => {}
        }
    }
}

const POLICIES: &str = r#"
- key: pressing
  condition: ticket.priority in ["P1", "P2"]
  calendar: office
  on_change: MODE
  clocks:
    - {clock: FIRST_RESPONSE, target_duration: 1h, warnings: [{percent: 50}, {before_duration: 10m}]}
    - {clock: NEXT_RESPONSE, target_duration: 2h, warnings: [{percent: 75}]}
    - clock: FIRST_RESOLUTION
      targets: [{priority: P1, target_duration: 4h}]
      target_duration: 8h
      pause_in: [WAITING_ON_CUSTOMER, ON_HOLD]
      warnings: [{percent: 50}, {percent: 75}]
    - {clock: TOTAL_RESOLUTION, target_duration: 8h, pause_in: [WAITING_ON_CUSTOMER], count_resolved: true}
- key: normal
  on_change: MODE
  clocks:
    - {clock: FIRST_RESPONSE, target_duration: 4h, warnings: [{percent: 50}]}
    - {clock: PERIODIC_UPDATE, target_duration: 24h, pause_in: [WAITING_ON_CUSTOMER]}
    - clock: FIRST_RESOLUTION
      targets: [{priority: P3, target_duration: 24h}]
      calendar: office
      pause_in: [WAITING_ON_CUSTOMER, WAITING_ON_VENDOR]
    - {clock: TOTAL_RESOLUTION, target_duration: 48h, pause_in: [ON_HOLD]}
- key: levels
  agreement: OLA
  calendar: night
  clocks:
    - {clock: LEVEL, level: L1, target_duration: 2h}
    - {clock: LEVEL, target_duration: 8h}
    - {clock: ACCEPTANCE}
- key: vendor
  agreement: UNDERPINNING
  clocks: [{clock: VENDOR, target_duration: 16h}]
"#;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn whatever_happens_what_is_kept_is_what_the_log_makes(
        mode in prop::sample::select(vec!["REBASE", "CARRY_FRACTION", "RESTART"]),
        happens in prop::collection::vec(something(), 0..40),
    ) {
        let mut now = time("02T07:00:00");
        let mut story = Story::by(configuration(1, &POLICIES.replace("MODE", mode)), now);
        let mut judged: Vec<super::Clock> = Vec::new();
        for (gap, it) in happens {
            now = after(now, gap);
            it.to(&mut story, now);
            for clock in &story.clocks {
                let told: HashSet<_> = clock.told.iter().collect();
                prop_assert_eq!(told.len(), clock.told.len(), "told twice");
                prop_assert!(!clock.owes_breach(), "a breach that nobody was told of: {:#?}", clock);
                prop_assert!(clock.detect_time.is_none_or(|it| Some(it) > clock.breach_time));
                prop_assert!(!(clock.breached_on_apply && clock.breach_time.is_some()));
            }
            // What is over is never judged again, but for what runs again after a reopening.
            for before in &judged {
                prop_assert_eq!(Some(before), story.clocks.iter().find(|it| it.number == before.number));
            }
            let over = |it: &&super::Clock| !it.is_open() && it.kind != ClockKind::TotalResolution;
            judged = story.clocks.iter().filter(over).cloned().collect();
        }
        let open = |kind: ClockKind| story.clocks.iter().filter(|it| it.kind == kind && it.is_open()).count();
        for kind in ClockKind::ALL {
            prop_assert!(open(*kind) <= 1, "{kind:?} runs {} times", open(*kind));
        }
    }
}
