//! What an event means for a clock: when each kind begins, stands still, and ends.

use super::{
    model::{Clock, Terms, What, definition},
    taken_start,
};
use crate::{
    configuration::{ClockKind, Configuration},
    ctx::ActorKind,
    events::{Event, EventType},
    sla::evaluate::Phase,
    tickets::State,
};

/// Of these a ticket has one, from its first event on.
pub fn is_once(kind: ClockKind) -> bool {
    matches!(kind, ClockKind::FirstResponse | ClockKind::FirstResolution | ClockKind::TotalResolution)
}

/// What the event does to a clock that is there.
pub fn apply(clock: &mut Clock, configuration: &Configuration, event: &Event) {
    let Some(terms) = Terms::of(configuration, clock) else { return };
    let state = State::parse(&event.facts.state);
    let phase = clock.phase();
    let open = matches!(phase, Phase::Running | Phase::Paused);
    if open && matches!(state, Some(State::Cancelled | State::Merged)) {
        return clock.signal(event, What::Cancel);
    }
    if open && let Some(time) = taken_start::taken(clock, event) {
        clock.begin_at(time);
    }
    if open && let Some(end) = ends(clock, &terms, event) {
        return clock.signal(event, end);
    }
    let goes_on = clock.kind == ClockKind::TotalResolution
        && phase == Phase::Stopped
        && state.is_some_and(State::is_live);
    let goes_on = goes_on || (phase == Phase::Cancelled && is_unmerged(clock, event));
    let waits = terms.clock.pause_in.contains(&event.facts.state);
    if goes_on || (phase == Phase::Paused && !waits) {
        clock.signal(event, What::Resume);
    }
    if waits && clock.phase() == Phase::Running {
        clock.signal(event, What::Pause);
    }
}

/// How the event ends an open clock.
fn ends(clock: &Clock, terms: &Terms<'_>, event: &Event) -> Option<What> {
    let over = is_over(event);
    let stops = match clock.kind {
        ClockKind::FirstResponse | ClockKind::NextResponse | ClockKind::PeriodicUpdate => {
            over || answers(event)
        }
        ClockKind::FirstResolution | ClockKind::TotalResolution => over,
        ClockKind::Level => over || event.facts.level != clock.level,
        ClockKind::Vendor => over || !is_with_vendor(terms.configuration, event),
        ClockKind::Acceptance => match event.kind {
            EventType::TicketEscalationAccepted | EventType::TicketEscalationDeclined => true,
            // Nobody answered, or there is another question: there is nothing to have been in time with.
            EventType::TicketEscalationWithdrawn
            | EventType::TicketEscalationExpired
            | EventType::TicketEscalated => return Some(What::Cancel),
            _ if over => return Some(What::Cancel),
            _ => false,
        },
        ClockKind::Unspecified => false,
    };
    stops.then_some(What::Stop)
}

/// Whether a clock of these terms begins with the event, beside those that there are; of which level it is.
pub fn begins<'a>(terms: &Terms<'_>, event: &'a Event, clocks: &[Clock]) -> Option<&'a str> {
    let kind = terms.clock.clock;
    let open = |kind: ClockKind, level: &str| {
        let same = |it: &&Clock| it.agreement == terms.policy.agreement && it.kind == kind;
        clocks.iter().filter(same).any(|it| it.level == level && it.is_open())
    };
    let live = State::parse(&event.facts.state).is_some_and(State::is_live);
    let of_level = |level: &str| {
        let rule = definition(terms.policy, kind, level);
        !level.is_empty() && !open(kind, level) && rule.is_some_and(|rule| std::ptr::eq(rule, terms.clock))
    };
    let begins = match kind {
        ClockKind::FirstResponse | ClockKind::FirstResolution | ClockKind::TotalResolution => {
            event.version == 1 && live
        }
        ClockKind::NextResponse => asks(event) && !open(ClockKind::FirstResponse, "") && !open(kind, ""),
        ClockKind::PeriodicUpdate => live && !open(kind, ""),
        ClockKind::Vendor => live && is_with_vendor(terms.configuration, event) && !open(kind, ""),
        ClockKind::Level => {
            return Some(event.facts.level.as_str()).filter(|level| live && of_level(level));
        }
        ClockKind::Acceptance => {
            let asked = event.kind == EventType::TicketEscalated;
            return event.details.get("to_level")?.as_str().filter(|level| asked && of_level(level));
        }
        ClockKind::Unspecified => false,
    };
    begins.then_some("")
}

/// A person of the support tells the customer something. What programs and rules say answers nothing.
pub fn answers(event: &Event) -> bool {
    let by_support = matches!(event.actor_kind, ActorKind::Agent | ActorKind::Service);
    is_said(event) && by_support && detail(event, "visibility") == Some("PUBLIC")
}

/// The customer says something.
fn asks(event: &Event) -> bool {
    is_said(event) && event.actor_kind == ActorKind::Customer
}

/// The merge that cancelled the clock is taken back. The span between counts for nobody: in it the promise was the other
/// ticket's to keep.
fn is_unmerged(clock: &Clock, event: &Event) -> bool {
    let merge = event.details.get("merge_version").and_then(serde_json::Value::as_i64);
    event.kind == EventType::TicketUnmerged
        && merge.is_some_and(|merge| clock.signals.last().is_some_and(|last| last.version == merge))
}

fn is_said(event: &Event) -> bool {
    let automatic = event.details.get("automatic").and_then(serde_json::Value::as_bool).unwrap_or_default();
    event.kind == EventType::TicketCommented && !automatic
}

fn is_over(event: &Event) -> bool {
    matches!(State::parse(&event.facts.state), Some(State::Resolved | State::Closed))
}

fn is_with_vendor(configuration: &Configuration, event: &Event) -> bool {
    let team = configuration.team(&event.facts.team);
    State::parse(&event.facts.state) == Some(State::WaitingOnVendor) || team.is_some_and(|team| team.vendor)
}

fn detail<'e>(event: &'e Event, key: &str) -> Option<&'e str> {
    event.details.get(key).and_then(serde_json::Value::as_str)
}
