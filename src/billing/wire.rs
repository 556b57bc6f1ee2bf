//! Money and the books as messages, and what events tell of them.

use iso_currency::Currency;
use serde_json::Value;
use ticketing_proto::v1 as pb;

use super::model::{Billable, CreditNote, name};
use crate::{
    entitlements::wire::organization,
    error::{Error, Result, Violations},
    events::Event,
    ids::{TenantId, child_of},
    tickets::wire::{timestamp, wire},
    time::Time,
};

/// An amount in the currency's smallest unit, as units and nanos.
pub fn money(amount: i64, currency: &str) -> pb::Money {
    let decimals = Currency::from_code(currency).and_then(|it| it.exponent()).unwrap_or_default();
    let unit = 10_i64.pow(u32::from(decimals));
    let nanos = amount % unit * (1_000_000_000 / unit);
    pb::Money { currency_code: currency.to_owned(), units: amount / unit, nanos: nanos as i32 }
}

/// Takes `tenants/{tenant}/billables/{position}` apart.
pub fn billable_name(field: &str, name: &str) -> Result<(TenantId, i64)> {
    let (tenant, position) = child_of(field, name, "billables")?;
    let position = position.parse().map_err(|_| Error::not_found("billable", name))?;
    Ok((tenant, position))
}

/// A place in the books that a list returned; nothing: as they stand.
pub fn snapshot(faults: &mut Violations, sent: &str) -> Option<i64> {
    let place = sent.parse().ok().filter(|place: &i64| *place >= 0);
    if place.is_none() && !sent.is_empty() {
        faults.add("snapshot", "is no place in these books; send back the one that was returned");
    }
    place
}

pub fn amount(faults: &mut Violations, amount: i64) -> i64 {
    if amount <= 0 {
        faults.add("amount_minor_units", "must be more than 0");
    }
    amount
}

pub fn billable(it: &Billable) -> pb::Billable {
    let tenant = &it.tenant_id;
    pb::Billable {
        name: it.name(),
        ticket: format!("tenants/{tenant}/tickets/{}", it.ticket_id),
        organization: organization(tenant, &it.organization),
        tariff: it.tariff.clone(),
        group: it.grouping_key.clone(),
        rate: it.rate.clone(),
        sequence: it.sequence,
        units: it.units,
        amount: Some(money(it.amount, &it.currency)),
        price: Some(money(it.price, &it.currency)),
        consent: wire("BILLABLE_CONSENT_", it.consent.name(), pb::BillableConsent::from_str_name),
        work_time: Some(timestamp(it.work_time)),
        post_time: Some(timestamp(it.post_time)),
        record_time: Some(timestamp(it.record_time)),
        configuration_revision: it.configuration_revision,
    }
}

pub fn credit_note(it: &CreditNote) -> pb::CreditNote {
    pb::CreditNote {
        name: it.name(),
        billable: name(&it.tenant_id, it.position),
        ticket: format!("tenants/{}/tickets/{}", it.tenant_id, it.ticket_id),
        organization: organization(&it.tenant_id, &it.organization),
        amount: Some(money(it.amount, &it.currency)),
        reason: it.reason.clone(),
        create_time: Some(timestamp(it.create_time)),
    }
}

/// What an event tells of the bill; empty: nothing.
pub fn of_event(event: &Event) -> Vec<pb::Billable> {
    let told = event.details.get("billables").and_then(Value::as_array);
    told.into_iter().flatten().map(|it| told_of(event, it)).collect()
}

fn told_of(event: &Event, it: &Value) -> pb::Billable {
    let text = |field: &str| it[field].as_str().unwrap_or_default().to_owned();
    let number = |field: &str| it[field].as_i64().unwrap_or_default();
    let time = |field: &str| text(field).parse::<Time>().ok().map(timestamp);
    let currency = text("currency");
    pb::Billable {
        name: name(&event.tenant_id, number("position")),
        ticket: format!("tenants/{}/tickets/{}", event.tenant_id, event.ticket_id),
        organization: organization(&event.tenant_id, &text("organization")),
        tariff: text("tariff"),
        group: text("group"),
        rate: text("rate"),
        sequence: number("sequence"),
        units: number("units"),
        amount: Some(money(number("amount"), &currency)),
        price: Some(money(number("price"), &currency)),
        consent: wire("BILLABLE_CONSENT_", &text("consent"), pb::BillableConsent::from_str_name),
        work_time: time("work_time"),
        post_time: time("post_time"),
        record_time: Some(timestamp(event.record_time)),
        configuration_revision: number("revision"),
    }
}

/// What an event tells of a credit note; absent: nothing.
pub fn credit_of_event(event: &Event) -> Option<pb::CreditNotice> {
    let text = |field: &str| event.details.get(field).and_then(Value::as_str);
    let number = |field: &str| event.details.get(field).and_then(Value::as_i64).unwrap_or_default();
    let note = text("credit_note")?;
    Some(pb::CreditNotice {
        credit_note: format!("tenants/{}/creditNotes/{note}", event.tenant_id),
        billable: name(&event.tenant_id, number("position")),
        amount: Some(money(number("amount"), text("currency").unwrap_or_default())),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_currency_has_its_decimals_and_both_parts_have_one_sign() {
        let shown = |amount, currency| {
            let money = money(amount, currency);
            (money.units, money.nanos)
        };
        assert_eq!(shown(175, "EUR"), (1, 750_000_000));
        assert_eq!(shown(-175, "EUR"), (-1, -750_000_000));
        assert_eq!(shown(-75, "EUR"), (0, -750_000_000));
        assert_eq!(shown(900, "JPY"), (900, 0));
        assert_eq!(shown(1234, "KWD"), (1, 234_000_000));
        assert_eq!(shown(i64::MAX, "EUR"), (92_233_720_368_547_758, 70_000_000));
    }
}
