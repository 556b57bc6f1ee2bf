//! What is covered, what is charged, and what nobody knows; a row for each answer.

use super::*;
use crate::{
    configuration::{AllowancePeriod, Configuration, Document},
    ids::TenantId,
    tickets::fixture,
    time::Time,
};

const PARTS: &str = "
plans:
  - {key: gold, products: [vpn, mail], channels: [PHONE], levels: [L1, L2], sla_policy: gold, calendar: office-hours,
     tariff: standard}
  - {key: ten, allowance: {incidents: 10, duration: 2h, period: MONTH}}
  - {key: free}
tariffs:
  - {key: standard, currency_code: EUR, aggregation: TICKET, consent: true,
     rates: [{key: day, calendar: office-hours, price: 2500}, {key: night, price: 5000}]}
  - {key: default, currency_code: JPY, aggregation: ENTRY, rates: [{key: any, price: 900}]}
entitlement: {time_zone: Europe/Berlin, stale_after_duration: 7d, default_tariff: \"DEFAULT\"}";

fn configuration(default: &str) -> Configuration {
    let given: Document = serde_saphyr::from_str(&PARTS.replace("DEFAULT", default)).expect("parts");
    let mut document = fixture::document();
    (document.plans, document.tariffs) = (given.plans, given.tariffs);
    document.entitlement = given.entitlement;
    document.categories[0].extended = true;
    Configuration::new(7, document)
}

fn at(time: &str) -> Time {
    time.parse().expect("a time")
}

pub fn sold(key: &str, plan: &str, version: i64) -> Entitlement {
    Entitlement {
        tenant_id: TenantId::parse("acme").expect("a tenant"),
        key: key.into(),
        version,
        organization: "orion".into(),
        plan: plan.into(),
        start_time: at("2026-01-01T00:00:00Z"),
        end_time: Some(at("2027-01-01T00:00:00Z")),
        products: Vec::new(),
        channels: Vec::new(),
        levels: Vec::new(),
        sla_policy: String::new(),
        calendar: String::new(),
        allowance_period: None,
        allowance_incidents: 0,
        allowance_seconds: None,
        effective_time: at("2026-01-01T00:00:00Z"),
        create_time: at("2026-01-01T00:00:00Z"),
        confirm_time: at("2026-03-01T00:00:00Z"),
    }
}

fn vpn() -> Subject {
    Subject {
        organization: "orion".into(),
        product: "vpn".into(),
        channel: "PHONE".into(),
        category: String::new(),
        level: "L1".into(),
    }
}

/// A Monday morning in Berlin.
const NOON: &str = "2026-03-02T11:00:00Z";

fn told(decision: &Decision) -> String {
    let why = decision.why.map_or("", Why::name);
    format!("{} {why} {} {} {}", decision.outcome.name(), decision.tariff, decision.rate, decision.price)
}

#[test]
fn what_is_not_covered_is_charged_and_says_why() {
    let known = configuration("");
    let extended = known.document.categories[0].key.clone();
    let of = |subject: Subject, time: &str| {
        told(&check::check(&known, &[sold("c-1", "gold", 1)], &subject, at(time), &Used::default()))
    };
    assert_eq!(of(vpn(), NOON), "COVERED    0");
    assert_eq!(of(Subject { product: "erp".into(), ..vpn() }, NOON), "CHARGEABLE PRODUCT standard day 2500");
    assert_eq!(of(Subject { channel: "CHAT".into(), ..vpn() }, NOON), "CHARGEABLE CHANNEL standard day 2500");
    assert_eq!(of(Subject { level: "L3".into(), ..vpn() }, NOON), "CHARGEABLE LEVEL standard day 2500");
    assert_eq!(of(Subject { category: extended, ..vpn() }, NOON), "CHARGEABLE EXTENDED standard day 2500");
    assert_eq!(of(vpn(), "2026-03-02T22:00:00Z"), "CHARGEABLE OUT_OF_HOURS standard night 5000");
    assert_eq!(of(vpn(), "2027-03-01T11:00:00Z"), "NOT_ENTITLED EXPIRED   0");
    assert_eq!(of(vpn(), "2025-03-03T11:00:00Z"), "NOT_ENTITLED NOT_YET   0");
    assert_eq!(of(Subject::default(), NOON), "NOT_ENTITLED NO_ORGANIZATION   0");
}

#[test]
fn extended_support_is_charged_whatever_was_sold() {
    let known = configuration("default");
    let subject = Subject { category: known.document.categories[0].key.clone(), ..vpn() };
    let decided = check::check(&known, &[sold("c-1", "free", 1)], &subject, at(NOON), &Used::default());
    assert_eq!(told(&decided), "CHARGEABLE EXTENDED default any 900");
    let known = configuration("");
    let decided = check::check(&known, &[sold("c-1", "free", 1)], &subject, at(NOON), &Used::default());
    assert_eq!(told(&decided), "NOT_ENTITLED EXTENDED   0", "nothing says what it costs");
    assert!(!decided.allowed);
}

#[test]
fn without_an_entitlement_the_tariff_for_all_holds_if_there_is_one() {
    let decided =
        |default| told(&check::check(&configuration(default), &[], &vpn(), at(NOON), &Used::default()));
    assert_eq!(decided(""), "NOT_ENTITLED NO_ENTITLEMENT   0");
    assert_eq!(decided("default"), "CHARGEABLE NO_ENTITLEMENT default any 900");
    let gone = check::check(
        &configuration("default"),
        &[sold("c-1", "sold-no-more", 1)],
        &vpn(),
        at(NOON),
        &Used::default(),
    );
    assert_eq!(told(&gone), "CHARGEABLE PLAN_UNKNOWN default any 900");
}

#[test]
fn an_allowance_covers_until_it_is_used_up_and_comes_back() {
    let known = configuration("default");
    let sold = [sold("c-1", "ten", 1)];
    let with = |incidents: i64, seconds: i64| {
        let used = Used {
            incidents: [("c-1".to_owned(), incidents)].into(),
            seconds: [("c-1".to_owned(), seconds)].into(),
            ..Used::default()
        };
        check::check(&known, &sold, &vpn(), at(NOON), &used)
    };
    let first = with(0, 0);
    assert_eq!(first.outcome, Outcome::CoveredUntil);
    assert_eq!((first.remaining_incidents, first.remaining_seconds), (Some(10), Some(7200)));
    // April begins at midnight in Berlin, by summer time.
    assert_eq!(first.until_time, Some(at("2026-03-31T22:00:00Z")));
    assert_eq!(with(9, 7199).remaining_incidents, Some(1));
    assert_eq!(with(10, 0).why, Some(Why::IncidentsUsedUp));
    assert_eq!(with(0, 7200).why, Some(Why::TimeUsedUp));
    let periods = [
        (AllowancePeriod::Term, "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"),
        (AllowancePeriod::Month, "2026-02-28T23:00:00Z", "2026-03-31T22:00:00Z"),
        (AllowancePeriod::Quarter, "2026-01-01T00:00:00Z", "2026-03-31T22:00:00Z"),
        (AllowancePeriod::Year, "2026-01-01T00:00:00Z", "2026-12-31T23:00:00Z"),
    ];
    for (kind, from, to) in periods {
        assert_eq!(check::period(&known, &sold[0], kind, at(NOON)), (at(from), Some(at(to))), "{kind:?}");
    }
}

#[test]
fn work_is_seen_as_what_was_sold_at_its_time() {
    let known = configuration("");
    let later = Entitlement { effective_time: at("2026-06-01T00:00:00Z"), ..sold("c-1", "free", 2) };
    let versions = [later, sold("c-1", "gold", 1)];
    let plan = |time: &str| check::check(&known, &versions, &vpn(), at(time), &Used::default()).plan;
    assert_eq!(plan("2026-05-29T11:00:00Z"), "gold");
    assert_eq!(plan("2026-06-01T11:00:00Z"), "free");
}

#[test]
fn of_two_entitlements_the_better_one_holds() {
    let known = configuration("default");
    let night = at("2026-03-02T22:00:00Z");
    let decided =
        check::check(&known, &[sold("a", "gold", 1), sold("b", "free", 1)], &vpn(), night, &Used::default());
    assert_eq!((decided.outcome, decided.entitlement.as_str()), (Outcome::Covered, "b"));
}

#[test]
fn what_the_crm_said_too_long_ago_nobody_knows() {
    let ask = |known: &Configuration, now: &str| {
        answer(known, &[sold("c-1", "gold", 1)], &vpn(), at(NOON), at(now), &Used::default())
    };
    let mut known = configuration("");
    assert_eq!(ask(&known, "2026-03-08T00:00:00Z").outcome, Outcome::Covered, "seven days to the second");
    let stale = ask(&known, "2026-03-08T00:00:01Z");
    assert_eq!((stale.outcome, stale.why, stale.allowed), (Outcome::Unknown, Some(Why::Stale), true));
    let mut document = known.document.clone();
    document.entitlement.on_stale = crate::configuration::OnStale::FailClosed;
    known = Configuration::new(8, document);
    assert!(!ask(&known, "2026-03-08T00:00:01Z").allowed);
}
