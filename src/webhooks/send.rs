//! The job that sends what is due. A claim is a row, written before the call: while it lasts, nobody else sends the same,
//! and whoever dies leaves it to run out. The result is written by the number of the attempt, so a sender that was held up
//! and comes back after another took over changes nothing.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use http::{HeaderMap, HeaderValue, header};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinHandle,
};
use tracing::{Instrument as _, Span};

use super::{
    model::{Attempt, Delivery, DeliveryState, State, Subscription},
    post::{Bounds, Poster},
    settle::{self, Outcome},
    sign::Secret,
    store, store_lag,
};
use crate::{
    app::App,
    ctx::Ctx,
    error::{Error, Result, chain},
    ids::{Id, TenantId},
    jobs::{Report, Tally},
    metrics::Backlog,
    telemetry::hop,
    time::Time,
};

/// Deliveries on their way at once: to one subscriber, and from one process.
const TO_ONE: usize = 16;
const TO_ALL: usize = 128;
/// How long a claim outlives the longest call.
const MARGIN: Duration = Duration::from_secs(30);

/// What sends, and how many more it may.
#[derive(Debug)]
pub struct Sender {
    pub poster: Poster,
    room: Arc<Semaphore>,
}

impl Sender {
    pub fn new(bounds: Bounds) -> Result<Self> {
        Ok(Self { poster: Poster::new(bounds)?, room: Arc::new(Semaphore::new(TO_ALL)) })
    }
}

/// One tick: starts at most `limit` deliveries, a share for each subscriber. It does not wait for them: one that is slow
/// keeps no other waiting.
pub async fn run_once(app: &Arc<App>, limit: usize) -> Result<Report> {
    let started = start(app, limit).await?.len();
    Ok(Report { done: started, full: started >= limit })
}

/// As [`run_once`], and waits until all that was started is through.
pub async fn run_through(app: &Arc<App>, limit: usize) -> Result<Report> {
    let started = start(app, limit).await?;
    let done = started.len();
    for ended in join_all(started).await {
        ended.map_err(Error::internal)?;
    }
    Ok(Report { done, full: done >= limit })
}

async fn start(app: &Arc<App>, limit: usize) -> Result<Vec<JoinHandle<()>>> {
    let now = app.db.now(&app.clock).await?;
    let limit = limit.min(app.sender.room.available_permits());
    let due = store::subscriptions_due(app.db.across(), now, limit as i64).await?;
    let share = limit.div_ceil(due.len().max(1)).min(TO_ONE);
    let mut started = Vec::new();
    let mut tally = Tally::default();
    for (tenant, id) in due {
        match claim(app, &tenant, id, now, share).await {
            Ok(claimed) => {
                let room = |one| Some((one, Arc::clone(&app.sender.room).try_acquire_owned().ok()?));
                started.extend(claimed.into_iter().filter_map(room).map(|(it, room)| send(app, it, room)));
            }
            Err(error) => tally.add(Err(error)),
        }
    }
    tally.finish()?;
    Ok(started)
}

/// A delivery that is ours to send.
#[derive(Clone, Debug)]
pub struct Claimed {
    pub subscription: Subscription,
    pub delivery: Delivery,
}

/// Claims at most `share` of what is due of a subscription; of a ticket, only the lowest version that is not settled.
pub async fn claim(app: &App, tenant: &TenantId, id: Id, now: Time, share: usize) -> Result<Vec<Claimed>> {
    let until = now.after(app.sender.poster.bounds.whole + MARGIN);
    let mut tx = app.db.begin(tenant).await?;
    let Some(subscription) = store::find_in(&mut tx, id).await? else { return Ok(Vec::new()) };
    let claimed = store::claim(&mut tx, id, now, until, share as i64, TO_ONE as i64).await?;
    tx.commit().await?;
    let claimed = claimed.into_iter();
    Ok(claimed.map(|delivery| Claimed { subscription: subscription.clone(), delivery }).collect())
}

fn send(app: &Arc<App>, claimed: Claimed, room: OwnedSemaphorePermit) -> JoinHandle<()> {
    let app = Arc::clone(app);
    app.tasks.clone().spawn(async move {
        let sent = async { report(&app, &claimed, attempt(&app, &claimed).await?).await };
        if let Err(error) = sent.await {
            // The claim runs out, and it is sent again.
            tracing::error!(error = chain(&error), "the result of a webhook's delivery was not kept");
        }
        drop(room);
    })
}

/// The call.
pub async fn attempt(app: &App, claimed: &Claimed) -> Result<Outcome> {
    let Claimed { subscription, delivery } = claimed;
    let now = app.clock.now();
    let begin = Instant::now();
    let mut headers = headers(app, subscription, delivery, now)?;
    let span = span(delivery);
    if let Some(hop) = hop::traceparent(&span) {
        headers.insert(hop::TRACEPARENT, HeaderValue::from_str(&hop).map_err(Error::internal)?);
    }
    let answer =
        app.sender.poster.post(&subscription.url, headers, &delivery.body).instrument(span.clone()).await;
    match &answer {
        Ok(answer) => _ = span.record("http.response.status_code", answer.status),
        Err(error) => _ = span.record("otel.status_code", "ERROR").record("otel.status_description", error),
    }
    let millis = begin.elapsed().as_millis() as i64;
    Ok(match answer {
        Ok(answer) => Outcome {
            attempt: Attempt {
                time: now,
                millis,
                status: answer.status,
                error: String::new(),
                answer: answer.text,
            },
            retry_after: answer.retry_after,
        },
        Err(error) => Outcome {
            attempt: Attempt { time: now, millis, status: 0, error, answer: String::new() },
            retry_after: None,
        },
    })
}

/// A trace of its own, linked to the call that brought the event about; only if that one is traced.
fn span(delivery: &Delivery) -> Span {
    let event: Option<serde_json::Value> = serde_json::from_str(&delivery.body).ok();
    let origin = event.as_ref().and_then(|event| event[hop::TRACEPARENT].as_str()).unwrap_or_default();
    if !hop::is_traced(origin) {
        return Span::none();
    }
    let span = tracing::info_span!(
        parent: None,
        "deliver",
        otel.name = format!("deliver {}", delivery.kind),
        otel.kind = "producer",
        otel.status_code = tracing::field::Empty,
        otel.status_description = tracing::field::Empty,
        http.request.method = "POST",
        http.response.status_code = tracing::field::Empty,
        messaging.message.id = delivery.id(),
    );
    hop::link(&span, origin);
    span
}

fn headers(app: &App, subscription: &Subscription, delivery: &Delivery, now: Time) -> Result<HeaderMap> {
    let (id, timestamp) = (delivery.id(), now.as_second());
    let mut signatures = Vec::new();
    for key in subscription.good_keys(now) {
        let purpose = purpose(&subscription.tenant_id, subscription.id);
        let secret: Option<Secret> = app.sealer.open(&purpose, &key.sealed);
        let secret = secret.ok_or_else(|| Error::internal("a webhook's key does not open"))?;
        signatures.push(secret.sign(key.scheme, &id, timestamp, &delivery.body)?);
    }
    let mut headers = HeaderMap::new();
    let mut put = |name: &'static str, value: &str| {
        HeaderValue::from_str(value).map_err(Error::internal).map(|value| _ = headers.insert(name, value))
    };
    put("webhook-id", &id)?;
    put("webhook-timestamp", &timestamp.to_string())?;
    put("webhook-signature", &signatures.join(" "))?;
    put(header::CONTENT_TYPE.as_str(), "application/cloudevents+json; charset=utf-8").map(|()| headers)
}

/// What a subscription's keys are sealed for.
pub fn purpose(tenant: &TenantId, id: Id) -> String {
    format!("{tenant} webhook {id}")
}

/// How many that are late are counted of a subscription.
const COUNTED: i64 = 1000;

/// What is due and nobody is at.
pub async fn overdue(app: &App, now: Time) -> Result<Backlog> {
    store_lag::overdue(app.db.across(), now, COUNTED).await
}

/// Writes the result down, unless somebody else took over.
pub async fn report(app: &App, claimed: &Claimed, outcome: Outcome) -> Result<()> {
    let Delivery { tenant_id, subscription_id, ticket_id, version, attempt, .. } = &claimed.delivery;
    let ctx = Ctx::system(tenant_id.clone(), "webhooks", app.clock.now());
    let mut tx = app.db.begin(&ctx.tenant).await?;
    let Some(subscription) = store::lock(&mut tx, *subscription_id).await? else { return Ok(()) };
    let Some(delivery) = store::lock_delivery(&mut tx, *subscription_id, *ticket_id, *version).await? else {
        return Ok(());
    };
    if delivery.attempt != *attempt || delivery.claim_until_time.is_none() {
        return Ok(());
    }
    let settled = settle::decide(delivery, &outcome, ctx.now, fastrand::f64());
    let followed = settle::follow(&subscription, &outcome, ctx.now);
    store::settle(&mut tx, &settled).await?;
    if settled.state == DeliveryState::Pending {
        store::hold_back(&mut tx, &settled).await?;
    }
    store::put(&mut tx, &followed).await?;
    tx.commit().await?;
    let what = match settled.state {
        DeliveryState::Delivered => "delivered",
        DeliveryState::Pending => "failed",
        DeliveryState::Dead => "dead",
    };
    app.metrics.webhooks.attempted(what, Duration::from_millis(outcome.attempt.millis.cast_unsigned()));
    if settled.state == DeliveryState::Dead {
        app.metrics.webhooks.dead();
    }
    if (subscription.state, followed.state) == (State::Active, State::Disabled) {
        app.metrics.webhooks.disabled();
    }
    Ok(())
}
