//! That the embedded Postgres starts, is joined, stops and survives as it promises, with real servers.

use super::*;
use sqlx::{Connection as _, PgConnection};
use std::{
    fs::{self, Permissions},
    io::{BufRead as _, BufReader, Read as _},
    os::unix::{
        fs::{MetadataExt as _, PermissionsExt as _},
        net::UnixStream,
        process::CommandExt as _,
    },
    process::Stdio,
};
use tempfile::TempDir;

/// A directory that other users can enter, as the user that root steps down to must, or cannot.
fn dir_of_mode(mode: u32) -> TempDir {
    let permissions = Permissions::from_mode(mode);
    tempfile::Builder::new().permissions(permissions).tempdir().expect("a temporary directory")
}

fn open_dir() -> TempDir {
    dir_of_mode(0o755)
}

fn options(dir: &Path) -> Options {
    Options { dir: dir.join("pg"), durable: false, max_connections: 10, bin_dir: None }
}

fn start(options: &Options) -> Embedded {
    Embedded::start(options).unwrap_or_else(|error| panic!("{error}"))
}

fn refusal(options: &Options) -> String {
    Embedded::start(options).expect_err("this must not start").to_string()
}

async fn ask(url: &str, question: &'static str) -> String {
    let mut connection = PgConnection::connect(url).await.expect("a connection");
    sqlx::query_scalar(question).fetch_one(&mut connection).await.expect("an answer")
}

#[tokio::test]
async fn a_new_cluster_answers_on_its_socket_alone() {
    let dir = open_dir();
    let server = start(&options(dir.path()));
    assert!(!server.attached());
    assert_ne!(dir.path().join("pg/data").metadata().expect("data").uid(), 0, "root has stepped down");
    assert!(server.bin_dir().join("postgres").is_file());
    assert!(server.url().starts_with("postgres://postgres@%2F"), "{}", server.url());
    let settings = "select string_agg(name || '=' || setting, ' ' order by lower(name)) from pg_settings \
        where name in ('listen_addresses', 'TimeZone', 'fsync', 'full_page_writes', 'synchronous_commit', \
        'max_connections', 'server_encoding', 'unix_socket_permissions')";
    assert_eq!(
        ask(server.url(), settings).await,
        "fsync=off full_page_writes=off listen_addresses= max_connections=10 server_encoding=UTF8 \
         synchronous_commit=off TimeZone=UTC unix_socket_permissions=0700"
    );
    assert_eq!(
        ask(server.url(), "select datcollate from pg_database where datname = 'template1'").await,
        "C.UTF-8"
    );
    server.stop().expect("an orderly end");
}

#[tokio::test]
async fn a_restart_keeps_the_data() {
    let dir = open_dir();
    let options = Options { durable: true, ..options(dir.path()) };
    let server = start(&options);
    assert_eq!(ask(server.url(), "show fsync").await, "on");
    let mut connection = PgConnection::connect(server.url()).await.expect("a connection");
    sqlx::query("create table kept as select 'still here' as text")
        .execute(&mut connection)
        .await
        .expect("a table");
    // The open connection must not hold up the end.
    server.stop().expect("an orderly end");
    let server = start(&Options { max_connections: 12, ..options });
    assert_eq!(ask(server.url(), "select text from kept").await, "still here");
    assert_eq!(ask(server.url(), "show max_connections").await, "12");
}

#[tokio::test]
async fn a_second_start_joins_and_leaves_the_server_running() {
    let dir = open_dir();
    let options = options(dir.path());
    let first = start(&options);
    let second = start(&options);
    assert!(!first.attached() && second.attached());
    assert_eq!((first.pid(), first.url()), (second.pid(), second.url()));
    drop(second);
    start(&options).stop().expect("nothing to stop");
    assert_eq!(ask(first.url(), "select 'alive'").await, "alive");
    let url = first.url().to_owned();
    drop(first);
    PgConnection::connect(&url).await.expect_err("the one who started it has stopped it");
    assert!(!start(&options).attached());
}

/// Postgres does not dismiss a client that it accepts while stopping and that says nothing, even when told to
/// quit.
#[test]
fn silent_clients_do_not_hold_up_the_end() {
    let dir = open_dir();
    let options = options(dir.path());
    let server = start(&options);
    let socket = options.dir.join(format!("socket/.s.PGSQL.{PORT}"));
    let _silent: Vec<_> = (0..20).map(|_| UnixStream::connect(&socket).expect("a connection")).collect();
    server.stop().expect("an orderly end");
}

#[test]
fn of_starts_at_the_same_time_one_starts() {
    let dir = open_dir();
    let options = options(dir.path());
    let servers: Vec<Embedded> = thread::scope(|scope| {
        let starts: Vec<_> = (0..4).map(|_| scope.spawn(|| start(&options))).collect();
        starts.into_iter().map(|it| it.join().expect("a server")).collect()
    });
    assert_eq!(servers.iter().filter(|it| !it.attached()).count(), 1);
    assert!(servers.iter().all(|it| it.pid() == servers[0].pid()));
}

#[test]
fn a_pid_file_that_names_another_program_is_no_obstacle() {
    let dir = open_dir();
    let options = options(dir.path());
    let server = start(&options);
    let data = options.dir.join("data");
    let left = fs::read_to_string(data.join("postmaster.pid")).expect("a pid file");
    let pid = server.pid().to_string();
    server.stop().expect("an orderly end");
    // Postgres takes only processes of its own user for servers.
    let mut command = Command::new("cat");
    command.uid(data.metadata().expect("data").uid()).stdin(Stdio::piped()).stdout(Stdio::null());
    let mut other = command.spawn().expect("another program");
    let stale = left.replacen(&pid, &other.id().to_string(), 1);
    fs::write(data.join("postmaster.pid"), &stale).expect("a stale pid file");
    fs::write(options.dir.join(format!("socket/.s.PGSQL.{PORT}.lock")), &stale).expect("a stale lock file");
    let started = Embedded::start(&options);
    other.kill().and_then(|()| other.wait()).expect("the end of the other program");
    assert!(!started.expect("a server").attached());
}

#[test]
fn half_a_cluster_is_made_anew() {
    let dir = open_dir();
    let options = options(dir.path());
    fs::create_dir_all(options.dir.join("data.new/base")).expect("what a crash leaves");
    fs::write(options.dir.join("data.new/PG_VERSION"), "15\n").expect("what a crash leaves");
    start(&options);
    assert!(!options.dir.join("data.new").exists());
}

/// Plays two parts. As a test it starts its own program again, to own a server there until it is killed.
#[tokio::test]
async fn a_killed_owner_takes_its_server_along() {
    const NAME: &str = "db::embedded::tests::a_killed_owner_takes_its_server_along";
    // The second part: the directory comes as one more name of a test to run.
    if let Some(dir) = std::env::args().skip_while(|it| it != NAME).nth(1) {
        let _server = start(&Options { durable: true, ..options(Path::new(&dir)) });
        println!("\nstarted");
        std::io::stdin().read_to_end(&mut Vec::new()).expect("to be killed");
        return;
    }
    let dir = open_dir();
    let program = std::env::current_exe().expect("this program");
    let mut command = Command::new(program);
    command
        .args(["--exact", "--nocapture", NAME])
        .arg(dir.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut owner = command.spawn().expect("an owner");
    let mut lines = BufReader::new(owner.stdout.take().expect("it is piped")).lines();
    assert!(lines.any(|it| it.expect("a line") == "started"));

    let options = Options { durable: true, ..options(dir.path()) };
    let joined = start(&options);
    assert!(joined.attached());
    let mut connection = PgConnection::connect(joined.url()).await.expect("a connection");
    sqlx::query("create table kept as select 'still here' as text")
        .execute(&mut connection)
        .await
        .expect("a table");
    owner.kill().and_then(|()| owner.wait()).expect("the owner's end");
    let sleep = sqlx::query("select pg_sleep(30)").execute(&mut connection).await;
    sleep.expect_err("the server disconnects everybody");

    let again = start(&options); // waits until the old server is gone
    assert!(!again.attached());
    assert_ne!(again.pid(), joined.pid());
    assert_eq!(ask(again.url(), "select text from kept").await, "still here");
    let log = fs::read_to_string(options.dir.join("postgres.log")).expect("a log");
    assert!(
        log.contains("received fast shutdown request") && log.contains("database system is shut down"),
        "{log}"
    );
}

#[test]
fn another_version_s_data_is_refused_in_words() {
    let dir = open_dir();
    let options = options(dir.path());
    let data = options.dir.join("data");
    fs::create_dir_all(&data).expect("a directory");
    fs::write(data.join("PG_VERSION"), "7\n").expect("a version");
    let text = refusal(&options);
    assert!(
        text.contains(&format!("the data in {} was written by PostgreSQL 7, but /", data.display())),
        "{text}"
    );
    assert!(text.contains("Install PostgreSQL 7 beside it, or remove the directory"), "{text}");
    fs::write(data.join("PG_VERSION"), "none\n").expect("a version");
    assert!(refusal(&options).contains("is no PostgreSQL cluster"));
}

#[test]
fn missing_programs_are_told_with_the_places_and_the_remedies() {
    let dir = open_dir();
    let text = refusal(&Options { bin_dir: Some(dir.path().join("bin")), ..options(dir.path()) });
    for part in ["apt-get install postgresql", "brew install postgresql", "--database-url", "/bin"] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(!text.contains("/usr/lib/postgresql"), "a given directory is the only place: {text}");
    assert!(!options(dir.path()).dir.join("data").exists());
}

/// Programs that stand before the real ones; the script finds the real directory in `$real`.
fn wrapped(dir: &Path, initdb: &str, postgres: &str) -> PathBuf {
    let real = find::programs(None, None).expect("programs").bin_dir;
    let bin_dir = dir.join("bin");
    fs::create_dir(&bin_dir).expect("a directory");
    for (name, script) in [("initdb", initdb), ("postgres", postgres)] {
        let path = bin_dir.join(name);
        let script = format!("#!/bin/sh\nreal={}\n{script}\nexec $real/{name} \"$@\"\n", real.display());
        fs::write(&path, script).expect("a program");
        fs::set_permissions(&path, Permissions::from_mode(0o755)).expect("a program");
    }
    bin_dir
}

#[tokio::test]
async fn without_c_utf8_the_plain_c_locale_serves() {
    let dir = open_dir();
    let initdb = "case \"$*\" in *C.UTF-8*) echo invalid locale name >&2; exit 1;; esac";
    let server = start(&Options { bin_dir: Some(wrapped(dir.path(), initdb, "")), ..options(dir.path()) });
    let locale = "select datcollate || ' ' || pg_encoding_to_char(encoding) from pg_database limit 1";
    assert_eq!(ask(server.url(), locale).await, "C UTF8");
}

/// If its parent is killed, initdb takes a while to clean up; nobody may start meanwhile.
#[test]
fn initdb_holds_the_lock_of_the_start() {
    let dir = open_dir();
    let options = options(dir.path());
    let initdb = format!("[ /dev/fd/0 -ef {}/lock ] || exit 1", options.dir.display());
    start(&Options { bin_dir: Some(wrapped(dir.path(), &initdb, "")), ..options });
}

#[test]
fn what_the_programs_complain_about_is_passed_on() {
    let dir = open_dir();
    let refusing = wrapped(dir.path(), "echo the disk is full >&2; exit 1", "");
    let text = refusal(&Options { bin_dir: Some(refusing), ..options(dir.path()) });
    assert!(
        text.contains("initdb could not make the cluster") && text.contains("the disk is full"),
        "{text}"
    );

    let dir = open_dir();
    let failing = "case \"$*\" in *unix_socket*) echo no memory left >&2; exit 3;; esac";
    let bin_dir = Some(wrapped(dir.path(), "", failing));
    let text = refusal(&Options { bin_dir, ..options(dir.path()) });
    assert!(text.contains("exit status: 3") && text.contains("no memory left"), "{text}");

    let dir = open_dir();
    let bin_dir = Some(wrapped(dir.path(), "", "echo no such library >&2; exit 127"));
    let text = refusal(&Options { bin_dir, ..options(dir.path()) });
    assert!(text.contains("does not run: no such library"), "{text}");
}

#[tokio::test]
async fn a_long_path_gets_its_socket_elsewhere() {
    let dir = open_dir();
    let options = options(&dir.path().join("a, b \"c\"").join("x".repeat(100)));
    let server = start(&options);
    assert!(!options.dir.join("socket").exists());
    assert_eq!(ask(server.url(), "select 'here'").await, "here");
    let directory = ask(server.url(), "show unix_socket_directories").await;
    server.stop().expect("an orderly end");
    let directory = Path::new(directory.trim_matches('"'));
    assert!(directory.starts_with(std::env::temp_dir()), "{directory:?}");

    // Somebody else's directory of that name, or one that others can enter, is not used.
    fs::set_permissions(directory, Permissions::from_mode(0o755)).expect("a changed mode");
    let text = refusal(&options);
    fs::remove_dir(directory).expect("an empty directory");
    assert!(text.contains("the database's socket cannot be put there"), "{text}");
}

#[tokio::test]
async fn a_path_may_have_any_characters() {
    let dir = open_dir();
    let server = start(&options(&dir.path().join("a, b \"c\" 100%#é")));
    assert!(server.url().contains("a%2C%20b%20%22c%22%20100%25%23%C3%A9"), "{}", server.url());
    assert_eq!(ask(server.url(), "select 'here'").await, "here");
}

/// Below a directory that only root can enter, a namespace is the last resort; where the machine forbids
/// namespaces, the error says what to do. An ordinary user needs neither.
#[tokio::test]
async fn a_closed_directory_above_is_no_obstacle() {
    let dir = dir_of_mode(0o700);
    let root = dir.path().metadata().expect("it").uid() == 0;
    let namespaces = Command::new("unshare").args(["--user", "true"]).status().is_ok_and(|it| it.success());
    if root && !namespaces {
        let text = refusal(&options(dir.path()));
        assert!(
            text.contains("Start this as an ordinary user") && text.contains("a user namespace"),
            "{text}"
        );
        return;
    }
    let server = start(&options(dir.path()));
    assert_eq!(ask(server.url(), "select 'here'").await, "here");
    let data = dir.path().join("pg/data").metadata().expect("data");
    assert_eq!(data.uid(), dir.path().metadata().expect("it").uid());
    drop(server);
    assert!(!start(&options(dir.path())).attached()); // with the same means again
}
