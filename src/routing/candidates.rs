//! Who gets a ticket: of the team's agents who may be given work, have room for it and the skills that it asks for, the
//! one who suits best. Everybody else gets the reason why not.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use serde::{Deserialize, Serialize};

use super::needs;
use crate::{
    agents::{Agent, Loaded},
    configuration::Configuration,
    tickets::{Need, Ticket, codes},
    time::Time,
};

/// How many candidates a decision tells of at most, the best first; of those behind them it counts the reasons. A decision
/// is kept with every assignment, and a team may have hundreds of agents.
pub const MAX_CANDIDATES: usize = 20;

codes! {
    /// Why an agent did not get a ticket; in the order in which candidates are told.
    Rejection {
        // Somebody suited better, first by this:
        NotFormerAssignee = "NOT_FORMER_ASSIGNEE",
        OtherOrganization = "OTHER_ORGANIZATION",
        LessRoom = "LESS_ROOM",
        LessIdle = "LESS_IDLE",
        LaterKey = "LATER_KEY",
        // It could not be:
        MissingSkill = "MISSING_SKILL",
        AtCapacity = "AT_CAPACITY",
        SavesRoom = "SAVES_ROOM",
        CoolingDown = "COOLING_DOWN",
        OffShift = "OFF_SHIFT",
        Away = "AWAY",
    }
}

/// An agent who was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    pub agent: String,
    /// What its tickets and the offers to it took of its capacity.
    pub used: i64,
    pub capacity: i32,
    /// Had the ticket last.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub former_assignee: bool,
    /// Had a live ticket of the same organization.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub same_organization: bool,
    /// When it was last given a ticket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_assign_time: Option<Time>,
    /// Why it did not get the ticket; `None`: it got it.
    pub rejection: Option<Rejection>,
}

/// What a ticket asks of whoever gets it.
#[derive(Clone, Debug)]
pub struct Asked<'a> {
    pub configuration: &'a Configuration,
    pub team: &'a str,
    pub needs: Vec<&'a Need>,
    pub weight: i64,
    pub former_assignee: Option<&'a str>,
    /// Empty: of none.
    pub organization: &'a str,
    /// Whom not to ask until when; `None`: it is given, not offered.
    pub cool_downs: Option<&'a BTreeMap<String, Time>>,
    pub now: Time,
}

impl<'a> Asked<'a> {
    /// What a ticket in this team's queue asks for now.
    pub fn by(configuration: &'a Configuration, ticket: &'a Ticket, team: &'a str, now: Time) -> Self {
        let offers = configuration
            .queue(&ticket.queue)
            .is_some_and(|queue| queue.dispatch == crate::configuration::Dispatch::Offer);
        Self {
            configuration,
            team,
            needs: needs::at(ticket, now),
            weight: ticket.weight(configuration),
            former_assignee: ticket.former_assignee.as_deref(),
            organization: &ticket.organization,
            cool_downs: offers.then_some(&ticket.cool_downs.0),
            now,
        }
    }

    /// Whether the agent is there and able, whatever it has to do and however long the ticket has waited.
    pub fn could_be(&self, agent: &Agent, always: &[&Need]) -> bool {
        agent.is_in(self.team)
            && agent.is_present(self.configuration, self.team, self.now)
            && i64::from(agent.capacity) >= self.weight
            && needs::met(always, agent)
    }

    /// Why the ticket cannot go to the agent at all.
    fn obstacle(&self, member: &Loaded, saving: &BTreeSet<String>) -> Option<Rejection> {
        let agent = &member.agent;
        let cools = |until: Option<&Time>| until.is_some_and(|until| self.now < *until);
        if agent.is_away(self.now) {
            Some(Rejection::Away)
        } else if !agent.is_on_shift(self.configuration, self.team, self.now) {
            Some(Rejection::OffShift)
        } else if self.cool_downs.is_some_and(|of_ticket| {
            cools(of_ticket.get(&agent.key)) || cools(agent.cool_down_until_time.as_ref())
        }) {
            Some(Rejection::CoolingDown)
        } else if saving.contains(&agent.key) {
            Some(Rejection::SavesRoom)
        } else if member.room() < self.weight {
            Some(Rejection::AtCapacity)
        } else if !needs::met(&self.needs, agent) {
            Some(Rejection::MissingSkill)
        } else {
            None
        }
    }

    fn rank<'m>(&self, member: &'m Loaded, saving: &BTreeSet<String>) -> Ranked<'m> {
        Ranked {
            rejection: self.obstacle(member, saving),
            former_assignee: self.former_assignee == Some(&member.agent.key),
            same_organization: member.organizations.contains(self.organization),
            member,
        }
    }
}

/// An agent with what it is ranked by.
struct Ranked<'m> {
    rejection: Option<Rejection>,
    former_assignee: bool,
    same_organization: bool,
    member: &'m Loaded,
}

impl<'m> Ranked<'m> {
    /// Who could and suits best comes first.
    fn order(&self) -> impl Ord + use<'m> {
        let Loaded { agent, .. } = self.member;
        (
            self.rejection,
            Reverse((self.former_assignee, self.same_organization, self.member.room())),
            agent.last_assign_time,
            &agent.key,
        )
    }

    /// Why it did not get what `best` got.
    fn rejection(&self, best: &Self) -> Rejection {
        if let Some(obstacle) = self.rejection {
            obstacle
        } else if best.former_assignee != self.former_assignee {
            Rejection::NotFormerAssignee
        } else if best.same_organization != self.same_organization {
            Rejection::OtherOrganization
        } else if best.member.room() != self.member.room() {
            Rejection::LessRoom
        } else if best.member.agent.last_assign_time != self.member.agent.last_assign_time {
            Rejection::LessIdle
        } else {
            Rejection::LaterKey
        }
    }

    fn candidate(&self, rejection: Option<Rejection>) -> Candidate {
        let Loaded { agent, used, .. } = self.member;
        Candidate {
            agent: agent.key.clone(),
            used: *used,
            capacity: agent.capacity,
            former_assignee: self.former_assignee,
            same_organization: self.same_organization,
            last_assign_time: agent.last_assign_time,
            rejection,
        }
    }
}

/// Who was looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Looked {
    /// The best first. The first got the ticket, unless it has a rejection too: then nobody could.
    pub candidates: Vec<Candidate>,
    /// How many behind those had which rejection.
    pub further: BTreeMap<Rejection, i32>,
}

/// Looks at the agents of a team. `saving`: who keeps its room for a heavier ticket that comes before this one.
pub fn choose(members: &[Loaded], asked: &Asked<'_>, saving: &BTreeSet<String>) -> Looked {
    let mut ranked: Vec<Ranked<'_>> = members
        .iter()
        .filter(|member| member.agent.is_in(asked.team))
        .map(|member| asked.rank(member, saving))
        .collect();
    // Of hundreds only the first few are told; the others need no order.
    if ranked.len() > MAX_CANDIDATES {
        ranked.select_nth_unstable_by(MAX_CANDIDATES, |a, b| a.order().cmp(&b.order()));
    }
    let most = MAX_CANDIDATES.min(ranked.len());
    let (told, further) = ranked.split_at_mut(most);
    told.sort_by(|a, b| a.order().cmp(&b.order()));
    let Some(best) = told.first() else { return Looked::default() };
    let mut looked = Looked::default();
    for (place, it) in told.iter().enumerate() {
        let rejection = if place == 0 { it.rejection } else { Some(it.rejection(best)) };
        looked.candidates.push(it.candidate(rejection));
    }
    for it in further.iter() {
        *looked.further.entry(it.rejection(best)).or_default() += 1;
    }
    looked
}

impl Looked {
    /// Who got it.
    pub fn chosen(&self) -> Option<&str> {
        self.candidates.first().filter(|best| best.rejection.is_none()).map(|best| best.agent.as_str())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        agents::{Availability, fixture::loaded},
        tickets::fixture,
    };

    fn now() -> Time {
        "2026-01-05T12:00:00Z".parse().expect("a time")
    }

    fn need(skill: &str) -> Need {
        Need { skill: skill.to_owned(), min_level: 1, drop_after: None }
    }

    fn with(key: &str, capacity: i32, used: i64, skills: &[&str]) -> Loaded {
        let mut member = loaded(key, capacity, used);
        member.agent.skills.0 = skills.iter().map(|skill| ((*skill).to_owned(), 1)).collect();
        member
    }

    fn asked(needs: &[Need]) -> Asked<'_> {
        Asked {
            configuration: fixture::configuration(),
            team: "desk-de",
            needs: needs.iter().collect(),
            weight: 1,
            former_assignee: None,
            organization: "",
            cool_downs: None,
            now: now(),
        }
    }

    fn told(members: &[Loaded], asked: &Asked<'_>) -> Vec<String> {
        choose(members, asked, &BTreeSet::new())
            .candidates
            .iter()
            .map(|it| format!("{} {}", it.agent, it.rejection.map_or("gets it", Rejection::name)))
            .collect()
    }

    #[test]
    fn the_better_one_wins_by_the_first_thing_that_differs() {
        let mut idle = with("ida", 4, 0, &[]);
        idle.agent.last_assign_time = Some("2026-01-05T11:00:00Z".parse().expect("a time"));
        let mut busy = with("bob", 4, 0, &[]);
        busy.agent.last_assign_time = Some("2026-01-05T11:59:00Z".parse().expect("a time"));
        let mut acme = with("eve", 5, 4, &[]);
        acme.organizations.insert("acme".into());
        let members =
            [with("fay", 9, 8, &[]), acme, with("zoe", 5, 0, &[]), with("ada", 4, 0, &[]), idle, busy];
        let asked = Asked { former_assignee: Some("fay"), organization: "acme", ..asked(&[]) };
        assert_eq!(
            told(&members, &asked),
            [
                "fay gets it",
                "eve NOT_FORMER_ASSIGNEE",
                "zoe NOT_FORMER_ASSIGNEE",
                "ada NOT_FORMER_ASSIGNEE",
                "ida NOT_FORMER_ASSIGNEE",
                "bob NOT_FORMER_ASSIGNEE"
            ]
        );
        assert_eq!(told(&members[1..], &asked)[..2], ["eve gets it", "zoe OTHER_ORGANIZATION"]);
        assert_eq!(
            told(&members[2..], &asked),
            ["zoe gets it", "ada LESS_ROOM", "ida LESS_ROOM", "bob LESS_ROOM"]
        );
        assert_eq!(told(&members[3..], &asked), ["ada gets it", "ida LESS_IDLE", "bob LESS_IDLE"]);
        let twins = [with("bob", 4, 0, &[]), with("ada", 4, 0, &[])];
        assert_eq!(told(&twins, &asked), ["ada gets it", "bob LATER_KEY"]);
    }

    #[test]
    fn everybody_else_has_a_reason() {
        let mut away = with("dan", 9, 0, &["german"]);
        away.agent.availability = Availability::Away;
        let mut elsewhere = with("zoe", 9, 0, &["german"]);
        elsewhere.agent.teams = vec!["field".into()];
        let members = [
            with("ada", 2, 2, &["german"]),
            with("bob", 9, 0, &["english"]),
            with("eve", 2, 1, &["german", "english"]),
            away,
            elsewhere,
        ];
        let needs = [need("german")];
        assert_eq!(
            told(&members, &asked(&needs)),
            ["eve gets it", "bob MISSING_SKILL", "ada AT_CAPACITY", "dan AWAY"]
        );
        let nobody = ["bob MISSING_SKILL", "ada AT_CAPACITY"];
        assert_eq!(told(&members[..2], &asked(&needs)), nobody);
        assert_eq!(choose(&[], &asked(&[]), &BTreeSet::new()).chosen(), None);
    }

    #[test]
    fn a_heavy_ticket_needs_as_much_room() {
        let members = [with("ada", 3, 1, &[]), with("bob", 3, 0, &[])];
        let heavy = Asked { weight: 3, ..asked(&[]) };
        assert_eq!(told(&members, &heavy), ["bob gets it", "ada AT_CAPACITY"]);
        let nothing = Asked { weight: 0, ..asked(&[]) };
        assert_eq!(told(&[with("ada", 0, 0, &[])], &nothing), ["ada gets it"]);
    }

    #[test]
    fn who_declined_or_let_an_offer_lapse_is_left_alone_for_a_while() {
        let later = now().after(std::time::Duration::from_secs(1));
        let mut lapsed = with("bob", 9, 0, &[]);
        lapsed.agent.cool_down_until_time = Some(later);
        let mut over = with("eve", 9, 0, &[]);
        over.agent.cool_down_until_time = Some(now());
        let members = [with("ada", 9, 0, &[]), lapsed, over];
        let declined = BTreeMap::from([("ada".to_owned(), later)]);
        let offer = Asked { cool_downs: Some(&declined), ..asked(&[]) };
        assert_eq!(told(&members, &offer), ["eve gets it", "ada COOLING_DOWN", "bob COOLING_DOWN"]);
        assert_eq!(told(&members, &asked(&[]))[0], "ada gets it", "what is given does not ask");
    }

    #[test]
    fn of_many_the_best_are_told_and_the_reasons_of_the_others_are_counted() {
        let mut members: Vec<Loaded> =
            (0..100).map(|n| with(&format!("{n:03}"), 1 + n / 50, i64::from(n % 4 == 0), &[])).collect();
        members.reverse();
        let looked = choose(&members, &asked(&[]), &BTreeSet::new());
        assert_eq!(looked.chosen(), Some("050"), "room for two, and the first key");
        let keys: Vec<&str> = looked.candidates.iter().map(|it| it.agent.as_str()).collect();
        assert_eq!((keys.len(), keys[1], keys[19]), (MAX_CANDIDATES, "051", "075"));
        let further: Vec<(&str, i32)> =
            looked.further.iter().map(|(it, count)| (it.name(), *count)).collect();
        assert_eq!(further, [("LESS_ROOM", 49), ("LATER_KEY", 18), ("AT_CAPACITY", 13)]);
    }

    #[test]
    fn who_is_off_shift_is_left_alone() {
        // The team `data` has office hours.
        let mut members = ["ada", "bob", "dan"].map(|key| with(key, 9, 0, &[]));
        for member in &mut members {
            member.agent.teams = vec!["data".into()];
        }
        members[1].agent.calendar = "around-the-clock".into();
        members[2].agent.availability = Availability::Away;
        let needs = [];
        let at = |now| Asked { team: "data", now, ..asked(&needs) };
        let monday = fixture::start();
        assert_eq!(told(&members, &at(monday)), ["ada gets it", "bob LATER_KEY", "dan AWAY"]);
        let sunday = monday.before(std::time::Duration::from_hours(24));
        assert_eq!(told(&members, &at(sunday)), ["bob gets it", "ada OFF_SHIFT", "dan AWAY"]);
        let could_be = |place: usize| at(sunday).could_be(&members[place].agent, &[]);
        assert!(!could_be(0) && could_be(1));
    }

    fn member() -> impl Strategy<Value = Loaded> {
        let skills = prop::sample::subsequence(vec!["a", "b", "c"], 0..=3);
        ("[a-e]{1,2}", 0..4i32, 0..5i64, skills, any::<bool>(), any::<bool>()).prop_map(
            |(key, capacity, used, skills, away, here)| {
                let mut member = with(&key, capacity, used, &skills);
                if away {
                    member.agent.availability = Availability::Away;
                }
                if !here {
                    member.agent.teams.clear();
                }
                member
            },
        )
    }

    proptest! {
        #[test]
        fn nobody_without_room_skill_or_presence_gets_it_and_nobody_able_is_passed_over(
            members in prop::collection::vec(member(), 0..6),
            required in prop::sample::subsequence(vec!["a", "b"], 0..=2),
            weight in 0..3i64,
        ) {
            let needs: Vec<Need> = required.into_iter().map(need).collect();
            let asked = Asked { weight, ..asked(&needs) };
            let candidates = choose(&members, &asked, &BTreeSet::new()).candidates;
            let able = |member: &&Loaded| {
                member.agent.is_in("desk-de")
                    && !member.agent.is_away(now())
                    && member.room() >= weight
                    && needs.iter().all(|need| member.agent.skills.contains_key(&need.skill))
            };
            let most = members.iter().filter(able).map(Loaded::room).max();
            let winner = candidates.iter().position(|candidate| candidate.rejection.is_none());
            prop_assert_eq!(winner, most.map(|_| 0));
            let room = |best: &Candidate| (i64::from(best.capacity) - best.used).max(0);
            prop_assert_eq!(candidates.first().filter(|_| winner.is_some()).map(room), most);
            prop_assert!(candidates.iter().skip(1).all(|candidate| candidate.rejection.is_some()));
            prop_assert_eq!(candidates.len(), members.iter().filter(|it| it.agent.is_in("desk-de")).count());
        }
    }
}
