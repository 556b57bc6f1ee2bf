//! What the files of an embedded cluster are, how they come about, and what they say about a running server.

use super::{Error, find, find::Programs, io, spawn::Identity};
use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    hash::{DefaultHasher, Hash as _, Hasher as _},
    io::{ErrorKind, Read as _, Seek as _, SeekFrom, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

/// The longest path of a socket that Linux (107) and macOS (103) both take, in bytes.
const SOCKET_PATH_LIMIT: usize = 103;

/// Only names the socket, as nothing listens on the network; no two clusters share a directory.
pub(super) const PORT: u16 = 5432;

pub(super) struct Cluster {
    dir: PathBuf,
}

/// What `postmaster.pid` says about the server that wrote it.
#[derive(Debug)]
pub(super) struct Postmaster {
    pub pid: u32,
    pub socket_dir: PathBuf,
    pub port: u16,
    pub ready: bool,
}

impl Cluster {
    pub fn open(dir: &Path) -> Result<Self, Error> {
        fs::create_dir_all(dir).map_err(io("create", dir))?;
        // Absolute, as Postgres works in another directory, and free of links, as /proc shows it.
        Ok(Self { dir: dir.canonicalize().map_err(io("resolve", dir))? })
    }

    pub fn data(&self) -> PathBuf {
        self.dir.join("data")
    }

    pub fn log(&self) -> PathBuf {
        self.dir.join("postgres.log")
    }

    /// One process at a time starts a server here; the others wait, and then find it running.
    /// The lock ends with the file's life, so a killed process leaves none behind.
    pub fn lock(&self) -> Result<File, Error> {
        let path = self.dir.join("lock");
        let file = OpenOptions::new().create(true).append(true).open(&path).map_err(io("open", &path))?;
        file.lock().map_err(io("lock", &path))?;
        Ok(file)
    }

    /// The major version that wrote the data, if there is any.
    pub fn major(&self) -> Result<Option<u32>, Error> {
        let path = self.data().join("PG_VERSION");
        let text = existing(fs::read_to_string(&path)).map_err(io("read", &path))?;
        text.map(|it| find::major(&it).ok_or(Error::NotACluster { data: self.data() })).transpose()
    }

    /// The server that works on this data, be it still starting or already stopping.
    pub fn postmaster(&self) -> Result<Option<Postmaster>, Error> {
        let path = self.data().join("postmaster.pid");
        let text = existing(fs::read_to_string(&path)).map_err(io("read", &path))?;
        Ok(text.and_then(|it| Postmaster::parse(&it)).filter(|it| works_in(it.pid, &self.data())))
    }

    /// Takes a dead server's pid file out of the next one's way; to be called only when [`Self::postmaster`]
    /// found none. Postgres itself copes with the id of a process that is gone, but refuses to start when the
    /// id now belongs to another program. It never takes its own parent for a server: so that is written in,
    /// and the rest stays, because by it Postgres finds out whether parts of the dead server still live.
    pub fn disown_postmaster(&self) -> Result<(), Error> {
        let path = self.data().join("postmaster.pid");
        let text = existing(fs::read_to_string(&path)).map_err(io("read", &path))?;
        let Some(text) = text else { return Ok(()) };
        let rest = text.split_once('\n').map_or("", |(_, rest)| rest);
        // The directory can be another user's: root must not be led to a file elsewhere by a link.
        let file = OpenOptions::new().write(true).truncate(true).custom_flags(libc::O_NOFOLLOW).open(&path);
        file.and_then(|mut it| write!(it, "{}\n{rest}", std::process::id())).map_err(io("write", &path))
    }

    /// Makes the cluster, all or nothing: a crash leaves `data.new`, which the next attempt replaces.
    pub fn initialise(&self, programs: &Programs, durable: bool, lock: &File) -> Result<(), Error> {
        let new = self.dir.join("data.new");
        existing(fs::remove_dir_all(&new)).map_err(io("remove", &new))?;
        DirBuilder::new().mode(0o700).create(&new).map_err(io("create", &new))?;
        let identity = Identity::for_new(&new, &programs.bin_dir.join("postgres"))?;
        // C.UTF-8 sorts by code point and knows the letters of all languages, but is not known everywhere.
        let initdb = |locale| {
            let program = programs.bin_dir.join("initdb");
            let mut command = identity.command(&program, &new);
            command.arg("-D").arg(&new).args(["--username=postgres", "--auth=trust"]);
            command.args(["--encoding=UTF8", "--locale", locale]);
            if !durable {
                command.arg("--no-sync");
            }
            // It holds the lock too: if this process is killed, nobody starts before initdb has cleaned up.
            command.stdin(lock.try_clone().map_err(io("share", &self.dir.join("lock")))?);
            command.output().map_err(io("run", &program))
        };
        let made = initdb("C.UTF-8")?;
        let made = if made.status.success() { made } else { initdb("C")? };
        if !made.status.success() {
            let message = [made.stdout, made.stderr].concat();
            return Err(Error::Initdb { message: String::from_utf8_lossy(&message).trim().to_owned() });
        }
        fs::rename(&new, self.data()).map_err(io("rename", &new))?;
        File::open(&self.dir).and_then(|dir| dir.sync_all()).map_err(io("sync", &self.dir))
    }

    /// As whom the server has to run: as the owner of the data.
    pub fn identity(&self) -> Result<Identity, Error> {
        let data = self.data();
        Ok(Identity::of_owner(&data.metadata().map_err(io("look at", &data))?))
    }

    /// A directory for the socket that only the server and this process's user can enter, without remains of
    /// a dead server.
    pub fn socket_dir(&self, identity: Identity) -> Result<PathBuf, Error> {
        let socket = format!(".s.PGSQL.{PORT}");
        let mut dir = self.dir.join("socket");
        if dir.join(&socket).as_os_str().len() > SOCKET_PATH_LIMIT {
            let mut hasher = DefaultHasher::new();
            self.dir.hash(&mut hasher);
            dir = std::env::temp_dir().join(format!("ticketing-{:016x}", hasher.finish()));
        }
        match DirBuilder::new().mode(0o700).create(&dir) {
            Ok(()) => identity.give(&dir).map_err(io("give to the server's user", &dir))?,
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(io("create", &dir)(error)),
        }
        // In a directory for all anyone could have been first: nobody else may own it or enter it.
        let found = dir.symlink_metadata().map_err(io("look at", &dir))?;
        if !found.is_dir() || !identity.owns(&found) || found.permissions().mode() & 0o077 != 0 {
            return Err(Error::SocketDir { dir });
        }
        for name in [socket.clone(), socket + ".lock"] {
            let path = dir.join(name);
            existing(fs::remove_file(&path)).map_err(io("remove", &path))?;
        }
        Ok(dir)
    }

    /// The log, opened for the server, and its length so far.
    pub fn open_log(&self) -> Result<(File, u64), Error> {
        let path = self.log();
        let file = OpenOptions::new().create(true).append(true).mode(0o600).open(&path);
        let file = file.map_err(io("open", &path))?;
        let length = file.metadata().map_err(io("look at", &path))?.len();
        Ok((file, length))
    }

    /// The last lines that the server wrote after `start`, for the message of an error.
    pub fn log_since(&self, start: u64) -> String {
        let mut text = Vec::new();
        let read = File::open(self.log()).and_then(|mut file| {
            file.seek(SeekFrom::Start(start))?;
            file.read_to_end(&mut text)
        });
        if let Err(error) = read {
            return error.to_string();
        }
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(10)..].join("\n")
    }
}

impl Postmaster {
    /// The lines: process id, data directory, start time, port, socket directory, listen address, shared
    /// memory, status. A starting server writes them one after the other.
    fn parse(text: &str) -> Option<Self> {
        let lines: Vec<&str> = text.lines().collect();
        let line = |number: usize| lines.get(number - 1).map_or("", |it| it.trim());
        Some(Self {
            pid: line(1).trim_start_matches('-').parse().ok()?, // negative in single-user mode
            port: line(4).parse().unwrap_or(PORT),
            socket_dir: line(5).into(),
            ready: line(8) == "ready",
        })
    }
}

/// Of something that may be missing.
fn existing<T>(result: std::io::Result<T>) -> std::io::Result<Option<T>> {
    match result {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        result => result.map(Some),
    }
}

/// Whether the process is a Postgres server that works in this directory. Ids are reused, after a restart of
/// the machine or a container even at once: an id that exists says nothing.
#[cfg(target_os = "linux")]
fn works_in(pid: u32, data: &Path) -> bool {
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    name.trim_end() == "postgres"
        && match fs::read_link(format!("/proc/{pid}/cwd")) {
            Ok(dir) => dir == data,
            // Another user's process does not show it; a dead one that nobody has buried yet has none.
            Err(error) => error.kind() == ErrorKind::PermissionDenied,
        }
}

#[cfg(not(target_os = "linux"))]
fn works_in(pid: u32, _: &Path) -> bool {
    let name = std::process::Command::new("ps").args(["-o", "comm=", "-p", &pid.to_string()]).output();
    name.is_ok_and(|it| String::from_utf8_lossy(&it.stdout).trim_end().ends_with("postgres"))
}
