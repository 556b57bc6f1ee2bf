//! Tables and properties of the fold, on tickets as the sample configuration decides them.

use proptest::prelude::*;

use super::*;
use crate::{
    configuration::{Document, RoutingRule},
    ctx::{Ctx, Role},
    tickets::{Create, Impact, Urgency, decide_create, fixture},
};

/// A ticket that came in so many hours after the start, as the sample configuration decides; solved so many hours later
/// by this team.
fn past(create: &Create, number: u128, hour: u64, solved: Option<(u64, &str)>) -> Past {
    let hours = |hours| fixture::start().after(std::time::Duration::from_hours(hours));
    let ctx = Ctx { now: hours(hour), ..fixture::ctx(Role::Manager) };
    let change =
        decide_create(&ctx, fixture::configuration(), create, fixture::id(number), 1).expect("valid");
    let event = &change.events[0];
    let decision: Decision = serde_json::from_value(event.details["decision"].clone()).expect("kept");
    let came = change.next.clone();
    let mut now = came.clone();
    if let Some((hours_later, team)) = solved {
        now.resolve_time = Some(hours(hour + hours_later));
        team.clone_into(&mut now.team);
    }
    Past { came, rule: event.rule.clone(), raised: !decision.priority.is_empty(), now }
}

fn buckets() -> Buckets {
    let (start, end) = (fixture::start(), fixture::start().after(std::time::Duration::from_hours(48)));
    Buckets::new(None, start, end, None).expect("a few days")
}

fn rule(key: &str, condition: &str, queue: &str) -> RoutingRule {
    RoutingRule {
        key: key.into(),
        condition: condition.into(),
        queue: queue.into(),
        ..RoutingRule::default()
    }
}

fn trying(rules: Vec<RoutingRule>) -> Configuration {
    Configuration::new(0, Document { routing_rules: rules, ..fixture::document() })
}

fn english() -> Create {
    Create { language_code: "en".into(), ..fixture::create() }
}

/// What the outage rule raises to P1.
fn outage() -> Create {
    let (impact, urgency) = (Impact::Major, Urgency::Low);
    Create { category: "network".into(), impact, urgency, ..fixture::create() }
}

#[test]
fn a_ticket_that_would_have_gone_elsewhere_is_told() {
    let candidate = trying(vec![rule("all", "", "infrastructure")]);
    let mut fold = Fold::new(&candidate, Some(buckets()));
    let found = fold.see(&past(&english(), 1, 0, None)).expect("another queue");
    assert_eq!((found.actual.rule.as_str(), found.actual.queue.as_str()), ("english", "desk-en"));
    let First { rule, queue, team, level, priority } = found.simulated;
    assert_eq!(
        (rule.as_str(), queue.as_str(), team.as_str(), level.as_str(), priority.as_str()),
        ("all", "infrastructure", "infrastructure", "L2", "P3")
    );
    assert_eq!(fold.see(&past(&outage(), 2, 0, None)), None);
    let (_, summary) = fold.finish();
    assert_eq!((summary.tickets, summary.differing), (2, 1));
}

#[test]
fn right_first_time_is_the_share_of_what_was_solved() {
    let candidate = trying(vec![rule("network", "ticket.category == \"network\"", "desk-de")]);
    let mut fold = Fold::new(&candidate, Some(buckets()));
    for (create, solved) in [
        (english(), Some((1, "desk-en"))),
        (english(), Some((1, "desk-de"))),
        (english(), None),
        (outage(), Some((1, "desk-de"))),
    ] {
        fold.see(&past(&create, 1, 0, solved));
    }
    let (_, summary) = fold.finish();
    assert_eq!((summary.solved, summary.right), (3, Pair { actual: 1, simulated: 2 }));
    assert_eq!(summary.unmatched, 3);
}

#[test]
fn a_rule_that_cannot_be_answered_is_counted() {
    let candidate = trying(vec![
        rule("users", "ticket.custom_fields.affected_users > 10", "desk-en"),
        rule("rest", "", "desk-de"),
        rule("never", "", "desk-en"),
    ]);
    let mut fold = Fold::new(&candidate, Some(buckets()));
    fold.see(&past(&english(), 1, 0, None));
    let (_, summary) = fold.finish();
    let told: Vec<_> = summary
        .rules
        .iter()
        .map(|it| (it.rule.as_str(), it.matched, it.errors, it.error.is_empty()))
        .collect();
    assert_eq!(told, [("users", 0, 1, false), ("rest", 1, 0, true), ("never", 0, 0, true)]);
}

#[test]
fn a_priority_that_a_floor_raised_is_what_it_was() {
    let raised = past(&outage(), 1, 0, None);
    assert!(raised.raised && raised.came.priority == "P1");
    let candidate = trying(vec![rule("pressing", "ticket.priority == \"P1\"", "desk-en")]);
    let found = Fold::new(&candidate, Some(buckets())).see(&raised).expect("another queue");
    assert_eq!((found.actual.priority.as_str(), found.simulated.queue.as_str()), ("P1", "desk-de"));
    assert_ne!(found.simulated.priority, "P1");
}

#[test]
fn the_load_moves_with_the_tickets() {
    let candidate = trying(vec![rule("all", "", "desk-de")]);
    let mut fold = Fold::new(&candidate, Some(buckets()));
    for (hour, solved) in [(0, Some((1, "desk-en"))), (1, Some((30, "desk-en"))), (26, None)] {
        fold.see(&past(&english(), 1, hour, solved));
    }
    let (teams, _) = fold.finish();
    let told: Vec<_> = teams.iter().map(|it| (it.team.as_str(), it.actual.peak, it.simulated.peak)).collect();
    assert_eq!(told, [("desk-de", 0, 1), ("desk-en", 1, 0)]);
    // 08:00 on the first day is where it starts; the second ticket is solved on the second day.
    assert_eq!((&teams[1].actual.arrivals, &teams[1].actual.open), (&vec![2, 1, 0], &vec![1, 1, 1]));
    assert_eq!(teams[0].simulated, teams[1].actual);
}

fn any_past() -> impl Strategy<Value = Past> {
    let create = (0..3_usize, 0..3_usize, 0..4_usize).prop_map(|(language, category, impact)| Create {
        language_code: ["de", "en", "fr"][language].into(),
        category: ["", "network", "contract"][category].into(),
        impact: Impact::ALL[impact],
        ..fixture::create()
    });
    let solved =
        prop::option::of((0..60_u64, prop::sample::select(vec!["desk-de", "desk-en", "infrastructure"])));
    (create, any::<u32>(), 0..48_u64, solved)
        .prop_map(|(create, number, hour, solved)| past(&create, number.into(), hour, solved))
}

fn folded(configuration: &Configuration, tickets: &[Past]) -> (Vec<TeamLoad>, Summary) {
    let mut fold = Fold::new(configuration, Some(buckets()));
    let differing = tickets.iter().filter(|past| fold.see(past).is_some()).count();
    let (teams, summary) = fold.finish();
    assert_eq!(summary.differing, differing as u64);
    (teams, summary)
}

proptest! {
    #[test]
    fn what_decided_then_decides_the_same_again(tickets in prop::collection::vec(any_past(), 0..30)) {
        let (teams, summary) = folded(fixture::configuration(), &tickets);
        prop_assert_eq!(summary.differing, 0);
        prop_assert_eq!(summary.right.actual, summary.right.simulated);
        prop_assert!(teams.iter().all(|team| team.actual == team.simulated));
        prop_assert!(summary.queues.values().all(|pair| pair.actual == pair.simulated));
    }

    #[test]
    fn the_parts_add_up(tickets in prop::collection::vec(any_past(), 0..30)) {
        let candidate = trying(vec![
            rule("major", "ticket.impact == \"MAJOR\"", "infrastructure"),
            rule("seats", "ticket.custom_fields.seats > 10", "desk-de"),
            rule("english", "ticket.language_code == \"en\"", "desk-de"),
        ]);
        let (teams, summary) = folded(&candidate, &tickets);
        let all = tickets.len() as u64;
        prop_assert_eq!(summary.tickets, all);
        prop_assert_eq!(summary.rules.iter().map(|rule| rule.matched).sum::<u64>() + summary.unmatched, all);
        prop_assert_eq!(summary.queues.values().map(|pair| pair.actual).sum::<u64>(), all);
        prop_assert_eq!(summary.queues.values().map(|pair| pair.simulated).sum::<u64>(), all);
        let end = summary.buckets.map(|it| it.start.after(it.interval * it.count as u32)).expect("buckets");
        let open = tickets.iter().filter(|past| past.now.resolve_time.is_none_or(|time| time >= end)).count();
        for curves in [teams.iter().map(|it| &it.actual).collect::<Vec<_>>(), teams.iter().map(|it| &it.simulated).collect()] {
            prop_assert_eq!(curves.iter().map(|it| it.tickets).sum::<u64>(), all);
            prop_assert_eq!(curves.iter().flat_map(|it| &it.arrivals).sum::<u32>() as usize, tickets.len());
            prop_assert_eq!(curves.iter().filter_map(|it| it.open.last()).sum::<u32>() as usize, open);
        }
    }

    #[test]
    fn the_order_does_not_matter(
        (tickets, shuffled) in prop::collection::vec(any_past(), 0..30)
            .prop_flat_map(|tickets| (Just(tickets.clone()), Just(tickets).prop_shuffle()))
    ) {
        let candidate = trying(vec![
            rule("seats", "ticket.custom_fields.seats > 10", "desk-de"),
            rule("english", "ticket.language_code == \"en\"", "desk-de"),
        ]);
        prop_assert_eq!(folded(&candidate, &tickets), folded(&candidate, &shuffled));
    }
}
