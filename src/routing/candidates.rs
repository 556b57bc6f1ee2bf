//! Who gets a ticket: of the team's agents who may be given work, have room and the required skills, the one with the
//! most room. Everybody else gets the reason why not.

use serde::{Deserialize, Serialize};

use crate::{agents::Loaded, tickets::codes, time::Time};

/// How many candidates a decision tells of at most, the best first.
pub const MAX_CANDIDATES: usize = 50;

codes! {
    /// Why an agent did not get a ticket; in the order in which candidates are told.
    Rejection {
        LessRoom = "LESS_ROOM",
        MissingSkill = "MISSING_SKILL",
        AtCapacity = "AT_CAPACITY",
        Away = "AWAY",
    }
}

/// An agent who was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    pub agent: String,
    /// Live tickets that it owned.
    pub used: i64,
    pub capacity: i32,
    /// Why it did not get the ticket; `None`: it got it.
    pub rejection: Option<Rejection>,
}

/// The agents of a team, the best first. The first got the ticket, unless it has a rejection too: then nobody could.
pub fn choose(members: &[Loaded], team: &str, required_skills: &[String], now: Time) -> Vec<Candidate> {
    let mut ranked: Vec<(Option<Rejection>, &Loaded)> = members
        .iter()
        .filter(|member| member.agent.is_in(team))
        .map(|member| (obstacle(member, required_skills, now), member))
        .collect();
    ranked.sort_by_key(|(obstacle, member)| (*obstacle, -member.room(), &member.agent.key));
    let candidate = |(place, (obstacle, member)): (usize, &(Option<Rejection>, &Loaded))| Candidate {
        agent: member.agent.key.clone(),
        used: member.used,
        capacity: member.agent.capacity,
        rejection: obstacle.or((place > 0).then_some(Rejection::LessRoom)),
    };
    ranked.iter().enumerate().map(candidate).collect()
}

/// Why the ticket cannot be given to the agent at all.
fn obstacle(member: &Loaded, required_skills: &[String], now: Time) -> Option<Rejection> {
    if member.agent.is_away(now) {
        Some(Rejection::Away)
    } else if member.room() == 0 {
        Some(Rejection::AtCapacity)
    } else if !required_skills.iter().all(|skill| member.agent.skills.contains_key(skill)) {
        Some(Rejection::MissingSkill)
    } else {
        None
    }
}

/// Who got it.
pub fn chosen(candidates: &[Candidate]) -> Option<&str> {
    candidates.first().filter(|best| best.rejection.is_none()).map(|best| best.agent.as_str())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::agents::{Agent, Availability, fixture::loaded};

    fn now() -> Time {
        "2026-01-05T12:00:00Z".parse().expect("a time")
    }

    fn with(key: &str, capacity: i32, used: i64, skills: &[&str]) -> Loaded {
        let mut member = loaded(key, capacity, used);
        member.agent.skills.0 = skills.iter().map(|skill| ((*skill).to_owned(), 1)).collect();
        member
    }

    fn told(members: &[Loaded], required: &[&str]) -> Vec<String> {
        let required: Vec<String> = required.iter().map(|skill| (*skill).to_owned()).collect();
        choose(members, "desk-de", &required, now())
            .iter()
            .map(|it| format!("{} {}", it.agent, it.rejection.map_or("gets it", Rejection::name)))
            .collect()
    }

    #[test]
    fn the_most_room_wins_and_the_key_decides_between_equals() {
        let members = [with("eve", 5, 1, &[]), with("bob", 3, 0, &[]), with("ada", 4, 0, &[])];
        assert_eq!(told(&members, &[]), ["ada gets it", "eve LESS_ROOM", "bob LESS_ROOM"]);
    }

    #[test]
    fn everybody_else_has_a_reason() {
        let mut away = with("dan", 9, 0, &["german"]);
        away.agent.availability = Availability::Away;
        let elsewhere =
            Loaded { agent: Agent { teams: vec!["field".into()], ..loaded("zoe", 9, 0).agent }, used: 0 };
        let members = [
            with("ada", 2, 2, &["german"]),
            with("bob", 9, 0, &["english"]),
            with("eve", 2, 1, &["german", "english"]),
            away,
            elsewhere,
        ];
        assert_eq!(
            told(&members, &["german"]),
            ["eve gets it", "bob MISSING_SKILL", "ada AT_CAPACITY", "dan AWAY"]
        );
        assert_eq!(
            told(&members[..2], &["german"]),
            ["bob MISSING_SKILL", "ada AT_CAPACITY"],
            "nobody could"
        );
        assert_eq!(chosen(&choose(&[], "desk-de", &[], now())), None);
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
            required in prop::sample::subsequence(vec!["a".to_owned(), "b".to_owned()], 0..=2),
        ) {
            let candidates = choose(&members, "desk-de", &required, now());
            let able = |member: &&Loaded| {
                member.agent.is_in("desk-de")
                    && !member.agent.is_away(now())
                    && member.used < i64::from(member.agent.capacity)
                    && required.iter().all(|skill| member.agent.skills.contains_key(skill))
            };
            let most = members.iter().filter(able).map(Loaded::room).max();
            let winner = candidates.iter().position(|candidate| candidate.rejection.is_none());
            prop_assert_eq!(winner, most.map(|_| 0));
            prop_assert_eq!(candidates.first().filter(|_| winner.is_some()).map(|best| {
                i64::from(best.capacity) - best.used
            }), most);
            prop_assert!(candidates.iter().skip(1).all(|candidate| candidate.rejection.is_some()));
            prop_assert_eq!(candidates.len(), members.iter().filter(|member| member.agent.is_in("desk-de")).count());
        }
    }
}
