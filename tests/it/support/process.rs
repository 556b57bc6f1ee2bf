//! The service as people run it: the program itself, in a process of its own, that a test can kill.

#![allow(clippy::disallowed_methods)] // the reader of the log ends with the process; no drain waits for it

use std::{process::Stdio, sync::Arc};

use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, ChildStderr, Command},
    sync::{Mutex, oneshot},
};
use tonic::transport::Channel;

/// A running `ticketing serve`; it is killed when its value goes.
pub struct Process {
    child: Arc<Mutex<Child>>,
    pub address: String,
    pub channel: Channel,
}

impl Process {
    /// Connections to the database that it has at most.
    pub const CONNECTIONS: usize = 10;

    /// Starts it on this database, without jobs; ready for calls.
    pub async fn start(database: &str) -> Self {
        Self::start_as(database, "api").await
    }

    /// Starts it in these roles.
    pub async fn start_as(database: &str, role: &str) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_ticketing"))
            .args(["serve", "--listen", "127.0.0.1:0", "--insecure", "--role", role])
            // Callers of a storm ask for more than a share.
            .args(["--caller-rate", "0", "--caller-calls", "0", "--tenant-rate", "0", "--tenant-calls", "0"])
            .args(["--log-format", "json", "--database-url", database])
            .args(["--database-connections", &Self::CONNECTIONS.to_string()])
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the program starts");
        let (announce, announced) = oneshot::channel();
        tokio::spawn(follow(child.stderr.take().expect("a pipe"), announce));
        let address = announced.await.unwrap_or_else(|_| panic!("the server ended before it served"));
        let channel = Channel::from_shared(format!("http://{address}"))
            .expect("an address")
            .connect()
            .await
            .expect("the server takes connections");
        Self { child: Arc::new(Mutex::new(child)), address, channel }
    }

    /// `kill -9`, if it still lives; over when the process is gone.
    pub fn kill(&self) -> impl Future<Output = ()> + Send + 'static {
        let child = Arc::clone(&self.child);
        async move {
            let mut child = child.lock().await;
            if child.try_wait().expect("the process is ours").is_none() {
                child.kill().await.expect("the process is ours");
            }
        }
    }
}

/// Reads the log to its end, so that the server never waits for its reader, and tells where the server listens.
async fn follow(log: ChildStderr, announce: oneshot::Sender<String>) {
    let mut announce = Some(announce);
    let mut lines = BufReader::new(log).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let event: serde_json::Value = serde_json::from_str(&line).unwrap_or_default();
        if event["message"] == "serving"
            && let Some(announce) = announce.take()
        {
            _ = announce.send(event["listen"].as_str().expect("an address").to_owned());
        } else if announce.is_some() {
            eprintln!("{line}");
        }
    }
}
