//! How near the service comes to the limit: its calls over real gRPC, and in turn pgbench doing the same to the same
//! Postgres. What counts are the ratios inside one run; rates differ from machine to machine and from hour to hour.
//!
//! `cargo bench --bench load` (or `make bench`); `-- get 10` measures GetTicket alone, by rounds of 10 seconds (default
//! 4). Three rounds of each side are run in turn, and the median counts.

#[path = "load/followed.rs"]
mod followed;
#[path = "load/grpc.rs"]
mod grpc;
#[path = "load/pgbench.rs"]
mod pgbench;
#[path = "load/stage.rs"]
mod stage;

use std::time::Duration;

use comfy_table::{Cell, Table, presets};

use stage::Stage;

/// The allocator that the binary has.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Rounds of each side; odd, so that there is a median.
const ROUNDS: usize = 3;
/// Callers at once, on both sides.
const CLIENTS: usize = 32;
/// Tickets that are there before anything is measured.
const TICKETS: u64 = 20_000;

/// What one round gave.
#[derive(Clone, Copy, Debug)]
pub struct Round {
    /// Calls or transactions a second.
    pub rate: f64,
    /// Milliseconds.
    pub p50: f64,
    pub p99: f64,
}

fn main() -> anyhow::Result<()> {
    let words: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let seconds = words.iter().find_map(|word| word.parse().ok()).unwrap_or(4);
    let wanted: Vec<&String> = words.iter().filter(|word| word.parse::<u64>().is_err()).collect();
    let stage = Stage::set(TICKETS)?;
    let mut table = Table::new();
    table.load_style(presets::UTF8_BORDERS_ONLY);
    table.set_header(["", "calls/s", "p50 ms", "p99 ms", "pgbench/s", "ratio", "floor"]);
    for (name, measure) in [("create", create as Measure), ("get", get), ("list", list)] {
        if wanted.is_empty() || wanted.iter().any(|word| *word == name) {
            table.add_row(measure(&stage, Duration::from_secs(seconds))?);
        }
    }
    println!("{table}");
    println!("ratio: of the rates for CreateTicket and GetTicket, of the median times for ListTickets");
    Ok(())
}

type Measure = fn(&Stage, Duration) -> anyhow::Result<Vec<Cell>>;

fn create(stage: &Stage, round: Duration) -> anyhow::Result<Vec<Cell>> {
    let statement = stage.create_statement()?;
    let (ours, limit) = in_turn(
        stage,
        || grpc::creates(stage, CLIENTS, round),
        || pgbench::run(stage, "create", &statement, CLIENTS, round),
    )?;
    let ratio = ours.rate / limit.rate;
    Ok(row("CreateTicket, 32 clients", ours, limit, ratio, ">= 0.50", ratio >= 0.5))
}

fn get(stage: &Stage, round: Duration) -> anyhow::Result<Vec<Cell>> {
    let select = format!(
        "\\set n random(1, {TICKETS})\n\
         select * from tickets where tenant_id = 'bench' and id = lpad(to_hex(:n::bigint), 32, '0')::uuid;\n"
    );
    let (ours, limit) = in_turn(
        stage,
        || grpc::gets(stage, TICKETS, CLIENTS, round),
        || pgbench::run(stage, "get", &select, CLIENTS, round),
    )?;
    let ratio = ours.rate / limit.rate;
    Ok(row("GetTicket, 32 clients", ours, limit, ratio, ">= 0.40", ratio >= 0.4))
}

fn list(stage: &Stage, round: Duration) -> anyhow::Result<Vec<Cell>> {
    let page =
        "select * from tickets where tenant_id = 'bench' order by create_time desc, id desc limit 51;\n";
    let (ours, limit) =
        in_turn(stage, || grpc::lists(stage, 1, round), || pgbench::run(stage, "list", page, 1, round))?;
    let ratio = ours.p50 / limit.p50;
    Ok(row("ListTickets of 50, alone", ours, limit, ratio, "<= 3.00 x", ratio <= 3.0))
}

/// Runs both sides in turn, so that a slow minute of the machine hits both; answers the medians.
fn in_turn(
    stage: &Stage,
    mut ours: impl FnMut() -> anyhow::Result<Round>,
    mut limit: impl FnMut() -> anyhow::Result<Round>,
) -> anyhow::Result<(Round, Round)> {
    let (mut a, mut b) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        a.push(ours()?);
        stage.settle()?;
        b.push(limit()?);
        stage.settle()?;
    }
    Ok((median(a), median(b)))
}

fn median(mut rounds: Vec<Round>) -> Round {
    rounds.sort_by(|a, b| a.rate.total_cmp(&b.rate));
    rounds[rounds.len() / 2]
}

fn row(name: &str, ours: Round, limit: Round, ratio: f64, floor: &str, kept: bool) -> Vec<Cell> {
    vec![
        Cell::new(name),
        Cell::new(format!("{:.0}", ours.rate)),
        Cell::new(format!("{:.2}", ours.p50)),
        Cell::new(format!("{:.2}", ours.p99)),
        Cell::new(format!("{:.0}", limit.rate)),
        Cell::new(format!("{ratio:.2}")),
        Cell::new(format!("{floor} {}", if kept { "kept" } else { "MISSED" })),
    ]
}
