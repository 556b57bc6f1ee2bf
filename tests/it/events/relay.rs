//! What the broker is told: a real nats-server, and a consumer that knows nothing of us.

use std::{collections::HashMap, time::Duration};

use async_nats::jetstream::{Message, consumer::pull};
use futures_util::StreamExt as _;
use prost::Message as _;
use ticketing::{
    events::relay::{self, Nats, Relay, Settings, reconcile},
    metrics::look,
};

use super::*;
use crate::support::Broker;

/// A series of the desk's metrics.
fn measured(desk: &Desk, series: &str) -> String {
    let text = desk.app.metrics.text().expect("metrics");
    let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.unwrap_or("nothing").to_owned()
}

/// Longer than any test takes: nobody loses a lease by being slow.
pub(super) const LEASE: Duration = Duration::from_mins(10);

fn settings(broker: &Broker) -> Settings {
    Settings {
        url: broker.url(),
        credentials: None,
        url_file: None,
        authorities: None,
        certificate: None,
        stream: "TICKETING".into(),
        replicas: 1,
    }
}

async fn relay_to(broker: &Broker, lease: Duration) -> Relay {
    Relay::new(Nats::connect(settings(broker)).await.expect("a client"), lease)
}

/// Ticks until everything is told.
pub(super) async fn tell(desk: &Desk) {
    sequence(desk).await;
    relay::renew(&desk.app).await.expect("leases");
    let (target, told) =
        ("select sum(position)::bigint from stream_heads", "select sum(position)::bigint from relay_heads");
    let told = async {
        // What fails while the broker is away is done again by the next tick, as by the job.
        while relay::run_once(&desk.app, 7).await.is_err()
            || number(desk, target).await != number(desk, told).await
        {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), told).await.expect("everything is told");
}

/// The time of all leases is over, and of all who had some.
async fn forget(desk: &Desk) {
    let sql = "update relay_heads set expire_time = '-infinity'; delete from relay_owners";
    sqlx::raw_sql(sql).execute(desk.root()).await.expect("forgotten");
}

async fn number(desk: &Desk, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(desk.root()).await.expect("a number")
}

/// All that the stream holds, in its order.
async fn held(broker: &Broker) -> Vec<Message> {
    let stream = broker.jetstream().await.get_stream("TICKETING").await.expect("a stream");
    let count = stream.cached_info().state.messages as usize;
    let consumer = stream.create_consumer(pull::OrderedConfig::default()).await.expect("a consumer");
    let messages = consumer.messages().await.expect("messages").take(count);
    messages.map(|message| message.expect("a message")).collect().await
}

fn header<'a>(message: &'a Message, name: &str) -> &'a str {
    message.headers.as_ref().and_then(|headers| headers.get(name)).map_or("", |value| value.as_str())
}

fn ids(messages: &[Message]) -> Vec<String> {
    messages.iter().map(|message| header(message, "Nats-Msg-Id").to_owned()).collect()
}

/// Of each ticket, the versions come one after the other.
fn assert_in_order(messages: &[Message]) {
    let mut versions: HashMap<String, i64> = HashMap::new();
    for message in messages {
        let event = pb::Event::decode(message.payload.clone()).expect("an event");
        let version = versions.entry(event.resource.clone()).or_default();
        *version += 1;
        assert_eq!(event.ticket_version, *version, "{}", event.resource);
    }
}

#[tokio::test]
async fn every_event_is_told_as_a_cloud_event() {
    let broker = Broker::start().await;
    let desk = Desk::open_with(relay_to(&broker, LEASE).await).await;
    let ticket = create(&desk, "secret").await;
    hold(&desk, &ticket.name).await;
    tell(&desk).await;
    let (messages, log) = (held(&broker).await, log(&desk, 10).await);
    assert_eq!(messages.len(), log.len());
    for (message, event) in messages.iter().zip(&log) {
        assert_eq!(pb::Event::decode(message.payload.clone()).expect("an event").id, event.id);
        let bucket = desk.tenant.bucket();
        assert_eq!(message.subject.as_str(), format!("ticketing.v1.{bucket}.acme.{}", event.r#type));
        let of = |name: &str| header(message, name).to_owned();
        assert_eq!(of("Nats-Msg-Id"), event.id);
        assert_eq!(of("ce-id"), event.id);
        assert_eq!(of("ce-specversion"), "1.0");
        assert_eq!(of("ce-source"), "/tenants/acme");
        assert_eq!(of("ce-type"), format!("ticketing.v1.{}", event.r#type));
        assert_eq!(of("ce-sequence"), format!("{:019}", event.ticket_version));
        assert_eq!(of("ce-datacontenttype"), "application/protobuf");
        assert!(!String::from_utf8_lossy(&message.payload).contains("secret"));
    }
    desk.finish().await;
}

#[tokio::test]
async fn a_stream_that_takes_other_subjects_is_refused_and_nothing_passes_it_by() {
    let broker = Broker::start().await;
    let config = async_nats::jetstream::stream::Config {
        name: "TICKETING".into(),
        subjects: vec!["other.>".into()],
        ..Default::default()
    };
    broker.jetstream().await.create_stream(config).await.expect("a stream");
    let desk = Desk::open_with(relay_to(&broker, LEASE).await).await;
    create(&desk, "waits").await;
    sequence(&desk).await;
    relay::renew(&desk.app).await.expect("leases");
    let error = loop {
        match relay::run_once(&desk.app, 10).await {
            Ok(_) => tokio::task::yield_now().await,
            Err(error) => break ticketing::error::chain(&error),
        }
    };
    assert!(error.contains("ticketing.v1.>"), "{error}");
    assert_eq!(number(&desk, "select sum(position)::bigint from relay_heads").await, 0);
    desk.finish().await;
}

#[tokio::test]
async fn a_broker_that_is_away_keeps_nobody_from_writing_and_gets_all_when_it_is_back() {
    let mut broker = Broker::start().await;
    let desk = Desk::open_with(relay_to(&broker, LEASE).await).await;
    create(&desk, "before").await;
    tell(&desk).await;
    broker.kill().await;
    let ticket = create(&desk, "meanwhile").await;
    for _ in 0..20 {
        hold(&desk, &ticket.name).await;
    }
    sequence(&desk).await;
    // Whoever is cut off notices it soon, not at once.
    let unconnected = async {
        look::run_once(&desk.app).await.expect("a look");
        while measured(&desk, "ticketing_relay_connected") != "0" {
            look::run_once(&desk.app).await.expect("a look");
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), unconnected).await.expect("noticed");
    desk.advance(Duration::from_secs(75));
    look::run_once(&desk.app).await.expect("a look");
    assert_eq!(measured(&desk, "ticketing_relay_events"), "21");
    assert_eq!(measured(&desk, "ticketing_relay_oldest_age_seconds"), "75");
    assert_eq!(measured(&desk, "ticketing_outbox_events"), "0");
    broker.restart().await;
    tell(&desk).await;
    look::run_once(&desk.app).await.expect("a look");
    assert_eq!(measured(&desk, "ticketing_relay_connected"), "1");
    assert_eq!(measured(&desk, "ticketing_relay_events"), "0");
    assert_eq!(measured(&desk, "ticketing_relay_oldest_age_seconds"), "0");
    let told = "messaging_client_operation_duration_seconds_count\
                {messaging_operation_name=\"publish\",messaging_system=\"nats\"}";
    assert_eq!(measured(&desk, told), "22");
    let messages = held(&broker).await;
    assert_eq!(messages.len(), 22);
    assert_in_order(&messages);
    desk.finish().await;
}

#[tokio::test]
async fn after_a_crash_between_the_brokers_word_and_the_note_nothing_is_there_twice() {
    let broker = Broker::start().await;
    let desk = Desk::open_with(relay_to(&broker, LEASE).await).await;
    let ticket = create(&desk, "twice").await;
    hold(&desk, &ticket.name).await;
    tell(&desk).await;
    // As if the process had died before it noted what the broker had confirmed.
    relay::close(&desk.app).await.expect("closed");
    sqlx::query("update relay_heads set position = 0").execute(desk.root()).await.expect("set back");
    let next = desk.replica_with(relay_to(&broker, LEASE).await).await;
    tell(&next).await;
    let messages = held(&broker).await;
    assert_eq!(messages.len(), 2);
    assert_in_order(&messages);
    assert_eq!(measured(&next, "ticketing_relay_duplicates_total"), "2");
    assert_eq!(measured(&desk, "ticketing_relay_duplicates_total"), "0");
    desk.finish().await;
}

#[tokio::test]
async fn who_lost_the_lease_is_not_believed() {
    let broker = Broker::start().await;
    let stale = Desk::open_with(relay_to(&broker, LEASE).await).await;
    let ticket = create(&stale, "contested").await;
    tell(&stale).await;
    // The lease ends by the database's clock, while its owner still believes in it.
    forget(&stale).await;
    let next = stale.replica_with(relay_to(&broker, LEASE).await).await;
    hold(&stale, &ticket.name).await;
    hold(&stale, &ticket.name).await;
    tell(&next).await;
    // The old owner sends what is new to it once more; its note is refused, and the broker has all that already.
    sequence(&stale).await;
    hold(&stale, &ticket.name).await;
    sequence(&stale).await;
    relay::run_once(&stale.app, 2).await.expect("a pass");
    tell(&next).await;
    assert_eq!(relay::run_once(&stale.app, 10).await.expect("a pass").done, 0, "it knows by now");
    assert_eq!(measured(&stale, "ticketing_relay_lost_total"), "1");
    let messages = held(&broker).await;
    assert_eq!(messages.len(), 4);
    assert_in_order(&messages);
    stale.finish().await;
}

#[tokio::test]
async fn replicas_share_the_buckets_and_take_over() {
    let broker = Broker::start().await;
    let one = Desk::open_with(relay_to(&broker, LEASE).await).await;
    let two = one.replica_with(relay_to(&broker, LEASE).await).await;
    let shares = async || {
        let sql = "select count(*) from relay_heads where owner is not null group by owner order by 1";
        sqlx::query_scalar::<_, i64>(sql).fetch_all(one.root()).await.expect("owners")
    };
    let renew = async |desk: &Desk| _ = relay::renew(&desk.app).await.expect("leases");
    renew(&one).await;
    assert_eq!(shares().await, [256], "who is alone has all");
    renew(&two).await;
    renew(&one).await;
    assert_eq!(shares().await, [256], "a lease is the owner's until it ends");
    sqlx::query("update relay_heads set expire_time = '-infinity'").execute(one.root()).await.expect("ended");
    renew(&two).await;
    renew(&one).await;
    assert_eq!(shares().await, [128, 128], "half of them each");
    let leases = |desk| ["leases", "taken_total"].map(|it| measured(desk, &format!("ticketing_relay_{it}")));
    // What was above the share when the other came is let go, and counts again when it comes back.
    assert_eq!((leases(&one), leases(&two)), (["128".into(), "384".into()], ["128".into(), "128".into()]));
    relay::close(&one.app).await.expect("closed");
    renew(&two).await;
    assert_eq!(shares().await, [256], "what was given back is taken at once");
    one.finish().await;
}

#[tokio::test]
async fn what_the_broker_lost_is_found_and_sent_again() {
    let broker = Broker::start().await;
    let desk = Desk::open_with(relay_to(&broker, LEASE).await).await;
    let ticket = create(&desk, "lost").await;
    for _ in 0..5 {
        hold(&desk, &ticket.name).await;
    }
    tell(&desk).await;
    let before = ids(&held(&broker).await);
    // A broker that comes back without its last messages, and without the memory of their ids.
    let context = broker.jetstream().await;
    context.delete_stream("TICKETING").await.expect("gone");
    relay::run_once(&desk.app, 10).await.expect("nothing to tell");
    let desk = desk.replica_with(relay_to(&broker, LEASE).await).await;
    forget(&desk).await;
    relay::renew(&desk.app).await.expect("leases");
    let mut missing = 0;
    while missing == 0 {
        missing = reconcile::run_once(&desk.app, 256).await.expect("compared").done;
        tokio::task::yield_now().await;
    }
    assert_eq!(missing, 6);
    assert_eq!(measured(&desk, "ticketing_relay_restored_total"), "6");
    let after = held(&broker).await;
    assert_eq!(ids(&after), before);
    assert_in_order(&after);
    assert_eq!(reconcile::run_once(&desk.app, 256).await.expect("compared").done, 0);
    desk.finish().await;
}
