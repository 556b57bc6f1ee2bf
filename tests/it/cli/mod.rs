//! The binary as people call it: what it says, how it ends.

mod configuration;
mod doctor;
mod holidays;
mod import;
mod import_killed;
mod routing;
mod serve;
mod settings;
mod sla;

use std::process::Output;

use tokio::process::Command;

/// The binary, in an environment without settings.
pub fn ticketing(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ticketing"));
    command.args(arguments).env_clear().kill_on_drop(true);
    command
}

/// Exit code, standard output, standard error.
pub async fn run(arguments: &[&str]) -> (Option<i32>, String, String) {
    told(ticketing(arguments).output().await.expect("the binary runs"))
}

fn told(output: Output) -> (Option<i32>, String, String) {
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (output.status.code(), text(output.stdout), text(output.stderr))
}
