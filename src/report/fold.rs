//! The figures, folded from events in the order of the stream. Each figure says what it counts; nothing is kept of the
//! events but a few words for each ticket.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    time::Duration,
};

use serde::Serialize;

use crate::time::Time;

/// What the figures need to know of the configuration.
#[derive(Clone, Debug, Default)]
pub struct Terms {
    /// The levels from the lowest to the highest.
    pub levels: Vec<String>,
    /// The resolution codes of the first contact.
    pub first_contact: HashSet<String>,
}

/// What the figures need to know of an event.
#[derive(Clone, Debug)]
pub struct Seen {
    pub ticket: String,
    pub kind: String,
    pub occur_time: Time,
    pub state: String,
    pub level: String,
    pub team: String,
    pub resolution_code: String,
    pub reason: String,
    pub imported: bool,
}

/// A fold at work.
#[derive(Debug, Default)]
pub struct Fold {
    terms: Terms,
    events: u64,
    tickets: HashMap<String, Story>,
}

/// What is kept of a ticket.
#[derive(Debug, Default)]
struct Story {
    first_level: String,
    highest_level: String,
    teams: Vec<String>,
    /// Came back to a team that had it.
    returns: u64,
    team: String,
    state: String,
    since: Option<Time>,
    resolution_code: String,
    waited: bool,
    waiting: Duration,
    live: Duration,
    transfers: u64,
    hand_backs: u64,
    escalations: BTreeMap<String, u64>,
}

/// The figures.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Figures {
    /// Tickets that the log knows. Of the tickets counted here and below, none goes on in another one: that one is counted.
    pub incidents: u64,
    pub events: u64,
    /// Tickets by the highest level that had them.
    pub highest_level: BTreeMap<String, u64>,
    /// Tickets by the level that had them first.
    pub first_level: BTreeMap<String, u64>,
    /// Tickets that came back to a team that had had them.
    pub returns: u64,
    /// How often tickets came back.
    pub return_count: u64,
    /// Moves between teams of one level.
    pub transfers: u64,
    pub escalations: u64,
    pub escalations_by_reason: BTreeMap<String, u64>,
    pub hand_backs: u64,
    /// Tickets that are resolved or closed.
    pub solved: u64,
    /// Of those: solved by the first contact.
    pub first_contact: u64,
    pub first_contact_rate: f64,
    /// Of those: solved at the lowest level, without a higher one.
    pub push_to_front: u64,
    pub push_to_front_rate: f64,
    /// Tickets that have waited for the customer.
    pub waited_on_customer: u64,
    pub waited_on_customer_rate: f64,
    /// How long they waited, all together, up to the last event of each.
    pub waiting_on_customer_seconds: u64,
    /// The share of that in the time in which tickets were live.
    pub waiting_on_customer_share: f64,
}

impl Fold {
    pub fn new(terms: Terms) -> Self {
        Self { terms, ..Self::default() }
    }

    /// Takes the next event.
    pub fn see(&mut self, seen: Seen) {
        self.events += 1;
        let story = self.tickets.entry(seen.ticket).or_default();
        match seen.kind.as_str() {
            "ticket.transferred" => story.transfers += 1,
            "ticket.handed_back" => story.hand_backs += 1,
            "ticket.escalated" => {
                // The other system's word for a status is no reason.
                let reason = match seen.reason.as_str() {
                    _ if seen.imported => "(imported)",
                    "" => "(none)",
                    reason => reason,
                };
                *story.escalations.entry(reason.to_owned()).or_default() += 1;
            }
            _ => {}
        }
        let rank = |level: &str| self.terms.levels.iter().position(|known| known == level);
        if story.since.is_none() {
            story.first_level.clone_from(&seen.level);
        }
        story.pass(seen.occur_time);
        if rank(&seen.level) >= rank(&story.highest_level) {
            story.highest_level = seen.level;
        }
        story.enter(seen.team);
        story.waited |= seen.state == WAITING;
        story.state = seen.state;
        story.resolution_code = seen.resolution_code;
    }

    pub fn figures(&self) -> Figures {
        // What goes on in another ticket is counted there.
        let stories: Vec<&Story> = self.tickets.values().filter(|story| story.state != "MERGED").collect();
        let count = |is: &dyn Fn(&Story) -> bool| stories.iter().filter(|story| is(story)).count() as u64;
        let sum =
            |of: fn(&Story) -> Duration| stories.iter().map(|story| of(story)).sum::<Duration>().as_secs();
        let total = |of: fn(&Story) -> u64| stories.iter().map(|story| of(story)).sum();
        let by = |level: fn(&Story) -> &String| {
            let mut counts = BTreeMap::new();
            for story in &stories {
                *counts.entry(level(story).clone()).or_default() += 1;
            }
            counts
        };
        let incidents = stories.len() as u64;
        let mut escalations_by_reason: BTreeMap<String, u64> = BTreeMap::new();
        for (reason, count) in stories.iter().flat_map(|story| &story.escalations) {
            *escalations_by_reason.entry(reason.clone()).or_default() += count;
        }
        let solved = count(&Story::is_solved);
        let lowest = self.terms.levels.first();
        let first_contact =
            count(&|story| story.is_solved() && self.terms.first_contact.contains(&story.resolution_code));
        let push_to_front = count(&|story| story.is_solved() && Some(&story.highest_level) == lowest);
        let waited = count(&|story| story.waited);
        let waiting = sum(|story| story.waiting);
        Figures {
            incidents,
            events: self.events,
            highest_level: by(|story| &story.highest_level),
            first_level: by(|story| &story.first_level),
            returns: count(&|story| story.returns > 0),
            return_count: total(|story| story.returns),
            transfers: total(|story| story.transfers),
            escalations: escalations_by_reason.values().sum(),
            escalations_by_reason,
            hand_backs: total(|story| story.hand_backs),
            solved,
            first_contact,
            first_contact_rate: share(first_contact, solved),
            push_to_front,
            push_to_front_rate: share(push_to_front, solved),
            waited_on_customer: waited,
            waited_on_customer_rate: share(waited, incidents),
            waiting_on_customer_seconds: waiting,
            waiting_on_customer_share: share(waiting, sum(|story| story.live)),
        }
    }
}

const WAITING: &str = "WAITING_ON_CUSTOMER";

impl Story {
    /// Time passes in the state in which it stands.
    fn pass(&mut self, now: Time) {
        let span = now.duration_since(*self.since.unwrap_or(now));
        let span = Duration::try_from(span).unwrap_or_default();
        let live = ["NEW", "OPEN", WAITING, "WAITING_ON_VENDOR", "ON_HOLD"].contains(&self.state.as_str());
        if live {
            self.live += span;
        }
        if self.state == WAITING {
            self.waiting += span;
        }
        self.since = Some(now);
    }

    fn enter(&mut self, team: String) {
        if team == self.team {
            return;
        }
        if self.teams.contains(&team) {
            self.returns += 1;
        } else {
            self.teams.push(team.clone());
        }
        self.team = team;
    }

    fn is_solved(&self) -> bool {
        matches!(self.state.as_str(), "RESOLVED" | "CLOSED")
    }
}

/// A share, 0 to 1; of nothing it is 0.
fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: u64) -> Time {
        let start: Time = "2026-01-05T09:00:00Z".parse().expect("a time");
        start.after(Duration::from_mins(minute))
    }

    /// `minute kind state level team` of each event.
    fn fold(stories: &[(&str, &[&str])]) -> Figures {
        let mut fold = Fold::new(Terms {
            levels: ["L1", "L2", "L3"].map(str::to_owned).to_vec(),
            first_contact: HashSet::from(["in-call".to_owned()]),
        });
        for (ticket, events) in stories {
            for event in *events {
                let words: Vec<&str> = event.split(' ').collect();
                let [minute, kind, state, level, team, rest @ ..] = words.as_slice() else {
                    panic!("{event}")
                };
                fold.see(Seen {
                    ticket: (*ticket).to_owned(),
                    kind: format!("ticket.{kind}"),
                    occur_time: at(minute.parse().expect("a minute")),
                    state: (*state).to_owned(),
                    level: (*level).to_owned(),
                    team: (*team).to_owned(),
                    resolution_code: rest.first().copied().unwrap_or_default().to_owned(),
                    reason: rest.get(1).copied().unwrap_or_default().to_owned(),
                    imported: rest.get(2).is_some(),
                });
            }
        }
        fold.figures()
    }

    #[test]
    fn every_figure_counts_what_it_says() {
        let figures = fold(&[
            (
                "in call",
                &[
                    "0 created OPEN L1 desk",
                    "5 resolved RESOLVED L1 desk in-call",
                    "9 closed CLOSED L1 desk in-call",
                ],
            ),
            (
                "at the front",
                &[
                    "0 created NEW L1 desk",
                    "4 held WAITING_ON_CUSTOMER L1 desk",
                    "10 resolved RESOLVED L1 desk fixed",
                ],
            ),
            (
                "there and back",
                &[
                    "0 created NEW L1 desk",
                    "1 escalated OPEN L2 apps _ CODE_CHANGE",
                    "2 transferred OPEN L2 infra",
                    "3 handed_back OPEN L1 desk",
                    "4 escalated OPEN L3 lab _ Queued x",
                    "5 escalated OPEN L2 apps",
                    "6 noted OPEN L2 apps",
                ],
            ),
            ("from above", &["0 created OPEN L2 apps", "30 resolved RESOLVED L2 apps fixed"]),
        ]);
        assert_eq!((figures.incidents, figures.events), (4, 15));
        let levels = |pairs: &[(&str, u64)]| -> BTreeMap<String, u64> {
            pairs.iter().map(|(level, count)| ((*level).to_owned(), *count)).collect()
        };
        assert_eq!(figures.highest_level, levels(&[("L1", 2), ("L2", 1), ("L3", 1)]));
        assert_eq!(figures.first_level, levels(&[("L1", 3), ("L2", 1)]));
        assert_eq!((figures.returns, figures.return_count), (1, 2));
        assert_eq!((figures.transfers, figures.escalations, figures.hand_backs), (1, 3, 1));
        assert_eq!(
            figures.escalations_by_reason,
            levels(&[("CODE_CHANGE", 1), ("(imported)", 1), ("(none)", 1)])
        );
        assert_eq!((figures.solved, figures.first_contact, figures.push_to_front), (3, 1, 2));
        assert!((figures.push_to_front_rate - 2.0 / 3.0).abs() < 1e-9);
        assert_eq!((figures.waited_on_customer, figures.waiting_on_customer_seconds), (1, 6 * 60));
        // Live: 5 + 10 + 6 + 30 minutes.
        assert!((figures.waiting_on_customer_share - 6.0 / 51.0).abs() < 1e-9);
    }

    #[test]
    fn what_was_merged_is_counted_where_it_goes_on() {
        let survivor: (&str, &[&str]) =
            ("survivor", &["0 created OPEN L1 desk", "9 resolved RESOLVED L1 desk fixed"]);
        let merged: (&str, &[&str]) =
            ("merged", &["0 created NEW L1 desk", "1 escalated OPEN L2 apps", "5 merged MERGED L2 apps"]);
        let (both, alone) = (fold(&[survivor, merged]), fold(&[survivor]));
        assert_eq!(Figures { events: 2, ..both.clone() }, alone);
        assert_eq!((both.events, alone.incidents, alone.solved), (5, 1, 1));
        let unmerged: (&str, &[&str]) =
            ("merged", &["0 created NEW L1 desk", "5 merged MERGED L1 desk", "9 unmerged NEW L1 desk"]);
        assert_eq!(fold(&[survivor, unmerged]).incidents, 2);
    }

    #[test]
    fn nothing_is_nothing() {
        let figures = fold(&[]);
        assert_eq!(figures, Figures::default());
        assert!(serde_json::to_string(&figures).expect("plain data").contains(r#""highest_level":{}"#));
    }
}
