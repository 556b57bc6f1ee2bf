//! Whom a hierarchical escalation is for: who is told, and who is called because it is on shift and available.

use std::collections::BTreeSet;

use serde_json::json;

use crate::{agents::Agent, configuration::Configuration, ctx::Ctx, events::Event, tickets::Ticket};

/// Some agents and teams, as `agent:KEY` and `team:KEY`, in the order in which they are called.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audience(Vec<String>);

/// Who is called, and who was passed over before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Called {
    /// Key of an agent; `None`: nobody is on shift and available.
    pub agent: Option<String>,
    pub passed_over: Vec<(String, &'static str)>,
}

impl Audience {
    /// Of words as ladders have them: `OWNER`, `TEAM`, `MANAGER`, `agent:KEY`, `team:KEY`.
    pub fn of(configuration: &Configuration, ticket: &Ticket, words: &[String]) -> Self {
        let team = configuration.team(&ticket.team);
        let managers =
            || team.into_iter().flat_map(|team| &team.managers).map(|manager| format!("agent:{manager}"));
        let mut audience = Vec::new();
        for word in words {
            match word.as_str() {
                "OWNER" => audience.extend(ticket.assignee.iter().map(|owner| format!("agent:{owner}"))),
                "TEAM" => audience.push(format!("team:{}", ticket.team)),
                "MANAGER" => audience.extend(managers()),
                named => audience.push(named.to_owned()),
            }
        }
        let mut seen = BTreeSet::new();
        audience.retain(|one| seen.insert(one.clone()));
        Self(audience)
    }

    /// The managers of the ticket's team.
    pub fn managers(configuration: &Configuration, ticket: &Ticket) -> Self {
        Self::of(configuration, ticket, &["MANAGER".to_owned()])
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Keys of the agents and of the teams in it.
    pub fn keys(&self) -> (Vec<String>, Vec<String>) {
        let keys = |kind: &str| {
            let of = |one: &String| one.strip_prefix(kind).map(str::to_owned);
            self.0.iter().filter_map(of).collect()
        };
        (keys("agent:"), keys("team:"))
    }

    /// The first who is on shift and available; a team's agents in the order of their keys.
    pub fn call(&self, ctx: &Ctx, configuration: &Configuration, team: &str, agents: &[Agent]) -> Called {
        let mut called = Called::default();
        for one in &self.0 {
            let (candidates, team): (Vec<&Agent>, &str) = match one.split_once(':') {
                Some(("team", key)) => {
                    (agents.iter().filter(|agent| agent.teams.iter().any(|team| team == key)).collect(), key)
                }
                Some((_, key)) => {
                    let known: Vec<&Agent> = agents.iter().filter(|agent| agent.key == key).collect();
                    if known.is_empty() {
                        called.passed_over.push((key.to_owned(), "UNKNOWN"));
                    }
                    (known, team)
                }
                None => continue,
            };
            for agent in candidates {
                if agent.is_away(ctx.now) {
                    called.passed_over.push((agent.key.clone(), "AWAY"));
                } else if !configuration.on_shift(&agent.calendar, team, ctx.now) {
                    called.passed_over.push((agent.key.clone(), "OFF_SHIFT"));
                } else {
                    called.agent = Some(agent.key.clone());
                    return called;
                }
            }
        }
        called
    }

    pub fn tell(&self, event: &mut Event) {
        event.details.insert("audience".into(), json!(self.0));
    }
}

impl Called {
    pub fn tell(&self, event: &mut Event) {
        if let Some(agent) = &self.agent {
            event.details.insert("called".into(), agent.as_str().into());
        } else {
            "NOBODY_ON_SHIFT".clone_into(&mut event.reason);
        }
        if !self.passed_over.is_empty() {
            let one = |(agent, why): &(String, &str)| json!({"agent": agent, "reason": why});
            event.details.insert("passed_over".into(), self.passed_over.iter().map(one).collect());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        agents::{Availability, fixture::loaded},
        configuration::{Calendar, Document, Weekday, WeeklyHours},
        ctx::Role,
        tickets::{State, fixture},
    };

    /// The desk, with two managers, of whom the second works at night.
    fn configuration() -> Configuration {
        let mut document: Document = fixture::document();
        let desk = document.teams.iter_mut().find(|team| team.key == "desk-de").expect("the desk");
        desk.managers = vec!["maria".into(), "noah".into()];
        document.calendars.push(Calendar {
            key: "never-now".into(),
            time_zone: "UTC".into(),
            hours: vec![WeeklyHours {
                days: vec![Weekday::Sunday],
                open: "00:00".into(),
                close: "00:01".into(),
            }],
            ..Calendar::default()
        });
        Configuration::new(1, document)
    }

    fn agent(key: &str) -> Agent {
        Agent { teams: vec!["desk-de".into()], ..loaded(key, 5, 0).agent }
    }

    fn of(words: &[&str]) -> Audience {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        Audience::of(&configuration(), &ticket(), &words)
    }

    fn ticket() -> Ticket {
        Ticket { team: "desk-de".into(), assignee: Some("ada".into()), ..fixture::ticket(State::Open) }
    }

    #[test]
    fn the_audience_is_resolved_in_its_order_and_named_once() {
        assert_eq!(
            of(&["MANAGER", "OWNER", "agent:noah", "TEAM", "team:network"]).0,
            ["agent:maria", "agent:noah", "agent:ada", "team:desk-de", "team:network"]
        );
        assert_eq!(of(&["MANAGER"]).0, ["agent:maria", "agent:noah"]);
    }

    #[test]
    fn who_is_off_shift_or_away_is_passed_over_and_it_is_said() {
        let configuration = configuration();
        let ctx = fixture::ctx(Role::Agent);
        let called = |agents: &[Agent]| of(&["MANAGER"]).call(&ctx, &configuration, "desk-de", agents);
        let off = Agent { calendar: "never-now".into(), ..agent("maria") };
        let away = Agent { availability: Availability::Away, ..agent("noah") };
        assert_eq!(called(&[agent("maria"), agent("noah")]).agent.as_deref(), Some("maria"));
        let second = called(&[off.clone(), agent("noah")]);
        assert_eq!(second.agent.as_deref(), Some("noah"));
        assert_eq!(second.passed_over, [("maria".to_owned(), "OFF_SHIFT")]);
        let nobody = called(&[away]);
        assert_eq!(nobody.agent, None);
        assert_eq!(nobody.passed_over, [("maria".to_owned(), "UNKNOWN"), ("noah".to_owned(), "AWAY")]);
        let back = Agent { availability_until_time: Some(ctx.now.before(Duration::from_secs(1))), ..off };
        assert_eq!(called(&[back]).agent, None, "back, but off shift");
    }
}
