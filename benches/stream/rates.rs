//! How fast, on a quiet day.

use std::{
    sync::{Arc, Mutex, PoisonError, atomic::Ordering},
    time::{Duration, Instant},
};

use anyhow::Context as _;
use comfy_table::Table;
use indicatif::ProgressBar;
use sqlx::{Connection as _, PgConnection, PgPool};
use ticketing_proto::v1::{self as pb, ticket_service_client::TicketServiceClient};
use tokio::{task::JoinSet, time::sleep};

use super::{
    faults::{TENANTS, behind},
    followed::followed,
    stage::Stage,
    writers::{self, From, Progress},
};

/// Rounds with and without the relay, side by side; odd, so that there is a median.
const ROUNDS: usize = 5;
const CALLERS: usize = 32;
/// How long each side runs before it is measured: as long as the relay takes to compare all buckets with the broker.
const SETTLE: Duration = Duration::from_secs(10);
/// Writes a second while watchers are timed.
const MODERATE: u64 = 100;

pub async fn measure(seconds: u64, table: &mut Table) -> anyhow::Result<()> {
    let stage = Stage::set(TENANTS).await?;
    let (_server, address) = stage.api()?;
    // It serves from then on.
    writers::record(&address, 1, 1).await?;
    let round = Duration::from_secs(seconds);
    // The disk has its moods, so what counts is each round beside its neighbour; the database grows, so each side comes
    // first as often as second, but for one.
    let mut pairs = Vec::new();
    for n in 0..ROUNDS {
        let (mut with, mut without) = (0.0, 0.0);
        for relayed in [n % 2 == 1, n % 2 == 0] {
            if relayed {
                let _worker = stage.worker(6)?;
                // What the rounds before left is told first.
                drain(&stage.pool()?).await?;
                caught_up(&stage.pool()?).await?;
                settle(&address, 2 * n).await?;
                with = creates(&address, round, 2 * n).await?;
                drain(&stage.pool()?).await?;
            } else {
                let _worker = stage.worker_without_broker()?;
                caught_up(&stage.pool()?).await?;
                settle(&address, 2 * n + 1).await?;
                without = creates(&address, round, 2 * n + 1).await?;
            }
        }
        pairs.push((with / without, with, without));
    }
    pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (ratio, with, without) = pairs[ROUNDS / 2];
    table.add_row([
        "creates, 32 callers, with and without the relay".to_owned(),
        format!(
            "{with:.0}/s and {without:.0}/s: {ratio:.2} (of {:.2} to {:.2})",
            pairs[0].0,
            pairs[ROUNDS - 1].0
        ),
        format!(">= 0.90 {}", if ratio >= 0.9 { "kept" } else { "MISSED" }),
    ]);
    // What waits is told while nobody writes.
    let pool = stage.pool()?;
    {
        let _worker = stage.worker_without_broker()?;
        creates(&address, round, 100).await?;
        placed(&pool).await?;
    }
    let waiting = behind(&pool).await?;
    let _worker = stage.worker(6)?;
    while behind(&pool).await? == waiting {
        sleep(Duration::from_millis(5)).await;
    }
    let (began, first) = (Instant::now(), behind(&pool).await?);
    drain(&pool).await?;
    let rate = first as f64 / began.elapsed().as_secs_f64();
    table.add_row([
        format!("the relay, with {waiting} events waiting"),
        format!("{rate:.0}/s"),
        format!(">= 5000/s {}", if rate >= 5000.0 { "kept" } else { "MISSED" }),
    ]);
    caught_up(&pool).await?;
    let times = watch(&stage, &address, seconds.max(10)).await?;
    latency(table, "from the answer of a write to the watcher of another process", times);
    Ok(())
}

/// A long transaction in another database of the server, that has written, and a reader in ours, that has looked.
pub async fn stall(seconds: u64, table: &mut Table) -> anyhow::Result<()> {
    let stage = Stage::set(TENANTS).await?;
    let (_server, address) = stage.api()?;
    let _worker = stage.worker(6)?;
    let mut ours = PgConnection::connect(stage.url()).await?;
    sqlx::raw_sql("create database another").execute(&mut ours).await?;
    let server = stage.url().strip_suffix("/postgres").context("the URL ends in the database")?;
    let mut theirs = PgConnection::connect(&format!("{server}/another")).await?;
    sqlx::raw_sql("create table t (n int); begin; insert into t values (1)").execute(&mut theirs).await?;
    sqlx::raw_sql("begin isolation level repeatable read; select count(*) from events")
        .execute(&mut ours)
        .await?;
    let times = watch(&stage, &address, seconds).await?;
    latency(table, &format!("beside two transactions that were open for {seconds} s: all"), times.clone());
    let last = times[times.len() - times.len() / 10..].to_vec();
    latency(table, "the last tenth of that time", last);
    sqlx::raw_sql("commit").execute(&mut ours).await?;
    sqlx::raw_sql("commit").execute(&mut theirs).await?;
    Ok(())
}

fn latency(table: &mut Table, name: &str, mut times: Vec<f64>) {
    times.sort_by(f64::total_cmp);
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize] * 1000.0;
    let p99 = at(0.99);
    table.add_row([
        name.to_owned(),
        format!("{} events: p50 {:.0} ms, p99 {p99:.0} ms, max {:.0} ms", times.len(), at(0.5), at(1.0)),
        format!("p99 <= 100 ms {}", if p99 <= 100.0 { "kept" } else { "MISSED" }),
    ]);
}

/// Tickets recorded a second.
async fn creates(address: &str, round: Duration, nth: usize) -> anyhow::Result<f64> {
    let client = TicketServiceClient::new(writers::channel(address)?);
    let began = Instant::now();
    let mut callers = JoinSet::new();
    for caller in 0..CALLERS {
        let mut client = client.clone();
        callers.spawn(async move {
            let mut done = 0;
            while began.elapsed() < round {
                let request = pb::CreateTicketRequest {
                    parent: format!("tenants/t{}", caller % TENANTS),
                    ticket: Some(pb::Ticket {
                        title: "VPN bricht ab".into(),
                        language_code: "de".into(),
                        ..Default::default()
                    }),
                    request_id: format!("rate-{nth}-{caller}-{done}"),
                    ..Default::default()
                };
                client.create_ticket(request).await?;
                done += 1;
            }
            anyhow::Ok(done)
        });
    }
    let mut done = 0;
    while let Some(caller) = callers.join_next().await {
        done += caller??;
    }
    Ok(f64::from(done) / began.elapsed().as_secs_f64())
}

/// Seconds from the answer of each write to when its event was heard through the other server, in the order of writes.
async fn watch(stage: &Stage, address: &str, seconds: u64) -> anyhow::Result<Vec<f64>> {
    let (_other, listen) = stage.api()?;
    let tickets = writers::record(address, TENANTS, TENANTS).await?;
    let (progress, heard) = (Arc::<Progress>::default(), Arc::<Mutex<Vec<(String, Instant)>>>::default());
    let mut watchers = JoinSet::new();
    for n in 0..TENANTS {
        let heard = Arc::clone(&heard);
        let hear = move |event: pb::Event| {
            let now = Instant::now();
            if let Some(cause) = event.cause {
                heard.lock().unwrap_or_else(PoisonError::into_inner).push((cause.request_id, now));
            }
        };
        watchers.spawn(writers::watch(
            vec![listen.clone()],
            format!("t{n}"),
            From::Now,
            Arc::clone(&progress),
            hear,
        ));
    }
    // By then all of them listen.
    sleep(Duration::from_secs(3)).await;
    let client = TicketServiceClient::new(writers::channel(address)?);
    let count = seconds * MODERATE;
    let bar = ProgressBar::new(count).with_message("writing and listening");
    let mut written = Vec::new();
    let mut tick = tokio::time::interval(Duration::from_secs(1) / u32::try_from(MODERATE)?);
    for n in 0..count {
        tick.tick().await;
        let request = pb::UpdateTicketRequest {
            ticket: Some(pb::Ticket {
                name: tickets[n as usize % tickets.len()].clone(),
                title: format!("change {n}"),
                ..Default::default()
            }),
            update_mask: Some(prost_types::FieldMask { paths: vec!["title".into()] }),
            request_id: format!("heard-{n}"),
            ..Default::default()
        };
        client.clone().update_ticket(request).await?;
        written.push((format!("heard-{n}"), Instant::now()));
        bar.inc(1);
    }
    bar.finish_and_clear();
    sleep(Duration::from_secs(2)).await;
    progress.stop.store(true, Ordering::Relaxed);
    while let Some(watcher) = watchers.join_next().await {
        watcher??;
    }
    let heard: std::collections::HashMap<String, Instant> =
        heard.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect();
    let times = written.iter().map(|(id, answered)| {
        let heard = heard.get(id).ok_or_else(|| anyhow::anyhow!("{id} was never heard"))?;
        Ok(heard.saturating_duration_since(*answered).as_secs_f64())
    });
    times.collect()
}

/// A process that has just started has caches to fill and a broker to compare with.
async fn settle(address: &str, nth: usize) -> anyhow::Result<()> {
    creates(address, SETTLE, 1000 + nth).await.map(drop)
}

async fn drain(pool: &PgPool) -> anyhow::Result<()> {
    while behind(pool).await? > 0 {
        sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

/// What one round left to the jobs behind the stream is not the next one's.
async fn caught_up(pool: &PgPool) -> anyhow::Result<()> {
    placed(pool).await?;
    followed(pool).await
}

async fn placed(pool: &PgPool) -> anyhow::Result<()> {
    while sqlx::query_scalar::<_, i64>("select count(*) from outbox").fetch_one(pool).await? > 0 {
        sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}
