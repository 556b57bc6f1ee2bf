//! `ticketing serve`: from settings to a server that drains in order.

use std::{io, net::SocketAddr, num::NonZeroU32, process::ExitCode, sync::Arc, time::Duration};

use anyhow::{Context as _, bail};
use clap::Args;
use tokio::{
    net::TcpListener,
    signal::unix::{Signal, SignalKind, signal},
};
use tokio_util::sync::CancellationToken;

use super::{
    attachments, broker,
    database::Database,
    flags::{self, Flags, SettingsFile},
    identity,
};
use crate::{
    app::{App, Setup},
    config::{Environment, Role, Settings},
    ctx::{Clock, Ids},
    error::chain,
    events::{self, relay::Relay},
    outbound::certificates,
    serve::{self, Health, Limits, Quota, Quotas, Server},
    system::readiness,
    telemetry,
    webhooks::{Bounds, Reach},
};

/// How long jobs may take for the tick that they are at when the server goes down.
const LAST_TICK: Duration = Duration::from_secs(10);

/// Serve the API, and do the work that no caller waits for
///
/// Every flag is also a setting of the file that --config names (`listen = "127.0.0.1:8080"`) and a variable
/// (TICKETING_LISTEN=127.0.0.1:8080). Flags go over variables, variables over the file.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Serve {
    #[command(flatten)]
    file: SettingsFile,
    #[command(flatten)]
    flags: Flags<flags::All>,
}

const EXAMPLES: &str = "\
Examples:
  ticketing serve --embedded --insecure
  ticketing serve --embedded /var/lib/desk --insecure --listen 127.0.0.1:8080
  ticketing serve --config /etc/ticketing.toml --role api";

impl Serve {
    pub async fn run(self, environment: &Environment) -> anyhow::Result<ExitCode> {
        let settings = self.flags.settings(&self.file, environment)?;
        settings.check_serving()?;
        let telemetry = telemetry::start(&telemetry::Settings {
            filter: settings.log.0.clone(),
            format: settings.log_format,
            otlp_endpoint: settings.otlp_endpoint.as_ref().map(ToString::to_string),
            otlp_logs: settings.otlp_logs,
        })?;
        let served = serve(&settings).await;
        telemetry.shutdown().await;
        served.map(|()| ExitCode::SUCCESS)
    }
}

async fn serve(settings: &Settings) -> anyhow::Result<()> {
    // From here on a signal means an orderly end.
    let signals = Signals::listen().context("signals cannot be listened to")?;
    let database = Database::open(settings).await?;
    let served = serve_from(settings, &database, signals).await;
    let closed = database.close().await;
    served.and(closed)
}

async fn serve_from(settings: &Settings, database: &Database, mut signals: Signals) -> anyhow::Result<()> {
    let (drain, over) = (CancellationToken::new(), CancellationToken::new());
    let health = Health::of(ticketing_proto::DESCRIPTOR).await?;
    // From now on whoever asks is told that the process lives, whatever it waits for.
    let probes = bind(settings.health_listen, "health_listen").await?;
    let probes = async {
        if let Some(probes) = probes {
            let listen = probes.local_addr().ok();
            tracing::info!(listen = listen.map(tracing::field::display), "telling health");
            let metrics = Arc::clone(database.db.metrics());
            serve::operations(probes, &health, metrics, serving(settings).limits, over.clone()).await;
        }
    };
    let served = async {
        let _over = over.clone().drop_guard();
        Box::pin(serve_calls(settings, database, &health, &drain)).await
    };
    let told = async {
        let signal = signals.next().await;
        tracing::info!(signal, "going down: calls at work are finished, a second signal cuts them");
        drain.cancel();
        signals.next().await
    };
    tokio::select! {
        (served, ()) = async { tokio::join!(served, probes) } => served,
        signal = told => bail!("a second signal ({signal}) cut what was at work"),
    }
}

async fn serve_calls(
    settings: &Settings,
    database: &Database,
    health: &Health,
    drain: &CancellationToken,
) -> anyhow::Result<()> {
    let db = &database.db;
    if database.is_embedded() {
        db.migrate().await.context("the schema of the private database cannot be brought up to date")?;
    }
    if drain.run_until_cancelled(readiness::wait_for_schema(db)).await.is_none() {
        return Ok(());
    }
    let setup = Setup {
        relay: relay(settings).await?,
        objects: attachments::open(settings)?,
        webhooks: webhooks(settings)?,
        drain: drain.clone(),
    };
    let app = App::start(db.clone(), Clock::system(), Ids::random(), setup).await?;
    let callers = identity::callers(&app, settings)?;
    let server = Server::new(
        &serving(settings),
        ticketing_proto::DESCRIPTOR,
        app.routes(),
        callers,
        health,
        &app.metrics,
    )?;
    let tls = identity::tls(&app, settings)?;
    attachments::serve(&app, settings, tls.clone()).await?;
    let api = settings.role.contains(&Role::Api).then_some(settings.listen);
    let calls = bind(api, "listen").await?;
    if settings.role.contains(&Role::Worker) {
        app.spawn_jobs();
    }
    health.set_ready(true).await;
    app.tasks.spawn(database.login.clone().follow(db.clone(), drain.clone()));
    app.tasks.spawn(readiness::follow(Arc::clone(&app), health.clone()));
    let listen = calls.as_ref().map(TcpListener::local_addr).transpose()?;
    tracing::info!(listen = listen.map(tracing::field::display), "serving");
    if let Some(calls) = calls {
        server.run(calls, tls, drain.clone()).await;
    } else {
        drain.cancelled().await;
        app.metrics.drain_begins();
        health.set_draining().await;
    }
    app.tasks.close();
    if tokio::time::timeout(LAST_TICK, app.tasks.wait()).await.is_err() {
        tracing::warn!("a job took too long and was cut");
    }
    if let Err(error) = events::relay::close(&app).await {
        tracing::warn!(
            error = chain(&error),
            "others take over what is told to the broker when the leases end"
        );
    }
    Ok(())
}

/// The way to the broker, for a process that does the work.
async fn relay(settings: &Settings) -> anyhow::Result<Option<Relay>> {
    if !settings.role.contains(&Role::Worker) {
        return Ok(None);
    }
    let lease = Duration::from_secs(settings.nats_lease_seconds.get().into());
    Ok(broker::connect(settings).await?.map(|nats| Relay::new(nats, lease)))
}

fn webhooks(settings: &Settings) -> anyhow::Result<Bounds> {
    let mut bounds =
        Bounds { reach: Reach { private: settings.webhook_private_targets }, ..Bounds::default() };
    if let Some(file) = &settings.webhook_ca_file {
        bounds.authorities = certificates(file).context("webhook_ca_file")?;
    }
    Ok(bounds)
}

pub(super) fn serving(settings: &Settings) -> serve::Settings {
    let count = |count: NonZeroU32| count.get() as usize;
    let standard = serve::Settings::default();
    serve::Settings {
        origins: settings.cors_origins.iter().map(|origin| origin.0.clone()).collect(),
        max_calls: count(settings.max_in_flight),
        max_streams: count(settings.max_streams),
        quotas: quotas(settings),
        trace_ratio: settings.trace_ratio,
        limits: Limits {
            connections: count(settings.max_connections),
            drain_grace: Duration::from_secs(settings.drain_seconds.get().into()),
            ..standard.limits
        },
        ..standard
    }
}

fn quotas(settings: &Settings) -> Quotas {
    Quotas {
        caller: Quota {
            rate: settings.caller_rate,
            burst: settings.caller_burst,
            calls: settings.caller_calls,
            streams: settings.caller_streams,
        },
        tenant: Quota {
            rate: settings.tenant_rate,
            burst: settings.tenant_burst,
            calls: settings.tenant_calls,
            streams: settings.tenant_streams,
        },
    }
}

pub(super) async fn bind(address: Option<SocketAddr>, setting: &str) -> anyhow::Result<Option<TcpListener>> {
    let Some(address) = address else { return Ok(None) };
    let bound = TcpListener::bind(address).await;
    bound.map(Some).with_context(|| format!("{setting}: nobody can listen on {address}"))
}

/// What asks the process to end.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn listen() -> io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn what_the_table_says_without_a_word_is_what_the_server_does() {
        let told = Settings::load(None, &Environment::default(), &BTreeMap::new()).expect("defaults");
        let (told, usual) = (serving(&told), serve::Settings::default());
        assert_eq!(told.quotas, usual.quotas);
        assert_eq!(
            (told.max_calls, told.max_streams, told.limits.connections, told.limits.drain_grace),
            (usual.max_calls, usual.max_streams, usual.limits.connections, usual.limits.drain_grace)
        );
    }
}
