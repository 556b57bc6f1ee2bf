//! What is promised about time: the arithmetic that everybody can ask for, and how much of it services were there.

mod business_time;
mod clocks;
mod fire;
mod migrate;
mod outages;
mod storm;
mod turns;

use ticketing::{
    ctx::{ActorKind, Role},
    time::Time,
};
use ticketing_proto::v1::sla_service_client::SlaServiceClient;

use crate::support::{Client, Desk};

#[allow(clippy::unnecessary_wraps)] // as the fields of messages are
fn at(text: &str) -> Option<prost_types::Timestamp> {
    let time: Time = text.parse().expect("a time");
    Some(prost_types::Timestamp { seconds: time.as_second(), nanos: time.subsec_nanosecond() })
}

#[allow(clippy::unnecessary_wraps)] // as the fields of messages are
fn seconds(seconds: i64) -> Option<prost_types::Duration> {
    Some(prost_types::Duration { seconds, nanos: 0 })
}

/// Who keeps promises for the desk.
fn keeper(desk: &Desk) -> SlaServiceClient<Client> {
    SlaServiceClient::new(desk.caller(ActorKind::Agent, "mia", &[Role::SlaManager]))
}
