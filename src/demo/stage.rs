//! What the demo starts, and in which order it is put away: a private Postgres, the service with its jobs, a server.

use std::{io::ErrorKind, net::SocketAddr, os::unix::fs::PermissionsExt as _, sync::Arc};

use anyhow::Context as _;
use tempfile::TempDir;
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;
use tonic::transport::{Channel, Endpoint};

use super::{DemoArgs, cast::Cast};
use crate::{
    app::{App, Setup},
    ctx::{Clock, Ids},
    db::{
        Db,
        embedded::{Embedded, Options},
    },
    serve::{Health, Server, Settings},
    tokens::Insecure,
};

/// Connections to the database.
const CONNECTIONS: u16 = 16;

pub struct Stage {
    pub app: Arc<App>,
    pub address: SocketAddr,
    /// The address that was wanted, if another one had it.
    pub taken: Option<SocketAddr>,
    channel: Channel,
    drain: CancellationToken,
    serving: JoinHandle<usize>,
    postgres: Embedded,
    /// Removed when the demo is over.
    folder: Option<TempDir>,
}

impl Stage {
    pub async fn set(args: &DemoArgs) -> anyhow::Result<Self> {
        let folder = match args.dir {
            None => Some(temporary()?),
            Some(_) => None,
        };
        let dir = args.dir.clone().or(folder.as_ref().map(|folder| folder.path().join("database")));
        let options = Options {
            dir: dir.expect("a directory is given or made"),
            durable: args.dir.is_some(),
            max_connections: CONNECTIONS + 10,
            bin_dir: None,
        };
        let postgres = tokio::task::spawn_blocking(move || Embedded::start(&options)).await??;
        let db = Db::connect(postgres.url(), CONNECTIONS.into()).await?;
        db.migrate().await?;
        let app = App::start(db, Clock::system(), Ids::random(), Setup::default()).await?;
        let (listener, taken) = listen(args.listen).await?;
        let address = listener.local_addr()?;
        let services = app.routes();
        let (settings, contract) = (Settings::default(), ticketing_proto::DESCRIPTOR);
        let health = Health::of(contract).await?;
        let server = Server::new(&settings, contract, services, Arc::new(Insecure), &health, &app.metrics)?;
        let drain = CancellationToken::new();
        health.set_ready(true).await;
        let serving = app.tasks.spawn(server.run(listener, None, drain.clone()));
        app.spawn_jobs();
        let channel = Endpoint::from_shared(format!("http://{address}"))?.connect().await?;
        Ok(Self { app, address, taken, channel, drain, serving, postgres, folder })
    }

    pub fn cast(&self) -> Cast {
        Cast::new(&self.channel)
    }

    /// Lets calls end before jobs, jobs before the database, and the database before its files go.
    pub async fn strike(self) -> anyhow::Result<()> {
        let Self { app, channel, drain, serving, postgres, folder, .. } = self;
        drop(channel);
        drain.cancel();
        serving.await?;
        app.drain.cancel();
        let (tasks, db) = (app.tasks.clone(), app.db.clone());
        drop(app); // the lines end when nobody can queue up any more
        tasks.close();
        tasks.wait().await;
        db.close().await;
        tokio::task::spawn_blocking(|| postgres.stop()).await??;
        folder.map_or(Ok(()), TempDir::close).context("the temporary directory cannot be removed")
    }
}

/// Root's Postgres runs as another user, who must be able to enter.
fn temporary() -> anyhow::Result<TempDir> {
    let open = std::fs::Permissions::from_mode(0o755);
    let folder = tempfile::Builder::new().prefix("ticketing-demo-").permissions(open).tempdir();
    folder.context("no temporary directory can be made; name one with --dir")
}

/// The port that is wanted, or a free one.
async fn listen(wanted: SocketAddr) -> anyhow::Result<(TcpListener, Option<SocketAddr>)> {
    match TcpListener::bind(wanted).await {
        Ok(listener) => Ok((listener, None)),
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            Ok((TcpListener::bind((wanted.ip(), 0)).await?, Some(wanted)))
        }
        Err(error) => Err(error).with_context(|| format!("{wanted} cannot be listened on")),
    }
}
