//! What is measured and struck: a Postgres that keeps its promises, a nats-server, and the program itself in several
//! processes, all on loopback, all ours to kill.

use std::{
    fs::File,
    io::{BufRead as _, BufReader},
    net::TcpListener,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use sqlx::PgPool;
use ticketing::{
    configuration::{Dispatch, Document},
    db::{
        Db,
        embedded::{Embedded, Options},
    },
};

pub struct Stage {
    folder: tempfile::TempDir,
    /// The broker's. In memory, where there is such a place: on one disk, PostgreSQL's writes would wait for the broker's,
    /// which a broker on a machine of its own spares them.
    store: tempfile::TempDir,
    postgres: Option<Embedded>,
    nats: Option<Child>,
    nats_port: u16,
}

/// A process of the program; it is killed when its value goes.
pub struct Process {
    child: Child,
    arguments: Vec<String>,
    log: PathBuf,
}

impl Stage {
    /// With so many tenants: `t0`, `t1`, …
    pub async fn set(tenants: usize) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let store = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir())?;
        let mut stage = Self { folder, store, postgres: None, nats: None, nats_port: free_port()? };
        stage.start_postgres()?;
        stage.start_nats()?;
        let db = Db::connect(stage.url(), 2).await?;
        db.migrate().await?;
        let mut document: Document = serde_saphyr::from_str(include_str!("../../demo/configuration.yaml"))?;
        // Nobody works here, and no clock runs: what is written is what the writers write.
        document.queues.iter_mut().for_each(|queue| queue.dispatch = Dispatch::Pull);
        document.sla_policies.clear();
        document.ladders.clear();
        sqlx::query(
            "with made as (
                 insert into tenants (id, create_time) select 't' || n, '2026-01-01' from generate_series(0, $1 - 1) n
                 returning id
             )
             insert into configurations (tenant_id, revision, document, author, comment, create_time)
             select id, 1, $2, 'bench', '', '2026-01-01' from made",
        )
        .bind(i32::try_from(tenants)?)
        .bind(serde_json::to_value(&document)?)
        .execute(&stage.pool()?)
        .await?;
        db.close().await;
        Ok(stage)
    }

    pub fn url(&self) -> &str {
        self.postgres.as_ref().expect("it runs while the stage is set").url()
    }

    pub fn nats_url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.nats_port)
    }

    pub fn pool(&self) -> anyhow::Result<PgPool> {
        Ok(sqlx::postgres::PgPoolOptions::new().max_connections(2).connect_lazy(self.url())?)
    }

    /// Also after it was killed, with what it recovers then; until the last process of the one before has gone.
    fn start_postgres(&mut self) -> anyhow::Result<()> {
        self.postgres = None;
        let dir = self.folder.path().join("pg");
        let options = Options { dir, durable: true, max_connections: 200, bin_dir: None };
        let since = Instant::now();
        self.postgres = loop {
            match Embedded::start(&options) {
                Ok(postgres) => break Some(postgres),
                Err(error) if since.elapsed() > Duration::from_mins(1) => return Err(error.into()),
                Err(_) => {}
            }
        };
        Ok(())
    }

    pub fn strike_postgres(&mut self) -> anyhow::Result<()> {
        signal("KILL", self.postgres.as_ref().context("it runs")?.pid())?;
        self.start_postgres()
    }

    fn start_nats(&mut self) -> anyhow::Result<()> {
        let found = Command::new("scripts/nats").arg("bin").output()?;
        ensure!(found.status.success(), "there is no nats-server: run `scripts/setup test`");
        let mut child = Command::new(String::from_utf8(found.stdout)?.trim())
            .args([
                "--addr",
                "127.0.0.1",
                "--port",
                &self.nats_port.to_string(),
                "--jetstream",
                "--store_dir",
            ])
            .arg(self.store.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let mut lines = BufReader::new(child.stderr.take().context("a pipe")?).lines();
        let ready = lines.any(|line| line.is_ok_and(|line| line.contains("Server is ready")));
        ensure!(ready, "nats-server did not start");
        // It must not wait for a reader of its log.
        std::thread::spawn(move || lines.for_each(drop));
        self.nats = Some(child);
        Ok(())
    }

    pub fn strike_nats(&mut self) -> anyhow::Result<()> {
        if let Some(mut nats) = self.nats.take() {
            nats.kill()?;
            nats.wait()?;
        }
        self.start_nats()
    }

    /// A process that serves calls, without jobs, at an address of its own.
    pub fn api(&self) -> anyhow::Result<(Process, String)> {
        let listen = format!("127.0.0.1:{}", free_port()?);
        let process = self.spawn(&["--role", "api", "--listen", &listen])?;
        Ok((process, format!("http://{listen}")))
    }

    /// A process that runs the jobs, and tells the broker.
    pub fn worker(&self, lease_seconds: u32) -> anyhow::Result<Process> {
        let lease = lease_seconds.to_string();
        self.spawn(&["--role", "worker", "--nats-url", &self.nats_url(), "--nats-lease-seconds", &lease])
    }

    /// A process that runs the jobs, without a broker.
    pub fn worker_without_broker(&self) -> anyhow::Result<Process> {
        self.spawn(&["--role", "worker"])
    }

    fn spawn(&self, arguments: &[&str]) -> anyhow::Result<Process> {
        let mut all =
            vec!["serve", "--insecure", "--database-url", self.url(), "--database-connections", "24"];
        // What is measured is the service, not what it lets one caller have.
        for quota in [
            "--caller-rate",
            "--caller-calls",
            "--caller-streams",
            "--tenant-rate",
            "--tenant-calls",
            "--tenant-streams",
        ] {
            all.extend([quota, "0"]);
        }
        all.extend(arguments);
        let arguments: Vec<String> = all.into_iter().map(str::to_owned).collect();
        let log = self.folder.path().join("processes.log");
        Ok(Process { child: spawn(&arguments, &log)?, arguments, log })
    }

    /// The end of what the processes said, for whoever looks for a reason.
    pub fn log(&self) -> String {
        let log = std::fs::read_to_string(self.folder.path().join("processes.log")).unwrap_or_default();
        log.lines().rev().take(30).collect::<Vec<_>>().join("\n")
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if let Some(nats) = &mut self.nats {
            _ = nats.kill();
            _ = nats.wait();
        }
    }
}

impl Process {
    /// `kill -9`, in the middle of whatever it does; another takes its place.
    pub fn strike(&mut self) -> anyhow::Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        self.child = spawn(&self.arguments, &self.log)?;
        Ok(())
    }

    pub fn stop(&self) -> anyhow::Result<()> {
        signal("STOP", self.child.id())
    }

    pub fn go_on(&self) -> anyhow::Result<()> {
        signal("CONT", self.child.id())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // One that has ended already needs no end.
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

fn spawn(arguments: &[String], log: &PathBuf) -> anyhow::Result<Child> {
    let log = File::options().create(true).append(true).open(log)?;
    let mut command = Command::new(env!("CARGO_BIN_EXE_ticketing"));
    command.args(arguments).env_clear().stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
    Ok(command.spawn()?)
}

fn signal(signal: &str, pid: u32) -> anyhow::Result<()> {
    let status = Command::new("kill").args([&format!("-{signal}"), &pid.to_string()]).status()?;
    ensure!(status.success(), "{pid} cannot be signalled");
    Ok(())
}

/// Free a moment ago.
fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
