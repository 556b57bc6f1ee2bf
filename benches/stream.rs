//! The way of an event from its commit to those who bet on it: how fast, and through what failures. Everything is the
//! program itself in processes of its own, with a Postgres that keeps its promises and a real nats-server.
//!
//! `cargo bench --bench stream` (or `make bench`) measures: what the relay costs those who write, how fast it is, how
//! soon watchers hear. By hand, since they take their time:
//!
//! - `-- faults [events] [kills] [seed]` (200000 60): writers write while processes, broker and Postgres are killed; then
//!   everything that watchers and a consumer heard is held against the log.
//! - `-- stale [times]` (100): the owner of the leases is stopped for three times as long as they last, and goes on.
//! - `-- stall [seconds]` (600): a long transaction in another database and a long reader in ours, and what watchers
//!   notice of them.

#[path = "stream/faults.rs"]
mod faults;
#[path = "load/followed.rs"]
mod followed;
#[path = "../tests/it/events/storm/proof.rs"]
mod proof;
#[path = "stream/rates.rs"]
mod rates;
#[path = "stream/stage.rs"]
mod stage;
#[path = "stream/writers.rs"]
mod writers;

use comfy_table::{Table, presets};

/// The allocator that the binary has.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> anyhow::Result<()> {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let numbers: Vec<u64> = words.iter().filter_map(|word| word.parse().ok()).collect();
    let number = |n: usize, otherwise: u64| numbers.get(n).copied().unwrap_or(otherwise);
    let mode = words.iter().find(|word| word.parse::<u64>().is_err()).map_or("", String::as_str);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let mut table = Table::new();
    table.load_style(presets::UTF8_BORDERS_ONLY);
    table.set_header(["", "", "floor"]);
    let ran = runtime.block_on(async {
        match mode {
            "faults" => {
                let seed = number(2, fastrand::u64(..1_000_000));
                faults::storm(number(0, 200_000) as usize, number(1, 60) as usize, seed, &mut table).await
            }
            "stale" => faults::stale(number(0, 100) as usize, &mut table).await,
            "stall" => rates::stall(number(0, 600), &mut table).await,
            _ => rates::measure(number(0, 10), &mut table).await,
        }
    });
    println!("{table}");
    ran
}
