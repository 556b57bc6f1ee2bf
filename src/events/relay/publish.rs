//! How a batch goes out: of one ticket strictly one after the other, of different tickets all at once.

use std::{collections::HashMap, time::Instant};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use tracing::{Instrument as _, Span};

use super::{
    Relay,
    leases::Lease,
    nats::{Message, subject},
};
use crate::{
    app::App,
    error::Result,
    events::{
        cloud_event::Attributes,
        cursor::cursor,
        project::{Notice, project},
        store_stream::Placed,
        wire,
    },
    ids::Id,
    telemetry::hop::{is_traced, link, traceparent},
};

/// Tickets of a bucket that are told at once.
const TICKETS: usize = 256;

/// Sends these events; answers how many the broker had already, or nothing when the lease ended on the way: somebody else
/// sends them.
pub async fn publish(app: &App, relay: &Relay, lease: Lease, events: Vec<Placed>) -> Result<Option<usize>> {
    let mut tickets: HashMap<Id, Vec<Message>> = HashMap::new();
    for placed in events {
        let ticket = placed.event.ticket_id;
        tickets.entry(ticket).or_default().push(message(app, &project(placed))?);
    }
    let sent = stream::iter(tickets.into_values()).map(|messages| one_by_one(app, relay, lease, messages));
    let counts: Vec<Option<usize>> = sent.buffer_unordered(TICKETS).try_collect().await?;
    Ok(counts.into_iter().sum())
}

async fn one_by_one(app: &App, relay: &Relay, lease: Lease, messages: Vec<Message>) -> Result<Option<usize>> {
    let mut known = 0;
    for message in messages {
        if !lease.is_trusted() {
            return Ok(None);
        }
        let span = span(&message);
        let began = Instant::now();
        let published = relay.nats.publish(message, traceparent(&span)).instrument(span).await;
        app.metrics.relay.published(published.as_ref().ok().copied(), began.elapsed());
        known += usize::from(published?);
    }
    Ok(Some(known))
}

/// A trace of its own: the broker is told after the call, and may be for other reasons. Only of what is traced.
fn span(message: &Message) -> Span {
    if !is_traced(&message.traceparent) {
        return Span::none();
    }
    let span = tracing::info_span!(
        parent: None,
        "publish",
        otel.name = format!("publish {}", message.kind),
        otel.kind = "producer",
        messaging.system = "nats",
        messaging.operation.r#type = "send",
        messaging.destination.name = message.subject,
        messaging.message.id = message.id,
    );
    link(&span, &message.traceparent);
    span
}

/// In binary mode: the attributes are headers, the data is the message of the contract.
fn message(app: &App, notice: &Notice) -> Result<Message> {
    let tenant = &notice.tenant_id;
    let Attributes(attributes) = Attributes::of(notice);
    let mut headers: Vec<_> =
        attributes.into_iter().map(|(name, value)| (format!("ce-{name}"), value)).collect();
    headers.push(("ce-datacontenttype".into(), "application/protobuf".into()));
    let event = wire::event(notice, cursor(app, tenant, notice.position)?);
    Ok(Message {
        subject: subject(tenant.bucket(), tenant.as_str(), notice.kind.name()),
        kind: notice.kind.name(),
        id: notice.id(),
        traceparent: notice.traceparent.clone(),
        headers,
        body: prost::Message::encode_to_vec(&event),
    })
}
