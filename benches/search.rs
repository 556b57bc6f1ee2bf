//! How long a search takes, and what the index costs: 100,000 tickets in German and English with comments, 10,000 articles, a
//! real server on a Postgres that keeps its promises. Searches are of seven kinds, mixed, by one caller and by four; beside them
//! stands a page of the newest tickets, which the same Postgres answers by an index.
//!
//! `cargo bench --bench search` (or `make bench`); `-- 10` with a tenth of the texts, in percent.

#[path = "search/stage.rs"]
mod stage;
#[path = "search/texts.rs"]
mod texts;

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use comfy_table::{Table, presets};
use stage::Stage;
use texts::Dice;

/// The allocator that the binary has.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const TICKETS: usize = 100_000;
const ARTICLES: usize = 10_000;
const SEARCHES: usize = 700;
/// What the service promises on two cores, milliseconds.
const PROMISE: f64 = 50.0;
const ROUNDS: usize = 3;

fn main() -> anyhow::Result<()> {
    let percent: usize = std::env::args().skip(1).find_map(|word| word.parse().ok()).unwrap_or(100);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(run(percent))
}

async fn run(percent: usize) -> anyhow::Result<()> {
    let stage = Stage::set().await?;
    let mut dice = Dice::new();
    let (tickets, articles) = (TICKETS * percent / 100, ARTICLES * percent / 100);
    stage.fill(&mut dice, tickets).await?;
    let begin = Instant::now();
    let indexed = stage.index().await?;
    let rate = indexed as f64 / begin.elapsed().as_secs_f64();
    stage.articles(&mut dice, articles).await?;
    stage.settle().await?;
    println!("{}", stage.size().await?);
    println!("indexed {indexed} tickets, {rate:.0}/s; load {}", load());
    let mut table = Table::new();
    table.load_style(presets::UTF8_BORDERS_ONLY);
    table.set_header(["", "calls", "p50 ms", "p95 ms", "p99 ms", "of a page", "promise"]);
    let page = stage.pages().await?;
    let base = at(&page, 0.5);
    row(&mut table, "a page of 50 newest, by SQL", page, base, false);
    let mut kinds: BTreeMap<&str, Vec<Duration>> = BTreeMap::new();
    for _ in 0..SEARCHES {
        let (kind, query) = dice.query();
        kinds.entry(kind).or_default().push(stage.search(&query).await?);
    }
    let all: Vec<Duration> = kinds.values().flatten().copied().collect();
    row(&mut table, &format!("SearchTickets over {tickets}, mixed"), all, base, true);
    for (kind, times) in kinds {
        row(&mut table, &format!("  {kind}"), times, base, false);
    }
    let queries: Vec<String> = (0..SEARCHES).map(|_| dice.query().1).collect();
    row(&mut table, "SearchTickets, 4 callers", stage.searches(&queries, 4).await?, base, false);
    let drafts: Vec<String> = (0..200).map(|_| dice.text(false, 40)).collect();
    row(
        &mut table,
        &format!("suggest for a draft, {articles} articles"),
        stage.suggest(&drafts).await?,
        base,
        true,
    );
    println!("{table}");
    let (mut with, mut without) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        without.push(stage.creates(&mut dice, false).await?);
        with.push(stage.creates(&mut dice, true).await?);
    }
    let (with, without) = (median(with), median(without));
    println!(
        "CreateTicket, 32 callers: {without:.0}/s without the index, {with:.0}/s with its job beside, {:.2}",
        with / without
    );
    println!("load {}", load());
    Ok(())
}

fn row(table: &mut Table, name: &str, mut times: Vec<Duration>, base: f64, promised: bool) {
    times.sort_unstable();
    let p95 = at(&times, 0.95);
    let kept = match promised {
        true if p95 <= PROMISE => format!("p95 <= {PROMISE:.0} ms kept"),
        true => format!("p95 <= {PROMISE:.0} ms MISSED"),
        false => String::new(),
    };
    let ms = |share: f64| format!("{:.2}", at(&times, share));
    let ratio = format!("{:.1} x", at(&times, 0.5) / base);
    table.add_row([name.to_owned(), times.len().to_string(), ms(0.5), ms(0.95), ms(0.99), ratio, kept]);
}

fn at(times: &[Duration], share: f64) -> f64 {
    let mut times = times.to_vec();
    times.sort_unstable();
    times
        .get((times.len().saturating_sub(1) as f64 * share) as usize)
        .map_or(0.0, |it| it.as_secs_f64() * 1000.0)
}

fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}

fn load() -> String {
    std::fs::read_to_string("/proc/loadavg").unwrap_or_default().split(' ').next().unwrap_or("?").to_owned()
}
