//! The clocks of a ticket, as its events make them: one event after the other, always the same way, whether it just
//! happened or is read back. What is kept in the database equals what the whole log makes, or one of them is wrong.

use std::collections::HashMap;

use super::{
    evaluate::Phase,
    model::{Clock, Terms, What, floor},
    points::Point,
    signals,
    taken_start::CLOCK_STARTS,
};
use crate::{
    configuration::{Configuration, OnChange},
    events::Event,
};

/// The revisions that clocks are pinned to.
pub type Revisions<'c> = HashMap<i64, &'c Configuration>;

/// A ticket's terms and clocks.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Book {
    /// Of the configuration by which its policies hold; 0: none ever did.
    pub revision: i64,
    /// Keys of the policies that hold.
    pub policies: Vec<String>,
    pub clocks: Vec<Clock>,
}

impl Book {
    /// What the whole log of a ticket makes.
    pub fn recomputed(revisions: &Revisions<'_>, log: &[Event]) -> Self {
        let mut book = Self::default();
        for (place, event) in log.iter().enumerate() {
            book.follow(revisions, event, &log[..=place]);
        }
        book
    }

    /// Whether an event brings other terms to a ticket that is there already, so that the log has to be read again.
    pub fn renews(&self, event: &Event) -> bool {
        let changes = |field: &str| event.changes.contains_key(field);
        let terms = changes("sla_policies") || changes("sla_revision");
        event.version > 1 && (terms || (changes("priority") && !self.policies.is_empty()))
    }

    /// One more event. `log`: all events up to and with it; only needed when the event [renews](Self::renews).
    pub fn follow(&mut self, revisions: &Revisions<'_>, event: &Event, log: &[Event]) {
        let renews = self.renews(event);
        self.note(event);
        for clock in &mut self.clocks {
            if let Some(configuration) = revisions.get(&clock.configuration_revision) {
                signals::apply(clock, configuration, event);
            }
        }
        self.take_terms(event);
        if let Some(configuration) = revisions.get(&self.revision).copied() {
            if renews {
                self.renew(revisions, configuration, event, log);
            } else {
                self.begin(configuration, event, &event.facts.priority);
            }
        }
        self.settle(revisions, event);
    }

    /// What the event tells of a clock.
    fn note(&mut self, event: &Event) {
        let Some(clock) = named(event) else { return };
        let point = event.details.get("point").cloned().map(serde_json::from_value::<Point>);
        let (Some(clock), Some(Ok(point))) = (self.clocks.iter_mut().find(|it| it.number == clock), point)
        else {
            return;
        };
        clock.told.push(point);
        if point == Point::Breach {
            clock.detect_time = Some(event.occur_time);
        }
    }

    fn take_terms(&mut self, event: &Event) {
        if let Some((_, policies)) = event.changes.get("sla_policies") {
            self.policies = serde_json::from_value(policies.clone()).unwrap_or_default();
        }
        if let Some((_, revision)) = event.changes.get("sla_revision") {
            self.revision = revision.as_i64().unwrap_or_default();
        }
    }

    /// The clocks that begin with this event.
    fn begin(&mut self, configuration: &Configuration, event: &Event, priority: &str) {
        for key in &self.policies {
            let Some(policy) = configuration.sla_policy(key) else { continue };
            for clock in &policy.clocks {
                let terms = Terms { configuration, policy, clock };
                let Some(level) = signals::begins(&terms, event, &self.clocks) else { continue };
                let number = self.clocks.len() as i32 + 1;
                if let Some(mut clock) = Clock::new(number, &terms, level, priority, event) {
                    if terms.clock.pause_in.contains(&event.facts.state) {
                        clock.signal(event, What::Pause);
                    }
                    self.clocks.push(clock);
                }
            }
        }
    }

    /// Puts the terms that hold now in the place of those by which the open clocks ran.
    fn renew(
        &mut self,
        revisions: &Revisions<'_>,
        configuration: &Configuration,
        event: &Event,
        log: &[Event],
    ) {
        let mut fresh = self.by_these_terms(configuration, event, log);
        let open: Vec<usize> = (0..self.clocks.len()).filter(|it| self.clocks[*it].is_open()).collect();
        for place in open {
            let number = self.clocks.len() as i32 + 1;
            let old = &mut self.clocks[place];
            let Some(new) = fresh.iter().position(|new| new.is_same(old)) else {
                old.signal(event, What::Cancel);
                continue;
            };
            let new = fresh.remove(new);
            if new.has_terms_of(old) {
                continue;
            }
            let pinned = revisions.get(&old.configuration_revision);
            let used = pinned.map_or(0, |pinned| old.read(pinned, event.occur_time).elapsed);
            let successor = succeed(configuration, old, new, used, event, number);
            old.signal(event, What::Supersede);
            self.clocks.push(successor);
        }
        for mut new in fresh {
            let over = |old: &Clock| old.is_same(&new) && old.phase() == Phase::Stopped;
            if signals::is_once(new.kind) && self.clocks.iter().any(over) {
                // What was kept or missed once is not judged again.
                continue;
            }
            new.number = self.clocks.len() as i32 + 1;
            judge_birth(&mut new, configuration, event);
            self.clocks.push(new);
        }
    }

    /// The clocks that would be open if these terms had held from the first event.
    fn by_these_terms(&self, configuration: &Configuration, event: &Event, log: &[Event]) -> Vec<Clock> {
        let mut book = Self { revision: self.revision, policies: self.policies.clone(), clocks: Vec::new() };
        for past in log {
            for clock in &mut book.clocks {
                signals::apply(clock, configuration, past);
            }
            book.begin(configuration, past, &event.facts.priority);
        }
        book.clocks.retain(Clock::is_open);
        book.clocks
    }

    /// Makes out anew what the event touched, and what has become late in the meantime.
    fn settle(&mut self, revisions: &Revisions<'_>, event: &Event) {
        let now = floor(event.occur_time);
        for clock in &mut self.clocks {
            let touched = clock.signals.last().is_some_and(|last| last.version == event.version)
                || named(event) == Some(clock.number)
                || (clock.is_open() && event.details.contains_key(CLOCK_STARTS));
            let late = clock.phase() == Phase::Running
                && clock.breach_time.is_none()
                && !clock.breached_on_apply
                && clock.due_time.is_some_and(|due| due < now);
            let fresh = clock.time_zone_release.is_empty();
            if (touched || late || fresh)
                && let Some(configuration) = revisions.get(&clock.configuration_revision)
            {
                clock.settle(configuration, event.occur_time);
            }
        }
    }
}

/// The clock that an event tells of.
fn named(event: &Event) -> Option<i32> {
    i32::try_from(event.details.get("clock")?.as_i64()?).ok()
}

/// The clock that comes in the place of another. `used`: open seconds of the old one.
fn succeed(
    configuration: &Configuration,
    old: &Clock,
    rebased: Clock,
    used: u64,
    event: &Event,
    number: i32,
) -> Clock {
    let mode = configuration.sla_policy(&rebased.policy).map(|policy| policy.on_change).unwrap_or_default();
    let mut clock = Clock { number, supersedes: Some(old.number), ..rebased };
    if mode != OnChange::Rebase {
        let paused = clock.phase() == Phase::Paused;
        clock.start_time = floor(event.occur_time);
        clock.signals.clear();
        clock.signal(event, What::Start);
        if paused {
            clock.signal(event, What::Pause);
        }
    }
    if mode == OnChange::CarryFraction {
        let (used, old, new) = (i128::from(used), old.target_seconds.max(1), clock.target_seconds);
        clock.carried_seconds = i64::try_from(used * i128::from(new) / i128::from(old)).unwrap_or(i64::MAX);
    }
    judge_birth(&mut clock, configuration, event);
    clock
}

/// What is late when it comes to hold was promised by nobody.
fn judge_birth(clock: &mut Clock, configuration: &Configuration, event: &Event) {
    clock.breached_on_apply = clock.read(configuration, event.occur_time).breach.is_some();
}

impl Clock {
    /// Whether both measure the same thing.
    fn is_same(&self, other: &Self) -> bool {
        (self.agreement, self.kind, &self.level) == (other.agreement, other.kind, &other.level)
    }

    /// Whether nothing is different for the customer.
    fn has_terms_of(&self, other: &Self) -> bool {
        self.policy == other.policy
            && self.configuration_revision == other.configuration_revision
            && self.target_seconds == other.target_seconds
            && self.calendar == other.calendar
    }
}
