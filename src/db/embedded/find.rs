//! Which PostgreSQL programs of this machine are used.

use super::Error;
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// Where packages put `initdb` and `postgres`, as they seldom are in the PATH.
const PLACES: [&str; 10] = [
    "/usr/lib/postgresql/*/bin",                          // Debian, Ubuntu
    "/usr/pgsql-*/bin",                                   // PostgreSQL's own RPMs
    "/usr/lib/postgresql*/bin",                           // SUSE
    "/usr/lib64/postgresql-*/bin",                        // Gentoo
    "/usr/libexec/postgresql*",                           // Alpine
    "/usr/local/pgsql/bin",                               // built from source
    "/opt/homebrew/opt/postgresql*/bin",                  // Homebrew on Apple's processors
    "/usr/local/opt/postgresql*/bin",                     // Homebrew on Intel
    "/home/linuxbrew/.linuxbrew/opt/postgresql*/bin",     // Homebrew on Linux
    "/Applications/Postgres.app/Contents/Versions/*/bin", // Postgres.app
];

/// A directory with `initdb` and `postgres` of one major version.
#[derive(Clone, Debug)]
pub(super) struct Programs {
    pub bin_dir: PathBuf,
    pub major: u32,
}

/// The newest programs, or those of the major version that an existing `cluster` needs.
/// With `bin_dir` no other place is looked at.
pub(super) fn programs(bin_dir: Option<&Path>, cluster: Option<(u32, &Path)>) -> Result<Programs, Error> {
    let (mut looked, dirs) = match bin_dir {
        Some(dir) => (vec![dir.display().to_string()], vec![dir.to_owned()]),
        None => everywhere(),
    };
    let mut found = Vec::new();
    for bin_dir in
        dirs.into_iter().filter(|dir| ["initdb", "postgres"].iter().all(|it| dir.join(it).is_file()))
    {
        match version(&bin_dir.join("postgres")) {
            Ok(major) => found.push(Programs { bin_dir, major }),
            Err(why) => looked.push(format!("{} (does not run: {why})", bin_dir.display())),
        }
    }
    found.sort_by_key(|it| std::cmp::Reverse(it.major)); // stable: of equals the first place wins
    let Some(newest) = found.first() else { return Err(Error::NotFound { looked }) };
    let Some((needed, data)) = cluster else { return Ok(newest.clone()) };
    found.iter().find(|it| it.major == needed).cloned().ok_or_else(|| Error::Version {
        data: data.to_owned(),
        needed,
        bin_dir: newest.bin_dir.clone(),
        major: newest.major,
    })
}

/// The places, as a person is told about them, and the directories that they stand for here.
fn everywhere() -> (Vec<String>, Vec<PathBuf>) {
    let mut looked: Vec<String> = PLACES.iter().map(ToString::to_string).collect();
    let mut dirs: Vec<PathBuf> = PLACES.iter().flat_map(|place| expand(place)).collect();
    looked.push("`pg_config --bindir`".into());
    dirs.extend(answer("pg_config", &["--bindir"]));
    looked.push("the PATH".into());
    // The program in the PATH can be a link into the real directory, where the others are.
    let initdb = answer("sh", &["-c", "command -v initdb"]).and_then(|path| path.canonicalize().ok());
    dirs.extend(initdb.and_then(|path| path.parent().map(Path::to_owned)));
    (looked, dirs)
}

/// The directories that an absolute path with at most one `*` names.
fn expand(place: &str) -> Vec<PathBuf> {
    let Some((before, after)) = place.split_once('*') else { return vec![place.into()] };
    let (parent, prefix) = before.rsplit_once('/').expect("places are absolute");
    let siblings = fs::read_dir(parent).into_iter().flatten().flatten();
    let matching = siblings.filter(|it| it.file_name().to_string_lossy().starts_with(prefix));
    matching.map(|it| PathBuf::from(format!("{}{after}", it.path().display()))).collect()
}

/// The path that a command prints, if there is such a command and it knows one.
fn answer(program: &str, arguments: &[&str]) -> Option<PathBuf> {
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).output().ok()?;
    let path = String::from_utf8(output.stdout).ok()?;
    (output.status.success() && path.starts_with('/')).then(|| path.trim_end().into())
}

/// The major version of a `postgres` program, or why it does not tell.
fn version(postgres: &Path) -> Result<u32, String> {
    let output = Command::new(postgres).arg("--version").stdin(Stdio::null()).output();
    let output = output.map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&output.stdout);
    text.split_once(") ").and_then(|(_, version)| major(version)).ok_or_else(|| {
        format!("{} {}", text.trim(), String::from_utf8_lossy(&output.stderr).trim()).trim().to_owned()
    })
}

/// The leading number of `15.18 (Debian 15.18-0+deb12u1)`, `18beta1` or a `PG_VERSION` file.
pub(super) fn major(version: &str) -> Option<u32> {
    version.split(|it: char| !it.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_is_the_leading_number() {
        assert_eq!(major("15.18 (Debian 15.18-0+deb12u1)"), Some(15));
        assert_eq!(major("18beta1"), Some(18));
        assert_eq!(major("16\n"), Some(16));
        assert_eq!(major("devel"), None);
    }

    #[test]
    fn a_star_stands_for_every_directory_with_that_beginning() {
        let root = tempfile::tempdir().expect("a temporary directory");
        for it in ["postgresql-15/bin", "postgresql-17/bin", "mysql/bin"] {
            fs::create_dir_all(root.path().join(it)).expect("a directory in it");
        }
        let mut found = expand(&format!("{}/postgresql*/bin", root.path().display()));
        found.sort();
        assert_eq!(found, ["postgresql-15/bin", "postgresql-17/bin"].map(|it| root.path().join(it)));
        assert_eq!(expand("/nowhere/*/bin"), Vec::<PathBuf>::new());
        assert_eq!(expand("/usr/local/pgsql/bin"), [PathBuf::from("/usr/local/pgsql/bin")]);
    }
}
