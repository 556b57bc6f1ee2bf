//! Ten thousand interleavings of everything that moves work, on the pure rules: two dispatchers look at one time and take
//! at another, and in between anything may happen. After every step nobody has more than fits, every live ticket is
//! somebody's or waits, and is never both.

use std::{sync::LazyLock, time::Duration};

use proptest::{
    prelude::*,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};

use super::*;
use crate::{
    agents::{Availability, fixture::loaded},
    configuration::{Calendar, Dispatch, Document, LoadWeight, WeeklyHours},
    ctx::{ActorKind, Role},
    routing::{accept_offer, decline_offer, expire_offers, needs, offers::fixture::by, transfer},
    tickets::{
        Channel, HoldKind, Json, Need, State, Target, assign, claim, fixture, hold, release, reopen, resolve,
        resume,
        room::{self, Before},
    },
    time::Time,
};

const AGENTS: [(&str, i32, &[&str]); 4] = [
    ("anna", 2, &["desk-de"]),
    ("bert", 1, &["desk-de", "desk-en"]),
    ("carl", 4, &["desk-de", "desk-en"]),
    ("dora", 3, &["desk-en"]),
];

/// A German queue that pushes and overflows into an English one that offers.
static CONFIGURATION: LazyLock<Configuration> = LazyLock::new(|| {
    let mut document: Document = fixture::document();
    document.queues[0].overflow_queue = "desk-en".into();
    document.queues[1].dispatch = Dispatch::Offer;
    let night = document.calendars[0].clone();
    let hours = WeeklyHours { open: "00:00".into(), close: "01:00".into(), ..night.hours[0].clone() };
    document.calendars.push(Calendar { key: "night".into(), hours: vec![hours], ..night });
    let weight = |channel: &str, state: &str, weight| LoadWeight {
        channel: channel.into(),
        state: state.into(),
        weight,
    };
    document.load_weights = vec![weight("", "WAITING_ON_CUSTOMER", 0), weight("PHONE", "", 2)];
    Configuration::new(1, document)
});

/// One step. Numbers choose a ticket or an agent, whatever there is.
#[derive(Clone, Copy, Debug)]
enum Step {
    Arrive { phone: bool, english: bool, skill: bool },
    Look { dispatcher: usize },
    Take { dispatcher: usize },
    Assign { ticket: usize, agent: usize },
    Claim { ticket: usize, agent: usize },
    Pull { agent: usize, english: bool },
    Accept { ticket: usize },
    Decline { ticket: usize },
    Expire,
    Transfer { ticket: usize, english: bool },
    Hold { ticket: usize },
    Answer { ticket: usize },
    Resolve { ticket: usize },
    Reopen { ticket: usize },
    Release { ticket: usize },
    Away { agent: usize, away: bool },
    Train { agent: usize, skilled: bool },
    Shift { agent: usize, on: bool },
    Wait { seconds: u64 },
}

fn step() -> impl Strategy<Value = Step> {
    use Step::*;
    let (ticket, agent, yes) = (|| 0..8usize, || 0..AGENTS.len(), any::<bool>);
    prop_oneof![
        4 => (yes(), yes(), yes()).prop_map(|(phone, english, skill)| Arrive { phone, english, skill }),
        4 => (0..2usize).prop_map(|dispatcher| Look { dispatcher }),
        4 => (0..2usize).prop_map(|dispatcher| Take { dispatcher }),
        1 => (ticket(), agent()).prop_map(|(ticket, agent)| Assign { ticket, agent }),
        1 => (ticket(), agent()).prop_map(|(ticket, agent)| Claim { ticket, agent }),
        2 => (agent(), yes()).prop_map(|(agent, english)| Pull { agent, english }),
        2 => ticket().prop_map(|ticket| Accept { ticket }),
        2 => ticket().prop_map(|ticket| Decline { ticket }),
        1 => Just(Expire),
        1 => (ticket(), yes()).prop_map(|(ticket, english)| Transfer { ticket, english }),
        2 => ticket().prop_map(|ticket| Hold { ticket }),
        2 => ticket().prop_map(|ticket| Answer { ticket }),
        2 => ticket().prop_map(|ticket| Resolve { ticket }),
        1 => ticket().prop_map(|ticket| Reopen { ticket }),
        1 => ticket().prop_map(|ticket| Release { ticket }),
        1 => (agent(), yes()).prop_map(|(agent, away)| Away { agent, away }),
        1 => (agent(), yes()).prop_map(|(agent, skilled)| Train { agent, skilled }),
        1 => (agent(), yes()).prop_map(|(agent, on)| Shift { agent, on }),
        1 => prop_oneof![Just(1), Just(60), Just(121), Just(301)].prop_map(|seconds| Wait { seconds }),
    ]
}

/// A desk in memory.
struct Desk {
    now: Time,
    tickets: Vec<Ticket>,
    agents: Vec<agents::Agent>,
    /// What each dispatcher saw and planned.
    plans: [Option<(Vec<Planned>, Vec<Loaded>)>; 2],
    /// Whether dispatchers read again what an agent has to do when they take.
    locks: bool,
}

impl Desk {
    fn open(locks: bool) -> Self {
        let agents = AGENTS.map(|(key, capacity, teams)| {
            let mut agent = loaded(key, capacity, 0).agent;
            agent.teams = teams.iter().map(|team| (*team).to_owned()).collect();
            agent
        });
        Self { now: fixture::start(), tickets: Vec::new(), agents: agents.into(), plans: [None, None], locks }
    }

    /// The agents with what they have to do, as behind their locks.
    fn roster(&self) -> Vec<Loaded> {
        let load = |agent: &agents::Agent| {
            let held = self.tickets.iter().filter(|ticket| ticket.holder() == Some(&agent.key));
            let used = held.clone().map(|ticket| ticket.weight(&CONFIGURATION)).sum();
            Loaded {
                agent: agent.clone(),
                used,
                tickets: held.count() as i64,
                organizations: BTreeSet::default(),
            }
        };
        self.agents.iter().map(load).collect()
    }

    fn loaded(&self, key: &str) -> Option<Loaded> {
        self.roster().into_iter().find(|loaded| loaded.agent.key == key)
    }

    /// Writes what a rule decided; a refusal writes nothing.
    fn put(&mut self, ctx: &Ctx, place: usize, change: Result<Change>) {
        let Ok(change) = change else { return };
        let before = Before::of(&self.tickets[place]);
        let owner = change.next.assignee.clone().and_then(|owner| self.loaded(&owner));
        let growth = before.growth(&CONFIGURATION, &change.next).map(|(_, more)| more);
        let change = match (owner, growth) {
            (Some(mut owner), Some(more)) => room::decide(ctx, change, &mut owner, more, None),
            _ => Ok(change),
        };
        if let Ok(change) = change {
            self.tickets[place] = change.next;
        }
    }

    fn waiting(&self) -> Vec<Ticket> {
        let mut waiting: Vec<Ticket> = self
            .tickets
            .iter()
            .filter(|it| it.turn().is_some() && it.offered_to.is_none())
            .cloned()
            .collect();
        waiting.sort_by_key(order);
        waiting
    }

    /// Plans, and holds the plan to its own law: what waits on could be taken by nobody.
    fn look(&mut self, dispatcher: usize) {
        let ctx = by("-", self.now);
        let (waiting, seen) = (self.waiting(), self.roster());
        let mut roster = Roster::new(seen.clone());
        let planned = plan(&CONFIGURATION, &waiting, &mut roster, &ctx);
        for ticket in waiting.iter().filter(|ticket| planned.iter().all(|it| it.ticket != ticket.id)) {
            let decision = roster.look(&CONFIGURATION, ticket, self.now);
            assert!(decision.assignee.is_empty(), "{} is passed over for {}", decision.assignee, ticket.id);
        }
        self.plans[dispatcher] = Some((planned, seen));
    }

    fn take(&mut self, dispatcher: usize) {
        let Some((planned, seen)) = self.plans[dispatcher].take() else { return };
        let ctx = by("-", self.now);
        let same = |loaded: &Loaded| seen.iter().any(|it| it.agent == loaded.agent);
        let locked = if self.locks { self.roster() } else { seen.clone() };
        let agents = locked.into_iter().filter(same).map(|it| (it.agent.key.clone(), it)).collect();
        for (ticket, fate) in confirm(planned, self.tickets.clone(), agents) {
            let place = self.tickets.iter().position(|it| it.id == ticket.id).expect("it is there");
            let change = match fate {
                Fate::Given(decision) if decision.offered => offer(&ctx, &CONFIGURATION, ticket, &decision),
                Fate::Given(decision) => tickets::give(Change::of(ticket), &ctx, &decision.assignee, |_| ()),
                Fate::Nobody(decision) => turn_away(&ctx, &CONFIGURATION, ticket, &decision),
                Fate::Waits => continue,
            };
            self.put(&ctx, place, Ok(change));
        }
    }

    fn arrive(&mut self, phone: bool, english: bool, skill: bool) {
        let need = Need { skill: "billing".into(), min_level: 1, drop_after: None };
        let mut ticket = Ticket {
            id: Id(uuid::Uuid::from_u128(self.tickets.len() as u128 + 1)),
            channel: if phone { Channel::Phone } else { Channel::Email },
            ..fixture::ticket(State::New)
        };
        ticket.place(&CONFIGURATION, if english { "desk-en" } else { "desk-de" }, self.now);
        ticket.skills = Json(if skill { vec![need] } else { Vec::new() });
        self.tickets.push(ticket);
    }

    fn pull(&mut self, agent: usize, english: bool) {
        let queue = if english { "desk-en" } else { "desk-de" };
        let Some(loaded) = self.loaded(AGENTS[agent].0) else { return };
        let mine = |ticket: &Ticket| {
            ticket.queue == queue && needs::met(&needs::at(ticket, self.now), &loaded.agent)
        };
        let Some(next) = self.waiting().into_iter().find(mine) else { return };
        if !loaded.agent.is_in(&next.team) || loaded.require_room(next.weight(&CONFIGURATION)).is_err() {
            return;
        }
        let ctx = by(AGENTS[agent].0, self.now);
        let place = self.tickets.iter().position(|it| it.id == next.id).expect("it is there");
        self.put(&ctx, place, Ok(tickets::give(Change::of(next), &ctx, AGENTS[agent].0, |_| ())));
    }

    /// The verbs on one ticket.
    fn act(&mut self, step: Step, place: usize) {
        let ticket = self.tickets[place].clone();
        let target = || Target::of(ticket.id);
        let asked = ticket.offered_to.clone().unwrap_or_default();
        let (mut ctx, begun) = (by(&asked, self.now), Change::of(ticket.clone()));
        let change = match step {
            Step::Assign { agent, .. } => {
                let (key, ..) = AGENTS[agent];
                let verb =
                    assign::Assign { target: target(), assignee: key.into(), override_capacity: false };
                assign::decide(&ctx, &CONFIGURATION, begun, self.loaded(key).as_ref(), &verb)
            }
            Step::Claim { agent, .. } => {
                ctx = by(AGENTS[agent].0, self.now);
                let caller = self.loaded(AGENTS[agent].0);
                claim::decide(
                    &ctx,
                    &CONFIGURATION,
                    begun,
                    caller.as_ref(),
                    &claim::Claim { target: target() },
                )
            }
            Step::Accept { .. } => {
                let accept = accept_offer::AcceptOffer { target: target() };
                accept_offer::decide(&ctx, begun, self.loaded(&asked).as_ref(), &accept)
            }
            Step::Decline { .. } => {
                let reason = crate::routing::DeclineReason::Busy;
                let decline = decline_offer::DeclineOffer { target: target(), reason };
                decline_offer::decide(&ctx, &CONFIGURATION, ticket.clone(), &decline)
            }
            Step::Transfer { english, .. } => {
                let to = transfer::To::Team(if english { "desk-en" } else { "desk-de" }.into());
                transfer::decide(
                    &ctx,
                    &CONFIGURATION,
                    ticket.clone(),
                    &transfer::Transfer { target: target(), to },
                )
            }
            Step::Hold { .. } => hold::decide(&ctx, ticket.clone(), &for_the_customer(target())),
            Step::Answer { .. } => {
                ctx = fixture::ctx(Role::Customer).at(self.now);
                debug_assert_eq!(ctx.actor.kind, ActorKind::Customer);
                resume::decide(&ctx, ticket.clone(), &target())
            }
            Step::Resolve { .. } => {
                resolve::decide(&ctx, &CONFIGURATION, ticket.clone(), &fixed(target()), None)
            }
            Step::Reopen { .. } => reopen::decide(&ctx, &CONFIGURATION, ticket.clone(), &target()),
            _ => release::decide(&ctx, ticket.clone(), None, &release::Release { target: target() }),
        };
        self.put(&ctx, place, change);
    }

    fn apply(&mut self, step: Step) {
        match step {
            Step::Arrive { phone, english, skill } => self.arrive(phone, english, skill),
            Step::Look { dispatcher } => self.look(dispatcher),
            Step::Take { dispatcher } => self.take(dispatcher),
            Step::Pull { agent, english } => self.pull(agent, english),
            Step::Expire => {
                let ctx = by("-", self.now);
                for place in 0..self.tickets.len() {
                    let lapsed = expire_offers::decide(&ctx, &CONFIGURATION, self.tickets[place].clone());
                    if let Some((change, (key, until))) = lapsed {
                        let agent = self.agents.iter_mut().find(|agent| agent.key == key).expect("an agent");
                        agent.cool_down_until_time = Some(until);
                        self.put(&ctx, place, Ok(change));
                    }
                }
            }
            Step::Away { agent, away } => {
                self.agents[agent].availability =
                    if away { Availability::Away } else { Availability::Available };
                self.agents[agent].version += 1;
            }
            Step::Train { agent, skilled } => {
                self.agents[agent].skills.0 =
                    skilled.then(|| ("billing".to_owned(), 3)).into_iter().collect();
                self.agents[agent].version += 1;
            }
            Step::Shift { agent, on } => {
                self.agents[agent].calendar = if on { "around-the-clock" } else { "night" }.into();
                self.agents[agent].version += 1;
            }
            Step::Wait { seconds } => self.now = self.now.after(Duration::from_secs(seconds)),
            Step::Assign { ticket, .. }
            | Step::Claim { ticket, .. }
            | Step::Accept { ticket }
            | Step::Decline { ticket }
            | Step::Transfer { ticket, .. }
            | Step::Hold { ticket }
            | Step::Answer { ticket }
            | Step::Resolve { ticket }
            | Step::Reopen { ticket }
            | Step::Release { ticket } => {
                if !self.tickets.is_empty() {
                    self.act(step, ticket % self.tickets.len());
                }
            }
        }
    }

    fn check(&self) -> Result<(), TestCaseError> {
        for loaded in self.roster() {
            let Loaded { agent, used, .. } = &loaded;
            prop_assert!(
                *used <= i64::from(agent.capacity),
                "{} has {used} of {}",
                agent.key,
                agent.capacity
            );
        }
        for ticket in self.tickets.iter().filter(|ticket| ticket.state.is_live()) {
            prop_assert!(
                ticket.assignee.is_some() != ticket.queue_time.is_some(),
                "{ticket:?} is lost or doubled"
            );
            let offered = ticket.offered_to.is_some();
            prop_assert_eq!(offered, ticket.offer_expire_time.is_some());
            prop_assert!(!offered || ticket.turn().is_some(), "{:?} is offered and does not wait", ticket);
        }
        Ok(())
    }
}

/// Escalated first, then by priority, then the longest waiting.
fn order(ticket: &Ticket) -> impl Ord + use<> {
    (!ticket.escalated, ticket.priority_rank, ticket.queue_time, ticket.id.0)
}

fn for_the_customer(target: Target) -> hold::Hold {
    hold::Hold { target, kind: HoldKind::Customer, until_time: None, vendor_reference: String::new() }
}

fn fixed(target: Target) -> resolve::Resolve {
    let resolution = tickets::Resolution { code: "fixed".into(), ..tickets::Resolution::default() };
    resolve::Resolve { target, resolution, draft_article: false }
}

fn story(locks: bool, steps: Vec<Step>) -> Result<(), TestCaseError> {
    let mut desk = Desk::open(locks);
    for step in steps {
        desk.apply(step);
        desk.check()?;
    }
    Ok(())
}

fn steps(most: usize) -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(step(), 1..most)
}

proptest! {
    #![proptest_config(Config { cases: 10_000, ..Config::default() })]
    #[test]
    fn nobody_has_more_than_fits_and_no_ticket_is_lost(steps in steps(24)) {
        story(true, steps)?;
    }
}

#[test]
fn the_harness_sees_a_capacity_that_is_read_without_its_lock() {
    let config = Config { cases: 10_000, failure_persistence: None, ..Config::default() };
    // The same stories every time, so that it is the same harness that is seen to see it.
    let random = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let seen = TestRunner::new_with_rng(config, random).run(&steps(48), |steps| story(false, steps));
    let seen = seen.expect_err("somebody has too much").to_string();
    assert!(seen.contains(" has ") && seen.contains(" of "), "{seen}");
}
