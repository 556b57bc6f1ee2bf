//! As whom Postgres runs, and how its processes are tied to this one.
//!
//! Postgres refuses to run as root. Root therefore steps down to the user `postgres` or `nobody`; where these
//! cannot reach the directory, as below `/root`, the server runs in a user namespace in which root's files
//! belong to `nobody`.

use super::{Error, io};
use std::{
    fmt, fs,
    fs::Metadata,
    os::unix::{
        fs::{MetadataExt as _, chown},
        process::CommandExt as _,
    },
    path::Path,
    process::{Child, Command, Stdio},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Identity {
    /// The ordinary user that this process runs as.
    Own,
    /// Root steps down to this user; the data belongs to it.
    User { uid: u32, gid: u32 },
    /// Root in a user namespace, where it bears the number `uid`; the data stays root's.
    Namespace { uid: u32 },
}

impl Identity {
    /// The first one that can be given the new, empty directory and run the program there.
    pub fn for_new(dir: &Path, postgres: &Path) -> Result<Self, Error> {
        let mut tried = Vec::new();
        for identity in Self::candidates() {
            let run = || identity.command(postgres, dir).arg("--version").output();
            match identity.give(dir).and_then(|()| run()) {
                Ok(output) if output.status.success() => return Ok(identity),
                Ok(output) => {
                    tried.push(format!("{identity}: {}", String::from_utf8_lossy(&output.stderr).trim()));
                }
                Err(error) => tried.push(format!("{identity}: {error}")),
            }
        }
        Err(Error::NoUser { tried })
    }

    /// The one that an existing cluster was made with.
    pub fn of_owner(data: &Metadata) -> Self {
        match (own_uid(), data.uid()) {
            (0, 0) => Self::Namespace { uid: user("nobody").map_or(65534, |(uid, _)| uid) },
            (0, uid) => Self::User { uid, gid: data.gid() },
            _ => Self::Own,
        }
    }

    fn candidates() -> Vec<Self> {
        if own_uid() != 0 {
            return vec![Self::Own];
        }
        let users = ["postgres", "nobody"].into_iter().filter_map(user);
        let mut candidates: Vec<_> = users.map(|(uid, gid)| Self::User { uid, gid }).collect();
        if cfg!(target_os = "linux") {
            // initdb asks for the name of its user, so the number must be that of a real one.
            candidates.extend(user("nobody").map(|(uid, _)| Self::Namespace { uid }));
        }
        candidates
    }

    /// Makes the file the server's own.
    pub fn give(self, path: &Path) -> std::io::Result<()> {
        match self {
            Self::Own => Ok(()),
            Self::User { uid, gid } => chown(path, Some(uid), Some(gid)),
            Self::Namespace { .. } => chown(path, Some(0), Some(0)),
        }
    }

    /// Whether the file is the server's own.
    pub fn owns(self, file: &Metadata) -> bool {
        file.uid()
            == match self {
                Self::Own => own_uid(),
                Self::User { uid, .. } => uid,
                Self::Namespace { .. } => 0,
            }
    }

    /// A command that runs `program` as this identity in `dir`, and ends when the calling *thread* ends.
    /// The terminal's Ctrl-C does not reach it: the server has to outlive the calls that are being drained.
    pub fn command(self, program: &Path, dir: &Path) -> Command {
        let mut command = Command::new(program);
        // A fixed language for messages; macOS needs any valid one to start a server at all.
        command.current_dir(dir).env("LC_ALL", "C").stdin(Stdio::null()).process_group(0);
        if let Self::User { uid, gid } = self {
            command.uid(uid).gid(gid);
        }
        let namespace = if let Self::Namespace { uid } = self { Some(uid) } else { None };
        tie(&mut command, namespace);
        command
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Own => write!(f, "the user of this process"),
            Self::User { uid, .. } => write!(f, "user {uid}"),
            Self::Namespace { uid } => write!(f, "a user namespace with root as user {uid}"),
        }
    }
}

/// Number and group of a user of the system, as such are in the file itself and not in a directory service.
fn user(name: &str) -> Option<(u32, u32)> {
    let users = fs::read_to_string("/etc/passwd").ok()?;
    let mut fields =
        users.lines().map(|line| line.split(':')).find(|it| it.clone().next() == Some(name))?.skip(2);
    Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
}

#[expect(unsafe_code, reason = "the standard library does not tell the user")]
fn own_uid() -> u32 {
    // SAFETY: takes nothing, always succeeds.
    unsafe { libc::geteuid() }
}

/// Asks Postgres to end: SIGINT disconnects everybody and shuts down in order, SIGQUIT drops everything.
#[expect(unsafe_code, reason = "the standard library sends only SIGKILL")]
pub(super) fn signal(server: &Child, signal: libc::c_int) -> Result<(), Error> {
    let pid = libc::pid_t::try_from(server.id()).expect("process ids are positive numbers of that type");
    // SAFETY: a plain system call; as the child is not waited for yet, the id is still its own.
    match unsafe { libc::kill(pid, signal) } {
        0 => Ok(()),
        _ => Err(io("stop", Path::new("postgres"))(std::io::Error::last_os_error())),
    }
}

#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "the namespace and the parent-death signal are set between fork and exec")]
fn tie(command: &mut Command, namespace: Option<u32>) {
    let parent = std::process::id();
    let map = namespace.map(|uid| format!("{uid} 0 1"));
    let hook = move || {
        if let Some(map) = &map {
            enter_namespace(map)?;
        }
        die_with_parent(parent)
    };
    // SAFETY: the hook makes system calls on data prepared before the fork, and allocates nothing.
    unsafe { command.pre_exec(hook) };
}

/// Elsewhere a server outlives a killed parent; the next start attaches to it.
#[cfg(not(target_os = "linux"))]
fn tie(_: &mut Command, _: Option<u32>) {}

/// `map`: number inside, number outside, how many.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "the standard library has no namespaces")]
fn enter_namespace(map: &str) -> std::io::Result<()> {
    // SAFETY: a plain system call in a process that has one thread.
    if unsafe { libc::unshare(libc::CLONE_NEWUSER) } != 0 {
        return Err(std::io::Error::last_os_error());
    }
    fs::write("/proc/self/uid_map", map)
}

/// SIGINT when the thread that forked ends, for whatever reason. A change of user undoes it: it comes last.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "the standard library has no parent-death signal")]
fn die_with_parent(parent: u32) -> std::io::Result<()> {
    // SAFETY: plain system calls.
    let (set, now) = unsafe { (libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGINT), libc::getppid()) };
    if set != 0 {
        return Err(std::io::Error::last_os_error());
    }
    if u32::try_from(now) != Ok(parent) {
        return Err(std::io::Error::from_raw_os_error(libc::ESRCH)); // it died before the signal was set
    }
    Ok(())
}
