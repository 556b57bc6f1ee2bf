//! What the service suffers from those who mean harm, and what others notice of it: the program itself, with a private
//! PostgreSQL, under one attack after the other, all on loopback and all bounded. Beside each, callers of other tenants read
//! tickets; before each, they do so in peace.
//!
//! `cargo bench --bench siege` takes about a minute; `-- reset gzip` runs these attacks alone. Floors: the server grows by
//! less than 50 MB, nobody else's call fails, and their p99 stays below twice that in peace (1.5 times beside a tenant
//! that is 50 times over its rate).

#[path = "siege/attacks.rs"]
mod attacks;
#[path = "../tests/serve/frames.rs"]
mod frames;
#[path = "siege/others.rs"]
mod others;
#[path = "siege/stage.rs"]
mod stage;

use std::time::Duration;

use anyhow::{Context as _, ensure};
use comfy_table::{Cell, Table, presets};
use tokio::runtime::Runtime;

use attacks::Attack;
use others::Others;
use stage::Stage;

/// The allocator that the binary has.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How long others are watched in peace.
const PEACE: Duration = Duration::from_secs(2);
/// The most that an attack may take; one that is not over then hangs.
const PATIENCE: Duration = Duration::from_secs(30);
/// What the server may grow by.
const GROWTH_MB: f64 = 50.0;

fn main() -> anyhow::Result<()> {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let elsewhere = stage::elsewhere()?;
    let mut table = Table::new();
    table.load_style(presets::UTF8_BORDERS_ONLY);
    table.set_header([
        "attack",
        "what became of it",
        "grew MB",
        "others' p99 ms",
        "in peace",
        "ratio",
        "failed",
        "floors",
    ]);
    let ran = runtime.block_on(async {
        let stage = Stage::set().await?;
        let others = Others::come(&stage).await?;
        for attack in Attack::ALL {
            if wanted.is_empty() || wanted.iter().any(|word| word == attack.name()) {
                table.add_row(suffer(&stage, &others, &elsewhere, attack).await?);
            }
        }
        stage.check()
    });
    println!("{table}");
    ran
}

/// Runs one attack; a row of what it did.
async fn suffer(
    stage: &Stage,
    others: &Others,
    elsewhere: &Runtime,
    attack: Attack,
) -> anyhow::Result<Vec<Cell>> {
    let weapon = attack.weapon()?;
    let ((), peace) = others.watch(tokio::time::sleep(PEACE)).await;
    ensure!(peace.failed == 0, "{} calls failed in peace", peace.failed);
    let before = stage.memory()?;
    let fight = elsewhere.spawn(tokio::time::timeout(PATIENCE, attack.run(stage.address, weapon)));
    let (fought, seen) = others.watch(stage.peak(fight)).await;
    let (outcome, peak) = fought?;
    let outcome = outcome?.with_context(|| format!("{} hangs", attack.name()))??;

    let grew = peak.saturating_sub(before) as f64 / 1e6;
    let (ratio, most) = (seen.p99 / peace.p99, attack.ratio());
    let floors = [
        (grew < GROWTH_MB, format!("< {GROWTH_MB} MB")),
        (ratio < most, format!("< {most} x")),
        (seen.failed == 0, "none failed".to_owned()),
    ];
    let floors = floors.map(|(kept, what)| format!("{what} {}", if kept { "kept" } else { "MISSED" }));
    Ok(vec![
        Cell::new(attack.name()),
        Cell::new(outcome),
        Cell::new(format!("{grew:.1}")),
        Cell::new(format!("{:.2}", seen.p99)),
        Cell::new(format!("{:.2}", peace.p99)),
        Cell::new(format!("{ratio:.2}")),
        Cell::new(format!("{} of {}", seen.failed, seen.calls)),
        Cell::new(floors.join("\n")),
    ])
}
