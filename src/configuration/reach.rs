//! Whether somebody can take what a routing rule sends: a rule that asks for skills which no agent of its teams has would
//! let its tickets wait for ever.

use std::collections::HashSet;

use super::{Document, Keyed, RoutingRule, path};
use crate::{agents::Member, error::Violations};

/// Refuses rules that are new, or lead elsewhere than before, and that no agent on record could serve. A team without
/// any agents is still being set up.
pub fn check(before: &Document, after: &Document, members: &[Member], faults: &mut Violations) {
    for rule in &after.routing_rules {
        let teams = teams(after, rule);
        let known = before.routing_rules.iter().find(|known| known.key == rule.key);
        if known == Some(rule) && known.is_some_and(|known| self::teams(before, known) == teams) {
            continue;
        }
        let theirs: Vec<&Member> = members
            .iter()
            .filter(|member| member.teams.iter().any(|team| teams.contains(team.as_str())))
            .collect();
        if theirs.is_empty() || theirs.iter().any(|member| can(member, rule)) {
            continue;
        }
        let path = path::by_key("routing_rules", &rule.key);
        if rule.required_skills.is_empty() {
            faults.add(
                format!("{path}.queue"),
                format!("none of the {} agents who work it has any capacity; give one some", theirs.len()),
            );
        } else {
            faults.add(
                format!("{path}.required_skills"),
                format!(
                    "none of the {} agents who work it has {}; apply the skills first, give them to an agent \
                     (UpsertAgent), and then apply the rule",
                    theirs.len(),
                    asked(rule)
                ),
            );
        }
    }
}

fn can(member: &Member, rule: &RoutingRule) -> bool {
    let knows = |skill: &str, min_level| member.skills.get(skill).is_some_and(|level| *level >= min_level);
    member.capacity > 0 && rule.required_skills.iter().all(|it| knows(&it.skill, it.min_level))
}

fn asked(rule: &RoutingRule) -> String {
    let one = |it: &super::SkillRequirement| format!("{} at level {}", it.skill, it.min_level);
    rule.required_skills.iter().map(one).collect::<Vec<_>>().join(" and ")
}

/// The teams that may get a rule's tickets: of its queue, and of those to which that overflows.
fn teams<'d>(document: &'d Document, rule: &'d RoutingRule) -> HashSet<&'d str> {
    let find = |key: &str| document.queues.iter().find(|queue| queue.key() == key);
    let mut next = if rule.team.is_empty() { find(&rule.queue) } else { None };
    let mut teams: HashSet<&str> = HashSet::new();
    if !rule.team.is_empty() {
        teams.insert(&rule.team);
        let named = document.teams.iter().find(|team| team.key == rule.team && !team.queue.is_empty());
        let first = || document.queues.iter().find(|queue| queue.team == rule.team);
        next = named.and_then(|team| find(&team.queue)).or_else(first);
    }
    // A valid document has no cycle; the bound keeps it so for one that is not.
    for _ in 0..document.queues.len() {
        let Some(queue) = next else { break };
        teams.insert(&queue.team);
        next = find(&queue.overflow_queue);
    }
    teams
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        configuration::SkillRequirement,
        tickets::{Json, fixture},
    };

    fn member(team: &str, skills: &[(&str, i32)], capacity: i32) -> Member {
        let skills = skills.iter().map(|(skill, level)| ((*skill).to_owned(), *level)).collect();
        Member { teams: vec![team.to_owned()], skills: Json(skills), capacity }
    }

    fn told(before: &Document, after: &Document, members: &[Member]) -> Vec<String> {
        let mut faults = Violations::default();
        check(before, after, members, &mut faults);
        match faults.into_result() {
            Err(crate::error::Error::Invalid(_, violations)) => {
                violations.into_iter().map(|it| it.field).collect()
            }
            _ => Vec::new(),
        }
    }

    #[test]
    fn a_rule_needs_somebody_who_could_serve_it_once_there_are_agents() {
        let nothing = Document::default();
        let document = fixture::document();
        let skilled = member("desk-de", &[("german", 1), ("billing", 1)], 1);
        let english = member("desk-en", &[("english", 2)], 1);
        assert_eq!(told(&nothing, &document, &[]), Vec::<String>::new(), "nobody is on record yet");
        assert_eq!(told(&nothing, &document, &[skilled.clone(), english.clone()]), Vec::<String>::new());
        let german = member("desk-de", &[("german", 1)], 1);
        let invoices = ["routing_rules[key=\"invoices\"].required_skills"];
        assert_eq!(told(&nothing, &document, &[german.clone(), english.clone()]), invoices);
        assert_eq!(
            told(&document, &document, std::slice::from_ref(&german)),
            Vec::<String>::new(),
            "it is in force"
        );
        let idle = Member { capacity: 0, ..skilled.clone() };
        let all = [
            "routing_rules[key=\"invoices\"].required_skills",
            "routing_rules[key=\"german\"].required_skills",
        ];
        assert_eq!(told(&nothing, &document, &[idle]), all, "without capacity nobody serves anything");

        let mut harder = document.clone();
        harder.routing_rules[2].required_skills[1] =
            SkillRequirement { skill: "billing".into(), min_level: 4 };
        assert_eq!(told(&document, &harder, std::slice::from_ref(&skilled)), invoices);
        harder.queues[0].overflow_queue = "desk-en".into();
        let master = member("desk-en", &[("german", 5), ("billing", 5)], 1);
        assert_eq!(
            told(&document, &harder, &[skilled, master]),
            Vec::<String>::new(),
            "where it overflows counts"
        );
    }
}
