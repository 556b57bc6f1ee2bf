//! A nats-server for one test, with JetStream in a folder of its own: a test can kill it and start it again.

#![allow(clippy::disallowed_methods)] // the reader of the log ends with the process; no drain waits for it

use std::{path::PathBuf, process::Stdio};

use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
    sync::oneshot,
};

/// A running server; it is killed when its value goes.
pub struct Broker {
    folder: TempDir,
    child: Child,
    port: u16,
}

impl Broker {
    pub async fn start() -> Self {
        Self::start_as("").await
    }

    /// With this configuration besides.
    pub async fn start_as(configuration: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        configure(&folder, configuration);
        let (child, port) = spawn(&folder, "-1").await;
        Self { folder, child, port }
    }

    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// `kill -9`.
    pub async fn kill(&mut self) {
        self.child.kill().await.expect("the process is ours");
    }

    /// Ends it, and starts it again where it was, with another configuration.
    pub async fn restart_as(&mut self, configuration: &str) {
        self.kill().await;
        configure(&self.folder, configuration);
        self.restart().await;
    }

    /// Starts it again where it was.
    pub async fn restart(&mut self) {
        (self.child, self.port) = spawn(&self.folder, &self.port.to_string()).await;
    }

    /// A client of its own, with nothing of ours in between.
    pub async fn jetstream(&self) -> async_nats::jetstream::Context {
        let client = async_nats::connect(self.url()).await.expect("the server takes connections");
        async_nats::jetstream::new(client)
    }
}

fn configure(folder: &TempDir, configuration: &str) {
    std::fs::write(folder.path().join("nats.conf"), configuration).expect("written");
}

async fn spawn(folder: &TempDir, port: &str) -> (Child, u16) {
    let mut child = Command::new(program())
        .args(["--addr", "127.0.0.1", "--port", port, "--jetstream", "--store_dir"])
        .arg(folder.path())
        .arg("--config")
        .arg(folder.path().join("nats.conf"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("nats-server starts");
    let mut lines = BufReader::new(child.stderr.take().expect("a pipe")).lines();
    let (announce, announced) = oneshot::channel();
    tokio::spawn(async move {
        let (mut announce, mut port) = (Some(announce), None);
        while let Ok(Some(line)) = lines.next_line().await {
            if let Some((_, address)) = line.split_once("client connections on ") {
                port = address.rsplit(':').next().and_then(|port| port.parse().ok());
            } else if line.contains("Server is ready")
                && let Some(announce) = announce.take()
            {
                _ = announce.send(port.expect("it said where it listens"));
            } else if announce.is_some() {
                eprintln!("{line}");
            }
        }
    });
    (child, announced.await.expect("nats-server is ready"))
}

fn program() -> PathBuf {
    let found = std::process::Command::new("scripts/nats").arg("bin").output().expect("scripts/nats runs");
    assert!(
        found.status.success(),
        "there is no nats-server: run `make test`, or install Debian's nats-server"
    );
    String::from_utf8(found.stdout).expect("a path").trim().into()
}
