//! Who of those on the roster gets which of the waiting tickets, in the order of service.

use std::{collections::BTreeSet, time::Duration};

use super::{
    Decision,
    candidates::{Asked, choose},
    needs,
};
use crate::{
    agents::Loaded,
    configuration::{Configuration, Dispatch},
    tickets::Ticket,
    time::Time,
};

/// The agents that tickets are given to, with what each has to do after what was given away already.
#[derive(Clone, Debug)]
pub struct Roster {
    pub members: Vec<Loaded>,
    /// Who keeps its room for a heavier ticket that comes earlier; else light ones would take it for ever.
    saving: BTreeSet<String>,
}

/// What becomes of a waiting ticket.
#[derive(Clone, Debug, PartialEq)]
pub enum Fate {
    /// Somebody gets it, or is asked.
    Given(Decision),
    /// Nobody could take it, however little they had to do: it goes elsewhere, or is told to be exhausted.
    Nobody(Decision),
    /// It waits on.
    Waits,
}

impl Roster {
    pub fn new(members: Vec<Loaded>) -> Self {
        Self { members, saving: BTreeSet::new() }
    }

    /// The rule. Counts what it gives away.
    pub fn decide(&mut self, configuration: &Configuration, ticket: &Ticket, now: Time) -> Fate {
        let mut decision = self.look(configuration, ticket, now);
        let asked = Asked::by(configuration, ticket, &decision.team, now);
        if decision.assignee.is_empty() {
            if !self.could_take(configuration, ticket, now) {
                return nobody(configuration, ticket, decision, now);
            }
            let saver = self.saver(&asked);
            self.saving.extend(saver);
            return Fate::Waits;
        }
        decision.offered = asked.cool_downs.is_some();
        let given = self.members.iter_mut().find(|member| member.agent.key == decision.assignee);
        if let Some(member) = given {
            member.used += asked.weight;
            member.tickets += 1;
            member.agent.last_assign_time = Some(now);
            if !ticket.organization.is_empty() {
                member.organizations.insert(ticket.organization.clone());
            }
        }
        Fate::Given(decision)
    }

    /// Looks for somebody without giving anything away.
    pub fn look(&self, configuration: &Configuration, ticket: &Ticket, now: Time) -> Decision {
        let mut decision = Decision::here(configuration, ticket);
        let asked = Asked::by(configuration, ticket, &decision.team, now);
        let looked = choose(&self.members, &asked, &self.saving);
        decision.skills = asked.needs.iter().copied().cloned().collect();
        decision.weight = asked.weight;
        decision.keep(looked);
        decision
    }

    /// Whether somebody is there and able, whatever everybody has to do and however long the ticket has waited.
    pub fn could_take(&self, configuration: &Configuration, ticket: &Ticket, now: Time) -> bool {
        let team = configuration.place(&ticket.queue).team;
        let asked = Asked::by(configuration, ticket, &team, now);
        let always = needs::always(ticket);
        self.members.iter().any(|member| asked.could_be(&member.agent, &always))
    }

    /// Who of the able saves up for a ticket that is too heavy for everybody's room: the one who is nearest.
    fn saver(&self, asked: &Asked<'_>) -> Option<String> {
        let nearest = self
            .members
            .iter()
            .filter(|member| asked.could_be(&member.agent, &asked.needs))
            .filter(|member| {
                (1..asked.weight).contains(&member.room()) && !self.saving.contains(&member.agent.key)
            })
            .max_by_key(|member| (member.room(), std::cmp::Reverse(&member.agent.key)));
        nearest.map(|member| member.agent.key.clone())
    }

    /// Whether nobody who is there has any room: then there is no need to look further.
    pub fn is_full(&self, now: Time) -> bool {
        self.members.iter().all(|member| member.room() == 0 || member.agent.is_away(now))
    }

    /// Whether nothing that asks for what this ticket asks for, however long it waits, finds anybody now.
    pub fn is_closed_to(&self, configuration: &Configuration, ticket: &Ticket, now: Time) -> bool {
        let team = configuration.place(&ticket.queue).team;
        let asked = Asked { weight: 0, ..Asked::by(configuration, ticket, &team, now) };
        let always = needs::always(ticket);
        let free = |member: &Loaded| member.room() > 0 && !self.saving.contains(&member.agent.key);
        ticket.weight(configuration) > 0
            && !self.members.iter().any(|member| free(member) && asked.could_be(&member.agent, &always))
    }
}

/// Where nobody can take it, a ticket stands for the queue's time, and then moves on or is told to be exhausted, once.
fn nobody(configuration: &Configuration, ticket: &Ticket, decision: Decision, now: Time) -> Fate {
    let Some(queue) = configuration.queue(&ticket.queue) else { return Fate::Waits };
    let due = overflow_due(queue.overflow_after(), ticket, now);
    if !due || (queue.overflow_queue.is_empty() && ticket.routing_exhausted) {
        return Fate::Waits;
    }
    if queue.overflow_queue.is_empty() {
        return Fate::Nobody(decision);
    }
    let place = configuration.place(&queue.overflow_queue);
    Fate::Nobody(Decision {
        queue: place.queue,
        team: place.team,
        level: place.level,
        overflow_from: queue.key.clone(),
        ..decision
    })
}

fn overflow_due(after: Duration, ticket: &Ticket, now: Time) -> bool {
    ticket.queue_time.is_some_and(|since| since.after(after) <= now)
}

/// Whether its queue gives this ticket to agents by itself.
pub fn is_dispatched(configuration: &Configuration, queue: &str) -> bool {
    configuration.queue(queue).is_some_and(|queue| queue.dispatch != Dispatch::Pull)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        agents::{Availability, fixture::loaded},
        configuration::{Document, LoadWeight},
        ids::Id,
        tickets::{Channel, Json, Need, State, fixture},
    };

    fn ticket(id: u128, skills: &[&str]) -> Ticket {
        let need = |skill: &&str| Need { skill: (*skill).to_owned(), min_level: 1, drop_after: None };
        let skills = Json(skills.iter().map(need).collect());
        Ticket { id: Id(uuid::Uuid::from_u128(id)), skills, ..fixture::ticket(State::New) }
    }

    fn german(key: &str, capacity: i32) -> Loaded {
        let mut member = loaded(key, capacity, 0);
        member.agent.skills.0.insert("german".into(), 3);
        member
    }

    /// Who gets each ticket; `-`: it waits, `!`: nobody could.
    fn told(configuration: &Configuration, roster: &mut Roster, waiting: &[Ticket]) -> String {
        let told =
            waiting.iter().map(|ticket| match roster.decide(configuration, ticket, fixture::start()) {
                Fate::Given(decision) => decision.assignee,
                Fate::Nobody(decision) => format!("!{}", decision.overflow_from),
                Fate::Waits => "-".to_owned(),
            });
        told.collect::<Vec<_>>().join(" ")
    }

    fn configured(change: impl FnOnce(&mut Document)) -> Configuration {
        let mut document = fixture::document();
        change(&mut document);
        Configuration::new(7, document)
    }

    #[test]
    fn each_gets_as_many_as_there_is_room_in_the_order_of_service() {
        let waiting: Vec<Ticket> = (1..=4).map(|id| ticket(id, &["german"])).collect();
        let mut roster = Roster::new(vec![german("ada", 1), german("bob", 2), loaded("eve", 9, 0)]);
        assert_eq!(told(fixture::configuration(), &mut roster, &waiting), "bob ada bob -");
        assert_eq!(roster.members.iter().map(Loaded::room).collect::<Vec<_>>(), [0, 0, 9]);
        assert!(roster.is_closed_to(fixture::configuration(), &waiting[0], fixture::start()));
        assert!(!roster.is_closed_to(fixture::configuration(), &ticket(9, &[]), fixture::start()));
        assert!(!roster.is_full(fixture::start()), "eve lacks the skill, not the room");
    }

    #[test]
    fn a_heavy_ticket_is_not_passed_by_light_ones_for_ever() {
        let configuration = configured(|document| {
            let phone = LoadWeight { channel: "PHONE".into(), state: String::new(), weight: 3 };
            document.load_weights = vec![phone];
        });
        let heavy = Ticket { channel: Channel::Phone, ..ticket(1, &[]) };
        let light = |id| Ticket { channel: Channel::Email, ..ticket(id, &[]) };
        let mut roster = Roster::new(vec![loaded("ada", 4, 2), loaded("bob", 4, 3), loaded("eve", 2, 1)]);
        let waiting = [heavy, light(2), light(3), light(4)];
        assert_eq!(told(&configuration, &mut roster, &waiting), "- bob eve -", "ada saves up for the call");
        let decision = roster.look(&configuration, &waiting[3], fixture::start());
        let reasons: Vec<_> = decision.candidates.iter().map(|it| it.rejection.map(|it| it.name())).collect();
        assert_eq!(reasons, [Some("AT_CAPACITY"), Some("AT_CAPACITY"), Some("SAVES_ROOM")]);
    }

    #[test]
    fn what_nobody_can_take_overflows_when_it_is_time_and_is_exhausted_once() {
        let hour = Duration::from_hours(1);
        let configuration = configured(|document| {
            document.queues[0].overflow_queue = "desk-en".into();
            document.queues[0].overflow_after_duration = Some(hour);
        });
        let mut away = german("ada", 9);
        away.agent.availability = Availability::Away;
        let mut roster = Roster::new(vec![away, loaded("eve", 9, 0)]);
        let young = ticket(1, &["german"]);
        let old = Ticket { queue_time: Some(fixture::start().before(hour)), ..young.clone() };
        assert_eq!(told(&configuration, &mut roster, &[young, old.clone()]), "- !desk-de");
        let last = configured(|document| document.queues[0].overflow_queue = String::new());
        assert_eq!(told(&last, &mut roster, std::slice::from_ref(&old)), "!");
        let told_before = Ticket { routing_exhausted: true, ..old };
        assert_eq!(told(&last, &mut roster, &[told_before]), "-");
        let mut full = Roster::new(vec![Loaded { used: 9, ..german("bob", 9) }]);
        assert_eq!(
            told(&last, &mut full, &[ticket(2, &["german"])]),
            "-",
            "who is full will have room again"
        );
    }
}
