//! Histories made up for the tests: what the rules say to them, and what is recorded in any case.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::{
    configuration::Document,
    ctx::Role,
    tickets::{change::undo, fixture},
};

/// `STATE team assignee code`, a minute apart; levels are the teams' own, `-` is nobody.
fn steps(told: &[&str]) -> Vec<Step> {
    let step = |(minute, told): (usize, &&str)| {
        let words: Vec<&str> = told.split(' ').collect();
        let [state, team, assignee, rest @ ..] = words.as_slice() else { panic!("{told}") };
        Step {
            occur_time: at(minute),
            state: State::parse(state).expect("a state"),
            level: fixture::configuration().team(team).expect("a team").level.clone(),
            team: (*team).to_owned(),
            assignee: Some((*assignee).to_owned()).filter(|assignee| assignee != "-"),
            impact: None,
            resolution_code: rest.first().copied().unwrap_or_default().to_owned(),
            reason: "their word".to_owned(),
            note: "their note".to_owned(),
        }
    };
    told.iter().enumerate().map(step).collect()
}

fn at(minute: usize) -> Time {
    let start: Time = "2020-01-06T09:00:00Z".parse().expect("a time");
    start.after(Duration::from_mins(minute as u64))
}

fn history(steps: Vec<Step>) -> History {
    let external_key = Some(("old".to_owned(), "7".to_owned()));
    History { create: Create { external_key, ..fixture::create() }, steps }
}

fn replayed(configuration: &Configuration, steps: Vec<Step>) -> Replayed {
    let ctx = fixture::ctx(Role::Admin);
    replay(&ctx, configuration, &history(steps), fixture::id(1), 1).expect("nothing is wrong with it")
}

/// The types of the events, and `step verb reason` of the refusals.
fn outcome(configuration: &Configuration, told: &[&str]) -> (Vec<&'static str>, Vec<String>) {
    let replayed = replayed(configuration, steps(told));
    let kinds = replayed.change.events.iter().map(|event| event.kind.name()).collect();
    let refused = |it: &Refused| format!("{} {} {}", it.step, it.verb, it.reason.name());
    (kinds, replayed.refusals.iter().map(refused).collect())
}

/// The sample, with levels that owe no articles.
fn without_duties() -> Configuration {
    let mut document: Document = fixture::document();
    for level in &mut document.levels {
        level.knowledge_duty = crate::configuration::KnowledgeDuty::None;
    }
    Configuration::new(7, document)
}

#[test]
fn a_history_by_the_rules_is_refused_nowhere() {
    let (kinds, refused) = outcome(
        &without_duties(),
        &[
            "NEW desk-de -",
            "NEW desk-en -",
            "OPEN desk-en anna",
            "OPEN applications -",
            "OPEN infrastructure -",
            "OPEN infrastructure bert",
            "WAITING_ON_CUSTOMER infrastructure bert",
            "ON_HOLD infrastructure bert",
            "OPEN infrastructure bert",
            "OPEN engineering cora",
            "OPEN infrastructure bert",
            "OPEN desk-en anna",
            "OPEN desk-en -",
            "OPEN desk-en anna",
            "OPEN desk-en anna",
            "RESOLVED desk-en anna fixed",
            "OPEN desk-en anna",
            "RESOLVED desk-en anna fixed",
            "CLOSED desk-en anna",
        ],
    );
    assert_eq!(
        kinds,
        [
            "ticket.created",
            "ticket.transferred",
            "ticket.assigned",
            "ticket.escalated",
            "ticket.transferred",
            "ticket.assigned",
            "ticket.held",
            "ticket.held",
            "ticket.resumed",
            "ticket.escalated",
            "ticket.handed_back",
            "ticket.handed_back",
            "ticket.released",
            "ticket.assigned",
            "ticket.noted",
            "ticket.resolved",
            "ticket.reopened",
            "ticket.resolved",
            "ticket.closed",
        ]
    );
    // The work went to another team of L2 before it came back down: to whom it came from.
    assert_eq!(refused, Vec::<String>::new());
}

#[test]
fn what_the_rules_refuse_is_named_and_recorded() {
    let sample = fixture::configuration();
    for (told, kind, refused) in [
        (
            &["NEW desk-de -", "OPEN engineering -"][..],
            "ticket.escalated",
            vec!["1 escalate ESCALATION_SKIPS_LEVEL"],
        ),
        (
            &["OPEN applications -", "OPEN desk-de -"],
            "ticket.handed_back",
            vec!["0 release TICKET_STATE_CONFLICT", "1 hand_back NOTHING_TO_HAND_BACK"],
        ),
        (
            &["OPEN desk-de a", "OPEN applications -", "OPEN desk-en -"],
            "ticket.handed_back",
            vec!["2 hand_back ESCALATION_GOES_DOWN"],
        ),
        (&["OPEN desk-de a", "CLOSED desk-de a"], "ticket.closed", vec!["1 close TICKET_STATE_CONFLICT"]),
        (&["OPEN desk-de a", "NEW desk-de a"], "ticket.released", vec!["1 release TICKET_STATE_CONFLICT"]),
        (
            &["RESOLVED desk-de a fixed", "CLOSED desk-de a", "OPEN desk-en b"],
            "ticket.transferred",
            vec!["2 reopen TICKET_STATE_CONFLICT"],
        ),
        (
            &["RESOLVED desk-de a fixed", "CLOSED desk-de a", "RESOLVED desk-de a fixed"],
            "ticket.resolved",
            vec!["2 reopen TICKET_STATE_CONFLICT"],
        ),
        (&["RESOLVED desk-de a fixed", "WAITING_ON_VENDOR desk-de a"], "ticket.reopened", vec![]),
        (
            &["RESOLVED desk-de a fixed", "RESOLVED desk-de b"],
            "ticket.assigned",
            vec!["1 assign TICKET_STATE_CONFLICT"],
        ),
        (
            &["OPEN desk-de a", "RESOLVED applications a fixed"],
            "ticket.escalated",
            vec!["1 resolve KNOWLEDGE_DUTY_OPEN"],
        ),
        (
            &["WAITING_ON_CUSTOMER desk-de a", "WAITING_ON_CUSTOMER desk-de -"],
            "ticket.released",
            vec!["1 release TICKET_STATE_CONFLICT"],
        ),
        (&["OPEN desk-de a", "CANCELLED desk-de -"], "ticket.cancelled", vec![]),
    ] {
        let (kinds, said) = outcome(sample, told);
        assert_eq!(
            (kinds.last(), said),
            (Some(&kind), refused.iter().map(|it| (*it).to_owned()).collect()),
            "{told:?}"
        );
    }
}

#[test]
fn a_level_is_not_asked_for_ever() {
    let told = ["OPEN desk-de a", "OPEN applications -"].repeat(4);
    let (_, refused) = outcome(fixture::configuration(), &told);
    // L2 takes it back twice; the third time is one too many.
    assert_eq!(refused, ["7 escalate BOUNCE_LIMIT_REACHED"]);
}

#[test]
fn the_reopen_window_and_the_intake_count_at_the_step_s_own_time() {
    let mut late = steps(&["RESOLVED desk-de a fixed", "OPEN desk-de a"]);
    late[1].occur_time = at(15 * 24 * 60);
    let said = replayed(fixture::configuration(), late);
    assert_eq!(said.refusals[0].reason, Reason::ReopenWindowOver);
    assert_eq!(said.change.events[1].details["refusals"][0]["reason"], "REOPEN_WINDOW_OVER");
}

#[test]
fn the_ticket_is_as_the_history_leaves_it() {
    let mut told = steps(&[
        "NEW desk-de -",
        "OPEN applications bert",
        "WAITING_ON_CUSTOMER applications bert",
        "RESOLVED applications bert workaround",
    ]);
    told[1].impact = Some(Impact::Major);
    let Replayed { change, .. } = replayed(fixture::configuration(), told);
    let ticket = &change.next;
    assert_eq!((ticket.create_time, ticket.update_time, ticket.resolve_time), (at(0), at(3), Some(at(3))));
    assert_eq!((ticket.assignee.as_deref(), ticket.assign_time), (Some("bert"), Some(at(1))));
    assert_eq!((ticket.queue.as_str(), ticket.queue_time), ("applications", None));
    assert_eq!((ticket.impact, ticket.priority.as_str()), (Impact::Major, "P2"));
    assert_eq!((ticket.hold_reason.as_str(), ticket.auto_close_time), ("", None));
    assert_eq!(ticket.resolution.as_ref().map(|it| it.code.as_str()), Some("workaround"));
    let held = &change.events[2];
    assert_eq!((held.occur_time, held.record_time), (at(2), fixture::start()));
    assert_eq!((held.reason.as_str(), held.note.as_str(), held.imported), ("their word", "their note", true));
    assert_eq!(held.changes["hold_reason"].1, "their note");
}

#[test]
fn every_fault_of_every_step_is_named() {
    let mut told = steps(&["NEW desk-de -", "OPEN desk-de a", "RESOLVED desk-de a", "CLOSED desk-de a"]);
    told[1].occur_time = at(9);
    told[3].occur_time = fixture::start().after(Duration::from_secs(1));
    told[3].level = "L9".to_owned();
    told[3].team = "moon".to_owned();
    told[3].resolution_code = "magic".to_owned();
    let mut history = history(told);
    history.create.external_key = None;
    history.create.category = "moon".to_owned();
    let refused = replay(&fixture::ctx(Role::Admin), fixture::configuration(), &history, fixture::id(1), 1);
    assert_eq!(
        fixture::faults(refused),
        [
            "ticket.external_key",
            "steps[2].occur_time",
            "steps[2].resolution_code",
            "steps[3].occur_time",
            "steps[3].level",
            "steps[3].team",
            "steps[3].resolution_code",
            "ticket.category",
        ]
    );
}

fn any_step() -> impl Strategy<Value = Step> {
    let states: Vec<State> = State::ALL.iter().copied().filter(|state| *state != State::Merged).collect();
    let teams: Vec<String> =
        fixture::configuration().document.teams.iter().map(|team| team.key.clone()).collect();
    let assignee = proptest::option::of(prop::sample::select(vec!["anna".to_owned(), "bert".to_owned()]));
    let parts = (
        prop::sample::select(states),
        prop::sample::select(teams),
        prop::sample::select(vec!["", "L1", "L3"]),
        assignee,
        proptest::option::of(prop::sample::select(Impact::ALL)),
        0_u64..3,
    );
    parts.prop_map(|(state, team, level, assignee, impact, pause)| Step {
        // A pause for now; the history makes a time of it.
        occur_time: at(pause as usize),
        state,
        level: match level {
            "" => fixture::configuration().team(&team).expect("a team").level.clone(),
            oddity => oddity.to_owned(),
        },
        team,
        assignee,
        impact,
        resolution_code: if state == State::Resolved { "fixed".to_owned() } else { String::new() },
        reason: String::new(),
        note: "note".to_owned(),
    })
}

fn any_history() -> impl Strategy<Value = Vec<Step>> {
    proptest::collection::vec(any_step(), 1..25).prop_map(|mut steps| {
        let mut time = at(0);
        for step in &mut steps {
            time = time.after(Duration::try_from(step.occur_time.duration_since(*at(0))).expect("forward"));
            step.occur_time = time;
        }
        steps
    })
}

proptest! {
    #[test]
    fn every_history_is_recorded_as_it_happened(steps in any_history()) {
        let configuration = fixture::configuration();
        let Replayed { change, refusals } = replayed(configuration, steps.clone());
        prop_assert_eq!(change.events.len(), steps.len());
        prop_assert!(refusals.is_sorted_by_key(|refused| refused.step));
        let mut teams: Vec<&str> = Vec::new();
        let (mut moves, mut returns, mut highest) = (0, 0, None);
        for (place, (step, event)) in steps.iter().zip(&change.events).enumerate() {
            prop_assert_eq!(event.version, place as i64 + 1);
            prop_assert_eq!((event.occur_time, event.imported), (step.occur_time, true));
            prop_assert_eq!(event.kind == EventType::TicketCreated, place == 0);
            let facts = &event.facts;
            prop_assert_eq!(facts.state.as_str(), step.state.name());
            prop_assert_eq!((&facts.level, &facts.team), (&step.level, &step.team));
            let assignee = step.assignee.as_deref().filter(|_| step.state != State::Cancelled);
            prop_assert_eq!(facts.assignee.as_str(), assignee.unwrap_or_default());
            if place > 0 && steps[place - 1].team != step.team {
                moves += 1;
                returns += i32::from(teams.contains(&step.team.as_str()));
            }
            if !teams.contains(&step.team.as_str()) {
                teams.push(&step.team);
            }
            highest = highest.max(configuration.level_rank(&step.level));

            let newest_first: Vec<Event> = change.events[place + 1..].iter().rev().cloned().collect();
            let then = undo(&change.next, &newest_first).expect("it reads back");
            prop_assert_eq!(&then.facts(), &**facts);
            let waits = then.state.is_live() && then.assignee.is_none();
            prop_assert_eq!(then.queue_time.is_some(), waits);
            prop_assert_eq!(then.assign_time.is_some(), then.assignee.is_some());
            prop_assert_eq!(then.resolution.is_some(), then.resolve_time.is_some());
            prop_assert!(then.state != State::Resolved || then.resolution.is_some());
            let over = matches!(then.state, State::Closed | State::Cancelled);
            prop_assert_eq!(then.close_time.is_some(), over);
            prop_assert!(then.auto_close_time.is_none() && then.hold_until_time.is_none());
            prop_assert!(then.hold_reason.is_empty() || matches!(then.state,
                State::WaitingOnCustomer | State::WaitingOnVendor | State::OnHold));
        }
        let ticket = &change.next;
        prop_assert_eq!((ticket.transfer_count, ticket.return_count), (moves, returns));
        prop_assert_eq!(&ticket.teams, &teams);
        prop_assert_eq!(&ticket.first_level, &steps[0].level);
        prop_assert_eq!(configuration.level_rank(&ticket.highest_level), highest);
    }

    #[test]
    fn refusals_are_those_of_the_events(steps in any_history()) {
        let Replayed { change, refusals } = replayed(fixture::configuration(), steps);
        let told: usize = change
            .events
            .iter()
            .filter_map(|event| event.details.get("refusals")?.as_array().map(Vec::len))
            .sum();
        prop_assert_eq!(told, refusals.len());
    }
}
