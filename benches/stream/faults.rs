//! Writers write, watchers watch, and whatever there is gets killed; or stopped for too long.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, atomic::Ordering},
    time::{Duration, Instant},
};

use anyhow::ensure;
use async_nats::jetstream::consumer::pull;
use comfy_table::Table;
use futures_util::StreamExt as _;
use indicatif::{ProgressBar, ProgressStyle};
use prost::Message as _;
use sqlx::PgPool;
use ticketing::ids::Id;
use ticketing_proto::v1 as pb;
use tokio::{task::JoinSet, time::sleep};

use super::{
    proof::{Consumer, Told},
    stage::{Process, Stage},
    writers::{self, From, Progress},
};

const WRITERS: usize = 16;
const TICKETS: usize = 50;
pub const TENANTS: usize = 20;
/// When there is no progress for so long, it is lost.
const PATIENCE: Duration = Duration::from_mins(3);

/// The cast: two servers, two processes with jobs, who told what to whom.
struct Play {
    stage: Stage,
    servers: Vec<Process>,
    workers: Vec<Process>,
    watched: Arc<Mutex<Consumer>>,
    watchers: JoinSet<anyhow::Result<()>>,
    progress: Arc<Progress>,
    addresses: Vec<String>,
    tickets: Vec<String>,
}

impl Play {
    async fn set(lease_seconds: u32) -> anyhow::Result<Self> {
        let stage = Stage::set(TENANTS).await?;
        let (servers, addresses): (Vec<_>, Vec<_>) = [stage.api()?, stage.api()?].into_iter().unzip();
        let workers = vec![stage.worker(lease_seconds)?, stage.worker(lease_seconds)?];
        let tickets = writers::record(&addresses[0], TICKETS, TENANTS).await?;
        let (progress, watched) = (Arc::<Progress>::default(), Arc::<Mutex<Consumer>>::default());
        let mut watchers = JoinSet::new();
        for n in 0..TENANTS {
            let watched = Arc::clone(&watched);
            let hear = move |event: pb::Event| {
                let mut watched = watched.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                watched.hear(told(&event));
            };
            watchers.spawn(writers::watch(
                addresses.clone(),
                format!("t{n}"),
                From::TheBeginning,
                Arc::clone(&progress),
                hear,
            ));
        }
        Ok(Self { stage, servers, workers, watched, watchers, progress, addresses, tickets })
    }

    /// Waits until everybody has heard everything, and holds it against the log.
    async fn judge(mut self, table: &mut Table) -> anyhow::Result<()> {
        let pool = self.stage.pool()?;
        let bar = ProgressBar::new_spinner().with_message("what is on its way arrives");
        let (mut last, mut moved) = (0, Instant::now());
        loop {
            bar.tick();
            sleep(Duration::from_millis(200)).await;
            let heard = self.watched.lock().unwrap_or_else(std::sync::PoisonError::into_inner).heard();
            let told = behind(&pool).await.unwrap_or(i64::MAX);
            let events: i64 = sqlx::query_scalar("select count(*) from events").fetch_one(&pool).await?;
            if told == 0 && heard as i64 >= events {
                break;
            }
            if heard as i64 - told != last {
                (last, moved) = (heard as i64 - told, Instant::now());
            }
            ensure!(
                moved.elapsed() < PATIENCE,
                "{told} events behind with the broker, {heard} of {events} heard by watchers\n{}",
                self.stage.log()
            );
        }
        bar.finish_and_clear();
        self.progress.stop.store(true, Ordering::Relaxed);
        while let Some(watcher) = self.watchers.join_next().await {
            watcher??;
        }
        let log = log(&pool).await?;
        let watched = self.watched.lock().unwrap_or_else(std::sync::PoisonError::into_inner).judge(&log);
        let broker = consume(&self.stage).await?.judge(&log);
        let mut kept = true;
        for (name, faults) in [("20 watchers", watched), ("the broker's stream, behind an inbox", broker)] {
            kept &= faults.none();
            table.add_row([
                name.to_owned(),
                format!(
                    "of {}: missing {}, invented {}, inverted {}, repeated {}, doubled behind the inbox {}",
                    log.len(),
                    faults.missing,
                    faults.invented,
                    faults.inverted,
                    faults.repeated,
                    faults.doubled
                ),
                format!("none but repeated: {}", if faults.none() { "kept" } else { "MISSED" }),
            ]);
        }
        ensure!(kept, "the stream is not what it promises");
        Ok(())
    }
}

pub async fn storm(events: usize, kills: usize, seed: u64, table: &mut Table) -> anyhow::Result<()> {
    println!("seed {seed}: `-- faults {events} {kills} {seed}` kills in the same order");
    let mut random = fastrand::Rng::with_seed(seed);
    let mut play = Play::set(2).await?;
    let changes = events - TICKETS;
    let mut writers = writers::change(&play.addresses, &play.tickets, WRITERS, changes, &play.progress)?;
    let style = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} {per_sec}")?;
    let bar = ProgressBar::new(changes as u64).with_message("writing through a storm").with_style(style);
    let (began, mut struck) = (Instant::now(), [0; 4]);
    let (mut last, mut moved) = (0, Instant::now());
    loop {
        let done = play.progress.done.load(Ordering::Relaxed);
        bar.set_position(done as u64);
        if done > last {
            (last, moved) = (done, Instant::now());
        }
        ensure!(moved.elapsed() < PATIENCE, "nobody writes any more\n{}", play.stage.log());
        let kills_so_far: usize = struck.iter().sum();
        if kills_so_far < kills && done * (kills + 1) >= changes * (kills_so_far + 1) {
            let which = random.usize(..4);
            struck[which] += 1;
            match which {
                0 => play.workers[random.usize(..2)].strike()?,
                1 => play.servers[random.usize(..2)].strike()?,
                2 => play.stage.strike_nats()?,
                _ => play.stage.strike_postgres()?,
            }
        }
        if done >= changes {
            break;
        }
        sleep(Duration::from_millis(random.u64(5..50))).await;
    }
    while let Some(writer) = writers.join_next().await {
        writer??;
    }
    bar.finish_and_clear();
    let [workers, servers, nats, postgres] = struck;
    table.add_row([
        format!("{events} events, seed {seed}"),
        format!(
            "{:.0} s; killed: worker {workers}, server {servers}, nats-server {nats}, Postgres {postgres}",
            began.elapsed().as_secs_f64()
        ),
        format!(
            "{kills} kills: {}",
            if workers + servers + nats + postgres >= kills { "kept" } else { "MISSED" }
        ),
    ]);
    play.judge(table).await
}

pub async fn stale(times: usize, table: &mut Table) -> anyhow::Result<()> {
    const LEASE: u32 = 1;
    let play = Play::set(LEASE).await?;
    let mut writers = writers::change(&play.addresses, &play.tickets, 2, usize::MAX, &play.progress)?;
    let bar = ProgressBar::new(times as u64).with_message("stopping and going on");
    for n in 0..times {
        let worker = &play.workers[n % 2];
        worker.stop()?;
        sleep(Duration::from_secs(3 * u64::from(LEASE))).await;
        worker.go_on()?;
        // It does what it was at, beside the one that has taken over.
        sleep(Duration::from_millis(300)).await;
        bar.inc(1);
    }
    bar.finish_and_clear();
    let pool = play.stage.pool()?;
    let owners: i64 = sqlx::query_scalar("select max(token) from relay_heads").fetch_one(&pool).await?;
    play.progress.enough.store(true, Ordering::Relaxed);
    while let Some(writer) = writers.join_next().await {
        writer??;
    }
    table.add_row([
        format!("stopped for three lease times, {times} times"),
        format!("a bucket had up to {owners} owners"),
        format!("each stop moves leases: {}", if owners as usize > times / 2 { "kept" } else { "MISSED" }),
    ]);
    play.judge(table).await
}

fn told(event: &pb::Event) -> Told {
    (event.resource.rsplit('/').next().unwrap_or_default().to_owned(), event.ticket_version)
}

/// Events that the broker has not confirmed yet.
pub async fn behind(pool: &PgPool) -> sqlx::Result<i64> {
    let sql = "select (select count(*) from outbox) + sum(h.position - r.position)::bigint
               from stream_heads h join relay_heads r using (bucket)";
    sqlx::query_scalar(sql).fetch_one(pool).await
}

async fn log(pool: &PgPool) -> anyhow::Result<HashSet<Told>> {
    let rows: Vec<(Id, i64)> =
        sqlx::query_as("select ticket_id, version from events").fetch_all(pool).await?;
    Ok(rows.into_iter().map(|(ticket, version)| (ticket.to_string(), version)).collect())
}

/// All that the broker holds, in its order.
async fn consume(stage: &Stage) -> anyhow::Result<Consumer> {
    let client = async_nats::connect(stage.nats_url()).await?;
    let stream = async_nats::jetstream::new(client).get_stream("TICKETING").await?;
    let count = stream.cached_info().state.messages as usize;
    let consumer = stream.create_consumer(pull::OrderedConfig::default()).await?;
    let mut messages = consumer.messages().await?.take(count);
    let mut heard = Consumer::default();
    while let Some(message) = messages.next().await {
        heard.hear(told(&pb::Event::decode(message?.payload.clone())?));
    }
    Ok(heard)
}
