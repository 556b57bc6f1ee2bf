//! What must hold of any work: units never fall when time is added; the sum of what was told is what rating from scratch
//! leads to; splitting loses no second and invents none.

use std::collections::{BTreeMap, HashMap};

use proptest::prelude::*;

use super::{RATE, Work, at, configuration, rated, sold, work};
use crate::{
    billing::{
        deltas::{self, Standing},
        rate::{Book, Key, Line, decided},
    },
    configuration::Configuration,
    ids::Id,
    tickets::fixture,
};

const TWO_RATES: &str = "rates: [{key: day, calendar: office-hours, price: 2500}, {key: night, price: 4000}]";
const PLANS: [&str; 3] = ["nothing", "two-hours", "office"];

/// Some worklogs in a week, on two tickets, by two agents, some of which overlap.
fn works() -> impl Strategy<Value = Vec<Work>> {
    let one = (0_i64..7 * 86_400, 1_i64..30_000, any::<bool>(), 1_u128..3, prop::bool::weighted(0.9));
    prop::collection::vec(one, 1..9).prop_map(|rows| {
        let rows = rows.into_iter().enumerate();
        rows.map(|(place, (offset, seconds, anna, ticket, billable))| {
            let agent = if anna { "anna" } else { "ben" };
            let start = at("2026-03-27T00:00:00Z").after(std::time::Duration::from_secs(offset as u64));
            let work = work(place as u128 + 10, agent, "2026-03-02T09:00:00Z", seconds);
            Work { start_time: start, ticket: fixture::id(ticket), billable, ..work }
        })
        .collect()
    })
}

fn tariffs() -> impl Strategy<Value = Configuration> {
    let aggregation = prop::sample::select(vec!["ENTRY", "TICKET", "TICKET_DAY", "TICKET_AGENT_DAY"]);
    let rates = prop::sample::select(vec![RATE, TWO_RATES]);
    (aggregation, rates, 1_i64..7200, 0_i64..7200, 0..4, prop::option::of(4..12)).prop_map(
        |(aggregation, rates, increment, free, least, most)| {
            let most = most.map_or(String::new(), |most| format!("maximum_units: {most}, "));
            configuration(&format!(
                "aggregation: {aggregation}, increment_duration: {increment}s, free_duration: {free}s, \
                 minimum_units: {least}, {most}{rates}"
            ))
        },
    )
}

fn units(lines: &[Line]) -> i64 {
    lines.iter().map(|line| line.units).sum()
}

/// What was told, after one more time.
fn tell(told: &mut BTreeMap<Key, Standing>, lines: &[Line]) {
    let before: Vec<Standing> = told.values().cloned().collect();
    for delta in deltas::decide(&before, lines) {
        let one = told.entry(delta.key.clone()).or_insert(Standing {
            key: delta.key,
            units: 0,
            amount: 0,
            sequence: 0,
            price: delta.price,
            currency: delta.currency,
            work_time: delta.work_time,
        });
        assert_eq!(delta.sequence, one.sequence + 1, "each is told once, in its order");
        one.units += delta.units;
        one.amount += delta.amount;
        one.sequence = delta.sequence;
    }
}

fn sum(lines: &[Line]) -> BTreeMap<Key, (i64, i64)> {
    let lines = lines.iter().map(|line| (line.key.clone(), (line.units, line.amount)));
    lines.filter(|(_, sum)| *sum != (0, 0)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn units_never_fall_when_time_is_added(
        known in tariffs(), works in works(), plan in prop::sample::select(PLANS.to_vec()),
        longer in 1_i64..10_000, place in any::<prop::sample::Index>(),
    ) {
        let ticket = fixture::id(1);
        // One more entry,
        let (last, before) = works.split_last().expect("some");
        let less = units(&rated(&known, plan, ticket, before));
        let all = rated(&known, plan, ticket, &works);
        prop_assert!(units(&all) >= less, "{} with {last:?}, {less} without", units(&all));
        // or a longer one.
        let mut more = works.clone();
        more[place.index(works.len())].seconds += longer;
        prop_assert!(units(&rated(&known, plan, ticket, &more)) >= units(&all));
    }

    #[test]
    fn what_was_told_sums_up_to_rating_from_scratch(
        known in tariffs(), works in works(), plan in prop::sample::select(PLANS.to_vec()),
        steps in prop::collection::vec(any::<prop::sample::Index>(), 1..20),
    ) {
        let ticket = fixture::id(1);
        let mut told = BTreeMap::new();
        let mut stands: BTreeMap<Id, Work> = BTreeMap::new();
        // Entered and reversed in any order.
        for step in steps {
            let one = &works[step.index(works.len())];
            if stands.remove(&one.id).is_none() {
                stands.insert(one.id, one.clone());
            }
            let now: Vec<Work> = stands.values().cloned().collect();
            let lines = rated(&known, plan, ticket, &now);
            tell(&mut told, &lines);
            let kept = told.iter().map(|(key, it)| (key.clone(), (it.units, it.amount)));
            let kept: BTreeMap<Key, (i64, i64)> = kept.filter(|(_, sum)| *sum != (0, 0)).collect();
            prop_assert_eq!(kept, sum(&lines));
        }
        tell(&mut told, &[]);
        prop_assert!(told.values().all(|it| (it.units, it.amount) == (0, 0)), "what is reversed costs nothing");
    }

    #[test]
    fn splitting_conserves_seconds(
        works in works(), plan in prop::sample::select(PLANS.to_vec()),
        aggregation in prop::sample::select(vec!["ENTRY", "TICKET", "TICKET_DAY", "TICKET_AGENT_DAY"]),
    ) {
        let known = configuration(&format!("aggregation: {aggregation}, {TWO_RATES}"));
        let sold = sold(plan);
        let book = Book { configuration: &known, sold: &sold, incidents: &HashMap::new() };
        let mut by_work: HashMap<Id, i64> = HashMap::new();
        let pieces = decided(book, &works);
        for piece in &pieces {
            *by_work.entry(piece.work.id).or_default() += piece.seconds;
        }
        for work in works.iter().filter(|work| work.billable) {
            prop_assert_eq!(by_work.get(&work.id), Some(&work.seconds));
        }
        for ticket in [1, 2].map(fixture::id) {
            let charged = pieces.iter().filter(|it| it.work.ticket == ticket && !it.decision.tariff.is_empty());
            let charged: i64 = charged.map(|it| it.seconds).sum();
            let lines = rated(&known, plan, ticket, &works);
            prop_assert_eq!(lines.iter().map(|it| it.seconds).sum::<i64>(), charged);
        }
    }

    #[test]
    fn the_order_of_entering_means_nothing(known in tariffs(), works in works()) {
        let mut other = works.clone();
        other.reverse();
        let ticket = fixture::id(1);
        prop_assert_eq!(rated(&known, "two-hours", ticket, &works), rated(&known, "two-hours", ticket, &other));
    }
}
