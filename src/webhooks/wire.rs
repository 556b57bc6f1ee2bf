//! Subscriptions and deliveries as messages and back, and what is sent.

use std::sync::LazyLock;
use std::time::Duration;

use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor, SerializeOptions};
use serde_json::{Map, Value};
use ticketing_proto::v1 as pb;

use super::{
    create::{Said, Shown},
    model::{self, Attempt, Delivery, Key, MAX_DISPLAY_NAME, Scheme, Subscription, Wanted},
    redeliver::Which,
    store::Backlog,
    write::Target,
};
use crate::{
    error::{Error, Result, Violations},
    events::{self, Notice, Start, cloud_event::Attributes},
    ids::{Id, TenantId, child_of},
    tickets::wire::{code, text, timestamp, version, wire},
    time::Time,
};

/// What a body is at most, bytes.
const MAX_BODY: usize = 64 << 10;
/// How long old keys sign beside new ones: by default, at most.
const OVERLAP: (Duration, Duration) = (Duration::from_hours(24), Duration::from_hours(7 * 24));

/// The contract's own description of an event: it says how one looks as JSON.
static EVENT: LazyLock<MessageDescriptor> = LazyLock::new(|| {
    let pool = DescriptorPool::decode(ticketing_proto::DESCRIPTOR).expect("the contract is well-formed");
    pool.get_message_by_name("ticketing.v1.Event").expect("the contract has events")
});

/// What is sent of an event: CloudEvents as structured JSON. One with too many changes goes without them; whoever needs
/// them reads the timeline.
pub fn body(notice: &Notice, cursor: String) -> Result<String> {
    let mut event = events::wire::event(notice, cursor);
    let body = render(notice, &event)?;
    if body.len() < MAX_BODY {
        return Ok(body);
    }
    event.changes.clear();
    render(notice, &event)
}

fn render(notice: &Notice, event: &pb::Event) -> Result<String> {
    let Attributes(attributes) = Attributes::of(notice);
    let mut body: Map<String, Value> =
        attributes.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
    body.insert("datacontenttype".into(), "application/json".into());
    let event =
        DynamicMessage::decode(EVENT.clone(), event.encode_to_vec().as_slice()).map_err(Error::internal)?;
    let options = SerializeOptions::new().use_proto_field_name(true);
    let data =
        event.serialize_with_options(serde_json::value::Serializer, &options).map_err(Error::internal)?;
    body.insert("data".into(), data);
    serde_json::to_string(&body).map_err(Error::internal)
}

/// `tenants/{tenant}/subscriptions/{subscription}`.
pub fn named(field: &str, name: &str) -> Result<(TenantId, Id)> {
    let (tenant, id) = child_of(field, name, "subscriptions")?;
    let id = id.parse().map_err(|()| Error::not_found("subscription", name))?;
    Ok((tenant, id))
}

/// What every verb on a subscription has.
pub fn target(name: &str, etag: &str) -> Result<(TenantId, Target)> {
    let (tenant, id) = named("name", name)?;
    let mut faults = Violations::default();
    let version = version(&mut faults, "etag", etag);
    faults.into_result()?;
    Ok((tenant, Target { id, version }))
}

/// `tenants/{tenant}/subscriptions/{subscription}/deliveries/{ticket}-{version}`.
pub fn delivery_named(name: &str) -> Result<(TenantId, Which)> {
    let missing = || Error::not_found("delivery", name);
    let form = "must be tenants/{tenant}/subscriptions/{subscription}/deliveries/{delivery}";
    let (of, event) = name.rsplit_once("/deliveries/").ok_or_else(|| Error::field("name", form))?;
    let (tenant, id) = named("name", of)?;
    let (ticket, version) = event.rsplit_once('-').ok_or_else(missing)?;
    let ticket = ticket.parse().map_err(|()| missing())?;
    let version = version.parse().map_err(|_| missing())?;
    Ok((tenant, Which { id, ticket, version }))
}

/// What a caller says of a subscription.
pub fn said(faults: &mut Violations, tenant: &TenantId, subscription: &pb::Subscription) -> Said {
    let filter = events::wire::filter(faults, tenant, subscription.filter.as_ref());
    let types = subscription.filter.as_ref().map(|it| it.types.clone()).unwrap_or_default();
    Said {
        display_name: text(faults, "subscription.display_name", &subscription.display_name, MAX_DISPLAY_NAME),
        url: subscription.url.clone(),
        wanted: Wanted {
            types,
            ticket: filter.ticket,
            queues: filter.queues,
            teams: filter.teams,
            imported: subscription.include_imported,
        },
    }
}

/// Each once; by default, the one that every receiver knows.
pub fn schemes(faults: &mut Violations, wanted: &[i32]) -> Vec<Scheme> {
    let name = |value: &pb::SignatureScheme| value.as_str_name();
    let mut schemes: Vec<Scheme> = wanted
        .iter()
        .enumerate()
        .filter_map(|(place, scheme)| {
            if *scheme == 0 {
                faults.add(format!("schemes[{place}]"), "is required");
            }
            code(faults, &format!("schemes[{place}]"), *scheme, name, "SIGNATURE_SCHEME_", Scheme::parse)
        })
        .collect();
    schemes.sort_unstable();
    schemes.dedup();
    if schemes.is_empty() { vec![Scheme::V1] } else { schemes }
}

pub fn overlap(faults: &mut Violations, duration: Option<&prost_types::Duration>) -> Duration {
    let (default, most) = OVERLAP;
    let Some(duration) = duration else { return default };
    match Duration::try_from(*duration) {
        Ok(overlap) if overlap <= most => overlap,
        _ => {
            faults.add("overlap_duration", "must be 0 to 7 days");
            default
        }
    }
}

pub fn start(faults: &mut Violations, start: Option<&pb::replay_subscription_request::Start>) -> Start {
    use pb::replay_subscription_request::Start as From;
    match start {
        Some(From::Cursor(cursor)) => Start::Cursor(cursor.clone()),
        Some(From::StartTime(time)) => events::wire::start(faults, None, Some(time), Start::Now),
        None => {
            faults.add("start", "is required: cursor or start_time");
            Start::Now
        }
    }
}

fn scheme(scheme: Scheme) -> i32 {
    wire("SIGNATURE_SCHEME_", scheme.name(), pb::SignatureScheme::from_str_name)
}

pub fn subscription(it: &Subscription, backlog: Backlog, cursor: String, now: Time) -> pb::Subscription {
    pb::Subscription {
        name: it.name(),
        etag: it.etag(),
        display_name: it.display_name.clone(),
        url: it.url.clone(),
        filter: Some(pb::EventFilter {
            types: it.wanted.types.clone(),
            ticket: it
                .wanted
                .ticket
                .map(|ticket| format!("tenants/{}/tickets/{ticket}", it.tenant_id))
                .unwrap_or_default(),
            queues: it.wanted.queues.clone(),
            teams: it.wanted.teams.clone(),
        }),
        include_imported: it.wanted.imported,
        state: wire("SUBSCRIPTION_STATE_", it.state.name(), pb::SubscriptionState::from_str_name),
        disable_reason: it
            .disable_reason
            .map_or(0, |why| wire("DISABLE_REASON_", why.name(), pb::DisableReason::from_str_name)),
        keys: it.good_keys(now).map(key).collect(),
        health: Some(pb::SubscriptionHealth {
            last_success_time: it.last_success_time.map(timestamp),
            last_failure_time: it.last_failure_time.map(timestamp),
            consecutive_failures: it.consecutive_failures,
            pending_count: backlog.count,
            oldest_pending_time: backlog.oldest_time.map(timestamp),
        }),
        cursor,
        create_time: Some(timestamp(it.create_time)),
        update_time: Some(timestamp(it.update_time)),
    }
}

fn key(key: &Key) -> pb::SubscriptionKey {
    pb::SubscriptionKey {
        scheme: scheme(key.scheme),
        public_key: key.public.clone(),
        expire_time: key.expire_time.map(timestamp),
    }
}

pub fn secrets(shown: Shown) -> Vec<pb::SubscriptionSecret> {
    shown.into_iter().map(|(it, secret)| pb::SubscriptionSecret { scheme: scheme(it), secret }).collect()
}

pub fn delivery(it: &Delivery) -> pb::Delivery {
    pb::Delivery {
        name: it.name(),
        r#type: it.kind.clone(),
        ticket: format!("tenants/{}/tickets/{}", it.tenant_id, it.ticket_id),
        ticket_version: it.version,
        state: wire("DELIVERY_STATE_", it.state.name(), pb::DeliveryState::from_str_name),
        attempt_count: it.attempt,
        attempts: it.attempts.iter().map(attempt).collect(),
        due_time: (it.state == model::DeliveryState::Pending).then(|| timestamp(it.due_time)),
        create_time: Some(timestamp(it.create_time)),
        settle_time: it.settle_time.map(timestamp),
    }
}

fn attempt(it: &Attempt) -> pb::DeliveryAttempt {
    pb::DeliveryAttempt {
        time: Some(timestamp(it.time)),
        milliseconds: it.millis,
        status: it.status.into(),
        error: it.error.clone(),
        answer: it.answer.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        ctx::Ctx,
        events::{Event, EventType, Placed, project},
    };

    /// A notice of a change to this many followers.
    fn notice(followers: usize) -> Notice {
        let tenant = TenantId::parse("acme").expect("a tenant");
        let ctx = Ctx::system(tenant, "", "2026-03-02T09:30:00Z".parse().expect("a time"));
        let mut event = Event::new(&ctx, EventType::TicketUpdated, Id(uuid::Uuid::from_u128(7)), 3);
        let after: Vec<String> = (0..followers).map(|n| format!("agent-{n:058}")).collect();
        event.changes.insert("followers".into(), (json!([]), json!(after)));
        project(Placed { position: 9, event })
    }

    #[test]
    fn a_whole_bill_of_the_longest_keys_fits() {
        let key = |length: usize| "𝄞".repeat(length);
        let line = json!({
            "position": i64::MIN, "organization": key(128), "tariff": key(64), "group": key(64), "rate": key(64),
            "sequence": i64::MIN, "units": i64::MIN, "amount": i64::MIN, "price": i64::MIN, "currency": "EUR",
            "consent": "NOT_NEEDED", "work_time": "2026-03-02T09:30:00.123456Z",
            "post_time": "2026-03-02T09:30:00.123456Z", "revision": i64::MIN,
        });
        let tenant = TenantId::parse(&"a".repeat(63)).expect("a tenant");
        let ctx = Ctx::system(tenant, "", "2026-03-02T09:30:00.123456Z".parse().expect("a time"));
        let mut event = Event::new(&ctx, EventType::BillableRated, Id(uuid::Uuid::from_u128(7)), i64::MAX);
        event.details.insert("billables".into(), json!(vec![line; crate::billing::MAX_TOLD]));
        let body = body(&project(Placed { position: 9, event }), "c".repeat(200)).expect("a body");
        assert!(body.len() < MAX_BODY, "{}", body.len());
        let body: Value = serde_json::from_str(&body).expect("JSON");
        assert_eq!(body["data"]["billables"].as_array().map(Vec::len), Some(crate::billing::MAX_TOLD));
    }

    #[test]
    fn what_is_too_large_goes_without_its_changes() {
        for (followers, whole) in [(100, true), (700, true), (1000, false), (20_000, false)] {
            let body = body(&notice(followers), "cursor".into()).expect("a body");
            assert!(body.len() < MAX_BODY, "{followers}: {}", body.len());
            let body: Value = serde_json::from_str(&body).expect("JSON");
            assert_eq!(body["data"]["changes"].is_array(), whole, "{followers}");
            assert_eq!(
                (&body["sequence"], &body["data"]["ticket_version"]),
                (&json!("0000000000000000003"), &json!("3"))
            );
        }
    }
}
