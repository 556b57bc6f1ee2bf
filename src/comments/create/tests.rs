//! What may be said, by whom, and what it does to the ticket.

use std::time::Duration;

use super::*;
use crate::{
    ctx::Role,
    tickets::{Json, fixture},
};

fn words(automatic: bool, visibility: Option<Visibility>, then: Option<Then>) -> Create {
    let draft = Draft { visibility, text: "hello".to_owned(), automatic };
    Create { target: Target::of(fixture::id(1)), draft, then }
}

fn ticket(state: State) -> Ticket {
    let mut ticket = Ticket { requester: "anna".to_owned(), ..fixture::ticket(state) };
    if state == State::Resolved {
        ticket.resolution = Some(Json(Resolution { code: "fixed".to_owned(), ..Resolution::default() }));
        ticket.resolve_time = Some(fixture::start());
        ticket.queue_time = None;
    }
    ticket
}

fn decided(ctx: &Ctx, ticket: Ticket, create: &Create) -> Result<(Comment, Change)> {
    let opening = Opening { id: fixture::id(2), number: 2, plan: String::new() };
    decide(ctx, fixture::configuration(), ticket, create, fixture::id(9), Some(&opening), None)
}

/// What a customer's words lead to, and where they stand.
fn customer(state: State, later: Duration, automatic: bool) -> (String, bool) {
    let ctx = fixture::ctx(Role::Customer);
    let ctx = ctx.at(ctx.now.after(later));
    let done = decided(&ctx, ticket(state), &words(automatic, None, None));
    let elsewhere = done.as_ref().is_ok_and(|(comment, _)| comment.ticket_id == fixture::id(2));
    (fixture::outcome(&done.map(|(_, change)| change)), elsewhere)
}

#[test]
fn a_customer_s_words_move_the_ticket_as_its_state_says() {
    let day = Duration::from_hours(24);
    for state in State::ALL {
        let (events, elsewhere) = match state {
            State::WaitingOnCustomer => ("ticket.commented ticket.resumed", false),
            State::Resolved => ("ticket.commented ticket.reopened", false),
            // The merged one, to whom the survivor is not shown; to others there is no opening.
            State::Closed | State::Cancelled | State::Merged => ("ticket.created ticket.commented", true),
            _ => ("ticket.commented", false),
        };
        assert_eq!(customer(*state, day, false), (events.to_owned(), elsewhere), "{state:?}");
    }
    let over = ("ticket.created ticket.commented".to_owned(), true);
    assert_eq!(customer(State::Resolved, 14 * day, false), over);
}

#[test]
fn what_a_program_says_for_a_customer_moves_nothing() {
    for state in State::ALL.iter().filter(|state| **state != State::Merged) {
        assert_eq!(
            customer(*state, Duration::ZERO, true),
            ("ticket.commented".to_owned(), false),
            "{state:?}"
        );
    }
}

#[test]
fn what_is_merged_is_not_spoken_on() {
    for (role, automatic, opening) in
        [(Role::Agent, false, true), (Role::Customer, false, false), (Role::Customer, true, true)]
    {
        let merged = Ticket { merged_into: Some(fixture::id(7)), ..ticket(State::Merged) };
        let opening = opening.then(|| Opening { id: fixture::id(2), number: 2, plan: String::new() });
        let create = words(automatic, None, None);
        let done = decide(
            &fixture::ctx(role),
            fixture::configuration(),
            merged,
            &create,
            fixture::id(9),
            opening.as_ref(),
            None,
        );
        let refused = done.expect_err("it goes on elsewhere");
        assert_eq!(refused.reason(), Reason::TicketMerged, "{role:?}");
    }
}

#[test]
fn a_follow_up_without_a_number_is_a_conflict() {
    let ctx = fixture::ctx(Role::Customer);
    let create = words(false, None, None);
    let closed = ticket(State::Closed);
    let done = decide(&ctx, fixture::configuration(), closed, &create, fixture::id(9), None, None);
    assert!(done.is_err_and(|error| error.is_conflict()));
}

#[test]
fn customers_speak_in_public_and_others_as_their_level_may() {
    let visibility = |role, level: &str, asked| {
        let ticket = Ticket { level: level.to_owned(), ..ticket(State::Open) };
        decided(&fixture::ctx(role), ticket, &words(false, asked, None))
            .map(|(comment, _)| comment.visibility)
    };
    let (public, internal) = (Some(Visibility::Public), Some(Visibility::Internal));
    assert_eq!(visibility(Role::Customer, "L3", internal).ok(), public);
    assert_eq!(visibility(Role::Agent, "L1", None).ok(), internal);
    assert_eq!(visibility(Role::Agent, "L2", public).ok(), public);
    assert_eq!(visibility(Role::Agent, "L3", internal).ok(), internal);
    for level in ["L3", "gone"] {
        let refused = visibility(Role::Agent, level, public).expect_err("no contact");
        assert_eq!(refused.reason(), Reason::LevelWithoutCustomerContact, "{level}");
    }
}

#[test]
fn a_transition_keeps_its_own_rule_and_needs_its_own_right() {
    let resolve =
        |code: &str| Then::Resolve(Resolution { code: code.to_owned(), ..Resolution::default() }, false);
    let done = |role, state, then| {
        let done = decided(&fixture::ctx(role), ticket(state), &words(false, None, Some(then)));
        done.map(|(_, change)| change)
    };
    let outcome = |role, state, then| fixture::outcome(&done(role, state, then));
    assert_eq!(outcome(Role::Agent, State::Open, resolve("fixed")), "ticket.commented ticket.resolved");
    assert_eq!(
        outcome(Role::Agent, State::Open, Then::Hold(HoldKind::Customer, None)),
        "ticket.commented ticket.held"
    );
    assert_eq!(outcome(Role::Agent, State::Resolved, Then::Reopen), "ticket.commented ticket.reopened");
    assert_eq!(outcome(Role::Agent, State::Open, Then::Resume), "TICKET_STATE_CONFLICT");
    assert_eq!(outcome(Role::Customer, State::Open, resolve("fixed")), "PERMISSION_MISSING");
    assert_eq!(
        fixture::faults(done(Role::Agent, State::Open, resolve("nonsense"))),
        ["resolve.resolution.code"]
    );
    let past = Then::Hold(HoldKind::Other, Some(fixture::start()));
    assert_eq!(fixture::faults(done(Role::Agent, State::Open, past)), ["hold.until_time"]);
}

#[test]
fn the_event_tells_what_was_said_and_to_whom() {
    let create = words(true, Some(Visibility::Public), None);
    let (comment, change) = decided(&fixture::ctx(Role::Agent), ticket(State::Open), &create).expect("said");
    let event = &change.events[0];
    assert_eq!((event.note.as_str(), event.version), ("hello", comment.version));
    assert_eq!(event.details["comment"], comment.id.to_string());
    assert_eq!((&event.details["visibility"], &event.details["automatic"]), (&"PUBLIC".into(), &true.into()));
    assert!(event.changes.is_empty());
}

#[test]
fn a_receipt_holds_no_words() {
    let create = words(false, None, None);
    let (comment, _) = decided(&fixture::ctx(Role::Agent), ticket(State::Open), &create).expect("said");
    let kept = serde_json::to_string(&Kept { id: comment.id, comment: Some(comment) }).expect("plain");
    assert!(!kept.contains("hello"), "{kept}");
}
