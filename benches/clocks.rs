//! How fast clocks that are due are told of, and how late: a million clocks run, of which 150 thousand are due at once, and
//! two processes of the program tell of them, with every event, outbox row, place in the stream and next time, on a
//! Postgres that keeps its promises. Then a hundred fall due every second. Afterwards everything is checked: each was told
//! once, none is lost, and what is kept is what the log makes.
//!
//! `cargo bench --bench clocks` (or `make bench`); `-- 10` with a tenth of the clocks, in percent. `-- faults` kills
//! processes and the Postgres in the middle of it.

#[path = "../tests/it/sla/storm/proof.rs"]
mod proof;
#[path = "clocks/stage.rs"]
mod stage;
#[path = "clocks/workers.rs"]
mod workers;

use std::time::{Duration, Instant};

use comfy_table::{Table, presets};
use indicatif::{ProgressBar, ProgressStyle};
use sqlx::PgPool;
use stage::{Crowd, Stage, placed};
use ticketing::{ctx::Clock, time::Time};
use workers::{Workers, busy};

/// Each has four clocks.
const TICKETS: usize = 250_000;
/// How many of them came in how many hours ago, so that of one clock a warning, the breach, or breach and a step are due.
/// Hours lie between these, in which this ends.
const DUE: [(u64, usize); 3] = [(5, 40_000), (BREACHED, 100_000), (15, 10_000)];
const BREACHED: u64 = 10;
/// What the service promises on two cores: of so many due at once, so many a second.
const FLOOR: f64 = 5000.0;
/// And how late the last of a hundred is when a hundred fall due every second.
const LATENESS: f64 = 2.0;
const EACH_SECOND: usize = 100;
const SECONDS: usize = 60;
/// The books of so many tickets are made again.
const SAMPLE: usize = 20_000;
/// When there is no progress for so long, it is lost.
const PATIENCE: Duration = Duration::from_mins(3);

fn main() -> anyhow::Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let percent: usize = words.iter().find_map(|word| word.parse().ok()).unwrap_or(100);
    let faults = words.iter().any(|word| word == "faults");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let mut table = Table::new();
    table.load_style(presets::UTF8_BORDERS_ONLY);
    table.set_header(["", "clocks", "told", "", "load", "floor"]);
    let ran = runtime.block_on(run(percent, faults, &mut table));
    println!("{table}");
    ran
}

async fn run(percent: usize, faults: bool, table: &mut Table) -> anyhow::Result<()> {
    let mut stage = Stage::set().await?;
    let now = Clock::system().now();
    let due: usize = DUE.iter().map(|(_, tickets)| tickets * percent / 100).sum();
    let mut crowds: Vec<Crowd> =
        DUE.iter().map(|(hours, tickets)| crowd(now, *hours, tickets * percent / 100)).collect();
    crowds.push(crowd(now, 1, TICKETS * percent / 100 - due));
    stage.fill(&crowds).await?;
    let clocks = 4 * TICKETS * percent / 100;
    let told = clear(&mut stage, due, if faults { Stroke::ALL } else { &[] }).await?;
    let kept = if told.rate() >= FLOOR { "kept" } else { "MISSED" };
    let name = if faults { "due at once, 3 workers and the Postgres killed" } else { "due at once" };
    table.add_row([
        name.into(),
        clocks.to_string(),
        told.events.to_string(),
        format!(
            "{:.0}/s ({:.1} s; {:.0} µs of a core each)",
            told.rate(),
            told.seconds,
            told.busy * 1e6 / told.events as f64
        ),
        load(),
        if faults { "none lost, none doubled: kept".into() } else { format!(">= {FLOOR:.0}/s {kept}") },
    ]);
    if !faults {
        let late = trickle(&stage).await?;
        let kept = if late.p99 <= LATENESS { "kept" } else { "MISSED" };
        table.add_row([
            format!("{EACH_SECOND} a second fall due"),
            clocks.to_string(),
            late.events.to_string(),
            format!("late p50 {:.2} s, p99 {:.2} s, max {:.2} s", late.p50, late.p99, late.max),
            load(),
            format!("p99 <= {LATENESS:.0} s {kept}"),
        ]);
    }
    Ok(())
}

/// Tickets that came in so long ago, and a little.
fn crowd(now: Time, hours: u64, tickets: usize) -> Crowd {
    let templates = tickets.clamp(1, 100);
    let start = now.before(Duration::from_hours(hours) + Duration::from_secs(60 + templates as u64));
    Crowd { tickets, start, step: Duration::from_secs(1), templates }
}

/// What is struck, and when: after which share of what is due, in percent.
#[derive(Clone, Copy)]
enum Stroke {
    Worker(i64),
    Postgres(i64),
}

impl Stroke {
    const ALL: &'static [Self] = &[Self::Worker(15), Self::Worker(35), Self::Postgres(50), Self::Worker(70)];

    fn at(self) -> i64 {
        match self {
            Self::Worker(at) | Self::Postgres(at) => at,
        }
    }
}

struct Told {
    events: i64,
    /// Of both cores together, that the workers and the Postgres used; what others on the machine leave is not known.
    busy: f64,
    /// From the tick that told the first to the commit of the last.
    seconds: f64,
}

impl Told {
    fn rate(&self) -> f64 {
        self.events as f64 / self.seconds
    }
}

/// Has everything told that is due, and checks it.
async fn clear(stage: &mut Stage, due: usize, strokes: &[Stroke]) -> anyhow::Result<Told> {
    let pool = pool(stage)?;
    let (before, began) = placed(&pool).await?;
    let style = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} {per_sec}")?;
    let bar = ProgressBar::new(due as u64).with_message("telling").with_style(style);
    let folder = stage.folder.path().to_owned();
    let url = stage.url().to_owned();
    let mut workers = Workers::start(&url, &folder)?;
    let idle = busy(stage.postgres().pid());
    let mut strokes = strokes.iter().copied().enumerate().peekable();
    let (mut last, mut moved) = (0, Instant::now());
    loop {
        tokio::time::sleep(Duration::from_millis(100)).await;
        // Whoever asks in the moment in which the Postgres is down asks again.
        let Ok((position, _)) = placed(&pool).await else { continue };
        let done = position - before;
        bar.set_position(done.unsigned_abs());
        if done > last {
            (last, moved) = (done, Instant::now());
        }
        anyhow::ensure!(moved.elapsed() < PATIENCE, "nothing was told for {PATIENCE:?}");
        if let Some((nth, stroke)) = strokes.next_if(|(_, stroke)| done * 100 >= stroke.at() * due as i64) {
            match stroke {
                Stroke::Worker(_) => workers.kill(nth)?,
                Stroke::Postgres(_) => {
                    kill(stage.postgres().pid())?;
                    stage.start_postgres()?;
                }
            }
        } else if done >= due as i64 && is_quiet(&pool).await.unwrap_or(false) {
            break;
        }
    }
    anyhow::ensure!(strokes.peek().is_none(), "it was over before the last stroke");
    anyhow::ensure!(workers.live()?, "a worker ended by itself");
    let busy = workers.busy() + busy(stage.postgres().pid()) - idle;
    drop(workers);
    bar.finish_and_clear();
    check(stage, &pool).await?;
    // Commit times are kept since the last start.
    let sql = "select count(*), extract(epoch from max(coalesce(pg_xact_commit_timestamp(xmin), record_time)) - min(record_time))::float8
               from events where record_time >= $1";
    let (events, seconds) = sqlx::query_as(sql).bind(began).fetch_one(&pool).await?;
    Ok(Told { events, busy, seconds })
}

/// Nothing is due, and every event has its place.
async fn is_quiet(pool: &PgPool) -> sqlx::Result<bool> {
    let sql = "select not exists (select from sla_clocks where tenant_id = 'bench' and fire_time <= now())
                      and not exists (select from outbox)";
    sqlx::query_scalar(sql).fetch_one(pool).await
}

async fn check(stage: &Stage, pool: &PgPool) -> anyhow::Result<()> {
    let (_, now) = placed(pool).await?;
    let tickets: i64 = sqlx::query_scalar("select count(*) from tickets").fetch_one(pool).await?;
    let nth = (usize::try_from(tickets)? / SAMPLE).max(1);
    let faults = proof::faults(pool, &stage.configuration, now, nth).await?;
    anyhow::ensure!(faults.is_empty(), "{}", faults.join("\n"));
    let unplaced = "select (select count(*) from events) - (select count(*) from stream)";
    let unplaced: i64 = sqlx::query_scalar(unplaced).fetch_one(pool).await?;
    anyhow::ensure!(unplaced == 0, "{unplaced} events have no place in the stream");
    Ok(())
}

fn kill(pid: u32) -> anyhow::Result<()> {
    let status = std::process::Command::new("kill").args(["-9", &pid.to_string()]).status()?;
    anyhow::ensure!(status.success(), "the Postgres could not be killed");
    Ok(())
}

/// Seconds from the instant at which something was due to the commit that told it.
struct Late {
    events: i64,
    p50: f64,
    p99: f64,
    max: f64,
}

async fn trickle(stage: &Stage) -> anyhow::Result<Late> {
    let pool = pool(stage)?;
    // Time to fill in.
    let start = Clock::system().now().after(Duration::from_secs(45)).before(Duration::from_hours(BREACHED));
    let step = Duration::from_secs(1);
    stage.fill(&[Crowd { tickets: EACH_SECOND * SECONDS, start, step, templates: SECONDS }]).await?;
    let (before, began) = placed(&pool).await?;
    let folder = stage.folder.path().to_owned();
    let workers = Workers::start(stage.url(), &folder)?;
    let all = (EACH_SECOND * SECONDS) as i64;
    let bar = ProgressBar::new(2 * all.unsigned_abs()).with_message("falling due");
    let since = Instant::now();
    loop {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let done = placed(&pool).await?.0 - before;
        bar.set_position(done.unsigned_abs());
        // Of each the warning first, which is hours late when it comes in.
        if done >= 2 * all && is_quiet(&pool).await? {
            break;
        }
        anyhow::ensure!(since.elapsed() < PATIENCE, "only {done} were told");
    }
    drop(workers);
    bar.finish_and_clear();
    check(stage, &pool).await?;
    let sql = "select count(*), percentile_cont(0.5) within group (order by late), percentile_cont(0.99) within group (order by late),
                      max(late)
               from (select extract(epoch from pg_xact_commit_timestamp(e.xmin) - c.due_time)::float8 - 1 as late
                     from events e join sla_clocks c on c.ticket_id = e.ticket_id and c.number = (e.details ->> 'clock')::int
                     where e.type = 'sla.breached' and e.record_time >= $1) told";
    let (events, p50, p99, max) = sqlx::query_as(sql).bind(began).fetch_one(&pool).await?;
    Ok(Late { events, p50, p99, max })
}

fn pool(stage: &Stage) -> anyhow::Result<PgPool> {
    Ok(sqlx::postgres::PgPoolOptions::new().max_connections(2).connect_lazy(stage.url())?)
}

/// What the machine was busy with in the last minute, beside this too.
fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().unwrap_or_default().to_owned()
}
