//! What the tests of the rules stand on: callers, agents of the sample's teams, escalations in any state.

use super::{Escalation, Mode, State, Why, escalate::Escalate, escalate::To, history::History, staff::Staff};
use crate::{
    agents::{Agent, Loaded, fixture::loaded},
    ctx::{Actor, ActorKind, Ctx, Role},
    tickets::{self, Target, Ticket, fixture},
};

/// A call of this agent.
pub fn by(agent: &str, role: Role) -> Ctx {
    let actor = Actor { kind: ActorKind::Agent, id: agent.to_owned(), roles: vec![role], tenants: None };
    Ctx { actor, ..fixture::ctx(Role::Agent) }
}

/// A call of a service.
pub fn by_service() -> Ctx {
    let actor =
        Actor { kind: ActorKind::Service, id: "bot".into(), roles: vec![Role::Service], tenants: None };
    Ctx { actor, ..fixture::ctx(Role::Agent) }
}

/// An agent of this team with room for one ticket more, or for none.
pub fn member(key: &str, team: &str, has_room: bool) -> Loaded {
    let base = loaded(key, 1, i64::from(!has_room));
    Loaded { agent: Agent { teams: vec![team.to_owned()], ..base.agent }, ..base }
}

/// A ticket that anna of desk-de owns.
pub fn owned() -> Ticket {
    let mut ticket = fixture::ticket(tickets::State::Open);
    ticket.assign("anna", fixture::start());
    ticket
}

/// From desk-de, where anna had it, to the application support.
pub fn handover(id: u128, state: State) -> Escalation {
    let (change, escalation) = asked(Mode::Handover, owned(), id);
    assert!(!change.is_empty());
    Escalation { state, ..escalation }
}

/// As [`handover`], but for advice.
pub fn consultation(id: u128, state: State) -> Escalation {
    Escalation { state, ..asked(Mode::Consult, owned(), id).1 }
}

/// The ticket while that handover waits.
pub fn handed_over(id: u128) -> (Ticket, History) {
    let (change, escalation) = asked(Mode::Handover, owned(), id);
    (change.next, History(vec![escalation]))
}

/// The ticket while that consultation waits.
pub fn consulted(id: u128) -> (Ticket, History) {
    let (change, escalation) = asked(Mode::Consult, owned(), id);
    (change.next, History(vec![escalation]))
}

fn asked(mode: Mode, ticket: Ticket, id: u128) -> (tickets::Change, Escalation) {
    let escalate = Escalate { mode, id: fixture::id(id), ..escalate(To::Team("applications".into())) };
    let ctx = by("anna", Role::Agent);
    super::escalate::decide(&ctx, fixture::configuration(), ticket, &History::default(), &escalate)
        .expect("one level up")
}

pub fn escalate(to: To) -> Escalate {
    Escalate {
        target: Target::of(fixture::id(1)),
        id: fixture::id(9),
        mode: Mode::Handover,
        to,
        reason: Why::Complexity,
        justification: "too hard".into(),
        override_policy: false,
    }
}

pub fn staff(agents: &[Loaded]) -> Staff {
    Staff::from(agents.to_vec())
}
