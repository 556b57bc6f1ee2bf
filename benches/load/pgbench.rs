//! The limit: pgbench on the same Postgres, over the same socket, with the same number of clients.

use std::{
    fs,
    process::{Command, Output},
    time::Duration,
};

use anyhow::{Context, bail};

use super::{Round, stage::Stage};

pub fn run(
    stage: &Stage,
    name: &str,
    script: &str,
    clients: usize,
    round: Duration,
) -> anyhow::Result<Round> {
    let file = stage.folder().join(format!("{name}.sql"));
    fs::write(&file, script)?;
    let log = stage.folder().join(format!("{name}-log"));
    let output = Command::new(stage.pgbench())
        .args(["--no-vacuum", "--protocol=prepared", "--log", "--jobs=1"])
        .arg(format!("--log-prefix={}", log.display()))
        .arg(format!("--client={clients}"))
        .arg(format!("--time={}", round.as_secs()))
        .arg("--file")
        .arg(&file)
        .arg(stage.url())
        .output()
        .with_context(|| format!("{} does not run; install postgresql-contrib", stage.pgbench().display()))?;
    read(stage, name, &output)
}

/// The rate from pgbench's summary, the percentiles from its log (third column: microseconds).
fn read(stage: &Stage, name: &str, output: &Output) -> anyhow::Result<Round> {
    let text = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() || !text.contains("number of failed transactions: 0 ") {
        bail!("pgbench {name} failed: {text}{}", String::from_utf8_lossy(&output.stderr));
    }
    let rate = text
        .lines()
        .find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse().ok())
        .context("pgbench names no rate")?;
    let mut times: Vec<u64> = Vec::new();
    for entry in fs::read_dir(stage.folder())? {
        let path = entry?.path();
        if path.file_name().is_some_and(|file| file.to_string_lossy().starts_with(&format!("{name}-log"))) {
            let lines = fs::read_to_string(&path)?;
            times.extend(lines.lines().filter_map(|line| line.split(' ').nth(2)?.parse::<u64>().ok()));
            fs::remove_file(path)?;
        }
    }
    times.sort_unstable();
    anyhow::ensure!(!times.is_empty(), "pgbench {name} logged nothing");
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize] as f64 / 1000.0;
    Ok(Round { rate, p50: at(0.5), p99: at(0.99) })
}
