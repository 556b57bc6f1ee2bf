//! When a private Postgres, for demonstrations, development and tests, is started, joined and stopped.
//!
//! It is made from the PostgreSQL programs of the machine, keeps everything in one directory and listens only
//! on a socket. The process that starts it stops it; a second process on the same directory joins in.

mod cluster;
mod find;
mod spawn;
#[cfg(test)]
mod tests;

use cluster::{Cluster, PORT, Postmaster};
use find::Programs;
use std::{
    fmt::Write as _,
    fs::File,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

/// How long a server may take to get ready, crash recovery included, or another process's server to stop.
const PATIENCE: Duration = Duration::from_mins(1);
/// How long an orderly shutdown may take.
const SHUTDOWN: Duration = Duration::from_secs(10);
/// How often the file in which Postgres tells its state is read.
const GLANCE: Duration = Duration::from_millis(10);

/// Which cluster, and how it runs.
#[derive(Clone, Debug)]
pub struct Options {
    /// Holds data, socket and log; created when missing. When root makes the cluster and the directory is
    /// open to others, the data belongs to the user `postgres` or `nobody`.
    pub dir: PathBuf,
    /// `false` forgoes what protects the data from a crash of the machine: for tests alone.
    pub durable: bool,
    /// Clients at a time, of all processes together.
    pub max_connections: u16,
    /// Where `initdb` and `postgres` are; found by itself when not given.
    pub bin_dir: Option<PathBuf>,
}

/// A running server. If this process started it, it is stopped on drop, which can take seconds.
#[derive(Debug)]
pub struct Embedded {
    url: String,
    pid: u32,
    bin_dir: PathBuf,
    /// `None` for a server that somebody else started.
    keeper: Option<Keeper>,
}

/// The thread that starts the server, waits until the handle lets go of `hold`, and then stops it. It must
/// not be a thread of a pool: the kernel ends the server with the thread.
#[derive(Debug)]
struct Keeper {
    hold: mpsc::Sender<()>,
    thread: thread::JoinHandle<Result<(), Error>>,
}

/// Why there is no server; each text says what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "found no PostgreSQL programs (initdb and postgres) on this machine. Install them with \
         `apt-get install postgresql` (Debian, Ubuntu), `apk add postgresql` (Alpine), \
         `dnf install postgresql-server` (Fedora) or `brew install postgresql` (macOS), or name a database \
         of yours with --database-url. Looked at:\n  {}", looked.join("\n  ")
    )]
    NotFound { looked: Vec<String> },
    #[error(
        "the data in {} was written by PostgreSQL {needed}, but {} holds PostgreSQL {major}. Install \
         PostgreSQL {needed} beside it, or remove the directory if its data may go",
        data.display(), bin_dir.display()
    )]
    Version { data: PathBuf, needed: u32, bin_dir: PathBuf, major: u32 },
    #[error("{} is no PostgreSQL cluster: PG_VERSION holds no version. Name another one", data.display())]
    NotACluster { data: PathBuf },
    #[error(
        "Postgres refuses to run as root, and as no other user could it run in the directory. Start this as \
         an ordinary user, or choose a directory that the user postgres can reach. Tried:\n  {}",
        tried.join("\n  ")
    )]
    NoUser { tried: Vec<String> },
    #[error("initdb could not make the cluster:\n{message}")]
    Initdb { message: String },
    #[error(
        "{} belongs to somebody else or is open to others, so the database's socket cannot be put there. \
         Remove it, or choose a database directory with a shorter path", dir.display()
    )]
    SocketDir { dir: PathBuf },
    #[error("Postgres ended ({status}) on its own; the last lines of {}:\n{tail}", log.display())]
    Ended { status: ExitStatus, log: PathBuf, tail: String },
    #[error(
        "Postgres in {} was neither ready nor gone after {} seconds; {} may say why", data.display(),
        PATIENCE.as_secs(), log.display()
    )]
    Slow { data: PathBuf, log: PathBuf },
    #[error(
        "Postgres was still busy {} seconds after it had been asked to stop, and was ended by force. No \
         committed data is lost: the next start recovers it", SHUTDOWN.as_secs()
    )]
    Forced,
    #[error("cannot {action} {}: {error}", path.display())]
    Io { action: &'static str, path: PathBuf, error: std::io::Error },
}

fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Error {
    move |error| Error::Io { action, path: path.to_owned(), error }
}

impl Embedded {
    /// Blocks until the server takes connections: for about a second with a new cluster, a tenth of a second
    /// with an old one, and while another process starts one in the same directory.
    pub fn start(options: &Options) -> Result<Self, Error> {
        let cluster = Cluster::open(&options.dir)?;
        let lock = cluster.lock()?;
        let data = cluster.data();
        let programs = find::programs(options.bin_dir.as_deref(), cluster.major()?.map(|it| (it, &*data)))?;
        let bin_dir = programs.bin_dir.clone();
        if let Some(server) = running(&cluster)? {
            return Ok(Self { url: server.url(), pid: server.pid, bin_dir, keeper: None });
        }
        let (tell, told) = mpsc::channel();
        let (hold, release) = mpsc::channel();
        let options = options.clone();
        let keep = move || keep(&cluster, &programs, &options, lock, &tell, &release);
        let thread =
            thread::Builder::new().name("postgres".into()).spawn(keep).map_err(io("start", &data))?;
        let keeper = Keeper { hold, thread };
        match told.recv() {
            Ok(server) => Ok(Self { url: server.url(), pid: server.pid, bin_dir, keeper: Some(keeper) }),
            Err(_) => Err(keeper.end().expect_err("a keeper that tells of no server failed to start it")),
        }
    }

    /// For sqlx, libpq and `psql`; names the database `postgres` and its owner, who needs no password.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The server's process.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Whether somebody else started the server, and will stop it.
    pub fn attached(&self) -> bool {
        self.keeper.is_none()
    }

    /// Where `postgres` is, and with most packages `psql` and `pgbench`.
    pub fn bin_dir(&self) -> &Path {
        &self.bin_dir
    }

    /// Disconnects all clients and ends the server, if this process started it; after 10 seconds by force.
    pub fn stop(mut self) -> Result<(), Error> {
        self.keeper.take().map_or(Ok(()), Keeper::end)
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        if let Some(Err(error)) = self.keeper.take().map(Keeper::end) {
            tracing::warn!(%error, "the embedded Postgres did not stop in order");
        }
    }
}

impl Keeper {
    fn end(self) -> Result<(), Error> {
        drop(self.hold);
        self.thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

impl Postmaster {
    fn url(&self) -> String {
        let mut url = "postgres://postgres@".to_owned();
        for &byte in self.socket_dir.as_os_str().as_bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                url.push(byte.into());
            } else {
                write!(url, "%{byte:02X}").expect("writing to a string cannot fail");
            }
        }
        format!("{url}:{}/postgres", self.port)
    }
}

/// The server that somebody else started, once it is ready; none, once a stopping one is gone.
fn running(cluster: &Cluster) -> Result<Option<Postmaster>, Error> {
    let since = Instant::now();
    while since.elapsed() < PATIENCE {
        match cluster.postmaster()? {
            Some(server) if !server.ready => thread::sleep(GLANCE),
            found => return Ok(found),
        }
    }
    Err(Error::Slow { data: cluster.data(), log: cluster.log() })
}

/// The keeper's life.
fn keep(
    cluster: &Cluster,
    programs: &Programs,
    options: &Options,
    lock: File,
    tell: &mpsc::Sender<Postmaster>,
    release: &mpsc::Receiver<()>,
) -> Result<(), Error> {
    if cluster.major()?.is_none() {
        cluster.initialise(programs, options.durable, &lock)?;
    }
    let (log, log_start) = cluster.open_log()?;
    let mut server = launch(cluster, programs, options, log)?;
    match ready(&mut server, cluster, log_start) {
        Ok(postmaster) => {
            drop(lock);
            let _ = tell.send(postmaster); // the receiver waits for it
            let _ = release.recv(); // nothing is ever sent: it ends when the handle drops its end
            shut_down(server, cluster, log_start)
        }
        Err(error @ Error::Ended { .. }) => Err(error),
        Err(error) => shut_down(server, cluster, log_start).and(Err(error)),
    }
}

fn launch(cluster: &Cluster, programs: &Programs, options: &Options, log: File) -> Result<Child, Error> {
    let data = cluster.data();
    let identity = cluster.identity()?;
    let socket_dir = cluster.socket_dir(identity)?;
    cluster.disown_postmaster()?;
    let postgres = programs.bin_dir.join("postgres");
    let mut command = identity.command(&postgres, &data);
    command.arg("-D").arg(&data);
    settings(&mut command, options, &socket_dir);
    let errors = log.try_clone().map_err(io("open", &cluster.log()))?;
    command.stdout(log).stderr(errors).spawn().map_err(io("run", &postgres))
}

/// As arguments, so that a changed option takes effect on an existing cluster.
fn settings(command: &mut Command, options: &Options, socket_dir: &Path) {
    // A list, in which a name with a comma or a space needs its quotes.
    let socket_dir = socket_dir.to_string_lossy().replace('"', "\"\"");
    let mut set = |name: &str, value: &str| {
        command.arg("-c").arg(format!("{name}={value}"));
    };
    set("listen_addresses", "");
    set("unix_socket_directories", &format!("\"{socket_dir}\""));
    set("unix_socket_permissions", "0700");
    set("port", &PORT.to_string());
    set("max_connections", &options.max_connections.to_string());
    set("shared_buffers", "128MB");
    set("timezone", "UTC");
    set("log_timezone", "UTC");
    set("logging_collector", "off"); // the log stays in the one file that error messages name
    // An orderly end waits this long, else a minute, for a client that connects just then and says nothing.
    set("authentication_timeout", "5s");
    if !options.durable {
        for name in ["fsync", "synchronous_commit", "full_page_writes"] {
            set(name, "off");
        }
    }
}

fn ready(server: &mut Child, cluster: &Cluster, log_start: u64) -> Result<Postmaster, Error> {
    let since = Instant::now();
    while since.elapsed() < PATIENCE {
        if let Some(status) = server.try_wait().map_err(io("wait for the server in", &cluster.data()))? {
            return Err(Error::Ended { status, log: cluster.log(), tail: cluster.log_since(log_start) });
        }
        match cluster.postmaster()? {
            Some(postmaster) if postmaster.ready && postmaster.pid == server.id() => return Ok(postmaster),
            _ => thread::sleep(GLANCE),
        }
    }
    Err(Error::Slow { data: cluster.data(), log: cluster.log() })
}

fn shut_down(mut server: Child, cluster: &Cluster, log_start: u64) -> Result<(), Error> {
    let data = cluster.data();
    let waiting = || io("wait for the server in", &data);
    spawn::signal(&server, libc::SIGINT)?;
    let since = Instant::now();
    while since.elapsed() < SHUTDOWN {
        match server.try_wait().map_err(waiting())? {
            Some(status) if status.success() => return Ok(()),
            Some(status) => {
                return Err(Error::Ended { status, log: cluster.log(), tail: cluster.log_since(log_start) });
            }
            None => thread::sleep(GLANCE),
        }
    }
    spawn::signal(&server, libc::SIGQUIT)?;
    server.wait().map_err(waiting())?;
    Err(Error::Forced)
}
