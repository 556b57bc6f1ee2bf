//! `ticketing demo`: a help desk at work, for those who want to see before they read. It is a client: all that happens
//! goes through the public API, by people with tokens of their own.

mod background;
mod cast;
mod figures;
mod knowledge;
mod matters;
mod person;
mod stage;
mod story;
mod told;
mod watcher;

use std::{net::SocketAddr, path::PathBuf, sync::Arc};

use anyhow::Context as _;
use clap::Args;
use tokio::signal::unix::{Signal, SignalKind, signal};

use self::{stage::Stage, watcher::Watcher};

/// The tenant of the demo.
const TENANT: &str = "demo";

/// Show a support organisation at work
///
/// Starts a private database and a server with the sample configuration, plays a day at the help desk through the public
/// API, tells it as it happens, prints the day's figures and leaves the server listening until Ctrl-C. There is no
/// authentication: the port is for this machine alone.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Where to listen; if the port is taken, a free one is used
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:50051")]
    listen: SocketAddr,
    /// Keep the database here [default: a temporary directory, removed at the end]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// End after the day, without a server left listening
    #[arg(long)]
    once: bool,
}

/// Plays the demo; returns when it is over and everything has been put away.
pub async fn run(args: DemoArgs) -> anyhow::Result<()> {
    let mut signals = Signals::new().context("signals cannot be listened to")?;
    let stage = Stage::set(&args).await?;
    let played = tokio::select! {
        played = play(&stage) => played.map(|()| !args.once),
        () = signals.next() => Ok(false),
    };
    if matches!(played, Ok(true)) {
        told::left_listening(stage.address);
        signals.next().await;
    }
    stage.strike().await.and(played.map(drop))
}

async fn play(stage: &Stage) -> anyhow::Result<()> {
    told::opened(stage);
    let cast = stage.cast();
    cast::configure(&cast).await?;
    // Long rows of calls; on the heap the day stays a small future.
    Box::pin(cast::record(&cast)).await?;
    told::tokens(&cast);
    let watcher = Arc::new(Watcher::start(&stage.app.tasks, cast.of("petra")).await?);
    let articles = knowledge::record(&cast).await?;
    Box::pin(story::tell(&cast, &watcher, &articles)).await?;
    background::pass(&cast, &watcher, &articles).await?;
    watcher.catch_up(&cast.ledger).await?;
    told::figures(&figures::lines(cast.of("petra"), &watcher).await?);
    Ok(())
}

/// What asks for the end.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
