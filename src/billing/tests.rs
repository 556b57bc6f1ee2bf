//! Rating by its examples, and by what must hold of any work.

mod properties;

use std::collections::HashMap;

use super::rate::{Book, Line, Work, rate};
use crate::{
    configuration::{Configuration, Document},
    entitlements::{Entitlement, Subject},
    ids::{Id, TenantId},
    tickets::fixture,
    time::Time,
};

/// All that was sold is a plan without hours of support, so that everything is charged; and one with two hours a month.
fn configuration(tariff: &str) -> Configuration {
    let parts = format!(
        "
plans:
  - {{key: nothing, products: [none], tariff: t}}
  - {{key: two-hours, allowance: {{duration: 2h, period: MONTH}}, tariff: t}}
  - {{key: office, calendar: office-hours, tariff: t}}
tariffs: [{{key: t, currency_code: EUR, {tariff}}}]
entitlement: {{time_zone: Europe/Berlin}}"
    );
    let given: Document = serde_saphyr::from_str(&parts).expect("parts");
    let mut document = fixture::document();
    (document.plans, document.tariffs) = (given.plans, given.tariffs);
    document.entitlement = given.entitlement;
    Configuration::new(7, document)
}

fn at(time: &str) -> Time {
    time.parse().expect("a time")
}

fn sold(plan: &str) -> HashMap<String, Vec<Entitlement>> {
    let since = at("2025-01-01T00:00:00Z");
    let entitlement = Entitlement {
        tenant_id: TenantId::parse("acme").expect("a tenant"),
        key: "c-1".into(),
        version: 1,
        organization: "orion".into(),
        plan: plan.into(),
        start_time: since,
        end_time: None,
        products: Vec::new(),
        channels: Vec::new(),
        levels: Vec::new(),
        sla_policy: String::new(),
        calendar: String::new(),
        allowance_period: None,
        allowance_incidents: 0,
        allowance_seconds: None,
        effective_time: since,
        create_time: since,
        confirm_time: since,
    };
    [("orion".to_owned(), vec![entitlement])].into()
}

fn work(id: u128, agent: &str, start: &str, seconds: i64) -> Work {
    let subject = Subject { organization: "orion".into(), ..Subject::default() };
    Work {
        id: fixture::id(id),
        ticket: fixture::id(1),
        agent: agent.into(),
        subject,
        start_time: at(start),
        seconds,
        billable: true,
    }
}

fn rated(configuration: &Configuration, plan: &str, ticket: Id, works: &[Work]) -> Vec<Line> {
    let book = Book { configuration, sold: &sold(plan), incidents: &HashMap::new() };
    rate(book, ticket, works)
}

/// Units and amount of a ticket's work, a Monday at ten and later, each a number of seconds.
fn bill(tariff: &str, seconds: &[i64]) -> (i64, i64) {
    let mut works = Vec::new();
    for (place, seconds) in seconds.iter().enumerate() {
        let start = format!("2026-03-02T{:02}:00:00Z", 9 + place);
        works.push(work(place as u128 + 10, "anna", &start, *seconds));
    }
    let lines = rated(&configuration(tariff), "nothing", fixture::id(1), &works);
    (lines.iter().map(|it| it.units).sum(), lines.iter().map(|it| it.amount).sum())
}

const MIN: i64 = 60;
const RATE: &str = "rates: [{key: any, price: 2500}]";

#[test]
fn the_examples_of_the_domain() {
    let by = |aggregation: &str| format!("aggregation: {aggregation}, {RATE}");
    // 5 + 5 + 5 minutes: three units by entry, one by ticket and day.
    assert_eq!(bill(&by("ENTRY"), &[5 * MIN, 5 * MIN, 5 * MIN]), (3, 7500));
    assert_eq!(bill(&by("TICKET_DAY"), &[5 * MIN, 5 * MIN, 5 * MIN]), (1, 2500));
    // 15:00 is one, 15:01 are two, a second is one, nothing is nothing.
    for (seconds, units) in [(900, 1), (901, 2), (1, 1), (0, 0)] {
        assert_eq!(bill(&by("TICKET"), &[seconds]).0, units, "{seconds} s");
    }
    // 14 + 2 minutes with ten free: six are charged, one unit.
    let free = format!("aggregation: TICKET, free_duration: 10m, {RATE}");
    assert_eq!(bill(&free, &[14 * MIN, 2 * MIN]), (1, 2500));
    // What is free goes before rounding: rounded first it would be 2 units less 10 minutes.
    assert_eq!(bill(&free, &[10 * MIN]), (0, 0));
    // 45 + 45 + 5 minutes are 95: seven quarters by ticket and not eight hours of entries.
    assert_eq!(bill(&by("TICKET"), &[45 * MIN, 45 * MIN, 5 * MIN]).0, 7);
    assert_eq!(bill(&by("ENTRY"), &[45 * MIN, 45 * MIN, 5 * MIN]).0, 7);
}

#[test]
fn increment_minimum_and_cap_are_the_tariff_s() {
    assert_eq!(bill(&format!("aggregation: TICKET, increment_duration: 6m, {RATE}"), &[13 * MIN]).0, 3);
    let bounded = format!("aggregation: TICKET, minimum_units: 4, maximum_units: 8, {RATE}");
    for (seconds, units) in [(0, 0), (1, 4), (3600, 4), (3601, 5), (7200, 8), (72_000, 8)] {
        assert_eq!(bill(&bounded, &[seconds]).0, units, "{seconds} s");
    }
}

#[test]
fn what_is_counted_together_is_declared() {
    let works = [
        work(10, "anna", "2026-03-02T09:00:00Z", 5 * MIN),
        work(11, "ben", "2026-03-02T10:00:00Z", 5 * MIN),
        work(12, "anna", "2026-03-03T09:00:00Z", 5 * MIN),
        work(13, "anna", "2026-03-03T10:00:00Z", 5 * MIN),
    ];
    let units = |aggregation: &str| {
        let configuration = configuration(&format!("aggregation: {aggregation}, {RATE}"));
        rated(&configuration, "nothing", fixture::id(1), &works).iter().map(|it| it.units).collect::<Vec<_>>()
    };
    assert_eq!(units("ENTRY"), [1, 1, 1, 1]);
    assert_eq!(units("TICKET"), [2]);
    assert_eq!(units("TICKET_DAY"), [1, 1]);
    assert_eq!(units("TICKET_AGENT_DAY"), [1, 1, 1]);
}

#[test]
fn work_over_the_end_of_office_hours_is_split_and_a_day_ends_at_midnight_in_berlin() {
    let tariff = "aggregation: TICKET_DAY, rates: [{key: day, calendar: office-hours, price: 2500}, {key: night, price: 4000}]";
    let known = configuration(tariff);
    let shown = |works: &[Work]| -> Vec<(String, String, i64, i64)> {
        let lines = rated(&known, "nothing", fixture::id(1), works);
        lines.into_iter().map(|it| (it.key.group, it.key.rate, it.seconds, it.amount)).collect()
    };
    let calendar = known.calendar("office-hours").expect("configured");
    let closes = calendar.closes(at("2026-03-02T11:00:00Z")).expect("it closes");
    let over = Work {
        start_time: closes.before(std::time::Duration::from_mins(20)),
        ..work(10, "anna", "2026-03-02T11:00:00Z", 50 * MIN)
    };
    let day = |group: &str, rate: &str, seconds, amount| (group.to_owned(), rate.to_owned(), seconds, amount);
    assert_eq!(
        shown(&[over]),
        [day("2026-03-02", "day", 20 * MIN, 5000), day("2026-03-02", "night", 30 * MIN, 8000)]
    );
    // 23:50 to 0:20 in Berlin.
    let late = work(11, "anna", "2026-03-02T22:50:00Z", 30 * MIN);
    assert_eq!(
        shown(&[late]),
        [day("2026-03-02", "night", 10 * MIN, 4000), day("2026-03-03", "night", 20 * MIN, 8000)]
    );
}

#[test]
fn covered_work_costs_nothing_and_ends_with_the_hours_of_the_plan() {
    let known = configuration(&format!("aggregation: TICKET, {RATE}"));
    let seconds = |works: &[Work]| -> i64 {
        rated(&known, "office", fixture::id(1), works).iter().map(|it| it.seconds).sum()
    };
    let calendar = known.calendar("office-hours").expect("configured");
    let closes = calendar.closes(at("2026-03-02T11:00:00Z")).expect("it closes");
    let mut over = work(10, "anna", "2026-03-02T11:00:00Z", 30 * MIN);
    assert_eq!(seconds(std::slice::from_ref(&over)), 0);
    over.start_time = closes.before(std::time::Duration::from_mins(20));
    assert_eq!(seconds(std::slice::from_ref(&over)), 10 * MIN);
    over.billable = false;
    assert_eq!(seconds(&[over]), 0, "it is not to be charged");
}

#[test]
fn an_allowance_of_time_goes_to_the_earliest_work_whenever_it_was_entered() {
    let known = configuration(&format!("aggregation: TICKET, {RATE}"));
    let other = |work: Work| Work { ticket: fixture::id(2), ..work };
    let first = work(20, "anna", "2026-03-03T09:00:00Z", 90 * MIN);
    let second = other(work(21, "ben", "2026-03-04T09:00:00Z", 60 * MIN));
    let units = |ticket: u128, works: &[Work]| -> i64 {
        rated(&known, "two-hours", fixture::id(ticket), works).iter().map(|it| it.units).sum()
    };
    let works = [first.clone(), second.clone()];
    assert_eq!((units(1, &works), units(2, &works)), (0, 2), "the last half hour is not covered");
    // Entered last, done first: it is covered, and the others are charged for it.
    let late = other(work(22, "ben", "2026-03-02T09:00:00Z", 60 * MIN));
    let works = [first, second, late];
    assert_eq!((units(1, &works), units(2, &works)), (2, 4));
    let april = [works[0].clone(), other(work(23, "ben", "2026-04-01T09:00:00Z", 120 * MIN))];
    assert_eq!(units(2, &april), 0, "there it is again");
}

#[test]
fn work_is_rated_by_what_was_sold_at_its_time() {
    let known = configuration(&format!("aggregation: TICKET, {RATE}"));
    let mut sold = sold("office");
    let versions = sold.get_mut("orion").expect("sold");
    versions[0].calendar.clear();
    let change = at("2026-03-02T10:00:00Z");
    versions.push(Entitlement {
        version: 2,
        plan: "nothing".into(),
        effective_time: change,
        ..versions[0].clone()
    });
    let book = Book { configuration: &known, sold: &sold, incidents: &HashMap::new() };
    let lines = rate(book, fixture::id(1), &[work(10, "anna", "2026-03-02T09:40:00Z", 30 * MIN)]);
    assert_eq!(lines.iter().map(|it| (it.seconds, it.work_time)).collect::<Vec<_>>(), [(10 * MIN, change)]);
}

#[test]
fn a_ticket_beyond_the_last_incident_is_charged() {
    let mut document = configuration(&format!("aggregation: TICKET, {RATE}")).document;
    document.plans[2].allowance.incidents = 3;
    document.plans[2].calendar.clear();
    let known = Configuration::new(8, document);
    let units = |before: i64| {
        let incidents = [((fixture::id(1), "c-1".to_owned()), before)].into();
        let book = Book { configuration: &known, sold: &sold("office"), incidents: &incidents };
        rate(book, fixture::id(1), &[work(10, "anna", "2026-03-02T09:00:00Z", 60)]).len()
    };
    assert_eq!((units(2), units(3)), (0, 1));
}
