//! Whether support is covered: by what was sold, as of a time. Pure: rating asks the same as CheckEntitlement.

use std::collections::{HashMap, HashSet};

use jiff::{ToSpan, Zoned, tz::TimeZone};

use super::model::{Decision, Entitlement, Outcome, Subject, Terms, Why};
use crate::{
    configuration::{AllowancePeriod, Configuration, OnStale, Tariff, TariffRate},
    time::Time,
};

/// What of the allowances is gone, by key of the entitlement, in the period that is asked about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Used {
    pub incidents: HashMap<String, i64>,
    pub seconds: HashMap<String, i64>,
    /// Those of which no time is left, whatever is said above.
    pub spent: HashSet<String>,
}

/// The version of each entitlement that holds at a time, in the order of their keys.
pub fn as_of(versions: &[Entitlement], at: Time) -> Vec<&Entitlement> {
    let mut newest: HashMap<&str, &Entitlement> = HashMap::new();
    for version in versions.iter().filter(|version| version.effective_time <= at) {
        let known = newest.entry(&version.key).or_insert(version);
        if version.version > known.version {
            *known = version;
        }
    }
    let mut held: Vec<&Entitlement> = newest.into_values().collect();
    held.sort_by(|a, b| a.key.cmp(&b.key));
    held
}

/// The rule for work: what is known to have been sold, whenever it became known.
pub fn check(
    configuration: &Configuration,
    versions: &[Entitlement],
    subject: &Subject,
    at: Time,
    used: &Used,
) -> Decision {
    let none = Decision::none(configuration, at);
    if subject.organization.is_empty() {
        return none.charged(configuration, "", Why::NoOrganization);
    }
    let known = as_of(versions, at);
    let held: Vec<&Entitlement> = known.iter().copied().filter(|it| it.covers(at)).collect();
    if held.is_empty() {
        let why = match (known.iter().any(|it| it.start_time <= at), versions.is_empty()) {
            (true, _) => Why::Expired,
            (false, false) => Why::NotYet,
            (false, true) => Why::NoEntitlement,
        };
        return none.charged(configuration, "", why);
    }
    // The best for the customer; of equals the first by key.
    let decided = held.into_iter().map(|it| by(configuration, it, subject, at, used, &none));
    decided.min_by_key(|decision| decision.outcome).unwrap_or(none)
}

/// The rule for who asks now: what was said too long ago, nobody knows.
pub fn answer(
    configuration: &Configuration,
    versions: &[Entitlement],
    subject: &Subject,
    at: Time,
    now: Time,
    used: &Used,
) -> Decision {
    let decision = check(configuration, versions, subject, at, used);
    let policy = &configuration.document.entitlement;
    let said = versions.iter().map(|version| version.confirm_time).max();
    let stale = policy.stale_after_duration.zip(said).is_some_and(|(age, said)| said.after(age) < now);
    if !stale {
        return decision;
    }
    let allowed = policy.on_stale == OnStale::FailOpen;
    Decision { outcome: Outcome::Unknown, why: Some(Why::Stale), allowed, ..decision }
}

/// By one entitlement, which holds at that time.
fn by(
    configuration: &Configuration,
    entitlement: &Entitlement,
    subject: &Subject,
    at: Time,
    used: &Used,
    none: &Decision,
) -> Decision {
    let decision = Decision {
        entitlement: entitlement.key.clone(),
        version: entitlement.version,
        plan: entitlement.plan.clone(),
        ..none.clone()
    };
    let Some(plan) = configuration.plan(&entitlement.plan) else {
        return decision.charged(configuration, "", Why::PlanUnknown);
    };
    let terms = Terms::of(plan, entitlement);
    let decision = Decision { sla_policy: terms.sla_policy.to_owned(), ..decision };
    if let Some(why) = uncovered(configuration, &terms, subject, at) {
        return decision.charged(configuration, &plan.tariff, why);
    }
    let gone = |used: &HashMap<String, i64>| used.get(&entitlement.key).copied().unwrap_or_default();
    let allowance = terms.allowance;
    let incidents = (allowance.incidents > 0).then(|| i64::from(allowance.incidents) - gone(&used.incidents));
    if incidents.is_some_and(|left| left <= 0) {
        return decision.charged(configuration, &plan.tariff, Why::IncidentsUsedUp);
    }
    let seconds = allowance.duration.map(|duration| duration.as_secs() as i64 - gone(&used.seconds));
    if seconds.is_some_and(|left| left <= 0 || used.spent.contains(&entitlement.key)) {
        return decision.charged(configuration, &plan.tariff, Why::TimeUsedUp);
    }
    let bounded = incidents.is_some() || seconds.is_some();
    let until = if bounded { period(configuration, entitlement, allowance.period, at).1 } else { None };
    Decision {
        outcome: if bounded { Outcome::CoveredUntil } else { Outcome::Covered },
        allowed: true,
        remaining_incidents: incidents,
        remaining_seconds: seconds,
        until_time: until,
        ..decision
    }
}

/// What of it the terms do not cover, before anything is counted.
fn uncovered(configuration: &Configuration, terms: &Terms<'_>, subject: &Subject, at: Time) -> Option<Why> {
    let outside = |list: &[String], one: &str| !list.is_empty() && !list.iter().any(|it| it == one);
    let closed = || configuration.calendar(terms.calendar).is_some_and(|calendar| !calendar.is_open(at));
    if configuration.is_extended(&subject.category) {
        Some(Why::Extended)
    } else if outside(terms.products, &subject.product) {
        Some(Why::Product)
    } else if outside(terms.channels, &subject.channel) {
        Some(Why::Channel)
    } else if outside(terms.levels, &subject.level) {
        Some(Why::Level)
    } else {
        closed().then_some(Why::OutOfHours)
    }
}

/// The period of an allowance in which an instant lies, half-open; without an end: the window has none.
pub fn period(
    configuration: &Configuration,
    entitlement: &Entitlement,
    period: AllowancePeriod,
    at: Time,
) -> (Time, Option<Time>) {
    let window = (entitlement.start_time, entitlement.end_time);
    let zone = configuration.document.entitlement.zone();
    let Some((from, to)) = months(period, &zone, at) else { return window };
    let end = window.1.map_or(to, |end| end.min(to));
    (from.max(window.0), Some(end))
}

fn months(period: AllowancePeriod, zone: &TimeZone, at: Time) -> Option<(Time, Time)> {
    let here: Zoned = at.to_zoned(zone.clone());
    let (length, month) = match period {
        AllowancePeriod::Term => return None,
        AllowancePeriod::Month => (1, here.month()),
        AllowancePeriod::Quarter => (3, (here.month() - 1) / 3 * 3 + 1),
        AllowancePeriod::Year => (12, 1),
    };
    let first = here.date().with().month(month).day(1).build().ok()?;
    let next = first.checked_add(i32::months(length)).ok()?;
    let instant =
        |date: jiff::civil::Date| date.to_zoned(zone.clone()).ok().map(|zoned| Time::new(zoned.timestamp()));
    Some((instant(first)?, instant(next)?))
}

/// What a unit costs at a time.
pub fn rate_at<'a>(configuration: &Configuration, tariff: &'a Tariff, at: Time) -> Option<&'a TariffRate> {
    let holds = |rate: &&TariffRate| {
        configuration.calendar(&rate.calendar).is_none_or(|calendar| calendar.is_open(at))
    };
    tariff.rates.iter().find(holds)
}

impl Decision {
    /// Nothing is known that would cover it.
    pub fn none(configuration: &Configuration, at: Time) -> Self {
        Self {
            outcome: Outcome::NotEntitled,
            why: None,
            allowed: false,
            entitlement: String::new(),
            version: 0,
            plan: String::new(),
            sla_policy: String::new(),
            tariff: String::new(),
            rate: String::new(),
            price: 0,
            currency: String::new(),
            increment_seconds: 0,
            needs_consent: false,
            remaining_incidents: None,
            remaining_seconds: None,
            until_time: None,
            check_time: at,
            revision: configuration.revision,
            consent: None,
        }
    }

    /// It is not covered: charged by this tariff, or by the one for all, if there is either.
    fn charged(self, configuration: &Configuration, tariff: &str, why: Why) -> Self {
        let default = &configuration.document.entitlement.default_tariff;
        let tariff = if tariff.is_empty() { default } else { tariff };
        let found = configuration.tariff(tariff);
        let Some((tariff, rate)) =
            found.and_then(|it| Some((it, rate_at(configuration, it, self.check_time)?)))
        else {
            return Self { outcome: Outcome::NotEntitled, why: Some(why), allowed: false, ..self };
        };
        Self {
            outcome: Outcome::Chargeable,
            why: Some(why),
            allowed: true,
            tariff: tariff.key.clone(),
            rate: rate.key.clone(),
            price: rate.price,
            currency: tariff.currency_code.clone(),
            increment_seconds: tariff.increment(),
            needs_consent: tariff.consent,
            ..self
        }
    }
}
