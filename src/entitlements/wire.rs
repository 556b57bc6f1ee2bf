//! What was sold and what is decided by it, as messages and back.

use ticketing_proto::v1 as pb;

use super::{Answer, Consent, Decision, Entitlement, Subject, model::name, read::Asked, upsert::Upsert};
use crate::{
    billing::wire::money,
    configuration::AllowancePeriod,
    ctx::Ctx,
    error::{Result, Violations},
    events::Event,
    ids::TenantId,
    tickets::{
        Channel,
        wire::{code, reference, required_reference, text, ticket_name, time, timestamp, version, wire},
    },
    time::Time,
};

/// What the request says was sold. Its faults go on with it: the rule names all of them at once.
pub fn upsert(ctx: &Ctx, key: &str, sent: &pb::Entitlement, validate_only: bool) -> Upsert {
    let mut faults = Violations::default();
    let at = |field: &str| format!("entitlement.{field}");
    let start_time = second(&mut faults, &at("start_time"), sent.start_time.as_ref());
    if sent.start_time.is_none() {
        faults.add(at("start_time"), "is required");
    }
    let start_time = start_time.unwrap_or_default();
    let effective = second(&mut faults, &at("effective_time"), sent.effective_time.as_ref());
    let allowance = sent.allowance.as_ref();
    let period = allowance.map(|it| {
        let name = |it: &pb::AllowancePeriod| it.as_str_name();
        let (field, prefix) = (at("allowance.period"), "ALLOWANCE_PERIOD_");
        code(&mut faults, &field, it.period, name, prefix, AllowancePeriod::parse).unwrap_or_default()
    });
    let seconds = allowance.and_then(|it| it.duration).map(|it| {
        if it.nanos != 0 {
            faults.add(at("allowance.duration"), "must be whole seconds");
        }
        it.seconds
    });
    let field = at("organization");
    let organization =
        required_reference(&mut faults, &field, &sent.organization, &ctx.tenant, "organizations");
    let end_time = second(&mut faults, &at("end_time"), sent.end_time.as_ref());
    let said = Entitlement {
        tenant_id: ctx.tenant.clone(),
        key: key.to_owned(),
        version: 0,
        organization,
        plan: sent.plan.clone(),
        start_time,
        end_time,
        products: sent.products.clone(),
        channels: sent.channels.clone(),
        levels: sent.levels.clone(),
        sla_policy: sent.sla_policy.clone(),
        calendar: sent.calendar.clone(),
        allowance_period: period,
        allowance_incidents: allowance.map_or(0, |it| it.incidents),
        allowance_seconds: seconds,
        effective_time: effective.unwrap_or(start_time),
        create_time: ctx.now,
        confirm_time: ctx.now,
    };
    Upsert {
        version: version(&mut faults, &at("etag"), &sent.etag),
        effective: effective.is_some(),
        said,
        validate_only,
        faults,
    }
}

/// Contracts begin and end with whole seconds, as work does.
fn second(faults: &mut Violations, field: &str, sent: Option<&prost_types::Timestamp>) -> Option<Time> {
    let time = time(faults, field, sent)?;
    if time.second() != time {
        faults.add(field, "must be a whole second");
    }
    Some(time)
}

pub fn entitlement(it: Entitlement) -> pb::Entitlement {
    pb::Entitlement {
        name: it.name(),
        etag: it.etag(),
        version: it.version,
        organization: organization(&it.tenant_id, &it.organization),
        start_time: Some(timestamp(it.start_time)),
        end_time: it.end_time.map(timestamp),
        allowance: it.allowance_period.map(|period| pb::Allowance {
            incidents: it.allowance_incidents,
            duration: it.allowance_seconds.map(seconds),
            period: wire("ALLOWANCE_PERIOD_", period.name(), pb::AllowancePeriod::from_str_name),
        }),
        effective_time: Some(timestamp(it.effective_time)),
        create_time: Some(timestamp(it.create_time)),
        confirm_time: Some(timestamp(it.confirm_time)),
        plan: it.plan,
        products: it.products,
        channels: it.channels,
        levels: it.levels,
        sla_policy: it.sla_policy,
        calendar: it.calendar,
    }
}

pub fn organization(tenant: &TenantId, key: &str) -> String {
    if key.is_empty() { String::new() } else { format!("tenants/{tenant}/organizations/{key}") }
}

pub fn seconds(seconds: i64) -> prost_types::Duration {
    prost_types::Duration { seconds, nanos: 0 }
}

/// What the request asks about.
pub fn asked(
    faults: &mut Violations,
    tenant: &TenantId,
    subject: Option<&pb::check_entitlement_request::Subject>,
) -> Result<Option<Asked>> {
    use pb::check_entitlement_request::Subject as Said;
    Ok(match subject {
        None => None,
        Some(Said::Ticket(name)) => {
            let (of, id) = ticket_name("ticket", name)?;
            if of != *tenant {
                faults.add("ticket", "must be of the same tenant");
            }
            Some(Asked::Ticket(id))
        }
        Some(Said::Draft(draft)) => {
            let channel = |it: &pb::Channel| it.as_str_name();
            let channel = code(faults, "draft.channel", draft.channel, channel, "CHANNEL_", Channel::parse);
            let of = reference(faults, "draft.organization", &draft.organization, tenant, "organizations");
            Some(Asked::Draft(Subject {
                organization: of,
                product: text(faults, "draft.product", &draft.product, 128),
                channel: channel.map_or_else(String::new, |it| it.name().to_owned()),
                category: text(faults, "draft.category", &draft.category, 64),
                level: text(faults, "draft.level", &draft.level, 64),
            }))
        }
    })
}

pub fn answer(faults: &mut Violations, answer: i32) -> Answer {
    let name = |it: &pb::ConsentAnswer| it.as_str_name();
    if answer == 0 {
        faults.add("answer", "is required");
    }
    code(faults, "answer", answer, name, "CONSENT_ANSWER_", Answer::parse).unwrap_or(Answer::Declined)
}

pub fn decision(tenant: &TenantId, it: &Decision) -> pb::EntitlementDecision {
    let charged = !it.tariff.is_empty();
    pb::EntitlementDecision {
        outcome: wire("ENTITLEMENT_OUTCOME_", it.outcome.name(), pb::EntitlementOutcome::from_str_name),
        reason: it
            .why
            .map_or(0, |why| wire("ENTITLEMENT_REASON_", why.name(), pb::EntitlementReason::from_str_name)),
        allowed: it.allowed,
        entitlement: if it.entitlement.is_empty() { String::new() } else { name(tenant, &it.entitlement) },
        entitlement_version: it.version,
        plan: it.plan.clone(),
        sla_policy: it.sla_policy.clone(),
        tariff: it.tariff.clone(),
        rate: it.rate.clone(),
        price: charged.then(|| money(it.price, &it.currency)),
        increment_duration: charged.then(|| seconds(it.increment_seconds)),
        needs_consent: it.needs_consent,
        remaining_incidents: it.remaining_incidents,
        remaining_duration: it.remaining_seconds.map(seconds),
        until_time: it.until_time.map(timestamp),
        check_time: Some(timestamp(it.check_time)),
        configuration_revision: it.revision,
        consent: it.consent.as_ref().map(consent),
    }
}

fn consent(it: &Consent) -> pb::Consent {
    let by = serde_json::to_value(it.author_kind).ok();
    pb::Consent {
        answer: wire("CONSENT_ANSWER_", it.answer.name(), pb::ConsentAnswer::from_str_name),
        tariff: it.tariff.clone(),
        configuration_revision: it.revision,
        consent_time: Some(timestamp(it.time)),
        recorded_by: by.and_then(|by| by.as_str().map(str::to_owned)).unwrap_or_default(),
    }
}

/// A customer learns what it costs and what was agreed, not what the contract says.
pub fn for_caller(ctx: &Ctx, it: pb::EntitlementDecision) -> pb::EntitlementDecision {
    if !ctx.actor.is_customer() {
        return it;
    }
    pb::EntitlementDecision {
        outcome: it.outcome,
        allowed: it.allowed,
        tariff: it.tariff,
        rate: it.rate,
        price: it.price,
        increment_duration: it.increment_duration,
        needs_consent: it.needs_consent,
        check_time: it.check_time,
        consent: it.consent,
        ..pb::EntitlementDecision::default()
    }
}

/// What an event tells of a consent; absent: nothing.
pub fn of_event(event: &Event) -> Option<pb::Consent> {
    let said = event.details.get("answer").and_then(|it| it.as_str())?;
    let tariff = event.details.get("tariff").and_then(|it| it.as_str()).unwrap_or_default();
    Some(pb::Consent {
        answer: wire("CONSENT_ANSWER_", said, pb::ConsentAnswer::from_str_name),
        tariff: tariff.to_owned(),
        configuration_revision: event.details.get("revision").and_then(|it| it.as_i64()).unwrap_or_default(),
        consent_time: Some(timestamp(event.occur_time)),
        recorded_by: serde_json::to_value(event.actor_kind)
            .ok()
            .and_then(|by| by.as_str().map(str::to_owned))
            .unwrap_or_default(),
    })
}
