//! How near the service comes to the limit: its calls over real gRPC, and in turn pgbench doing the same to the same
//! Postgres. What counts are the ratios inside one run; rates differ from machine to machine and from hour to hour.
//!
//! `cargo bench --bench load` (or `make bench`); `-- 10` makes rounds of 10 seconds (default 4). Three rounds of each
//! side are run in turn, and the median counts.

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
    let seconds = std::env::args().find_map(|arg| arg.parse().ok()).unwrap_or(4);
    let stage = Stage::set(TICKETS)?;
    let round = Duration::from_secs(seconds);
    let mut table = Table::new();
    table.load_style(presets::UTF8_BORDERS_ONLY);
    table.set_header(["", "calls/s", "p50 ms", "p99 ms", "pgbench/s", "ratio", "floor"]);

    let statement = stage.create_statement()?;
    let (ours, limit) = in_turn(
        &stage,
        || grpc::creates(&stage, CLIENTS, round),
        || pgbench::run(&stage, "create", &statement, CLIENTS, round),
    )?;
    row(
        &mut table,
        "CreateTicket, 32 clients",
        ours,
        limit,
        ours.rate / limit.rate,
        ">= 0.50",
        ours.rate / limit.rate >= 0.5,
    );

    let select = format!(
        "\\set n random(1, {TICKETS})\nselect * from tickets where tenant_id = 'bench' and id = lpad(to_hex(:n::bigint), 32, '0')::uuid;\n"
    );
    let (ours, limit) = in_turn(
        &stage,
        || grpc::gets(&stage, TICKETS, CLIENTS, round),
        || pgbench::run(&stage, "get", &select, CLIENTS, round),
    )?;
    row(
        &mut table,
        "GetTicket, 32 clients",
        ours,
        limit,
        ours.rate / limit.rate,
        ">= 0.40",
        ours.rate / limit.rate >= 0.4,
    );

    let page =
        "select * from tickets where tenant_id = 'bench' order by create_time desc, id desc limit 51;\n";
    let (ours, limit) =
        in_turn(&stage, || grpc::lists(&stage, 1, round), || pgbench::run(&stage, "list", page, 1, round))?;
    let times = ours.p50 / limit.p50;
    row(&mut table, "ListTickets of 50, alone", ours, limit, times, "<= 3.00 x", times <= 3.0);
    println!("{table}");
    println!(
        "ratio: rates for CreateTicket and GetTicket, median time over the bare query's for ListTickets"
    );
    Ok(())
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

fn row(table: &mut Table, name: &str, ours: Round, limit: Round, ratio: f64, floor: &str, kept: bool) {
    table.add_row([
        Cell::new(name),
        Cell::new(format!("{:.0}", ours.rate)),
        Cell::new(format!("{:.2}", ours.p50)),
        Cell::new(format!("{:.2}", ours.p99)),
        Cell::new(format!("{:.0}", limit.rate)),
        Cell::new(format!("{ratio:.2}")),
        Cell::new(format!("{floor} {}", if kept { "kept" } else { "MISSED" })),
    ]);
}
