//! What plans and tariffs must be: what they name is there, each second has one price, and every number can be counted with.

use std::{collections::HashSet, time::Duration};

use iso_currency::Currency;

use super::{List, MAX_NAME, YEAR, bounded, calendars, span};
use crate::{
    calendar::zone,
    configuration::{
        Aggregation, Calendar, EntitlementPolicy, Level, SlaPolicy, SupportPlan, Tariff, path, path::is_key,
    },
    error::Violations,
    tickets::Channel,
};

pub const MAX_PLANS: usize = 200;
pub const MAX_TARIFFS: usize = 200;
const MAX_RATES: usize = 20;
const MAX_INCIDENTS: i32 = 1_000_000;
const MAX_UNITS: i32 = 1_000_000;
const MAX_PRICE: i64 = 1_000_000_000;

/// The lists that a plan refers to.
pub struct Lists<'a> {
    pub levels: &'a List<'a, Level>,
    pub calendars: &'a List<'a, Calendar>,
    pub policies: &'a List<'a, SlaPolicy>,
    pub tariffs: &'a List<'a, Tariff>,
}

pub fn plan(at: &str, plan: &SupportPlan, lists: &Lists<'_>, faults: &mut Violations) {
    products(&format!("{at}.products"), &plan.products, faults);
    channels(&format!("{at}.channels"), &plan.channels, faults);
    bounded(format!("{at}.levels"), &plan.levels, faults);
    for (place, level) in plan.levels.iter().enumerate() {
        lists.levels.required(format!("{at}.levels[{place}]"), level, faults);
    }
    lists.policies.optional(format!("{at}.sla_policy"), &plan.sla_policy, faults);
    calendars::reference(format!("{at}.calendar"), &plan.calendar, lists.calendars, faults);
    lists.tariffs.optional(format!("{at}.tariff"), &plan.tariff, faults);
    if !(0..=MAX_INCIDENTS).contains(&plan.allowance.incidents) {
        faults.add(format!("{at}.allowance.incidents"), format!("must be 0 to {MAX_INCIDENTS}"));
    }
    if let Some(duration) = plan.allowance.duration {
        span(format!("{at}.allowance.duration"), duration, 1, YEAR, faults);
    }
}

fn products(path: &str, products: &[String], faults: &mut Violations) {
    bounded(path, products, faults);
    for (place, product) in products.iter().enumerate() {
        let chars = product.chars().count();
        if !(1..=MAX_NAME).contains(&chars) || product.chars().any(char::is_control) {
            let text = format!("must be 1 to {MAX_NAME} characters without control characters");
            faults.add(format!("{path}[{place}]"), text);
        }
    }
}

fn channels(path: &str, channels: &[String], faults: &mut Violations) {
    bounded(path, channels, faults);
    for (place, channel) in channels.iter().enumerate() {
        if Channel::parse(channel).is_none() {
            let known = Channel::NAMES.join(", ");
            faults.add(format!("{path}[{place}]"), format!("{channel:?} is none of {known}"));
        }
    }
}

pub fn tariff(at: &str, tariff: &Tariff, calendars: &List<'_, Calendar>, faults: &mut Violations) {
    // What has no decimals of its own cannot be counted in its smallest unit, such as gold.
    let currency = Currency::from_code(&tariff.currency_code).and_then(|it| it.exponent());
    if currency.is_none() {
        faults.add(format!("{at}.currency_code"), "must be a currency of ISO 4217, for instance EUR");
    }
    if tariff.aggregation == Aggregation::Unspecified {
        let known = Aggregation::NAMES[1..].join(", ");
        faults.add(format!("{at}.aggregation"), format!("must be one of {known}"));
    }
    if let Some(increment) = tariff.increment_duration {
        span(format!("{at}.increment_duration"), increment, 1, YEAR, faults);
    }
    span(format!("{at}.free_duration"), tariff.free_duration.unwrap_or(Duration::ZERO), 0, YEAR, faults);
    let (least, most) = (tariff.minimum_units, tariff.maximum_units);
    for (field, units) in [("minimum_units", least), ("maximum_units", most)] {
        if !(0..=MAX_UNITS).contains(&units) {
            faults.add(format!("{at}.{field}"), format!("must be 0 to {MAX_UNITS}"));
        }
    }
    if most > 0 && most < least {
        faults.add(format!("{at}.maximum_units"), "is less than minimum_units");
    }
    rates(at, tariff, calendars, faults);
}

/// At each instant there is one price: the last rate takes what is left.
fn rates(at: &str, tariff: &Tariff, calendars: &List<'_, Calendar>, faults: &mut Violations) {
    let count = tariff.rates.len();
    if !(1..=MAX_RATES).contains(&count) {
        faults.add(format!("{at}.rates"), format!("must be 1 to {MAX_RATES}"));
    }
    let mut seen = HashSet::new();
    for (place, rate) in tariff.rates.iter().enumerate() {
        let known = !seen.insert(&rate.key);
        let path = if known {
            path::by_place(&format!("{at}.rates"), place)
        } else {
            path::item(&format!("{at}.rates"), place, &rate.key)
        };
        if !is_key(&rate.key) || known {
            faults.add(format!("{path}.key"), "must be a key that no other rate of the tariff has");
        }
        if !(0..=MAX_PRICE).contains(&rate.price) {
            faults.add(format!("{path}.price"), format!("must be 0 to {MAX_PRICE}"));
        }
        let last = place + 1 == count;
        if last && !rate.calendar.is_empty() {
            faults.add(format!("{path}.calendar"), "the last rate holds at any time, and has no calendar");
        } else if !last && rate.calendar.is_empty() {
            faults.add(format!("{path}.calendar"), "is required: only the last rate holds at any time");
        } else {
            calendars::reference(format!("{path}.calendar"), &rate.calendar, calendars, faults);
        }
    }
}

pub fn policy(policy: &EntitlementPolicy, tariffs: &List<'_, Tariff>, faults: &mut Violations) {
    if !policy.time_zone.is_empty() && zone::find(&policy.time_zone).is_none() {
        let text = format!("{:?} is no IANA time zone, such as Europe/Berlin", policy.time_zone);
        faults.add("entitlement.time_zone", text);
    }
    tariffs.optional("entitlement.default_tariff", &policy.default_tariff, faults);
    if let Some(age) = policy.stale_after_duration {
        span("entitlement.stale_after_duration", age, 1, YEAR, faults);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{configuration::Document, error::Error};

    fn told(parts: &str) -> Vec<String> {
        let sample = include_str!("../../../demo/configuration.yaml");
        let mut document: Document = serde_saphyr::from_str(sample).expect("the sample");
        let given: Document = serde_saphyr::from_str(parts).expect("parts of a document");
        (document.plans, document.tariffs) = (given.plans, given.tariffs);
        document.entitlement = given.entitlement;
        let mut faults = Violations::default();
        crate::configuration::validate(&document, &mut faults);
        match faults.into_result() {
            Err(Error::Invalid(_, faults)) => {
                faults.into_iter().map(|fault| format!("{}: {}", fault.field, fault.text)).collect()
            }
            _ => Vec::new(),
        }
    }

    #[test]
    fn plans_and_tariffs_that_can_be_counted_with_come_into_force() {
        let parts = "
plans:
  - {key: gold, products: [vpn], channels: [PHONE, EMAIL], levels: [L1, L2], sla_policy: gold, calendar: office-hours,
     allowance: {incidents: 10, duration: 5h, period: MONTH}, tariff: standard}
  - {key: basic}
tariffs:
  - {key: standard, currency_code: EUR, aggregation: TICKET_DAY, free_duration: 10m, minimum_units: 1, maximum_units: 8,
     consent: true, rates: [{key: day, calendar: office-hours, price: 2500}, {key: night, price: 5000}]}
  - {key: yen, currency_code: JPY, aggregation: ENTRY, rates: [{key: any, price: 0}]}
entitlement: {time_zone: Europe/Berlin, default_tariff: standard, stale_after_duration: 7d, on_stale: FAIL_CLOSED,
  without_consent: MARK}";
        assert_eq!(told(parts), Vec::<String>::new());
    }

    #[test]
    fn every_fault_has_its_path() {
        let parts = "
plans:
  - {key: gold, products: [\"\"], channels: [FAX], levels: [L9], sla_policy: golden, calendar: never,
     allowance: {incidents: -1, duration: 0s}, tariff: standart}
tariffs:
  - {key: standard, currency_code: EURO, increment_duration: 0s, minimum_units: 3, maximum_units: 2,
     rates: [{key: day, price: -1}, {key: day, calendar: office-hours, price: 1}]}
  - {key: gold, currency_code: XAU, aggregation: ENTRY, minimum_units: -1}
entitlement: {time_zone: Berlin, default_tariff: none, stale_after_duration: 0s}";
        let told = told(parts);
        let fields: Vec<&str> = told.iter().filter_map(|fault| Some(fault.split_once(": ")?.0)).collect();
        assert_eq!(
            fields,
            [
                "plans[key=\"gold\"].products[0]",
                "plans[key=\"gold\"].channels[0]",
                "plans[key=\"gold\"].levels[0]",
                "plans[key=\"gold\"].sla_policy",
                "plans[key=\"gold\"].calendar",
                "plans[key=\"gold\"].tariff",
                "plans[key=\"gold\"].allowance.incidents",
                "plans[key=\"gold\"].allowance.duration",
                "tariffs[key=\"standard\"].currency_code",
                "tariffs[key=\"standard\"].aggregation",
                "tariffs[key=\"standard\"].increment_duration",
                "tariffs[key=\"standard\"].maximum_units",
                "tariffs[key=\"standard\"].rates[key=\"day\"].price",
                "tariffs[key=\"standard\"].rates[key=\"day\"].calendar",
                "tariffs[key=\"standard\"].rates[1].key",
                "tariffs[key=\"standard\"].rates[1].calendar",
                "tariffs[key=\"gold\"].currency_code",
                "tariffs[key=\"gold\"].minimum_units",
                "tariffs[key=\"gold\"].rates",
                "entitlement.time_zone",
                "entitlement.default_tariff",
                "entitlement.stale_after_duration",
            ],
            "{told:#?}"
        );
    }
}
