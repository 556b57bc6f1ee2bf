//! The skills that a ticket asks for: what a rule requires stays, what it prefers drops in order while the ticket waits.

use std::time::Duration;

use crate::{
    agents::Agent,
    configuration::RoutingRule,
    tickets::{Need, Ticket},
    time::Time,
};

/// What a rule asks for, required skills first.
pub fn of(rule: &RoutingRule) -> Vec<Need> {
    let required = rule.required_skills.iter().map(|it| Need {
        skill: it.skill.clone(),
        min_level: it.min_level,
        drop_after: None,
    });
    let preferred = rule.preferred_skills.iter().map(|it| Need {
        skill: it.skill.clone(),
        min_level: it.min_level,
        drop_after: Some(i64::try_from(it.drop_after_duration.as_secs()).unwrap_or(i64::MAX)),
    });
    required.chain(preferred).collect()
}

/// What the ticket still asks for now.
pub fn at(ticket: &Ticket, now: Time) -> Vec<&Need> {
    let since = ticket.queue_time.unwrap_or(now);
    let stands = |need: &&Need| match need.drop_after {
        Some(seconds) => now < since.after(Duration::from_secs(seconds.unsigned_abs())),
        None => true,
    };
    ticket.skills.iter().filter(stands).collect()
}

/// What it asks for however long it waits.
pub fn always(ticket: &Ticket) -> Vec<&Need> {
    ticket.skills.iter().filter(|need| need.drop_after.is_none()).collect()
}

/// Whether the agent can do all of it.
pub fn met(needs: &[&Need], agent: &Agent) -> bool {
    needs.iter().all(|need| agent.skills.get(&need.skill).is_some_and(|level| *level >= need.min_level))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        agents::fixture::agent,
        configuration::{PreferredSkill, SkillRequirement},
        tickets::{Json, State, fixture},
    };

    fn rule() -> RoutingRule {
        let preferred = |skill: &str, min_level, seconds| PreferredSkill {
            skill: skill.into(),
            min_level,
            drop_after_duration: Duration::from_secs(seconds),
        };
        RoutingRule {
            required_skills: vec![SkillRequirement { skill: "german".into(), min_level: 2 }],
            preferred_skills: vec![preferred("billing", 3, 60), preferred("english", 1, 600)],
            ..RoutingRule::default()
        }
    }

    fn waiting() -> Ticket {
        Ticket { skills: Json(of(&rule())), ..fixture::ticket(State::New) }
    }

    #[test]
    fn what_is_preferred_drops_in_order_and_what_is_required_stays() {
        let asked = |seconds| {
            let ticket = waiting();
            let now = fixture::start().after(Duration::from_secs(seconds));
            at(&ticket, now).iter().map(|need| need.skill.clone()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(asked(0), "german billing english");
        assert_eq!(asked(59), "german billing english");
        assert_eq!(asked(60), "german english");
        assert_eq!(asked(600), "german");
        assert_eq!(asked(1_000_000), "german");
    }

    #[test]
    fn the_level_counts() {
        let ticket = waiting();
        for (level, able) in [(None, false), (Some(1), false), (Some(2), true), (Some(5), true)] {
            let mut ada = agent("ada", 1);
            ada.skills.0.extend(level.map(|level| ("german".to_owned(), level)));
            assert_eq!(met(&always(&ticket), &ada), able, "{level:?}");
        }
    }

    proptest! {
        #[test]
        fn waiting_longer_never_asks_for_more(waited in 0u64..2000, more in 0u64..2000) {
            let ticket = waiting();
            let asked = |seconds| at(&ticket, fixture::start().after(Duration::from_secs(seconds))).len();
            prop_assert!(asked(waited + more) <= asked(waited));
            prop_assert!(asked(waited) >= always(&ticket).len());
        }
    }
}
